"""`deploy/` holds what the chart renders: kustomize and Helm install the same objects."""

import copy
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from distribution import deploy
from local_cluster import Helm, binaries
from local_cluster.build import HELM4
from tests.chart.rendering import (
    ADMISSION_POLICIES,
    NAMESPACE,
    REPOSITORY,
    ROOT,
    Body,
    documented_blocks,
    named,
    rendered,
)

DEPLOY = ROOT / "deploy"


@pytest.fixture(scope="module")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Provide the Helm that the manifests are written with."""
    return Helm(HELM4, tmp_path_factory.mktemp("helm"))


def kustomized(folder: Path) -> dict[str, Body]:
    command = [str(binaries.folder() / "kubectl"), "kustomize", str(folder)]
    text = subprocess.run(command, check=True, capture_output=True, text=True, timeout=600).stdout
    return named(yaml.safe_load_all(text))


def without_helm(objects: list[Body]) -> dict[str, Body]:
    """Return a chart's objects as someone has them who knows no Helm: without its marks, and without its test."""
    installed = [body for body in objects if "helm.sh/hook" not in body["metadata"].get("annotations", {})]
    for body in installed:
        _strip(body)
    return named(installed)


def _strip(body: Body) -> None:
    template = body.get("spec", {}).get("template", {})
    for meta in (body["metadata"], template.get("metadata", {})):
        meta.get("labels", {}).pop("helm.sh/chart", None)
        meta.get("labels", {}).pop("app.kubernetes.io/managed-by", None)
    if body["kind"] == "CustomResourceDefinition":
        del body["metadata"]["labels"], body["metadata"]["annotations"]


def without_namespace(objects: dict[str, Body]) -> dict[str, Body]:
    return {key: body for key, body in objects.items() if body["kind"] != "Namespace"}


def test_the_folder_holds_what_is_generated(helm: Helm) -> None:
    stored = {path: (ROOT / path).read_text(encoding="utf-8") for path in deploy.files(ROOT, helm)}

    assert deploy.files(ROOT, helm) == stored, "run: make chart"


def as_deployed(helm: Helm, *settings: str, api_versions: str = "") -> dict[str, Body]:
    """Return the chart's objects as `deploy/` has them: with a name in place of the image."""
    image = "image.repository=registry.invalid/mailtrap-operator"
    return without_helm(rendered(helm, None, image, *settings, api_versions=api_versions))


def test_the_base_is_the_chart_with_its_defaults_and_a_namespace(helm: Helm) -> None:
    base = kustomized(DEPLOY / "base")

    assert as_deployed(helm) == without_namespace(base)
    assert {"pod-security.kubernetes.io/enforce": "restricted"} == base[f"Namespace/{NAMESPACE}"]["metadata"][
        "labels"
    ]


def test_the_one_file_is_the_base() -> None:
    assert kustomized(DEPLOY / "base") == named(yaml.safe_load_all((DEPLOY / "install.yaml").read_text()))


def test_the_namespaced_overlay_is_the_chart_that_watches_its_own_namespace(helm: Helm) -> None:
    overlay = without_namespace(kustomized(DEPLOY / "overlays" / "namespaced"))
    expected = as_deployed(helm, f"watchNamespaces={{{NAMESPACE}}}")

    # By its own name, so that it follows where someone else's overlay puts the operator.
    assert ["$(MAILTRAP_OPERATOR_NAMESPACE)"] == namespaces_of(overlay)
    assert [NAMESPACE] == namespaces_of(expected)
    assert anywhere(expected) == anywhere(overlay)


def test_the_networkpolicy_overlay_is_the_chart_with_a_network_policy(helm: Helm) -> None:
    overlay = without_namespace(kustomized(DEPLOY / "overlays" / "networkpolicy"))

    assert as_deployed(helm, "networkPolicy.enabled=true") == overlay


def test_the_admissionpolicy_overlay_is_the_chart_where_kubernetes_has_such_policies(helm: Helm) -> None:
    overlay = without_namespace(kustomized(DEPLOY / "overlays" / "admissionpolicy"))

    assert as_deployed(helm, api_versions=ADMISSION_POLICIES) == overlay


def test_an_overlay_moves_everything_to_another_namespace(tmp_path: Path) -> None:
    overlay = {"namespace": "elsewhere", "resources": ["../namespaced"]}
    folder = tmp_path / "deploy"
    shutil.copytree(DEPLOY, folder)
    (folder / "overlays" / "elsewhere").mkdir()
    (folder / "overlays" / "elsewhere" / "kustomization.yaml").write_text(yaml.safe_dump(overlay))

    moved = kustomized(folder / "overlays" / "elsewhere")

    assert "Namespace/elsewhere" in moved
    assert NAMESPACE not in {body["metadata"].get("namespace") for body in moved.values()}
    subjects = [subject for body in moved.values() for subject in body.get("subjects", ())]
    assert {"elsewhere"} == {subject["namespace"] for subject in subjects}


def test_the_documented_kustomization_moves_everything_and_names_the_image(tmp_path: Path) -> None:
    shutil.copytree(DEPLOY, tmp_path / "path/to/deploy")
    (documented,) = [block for block in documented_blocks("yaml") if "kind: Kustomization" in block]
    (tmp_path / "kustomization.yaml").write_text(documented)

    moved = kustomized(tmp_path)

    pod = moved["Deployment/mail-platform/mailtrap-operator"]["spec"]["template"]["spec"]
    assert [f"{REPOSITORY}:0.1.0"] == [container["image"] for container in pod["containers"]]
    # Some versions of kustomize take the policy for one of a namespace; Kubernetes drops that.
    (policy,) = (body for key, body in moved.items() if key.startswith("ValidatingAdmissionPolicy/"))
    texts = [condition["expression"] for condition in policy["spec"]["matchConditions"]]
    assert ["system:serviceaccount:mail-platform:mailtrap-operator"] == re.findall(
        r"system:serviceaccount:[\w-]+:[\w-]+", " ".join(texts)
    )


def test_the_documented_command_without_kustomize_names_the_image() -> None:
    (command,) = {
        line
        for block in documented_blocks("console")
        for line in block.splitlines()
        if "deploy/install.yaml |" in line
    }
    sed = command.removeprefix("$ ").partition(" | ")[0]

    done = subprocess.run(
        ["/bin/sh", "-c", sed], cwd=ROOT, check=True, capture_output=True, text=True, timeout=600
    )

    assert [f"{REPOSITORY}:0.1.0"] == re.findall(r"image: (\S+)", done.stdout)
    assert command in (ROOT / "README.md").read_text()


def namespaces_of(objects: dict[str, Body]) -> list[str]:
    return [entry["value"] for entry in _environment(objects) if entry["name"].endswith("WATCH_NAMESPACES")]


def anywhere(objects: dict[str, Body]) -> dict[str, Body]:
    """Return the objects without the namespaces to watch."""
    objects = copy.deepcopy(objects)
    environment = _environment(objects)
    environment[:] = [entry for entry in environment if not entry["name"].endswith("WATCH_NAMESPACES")]
    return objects


def _environment(objects: dict[str, Body]) -> list[Body]:
    pod = objects[f"Deployment/{NAMESPACE}/mailtrap-operator"]["spec"]["template"]["spec"]
    environment: list[Body] = pod["containers"][0]["env"]
    return environment
