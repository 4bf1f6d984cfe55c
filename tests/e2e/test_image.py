"""The image as far as it can be had without an engine: built by the Dockerfile's own steps, and run as no one."""

import importlib.util
import json
import os
import re
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import distributions
from pathlib import Path

import httpx
import pytest

from local_cluster.readiness import free_port
from tests.e2e.world import World, eventually
from tests.image.build import NOBODY, Image, build

UNCHECKED = 1
"""In the head of bytecode: made from a hash of its source, and never compared with it."""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Image:
    """Provide the image, built once."""
    return build(tmp_path_factory.mktemp("image"))


def test_it_prints_the_crds_it_was_built_with(image: Image) -> None:
    printed = image.run("crds")

    crds = [path.read_text() for path in sorted((Path(__file__).parents[2] / "crds").iterdir())]
    assert (0, "") == (printed.returncode, printed.stderr)
    assert all(crd.strip() in printed.stdout for crd in crds)


def test_it_says_in_one_line_what_it_lacks(image: Image) -> None:
    started = image.run()

    assert 1 == started.returncode
    assert "No cluster to work on" in started.stderr
    assert "Traceback" not in started.stderr


def test_everyone_may_read_it_and_no_one_may_write_it(image: Image) -> None:
    modes = {path: path.stat().st_mode for path in image.root.rglob("*")}

    assert modes
    assert [] == [path for path, mode in modes.items() if not mode & stat.S_IROTH or mode & 0o222]


def test_all_of_it_is_compiled_and_never_compared_with_its_sources(image: Image) -> None:
    sources = list((image.root / "app").rglob("*.py"))
    compiled = [Path(importlib.util.cache_from_source(str(source))) for source in sources]

    assert sources
    assert {UNCHECKED} == {int.from_bytes(path.read_bytes()[4:8], "little") for path in compiled}


def test_it_holds_nothing_of_the_tools_that_built_and_test_it(image: Image) -> None:
    names = {path.name for path in (image.root / "app").iterdir()}

    assert {"mailtrap_operator", "kopf", "kubernetes"} <= names
    assert names.isdisjoint({"bin", "hatchling", "pip", "pytest", "mailtrap_simulator", "local_cluster"})


def test_it_says_what_it_holds(image: Image) -> None:
    bill = json.loads((image.root / "usr/share/sbom/mailtrap-operator.cdx.json").read_text())
    names = {"mailtrap-operator", *(part["name"] for part in bill["components"])}
    held = {dist.metadata["Name"] for dist in distributions(path=[str(image.root / "app")])}

    assert held
    assert {canonical(name) for name in held} == {canonical(name) for name in names}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_serves_as_no_one_from_a_tree_that_it_cannot_write(
    image: Image, world: World, tmp_path: Path
) -> None:
    before = contents(image.root)

    with running(image, world, tmp_path) as (process, url):
        eventually(lambda: is_alive(url), "the container is alive")
        world.put_api_token("contained")
        world.becomes_ready("contained")
        uids = user_ids(process.pid)

    assert {NOBODY if os.geteuid() == 0 else os.geteuid()} == uids
    assert 0 == process.returncode
    assert before == contents(image.root)


@contextmanager
def running(image: Image, world: World, folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Run the image as a container would; yield its process and its address."""
    temporary = folder / "tmp"
    temporary.mkdir()
    temporary.chmod(0o777)  # for the copies that the client library makes of a kubeconfig's keys
    port = free_port()
    environment = image.environment | {
        "KUBECONFIG": str(world.cluster.kubeconfig_for("operator", ["system:masters"])),
        "TMPDIR": str(temporary),
        "MAILTRAP_OPERATOR_ALLOWED_BASE_URLS": world.simulator.url,
        "MAILTRAP_OPERATOR_PORT": str(port),
        "MAILTRAP_OPERATOR_WATCH_NAMESPACES": world.namespace,
    }
    with subprocess.Popen(image.command(), env=environment, cwd="/") as process:
        try:
            yield process, f"http://127.0.0.1:{port}/livez"
        finally:
            process.terminate()
            try:
                process.wait(timeout=600)
            except subprocess.TimeoutExpired:
                process.kill()
                raise


def is_alive(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.HTTPError:
        return False


def user_ids(process: int) -> set[int]:
    """Return the real, effective, saved and file system user of a process."""
    status = Path(f"/proc/{process}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("Uid:")]
    return {int(uid) for uid in line.split()[1:]}


def contents(root: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in root.rglob("*")}
