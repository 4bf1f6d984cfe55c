"""The example trees for Flux and Argo CD on the real API server: all of them apply, and a second time changes nothing.

No controller of Flux or Argo CD runs here. Their own objects are taken as they are, by kinds without a schema; what they
point at is followed as the controllers follow it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cluster import Cluster
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import OPERATOR_NAMESPACE, eventually

Body = dict[str, Any]

ROOT = Path(__file__).parents[2]
FLUX, ARGO = ROOT / "deploy/examples/flux", ROOT / "deploy/examples/argocd"
FOREIGN = {
    "GitRepository": "source.toolkit.fluxcd.io/v1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
    "HelmRelease": "helm.toolkit.fluxcd.io/v2",
    "Application": "argoproj.io/v1alpha1",
}
TREES = [FLUX / "cluster", FLUX / "operator", FLUX / "account", FLUX / "tokens"]
TREES += [ARGO, ARGO / "apps", ARGO / "account", ARGO / "tokens"]
each_tree = pytest.mark.parametrize("tree", TREES, ids=lambda tree: str(tree.relative_to(ROOT)))


@pytest.fixture(scope="module")
def tools(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide the cluster with the kinds and namespaces of both tools, and with an operator that reaches no account.

    What the examples add goes at the end.
    """
    kinds = [foreign_kind(kind, version) for kind, version in FOREIGN.items()]
    cluster.kubectl("apply", "--server-side", "--filename=-", input=yaml.safe_dump_all(kinds))
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=600s")
    for namespace in ("flux-system", "argocd"):
        cluster.kubectl("create", "namespace", namespace)
    kubeconfig = cluster.kubeconfig_for("operator", ["system:masters"])
    log = tmp_path_factory.mktemp("examples") / "operator.log"
    scope = ("--watch-namespaces", "shop", "--namespace", OPERATOR_NAMESPACE)
    with OperatorProcess(kubeconfig, "https://nowhere.example", log, *scope):
        yield cluster
        cluster.kubectl("delete", "namespace", "shop")
        cluster.kubectl("delete", "clustermailtrapaccount", "default")


def foreign_kind(kind: str, api_version: str) -> Body:
    group, version = api_version.split("/")
    plural = f"{kind.lower().removesuffix('y')}{'ies' if kind.endswith('y') else 's'}"
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    versions = [{"name": version, "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]
    names = {"kind": kind, "plural": plural, "singular": kind.lower()}
    spec = {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
    metadata = {"name": f"{plural}.{group}"}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": metadata,
        "spec": spec,
    }


def source(tree: Path) -> str:
    return f"--kustomize={tree}" if (tree / "kustomization.yaml").exists() else f"--filename={tree}"


def documents(*trees: Path) -> list[Body]:
    """Return the objects in the files of some folders."""
    texts = [path.read_text() for tree in trees for path in sorted(tree.glob("*.yaml"))]
    found = [document for text in texts for document in yaml.safe_load_all(text)]
    return [document for document in found if "metadata" in document]


def named(kind: str, *trees: Path) -> dict[str, Body]:
    return {d["metadata"]["name"]: d["spec"] for d in documents(*trees) if d["kind"] == kind}


def versions(cluster: Cluster, tree: Path) -> dict[str, str]:
    """Apply a tree; return each object's version once the operator has said what it makes of it, and rests."""
    cluster.kubectl("apply", "--server-side", "--warnings-as-errors", source(tree))
    seen: list[dict[str, str]] = []

    def look() -> dict[str, str] | None:
        listed = json.loads(cluster.kubectl("get", source(tree), "--output=json"))
        bodies = listed.get("items", [listed])
        ours = [body for body in bodies if body["apiVersion"].startswith("mailtrap-operator.io/")]
        seen.append(
            {f"{b['kind']}/{b['metadata']['name']}": b["metadata"]["resourceVersion"] for b in bodies}
        )
        is_judged = all(body["status"].get("conditions") for body in ours)
        return seen[-1] if is_judged and seen[-1:] * 3 == seen[-3:] else None

    return eventually(look, f"{tree} comes to rest")


@each_tree
def test_a_tree_is_applied_and_a_second_time_changes_nothing(tools: Cluster, tree: Path) -> None:
    first = versions(tools, tree)

    assert {f"{d['kind']}/{d['metadata']['name']}" for d in documents(tree)} == first.keys()
    assert first == versions(tools, tree)


def test_flux_finds_what_its_objects_name() -> None:
    kustomizations = named("Kustomization", FLUX / "cluster")
    sources = named("GitRepository", FLUX / "cluster")
    (release,) = named("HelmRelease", FLUX / "operator").values()

    assert {FLUX / "operator", FLUX / "account", FLUX / "tokens"} == {
        (ROOT / spec["path"]).resolve() for spec in kustomizations.values()
    }
    assert all(spec["sourceRef"]["name"] in sources for spec in kustomizations.values())
    assert release["chart"]["spec"]["sourceRef"]["name"] in sources
    assert (ROOT / release["chart"]["spec"]["chart"] / "Chart.yaml").exists()


def test_flux_goes_from_the_operator_over_the_account_to_the_tokens_and_waits_for_each() -> None:
    kustomizations = named("Kustomization", FLUX / "cluster")
    before = {name: [d["name"] for d in spec.get("dependsOn", [])] for name, spec in kustomizations.items()}
    tokens = {(d["kind"], d["metadata"]["name"]) for d in documents(FLUX / "tokens")}

    assert before == {
        "mailtrap-operator": [],
        "mailtrap-account": ["mailtrap-operator"],
        "mailtrap-tokens": ["mailtrap-account"],
    }
    assert all(spec.get("wait") or spec["healthChecks"] for spec in kustomizations.values())
    checks = kustomizations["mailtrap-tokens"]["healthChecks"]
    assert {(check["kind"], check["name"]) for check in checks} <= tokens


def test_argo_cd_finds_what_its_applications_name_and_goes_wave_by_wave() -> None:
    applications = named("Application", ARGO, ARGO / "apps")
    waves = {
        d["metadata"]["name"]: int(d["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"])
        for d in documents(ARGO / "apps")
    }

    assert all((ROOT / spec["source"]["path"]).is_dir() for spec in applications.values())
    assert {"mailtrap-operator": 0, "mailtrap-account": 1, "mailtrap-tokens": 2} == waves


def test_both_tools_are_given_the_same_objects() -> None:
    for folder in ("account", "tokens"):
        flux, argo = ({d["kind"]: d.get("spec") for d in documents(t / folder)} for t in (FLUX, ARGO))
        assert flux == argo
