"""What users install from, on the real API server: `deploy/` as kubectl applies it, and the pods under Pod Security "restricted"."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from local_cluster import Cluster, Helm, KubectlError
from local_cluster.build import HELM4
from tests.chart.rendering import CI, NAMESPACE, ROOT, Body, documented_blocks, of_kind, rendered

DEPLOY = ROOT / "deploy"
WAYS = ["install.yaml", "base", *sorted(f"overlays/{path.name}" for path in (DEPLOY / "overlays").iterdir())]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Provide a cluster without anything of ours but a namespace in which no pod may have a right too many."""
    with Cluster.start(tmp_path_factory.mktemp("cluster") / "files") as cluster:
        level = "pod-security.kubernetes.io"
        cluster.kubectl("create", "namespace", "restricted")
        cluster.kubectl(
            "label", "namespace", "restricted", f"{level}/enforce=restricted", f"{level}/warn=restricted"
        )
        for name in ("mailtrap-operator", "mailtrap"):
            cluster.kubectl("create", "serviceaccount", name, "--namespace=restricted")
        yield cluster


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(HELM4, tmp_path_factory.mktemp("helm"))


def apply(cluster: Cluster, way: str) -> dict[str, str]:
    """Apply everything as the documentation says, and return each object's version once the controllers are done."""
    path = DEPLOY / way
    source = f"--filename={path}" if path.is_file() else f"--kustomize={path}"
    cluster.kubectl("apply", "--server-side", "--warnings-as-errors", source)
    cluster.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=600s")
    deployment = ["deployment/mailtrap-operator", f"--namespace={NAMESPACE}"]
    # No node runs the pods; when all are asked for, the status stays as it is.
    cluster.kubectl("wait", "--for=jsonpath={.status.unavailableReplicas}=2", *deployment, "--timeout=600s")
    if "admissionpolicy" in way:
        checked = [
            "validatingadmissionpolicy/mailtrap-operator",
            "--for=jsonpath={.status.observedGeneration}=1",
        ]
        cluster.kubectl("wait", *checked, "--timeout=600s")
    objects = json.loads(cluster.kubectl("get", source, "--output=json"))["items"]
    return {
        f"{body['kind']}/{body['metadata']['name']}": body["metadata"]["resourceVersion"] for body in objects
    }


@pytest.mark.parametrize("way", WAYS)
def test_each_way_is_applied_and_a_second_time_changes_nothing(cluster: Cluster, way: str) -> None:
    cluster.kubectl("delete", "deployment", "--all", "--all-namespaces")

    first = apply(cluster, way)

    assert "Deployment/mailtrap-operator" in first
    assert first == apply(cluster, way)


def test_the_documented_kustomization_is_accepted(cluster: Cluster, tmp_path: Path) -> None:
    (documented,) = [block for block in documented_blocks("yaml") if "kind: Kustomization" in block]
    shutil.copytree(DEPLOY, tmp_path / "path/to/deploy")
    (tmp_path / "kustomization.yaml").write_text(documented)
    cluster.kubectl("create", "namespace", "mail-platform")

    applied = cluster.kubectl(
        "apply", "--server-side", "--dry-run=server", "--force-conflicts", f"--kustomize={tmp_path}"
    )

    assert (
        "validatingadmissionpolicy.admissionregistration.k8s.io/mailtrap-operator serverside-applied"
        in applied
    )


def test_the_operator_alone_is_taken_away_as_documented(cluster: Cluster) -> None:
    for way in ("install.yaml", "overlays/admissionpolicy"):
        apply(cluster, way)
    ours = ["--selector", "app.kubernetes.io/name=mailtrap-operator"]
    namespaced = "deployments,services,serviceaccounts,roles,rolebindings"

    cluster.kubectl("delete", "validatingadmissionpolicies,validatingadmissionpolicybindings", *ours)
    cluster.kubectl("--namespace", NAMESPACE, "delete", namespaced, *ours)
    cluster.kubectl("delete", "clusterroles,clusterrolebindings", *ours)

    source = f"--filename={DEPLOY / 'install.yaml'}"
    left = json.loads(cluster.kubectl("get", source, "--ignore-not-found", "--output=json"))["items"]
    assert ["CustomResourceDefinition"] * 3 + ["Namespace"] == sorted(body["kind"] for body in left)


def pods(helm: Helm, values: Path | None) -> list[Body]:
    """Return the pods of the Deployment and of the chart's test, both for the restricted namespace."""
    objects = rendered(helm, values)
    (deployment,), (test,) = of_kind("Deployment", objects), of_kind("Pod", objects)
    template = deployment["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        **template,
        "metadata": {**template["metadata"], "name": "operator"},
    }
    return [pod, {**test, "metadata": {**test["metadata"], "namespace": "restricted"}}]


def admit(cluster: Cluster, body: Body) -> str:
    arguments = [
        "create",
        "--dry-run=server",
        "--warnings-as-errors",
        "--namespace=restricted",
        "--filename=-",
    ]
    return cluster.kubectl(*arguments, input=json.dumps(body))


@pytest.mark.parametrize("values", CI, ids=[path.stem for path in CI])
def test_the_pods_are_admitted_where_pod_security_is_restricted(
    cluster: Cluster, helm: Helm, values: Path
) -> None:
    for pod in pods(helm, values):
        assert "created (server dry run)" in admit(cluster, pod)


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ("pod", "runAsNonRoot"),
        ("pod", "seccompProfile"),
        ("container", "capabilities"),
        ("container", "allowPrivilegeEscalation"),
    ],
)
def test_the_admission_refuses_pods_that_lack_one_of_the_restrictions(
    cluster: Cluster, helm: Helm, place: str, field: str
) -> None:
    for pod in pods(helm, None):
        del {"pod": pod["spec"], "container": pod["spec"]["containers"][0]}[place]["securityContext"][field]
        with pytest.raises(KubectlError, match=field):
            admit(cluster, pod)


def test_nothing_else_is_asked_of_a_pod_than_its_file_system_and_a_user_of_its_choice(helm: Helm) -> None:
    for pod in pods(helm, None):
        assert {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}} == pod["spec"][
            "securityContext"
        ]
        (container,) = pod["spec"]["containers"]
        assert {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        } == container["securityContext"]


def test_every_object_of_every_values_file_is_accepted(cluster: Cluster, helm: Helm) -> None:
    cluster.kubectl("create", "namespace", "shop")
    cluster.kubectl("create", "namespace", "billing")
    for values in CI:
        for body in rendered(helm, values):
            text = yaml.safe_dump(body)
            arguments = ["--dry-run=server", "--server-side", "--force-conflicts", "--warnings-as-errors"]
            namespace = body["metadata"].get("namespace", NAMESPACE)
            cluster.kubectl("apply", *arguments, f"--namespace={namespace}", "--filename=-", input=text)
