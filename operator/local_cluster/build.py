"""Builds the control plane's programs from the modules that go.mod and go.sum beside this file pin.

The result is kept in the user's cache folder under a name derived from everything that went into
it, and only ever appears there complete.
"""

import contextlib
import hashlib
import os
import re
import shlex
import subprocess
import time
from pathlib import Path

from local_cluster.cache import cache_folder, exclusive, published
from local_cluster.errors import ClusterError
from local_cluster.processes import ProcessGroup, log_tail, stop
from local_cluster.progress import say
from local_cluster.toolchain import go_program

MODULE = Path(__file__).parent
PACKAGES = {
    "etcd": "go.etcd.io/etcd/server/v3",
    "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
    "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
    "kubectl": "k8s.io/kubernetes/cmd/kubectl",
}
# The user's own Go settings must not change what is built, nor where it can run.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
TIMEOUT = 3600.0  # seconds for one program; all four take 6 to 15 minutes on two cores
REPORT_INTERVAL = 10.0


def folder() -> Path:
    """Return the folder of the built programs, building them when they are not there yet.

    Raises:
        ClusterError: the build failed; the message holds the compiler's last lines.
    """
    target = cache_folder() / fingerprint()
    if target.is_dir():
        return target
    with exclusive(cache_folder() / "build.lock"):
        if not target.is_dir():  # else the process that held the lock has built it
            _build(target)
    return target


def flags() -> list[str]:
    """Return the flags of `go build`, which also tell the programs their version."""
    version = re.search(r"\bk8s\.io/kubernetes v((\d+)\.(\d+)\.\d+)", (MODULE / "go.mod").read_text())
    if version is None:
        raise ClusterError(f"{MODULE / 'go.mod'} names no version of k8s.io/kubernetes")
    values = dict(zip(("gitVersion", "gitMajor", "gitMinor"), version.groups(), strict=True))
    values["gitVersion"] = f"v{values['gitVersion']}"
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    link = [
        "-s",
        "-w",
        *(f"-X {package}.{name}={value}" for package in packages for name, value in values.items()),
    ]
    return ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(link)]


def fingerprint() -> str:
    """Return a name for what would be built: other sources or flags, another name."""
    recipe = repr((flags(), PACKAGES, ENVIRONMENT)).encode()
    sources = [(MODULE / name).read_bytes() for name in ("go.mod", "go.sum")]
    return hashlib.sha256(b"\0".join([*sources, recipe])).hexdigest()[:16]


def compile_program(command: list[str], name: str, *, log: Path) -> None:
    """Run the compiler and tell every few seconds that it still works.

    Raises:
        ClusterError: it failed, or took more than an hour.
    """
    say(f"building {name}")
    group = ProcessGroup()
    process = group.start(command, log=log, folder=MODULE, environment=os.environ | ENVIRONMENT)
    try:
        _report_until_done(process, name)
    finally:
        stop(process)
        group.kill()
    if process.returncode != 0:
        raise ClusterError(
            f"building {name} failed. The end of {log}:\n{log_tail(log)}\n"
            "Go needs to reach its module proxy, or to have the modules already. To see it again:\n"
            f"  cd {MODULE} && {shlex.join(command)}"
        )


def _build(target: Path) -> None:
    go = go_program()
    began = time.monotonic()
    say(f"building {', '.join(PACKAGES)} into {target}: once; on two cores it takes 6 to 15 minutes")
    with published(target) as content:
        for name, package in PACKAGES.items():
            command = [str(go), "build", *flags(), "-o", str(content / name), package]
            compile_program(command, name, log=cache_folder() / f"build-{name}.log")
    say(f"built in {time.monotonic() - began:.0f} s")


def _report_until_done(process: subprocess.Popen[bytes], name: str) -> None:
    began = time.monotonic()
    while time.monotonic() - began < TIMEOUT:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(REPORT_INTERVAL)
            return
        say(f"building {name}, {time.monotonic() - began:.0f} s")
