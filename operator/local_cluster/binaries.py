"""Where the control plane's programs come from.

The first folder of `KUBEBUILDER_ASSETS` and PATH that holds all four is taken as it is. Programs
are never mixed from several folders: a `kubectl` from one place says nothing about the version of
a `kube-apiserver` from another. Without such a folder the programs are built. What nodes need on top
is always built: no usual folder holds kwok.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from local_cluster import build
from local_cluster.progress import say

PROGRAMS = frozenset(build.CONTROL_PLANE.packages)


def folder() -> Path:
    """Return the folder of the four programs, building them where none is there.

    Raises:
        ClusterError: the build failed.
    """
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and not complete_folder([Path(assets)]):
        say(
            f"KUBEBUILDER_ASSETS={assets} is passed over: it does not hold all of {', '.join(sorted(PROGRAMS))}"
        )
    return complete_folder(search_path(os.environ)) or build.folder(build.CONTROL_PLANE)


def search_path(environment: Mapping[str, str]) -> list[Path]:
    """Return the folders to look into, the most explicit first."""
    named = [environment.get("KUBEBUILDER_ASSETS", ""), *environment.get("PATH", "").split(os.pathsep)]
    return [Path(name) for name in named if name]


def complete_folder(folders: Iterable[Path]) -> Path | None:
    """Return the first folder in which all four programs can be executed."""
    for candidate in folders:
        if all(os.access(candidate / program, os.X_OK) for program in PROGRAMS):
            return candidate.resolve()
    return None
