import re
from pathlib import Path

import pytest

from local_cluster.build import (
    CONTROL_PLANE,
    HELM3,
    HELM4,
    KWOK,
    MODULE,
    SCHEDULER,
    Bundle,
    compile_program,
    fingerprint,
    flags,
)
from local_cluster.errors import ClusterError

BUNDLES = (CONTROL_PLANE, SCHEDULER, KWOK, HELM3, HELM4)


def test_the_programs_are_told_the_version_that_go_mod_pins() -> None:
    pinned = re.findall(r"k8s\.io/kubernetes (v\S+)", (MODULE / "go.mod").read_text())

    assert len(pinned) == 1
    assert f"-X k8s.io/component-base/version.gitVersion={pinned[0]} " in flags(MODULE)[-1]


def test_every_library_of_kubernetes_has_the_version_of_kubernetes() -> None:
    replaced = re.findall(r"(k8s\.io/\S+) => (k8s\.io/\S+) v0\.(\S+)", (MODULE / "go.mod").read_text())
    pinned = re.findall(r"k8s\.io/kubernetes v1\.(\S+)", (MODULE / "go.mod").read_text())

    assert replaced
    assert all(library == source and version == pinned[0] for library, source, version in replaced)


@pytest.mark.parametrize(("bundle", "major"), [(HELM3, "v3"), (HELM4, "v4")])
def test_helm_is_told_its_version_and_helm_3_the_version_of_kubernetes(bundle: Bundle, major: str) -> None:
    pinned = (bundle.module / "go.mod").read_text()
    (version,) = re.findall(rf"helm\.sh/helm/{major} (v\S+)", pinned)
    (minor,) = re.findall(r"k8s\.io/client-go v0\.(\d+)", pinned)

    assert f"-X helm.sh/helm/{major}/internal/version.version={version}" in flags(bundle.module)[-1]
    assert (f"chartutil.k8sVersionMinor={minor} " in flags(bundle.module)[-1]) == (bundle == HELM3)


@pytest.mark.parametrize(
    ("module", "bundles"),
    [(MODULE, (CONTROL_PLANE, SCHEDULER)), *((bundle.module, (bundle,)) for bundle in (KWOK, HELM3, HELM4))],
)
def test_everything_that_is_built_is_a_tool_of_its_module(module: Path, bundles: tuple[Bundle, ...]) -> None:
    tools = re.findall(r"^(?:tool |\t)(\S+/\S+)$", (module / "go.mod").read_text(), re.MULTILINE)
    packages = [package for bundle in bundles for package in bundle.packages.values()]

    assert {module} == {bundle.module for bundle in bundles}
    assert sorted(packages) == sorted(tools)


def test_one_compiler_suits_all_modules() -> None:
    asked = {re.findall(r"^go (\S+)$", (b.module / "go.mod").read_text(), re.MULTILINE)[0] for b in BUNDLES}

    assert len(asked) == 1


def test_the_same_sources_lead_to_the_same_folder_and_each_bundle_to_its_own() -> None:
    assert len(BUNDLES) == len({fingerprint(bundle) for bundle in BUNDLES * 2})


def test_a_failed_build_shows_the_last_lines_and_the_command(tmp_path: Path) -> None:
    command = ["/bin/sh", "-c", "echo undefined: Pod; exit 2"]

    with pytest.raises(ClusterError, match=r"(?s)building kubectl failed.*undefined: Pod.*/bin/sh -c"):
        compile_program(command, "kubectl", module=MODULE, log=tmp_path / "log")
