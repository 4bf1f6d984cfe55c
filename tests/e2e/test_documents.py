"""What the documents show, on the real API server: every manifest is accepted, every message of kubectl is as quoted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cluster import Cluster, KubectlError
from tests.documents import DOCUMENTS, ROOT, Body, manifests, name_of

NOT_FOR_A_CLUSTER = {"kustomize.config.k8s.io/v1beta1"}


def objects(document: Path) -> list[Body]:
    """Return the whole objects that a document shows; a values file of Helm is none."""
    shown = [body for body in manifests(document) if "kind" in body or "apiVersion" in body]
    return [body for body in shown if body.get("apiVersion") not in NOT_FOR_A_CLUSTER]


SHOWING = [document for document in DOCUMENTS if objects(document)]
QUOTED = (ROOT / "docs" / "troubleshooting.md").read_text()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide a cluster with the definitions and every namespace that a document names."""
    with Cluster.start(tmp_path_factory.mktemp("cluster") / "files") as cluster:
        cluster.kubectl("apply", "--server-side", f"--filename={ROOT / 'crds'}")
        cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=600s")
        named = {body["metadata"].get("namespace") for document in SHOWING for body in objects(document)}
        for namespace in named - {None, "default"}:
            cluster.kubectl("create", "namespace", str(namespace))
        yield cluster


def apply(cluster: Cluster, body: Body, *arguments: str) -> str:
    return cluster.kubectl("apply", *arguments, "--filename=-", input=yaml.safe_dump(body))


@pytest.mark.parametrize("document", SHOWING, ids=name_of)
def test_every_manifest_is_complete_and_accepted(cluster: Cluster, document: Path) -> None:
    strict = ("--server-side", "--dry-run=server", "--validate=strict", "--warnings-as-errors")

    for body in objects(document):
        assert "serverside-applied" in apply(cluster, body, *strict)


def api_token(**spec: Any) -> Body:
    full = {"resources": [{"type": "domain", "id": 435, "accessLevel": "Admin"}]} | spec
    metadata = {"name": "billing", "namespace": "shop"}
    return {
        "apiVersion": "mailtrap-operator.io/v1alpha1",
        "kind": "ApiToken",
        "metadata": metadata,
        "spec": full,
    }


@pytest.mark.parametrize(
    ("body", "arguments", "quoted"),
    [
        (api_token() | {"kind": "APIToken"}, (), 'no matches for kind "APIToken" …'),
        (api_token() | {"kind": "APIToken"}, (), "ensure CRDs are installed first"),
        (api_token(suspend="no"), (), "<nil>: Invalid value: null: some validation rules were not checked"),
        (api_token(expires="90d"), (), 'strict decoding error: unknown field "spec.expires"'),
        (
            api_token(expiration={"policy": "After", "after": 90}),
            (),
            'spec.expiration.after: Invalid value: "integer": … must be of type string',
        ),
        (
            api_token(secretTemplate={"data": {"TOKEN": None}}),
            (),
            "spec.secretTemplate.data in body should have at least 1 properties",
        ),
        (
            api_token(secretTemplate={"data": {"TOKEN": "plain"}}),
            (),
            "at least one value must contain ${token}",
        ),
        (
            api_token(),
            ("--as=alice",),
            'apitokens.mailtrap-operator.io "billing" is forbidden: User "alice" cannot …',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_kubectl_says_what_the_page_quotes(
    cluster: Cluster, body: Body, arguments: tuple[str, ...], quoted: str
) -> None:
    with pytest.raises(KubectlError) as refusal:
        apply(cluster, body, *arguments)

    assert f"`{quoted}" in QUOTED
    assert all(part in str(refusal.value) for part in quoted.split("…"))


def test_a_namespace_that_is_not_there_is_named_as_quoted(cluster: Cluster) -> None:
    body = api_token()
    body["metadata"]["namespace"] = "nosuch"

    with pytest.raises(KubectlError, match='namespaces "nosuch" not found'):
        apply(cluster, body)

    assert '`namespaces "shop" not found`' in QUOTED


def test_the_account_id_is_refused_as_quoted(cluster: Cluster) -> None:
    (account,) = manifests(ROOT / "deploy" / "samples" / "account.yaml")
    apply(cluster, account)
    quoted = "accountId cannot be changed; create another account object instead"

    with pytest.raises(KubectlError, match=quoted):
        cluster.kubectl(
            *("patch", "clustermailtrapaccount", "default", "--type=merge", "--patch"),
            json.dumps({"spec": {"accountId": 3230}}),
        )

    assert f"`{quoted}`" in QUOTED
