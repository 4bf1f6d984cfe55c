"""What an administrator allows, and takes away, of what an ApiToken makes others do."""

from collections.abc import Iterator

import pytest

from local_cluster import Cluster
from tests.e2e.kube import Body, Kube
from tests.e2e.tenant import Platform, Scene, platform_of
from tests.e2e.workloads import Workload

SETTINGS = (
    "--allowed-secret-metadata",
    "grafana_datasource,replicator.v1.mittwald.de/replicate-to,reflector.v1.k8s.emberstack.com/*",
    "--rollout-restarts",
    "false",
)
GRAFANA: Body = {"labels": {"grafana_datasource": "1"}}
REPLICATOR: Body = {"annotations": {"replicator.v1.mittwald.de/replicate-to": "*"}}
REFLECTOR: Body = {"annotations": {"reflector.v1.k8s.emberstack.com/reflection-auto-enabled": "true"}}


@pytest.fixture(scope="module")
def platform(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Provide a platform whose administrator allows some metadata, and forbids restarts."""
    with platform_of(cluster, kube, tmp_path_factory.mktemp("platform"), *SETTINGS) as platform:
        yield platform


@pytest.mark.parametrize("metadata", [GRAFANA, REPLICATOR, REFLECTOR], ids=["key", "domain", "prefix"])
def test_metadata_that_the_operator_allows_is_put_on_the_secret(scene: Scene, metadata: Body) -> None:
    scene.alice.put_api_token("mailer", secretTemplate={"metadata": metadata})

    scene.alice.becomes_ready("mailer")

    found = (scene.alice.secret("mailer") or {})["metadata"]
    for part, wanted in metadata.items():
        assert wanted.items() <= found[part].items()


@pytest.mark.parametrize(
    "metadata",
    [
        pytest.param({"labels": {"grafana_datasources": "1"}}, id="longer than a key"),
        pytest.param({"annotations": {"replicator.v1.mittwald.de/replicate-from": "x"}}, id="another key"),
        pytest.param({"annotations": {"evil-reflector.v1.k8s.emberstack.com/x": "x"}}, id="before a prefix"),
    ],
)
def test_metadata_beside_what_the_operator_allows_is_refused(scene: Scene, metadata: Body) -> None:
    scene.alice.put_api_token("mailer", secretTemplate={"metadata": metadata})

    scene.alice.becomes("mailer", "SpecInvalid", "Stalled")

    assert ([], None) == (scene.alice.tokens_of("mailer"), scene.alice.secret("mailer"))


def test_no_one_restarts_a_workload_where_the_operator_forbids_it(scene: Scene) -> None:
    workload = Workload(scene.alice, "Deployment", "web", secret="mailer")
    targets = [{"kind": "Deployment", "name": "web"}]

    scene.alice.put_api_token("mailer", rolloutRestartTargets=targets)
    message = scene.alice.becomes("mailer", "SpecInvalid", "Stalled")["message"]

    assert "rolloutRestartTargets" in message
    assert {} == workload.annotations()
    assert [] == scene.alice.tokens_of("mailer")
