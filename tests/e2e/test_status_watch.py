"""Those who wait for an ApiToken (Helm, Flux, Argo CD) are told the truth by its status."""

from itertools import groupby

import pytest

from local_cluster import Cluster
from tests.e2e.status_watch import every_status_judged
from tests.e2e.world import World
from tests.status_conformance import argo, kstatus


@pytest.mark.usefixtures("operator")
def test_an_object_is_current_once_its_secret_is_there_and_terminating_at_its_end(world: World) -> None:
    since = world.resource_version()
    world.put_api_token("waited")
    world.becomes_ready("waited")
    secret = world.secret("waited") or {}
    world.delete_api_token("waited")
    world.is_gone("waited")
    versions = world.history(since)

    said = [kstatus.compute(version).status for version in versions]
    shown = [argo.health(version)[0] for version in versions]

    assert ["InProgress", "Current", "Terminating"] == [status for status, _ in groupby(said)]
    assert ["Progressing", "Healthy", "Progressing"] == [health for health, _ in groupby(shown)]
    assert _number(secret) < _number(versions[said.index(kstatus.Status.CURRENT)])


def test_a_status_that_misleads_is_named(cluster: Cluster, world: World) -> None:
    world.put_api_token("misled")

    with pytest.raises(AssertionError, match=f"{world.namespace}/misled: Reconciling and Stalled at once"):
        _mislead(cluster, world)


def _mislead(cluster: Cluster, world: World) -> None:
    with every_status_judged(cluster.kubeconfig, "clumsy"):
        facts = {"status": "True", "observedGeneration": 1, "lastTransitionTime": "2026-03-01T12:00:00Z"}
        said = [
            {"type": type_, "reason": "Why", "message": "Because.", **facts}
            for type_ in ("Reconciling", "Stalled")
        ]
        status = {"status": {"observedGeneration": 1, "conditions": said}}
        world.kube.merge(f"{world.api_token_path('misled')}/status?fieldManager=clumsy", status)


def _number(body: dict[str, dict[str, str]]) -> int:
    return int(body["metadata"]["resourceVersion"])
