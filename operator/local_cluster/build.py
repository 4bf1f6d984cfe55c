"""Builds a cluster's programs from the modules that go.mod and go.sum, here and in the folders below, pin.

Programs that are used together are a bundle. Each bundle is kept in the user's cache folder under
a name derived from everything that went into it, and only ever appears there complete.
"""

import contextlib
import hashlib
import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from local_cluster.cache import cache_folder, exclusive, published
from local_cluster.errors import ClusterError
from local_cluster.processes import ProcessGroup, log_tail, stop
from local_cluster.progress import say
from local_cluster.toolchain import go_program

MODULE = Path(__file__).parent
# The user's own Go settings must not change what is built, nor where it can run.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOWORK": "off"}
TIMEOUT = 3600.0  # seconds for one program; the control plane's four take 6 to 15 minutes on two cores
REPORT_INTERVAL = 10.0


@dataclass(frozen=True, slots=True)
class Bundle:
    """Programs by name with their packages, and the folder of the module that they are built in."""

    packages: Mapping[str, str]
    module: Path = MODULE


CONTROL_PLANE = Bundle(
    {
        "etcd": "go.etcd.io/etcd/server/v3",
        "kube-apiserver": "k8s.io/kubernetes/cmd/kube-apiserver",
        "kube-controller-manager": "k8s.io/kubernetes/cmd/kube-controller-manager",
        "kubectl": "k8s.io/kubernetes/cmd/kubectl",
    }
)
# Only clusters with nodes need these two, so no one else waits for them.
SCHEDULER = Bundle({"kube-scheduler": "k8s.io/kubernetes/cmd/kube-scheduler"})
KWOK = Bundle({"kwok": "sigs.k8s.io/kwok/cmd/kwok"}, MODULE / "kwok")
# Only the tests of the chart need these two.
HELM3 = Bundle({"helm": "helm.sh/helm/v3/cmd/helm"}, MODULE / "helm3")
HELM4 = Bundle({"helm": "helm.sh/helm/v4/cmd/helm"}, MODULE / "helm4")


def folder(bundle: Bundle) -> Path:
    """Return the folder of a bundle's programs, building them when they are not there yet.

    Raises:
        ClusterError: the build failed; the message holds the compiler's last lines.
    """
    target = cache_folder() / fingerprint(bundle)
    if target.is_dir():
        return target
    with exclusive(cache_folder() / "build.lock"):
        if not target.is_dir():  # else the process that held the lock has built it
            _build(bundle, target)
    return target


def flags(module: Path) -> list[str]:
    """Return the flags of `go build`, which also tell the programs their version where they ask for it so."""
    pinned = (module / "go.mod").read_text()
    link = ["-s", "-w", *_kubernetes_version(pinned), *_helm_version(pinned)]
    return ["-trimpath", "-buildvcs=false", "-ldflags", " ".join(link)]


def fingerprint(bundle: Bundle) -> str:
    """Return a name for what would be built: other sources or flags, another name."""
    recipe = repr((flags(bundle.module), bundle.packages, ENVIRONMENT)).encode()
    sources = [(bundle.module / name).read_bytes() for name in ("go.mod", "go.sum")]
    return hashlib.sha256(b"\0".join([*sources, recipe])).hexdigest()[:16]


def compile_program(command: list[str], name: str, *, module: Path, log: Path) -> None:
    """Run the compiler in a module's folder and tell every few seconds that it still works.

    Raises:
        ClusterError: it failed, or took more than an hour.
    """
    say(f"building {name}")
    group = ProcessGroup()
    process = group.start(command, log=log, folder=module, environment=os.environ | ENVIRONMENT)
    try:
        _report_until_done(process, name)
    finally:
        stop(process)
        group.kill()
    if process.returncode != 0:
        raise ClusterError(
            f"building {name} failed. The end of {log}:\n{log_tail(log)}\n"
            "Go needs to reach its module proxy, or to have the modules already. To see it again:\n"
            f"  cd {module} && {shlex.join(command)}"
        )


def _kubernetes_version(pinned: str) -> list[str]:
    version = re.search(r"\bk8s\.io/kubernetes v((\d+)\.(\d+)\.\d+)", pinned)
    if version is None:
        return []
    values = dict(zip(("gitVersion", "gitMajor", "gitMinor"), version.groups(), strict=True))
    values["gitVersion"] = f"v{values['gitVersion']}"
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return [f"-X {package}.{name}={value}" for package in packages for name, value in values.items()]


def _helm_version(pinned: str) -> list[str]:
    """Helm 3 also wants to be told for which Kubernetes it renders where there is no cluster to ask."""
    helm = re.search(r"\b(helm\.sh/helm/v\d) (\S+)", pinned)
    library = re.search(r"\bk8s\.io/client-go v0\.(\d+)", pinned)
    if helm is None or library is None:
        return []
    module, version = helm.groups()
    values = {f"{module}/internal/version.version": version}
    if module.endswith("v3"):
        packages = (f"{module}/pkg/chartutil", f"{module}/pkg/lint/rules")
        values |= {f"{package}.k8sVersionMinor": library.group(1) for package in packages}
    return [f"-X {name}={value}" for name, value in values.items()]


def _build(bundle: Bundle, target: Path) -> None:
    go = go_program()
    began = time.monotonic()
    minutes = "6 to 15 minutes" if bundle == CONTROL_PLANE else "about two minutes"
    say(f"building {', '.join(bundle.packages)} into {target}: once; on two cores it takes {minutes}")
    with published(target) as content:
        for name, package in bundle.packages.items():
            command = [str(go), "build", *flags(bundle.module), "-o", str(content / name), package]
            log = cache_folder() / f"build-{name}.log"
            compile_program(command, name, module=bundle.module, log=log)
    say(f"built in {time.monotonic() - began:.0f} s")


def _report_until_done(process: subprocess.Popen[bytes], name: str) -> None:
    began = time.monotonic()
    while time.monotonic() - began < TIMEOUT:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(REPORT_INTERVAL)
            return
        say(f"building {name}, {time.monotonic() - began:.0f} s")
