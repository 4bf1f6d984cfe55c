"""What the Dockerfile says: pinned, locked, as no one, without a shell, and nothing that the linter minds."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.image.dockerfile import DOCKERFILE, ROOT, context, stages
from tests.unit.image.locks import pins

LOCKS = ("requirements-runtime.lock", "requirements-build.lock", "requirements-sbom.lock")
SBOM, BUILD, IMAGE = stages()
TITLES = {"title", "description", "licenses", "version", "revision", "source", "created"}


def linted(path: Path) -> str:
    hadolint = Path(sys.executable).with_name("hadolint")
    return subprocess.run([hadolint, path], check=False, capture_output=True, text=True, timeout=60).stdout


def test_the_linter_minds_nothing() -> None:
    assert "" == linted(DOCKERFILE)


def test_the_linter_would_mind_something(tmp_path: Path) -> None:
    careless = tmp_path / "Dockerfile"
    careless.write_text("FROM debian\nRUN cd /tmp && pip install kopf\n")

    assert {"DL3006", "DL3013"} <= set(re.findall(r"DL\d+", linted(careless)))


def test_both_bases_are_pinned_by_digest_and_of_one_python_and_debian() -> None:
    digest = r"@sha256:[0-9a-f]{64}"

    assert SBOM.base == BUILD.base
    assert re.fullmatch(rf"docker\.io/library/python:3\.13-slim-trixie{digest}", BUILD.base)
    assert re.fullmatch(rf"gcr\.io/distroless/python3-debian13:nonroot{digest}", IMAGE.base)


def test_all_that_is_installed_is_locked_with_hashes_and_nothing_is_built_from_sources() -> None:
    installs = [
        command
        for step in (*SBOM.steps, *BUILD.steps)
        if step.instruction == "RUN"
        for command in step.text.split("&&")
        if "pip install" in command
    ]

    assert 4 == len(installs)
    for command in installs:
        assert "--no-deps" in command
        assert "--require-hashes" in command or "--no-index --no-deps --no-build-isolation" in command
    assert {":all:"} == {stage.last("ENV").pairs["PIP_ONLY_BINARY"] for stage in (SBOM, BUILD)}


def test_what_writes_the_bill_of_materials_never_meets_what_the_image_is_made_of() -> None:
    taken = [step.text for step in (*BUILD.steps, *IMAGE.steps) if "--from=sbom" in step.text]

    assert ["--from=sbom /src/mailtrap-operator.cdx.json /usr/share/sbom/"] == taken


@pytest.mark.parametrize("lock", LOCKS)
def test_what_the_image_is_made_of_is_what_is_tested(lock: str) -> None:
    tested, shipped = pins("requirements.lock"), pins(lock)

    assert shipped
    assert {} == {pin: hashes for pin, hashes in shipped.items() if tested.get(pin) != hashes or not hashes}


def test_nothing_of_the_image_needs_a_shell_or_root() -> None:
    assert not [step for step in IMAGE.steps if step.instruction in {"RUN", "SHELL", "ADD", "HEALTHCHECK"}]
    assert "65532:65532" == IMAGE.last("USER").text
    assert "/" == IMAGE.last("WORKDIR").text
    assert ["/usr/bin/python3", "-m", "mailtrap_operator"] == IMAGE.last("ENTRYPOINT").words
    assert IMAGE.last("ENTRYPOINT").text.startswith("[")
    assert IMAGE.last("CMD").text.startswith("[")


def deployment() -> dict[str, Any]:
    """Return the Deployment as the chart makes it."""
    documents = yaml.safe_load_all((ROOT / "deploy/install.yaml").read_text())
    found: dict[str, Any] = next(each for each in documents if each and each["kind"] == "Deployment")
    return found


def test_the_documented_plan_in_the_pod_is_a_command_of_the_image() -> None:
    meta, (container,) = deployment()["metadata"], deployment()["spec"]["template"]["spec"]["containers"]
    place = f"-n {meta['namespace']} deploy/{meta['name']} -c {container['name']}"
    command = " ".join(IMAGE.last("ENTRYPOINT").words)

    assert f"kubectl exec {place} -- {command} plan\n" in (ROOT / "docs" / "plan.md").read_text()


def test_the_chart_starts_what_the_image_starts() -> None:
    (container,) = deployment()["spec"]["template"]["spec"]["containers"]

    assert IMAGE.last("CMD").words == container["args"]
    assert "command" not in container
    assert int(IMAGE.last("EXPOSE").text) in [port["containerPort"] for port in container["ports"]]


def test_the_labels_are_those_of_the_oci() -> None:
    labels = IMAGE.last("LABEL").pairs

    assert {f"org.opencontainers.image.{title}" for title in TITLES} == labels.keys()
    assert "Apache-2.0" == labels["org.opencontainers.image.licenses"]


def test_the_documented_build_gives_everything_that_the_labels_ask_for() -> None:
    documented = (ROOT / "docs" / "install.md").read_text()
    asked = {step.text for step in IMAGE.steps if step.instruction == "ARG"}

    assert {f"${{{name}}}" for name in asked} <= set(IMAGE.last("LABEL").pairs.values())
    assert asked == set(re.findall(r"--build-arg (\w+)=", documented))


def test_nothing_but_the_product_goes_into_the_build() -> None:
    files = set(context())
    sources = {path.relative_to(ROOT) for path in (ROOT / "operator/mailtrap_operator").rglob("*.py")}

    assert sources <= files
    others = {str(path) for path in files if Path("operator/mailtrap_operator") not in path.parents}
    assert {"LICENSE", "README.md", "pyproject.toml", *LOCKS} == others
    assert not [path for path in files if "__pycache__" in path.parts]
