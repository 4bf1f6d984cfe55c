"""What Helm says after an installation: what it tells the user to apply is what the operator takes."""

import textwrap

import pytest
import yaml

from local_cluster import Helm
from local_cluster.build import HELM4
from mailtrap_operator.api.v1alpha1 import AccountSpec, ApiTokenSpec
from tests.chart.rendering import CHART, DEFAULTS, NAMESPACE, Body


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Provide Helm 4; Helm 3 tells its notes only where there is a cluster."""
    return Helm(HELM4, tmp_path_factory.mktemp("helm"))


def notes(helm: Helm, *settings: str) -> str:
    arguments = [part for setting in settings for part in ("--set", setting)]
    where = ["mailtrap-operator", str(CHART), "--namespace", NAMESPACE, "--dry-run=client"]
    where += ["--values", str(DEFAULTS)]
    return helm.run("install", *where, *arguments).partition("\nNOTES:\n")[2]


def manifests(text: str) -> list[Body]:
    """Return the objects that stand between the lines `<<'YAML'` and `YAML`."""
    documents = [part.partition("\n     YAML")[0] for part in text.split("<<'YAML'\n")[1:]]
    return [yaml.safe_load(textwrap.dedent(document)) for document in documents]


@pytest.mark.parametrize(
    ("settings", "kind", "namespace"),
    [
        ((), "ClusterMailtrapAccount", "shop"),
        (("watchNamespaces={billing,shop}", "crds.enabled=false"), "MailtrapAccount", "billing"),
    ],
)
def test_the_next_steps_are_an_account_and_an_api_token_that_fit_the_mode(
    helm: Helm, settings: tuple[str, ...], kind: str, namespace: str
) -> None:
    account, api_token = manifests(notes(helm, *settings))

    spec, desired = (
        AccountSpec.model_validate(account["spec"]),
        ApiTokenSpec.model_validate(api_token["spec"]),
    )
    allowed = spec.policy.allowed_namespaces.names if spec.policy.allowed_namespaces else ()
    assert (kind, "default") == (account["kind"], account["metadata"]["name"])
    assert (kind, "default") == (desired.account_ref.kind, desired.account_ref.name)
    assert namespace == api_token["metadata"]["namespace"]
    assert namespace in (account["metadata"].get("namespace"), *allowed)


@pytest.mark.parametrize("settings", [(), ("watchNamespaces={billing}",)])
def test_the_account_names_what_it_gives_and_the_api_token_asks_for_no_more(
    helm: Helm, settings: tuple[str, ...]
) -> None:
    account, api_token = (body["spec"] for body in manifests(notes(helm, *settings)))
    policy = account["policy"]

    assert ["shop"] == policy.get("allowedNamespaces", {"names": ["shop"]})["names"]
    assert [{"type": "domain", "id": 435}] == policy["allowedResources"]
    assert [{"type": "domain", "id": 435, "accessLevel": policy["maxAccessLevel"]}] == api_token["resources"]
    assert policy["maxLifetime"] == api_token["expiration"]["after"]


def test_notes_name_the_definitions_that_are_kept_elsewhere(helm: Helm) -> None:
    words = "The CustomResourceDefinitions are not part of this release"

    assert words in notes(helm, "crds.enabled=false")
    assert words not in notes(helm)


@pytest.mark.parametrize(("settings", "creates"), [((), 1), (("watchNamespaces={shop}",), 0)])
def test_the_namespace_of_the_api_token_is_made_first_where_it_is_an_example(
    helm: Helm, settings: tuple[str, ...], creates: int
) -> None:
    before_the_token = notes(helm, *settings).partition("kind: ApiToken")[0]

    assert creates == before_the_token.count("kubectl create namespace shop")


def test_notes_say_what_the_network_policy_lets_through(helm: Helm) -> None:
    assert "networkPolicy.egress" in notes(helm, "networkPolicy.enabled=true")
    assert "networkPolicy.egress" not in notes(helm)
