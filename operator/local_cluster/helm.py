"""Helm as a person's terminal has it, without that person's settings: its files lie in a folder of its own."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local_cluster import build
from local_cluster.errors import HelmError

HELM_TIMEOUT = 300.0  # seconds; what Helm's own --wait takes at most


class Helm:
    """One Helm; its program is built first where it is not there yet.

    Without a kubeconfig it has no cluster, and can render and check only.
    """

    def __init__(self, bundle: build.Bundle, folder: Path, kubeconfig: Path | None = None) -> None:
        self.program = build.folder(bundle) / "helm"
        homes = {f"HELM_{kind}_HOME": str(folder / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        others = {name: value for name, value in os.environ.items() if not name.startswith("HELM_")}
        self._environment = {**others, **homes, "KUBECONFIG": str(kubeconfig or folder / "no-kubeconfig")}

    def run(self, *arguments: str, input: str = "") -> str:  # noqa: A002 - the word subprocess.run uses
        """Run Helm and return what it prints.

        Raises:
            HelmError: it failed, or took longer than five minutes.
        """
        try:
            done = subprocess.run(
                [self.program, *arguments],
                input=input,
                env=self._environment,
                capture_output=True,
                text=True,
                timeout=HELM_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise HelmError(f"helm did not end within {HELM_TIMEOUT:.0f} seconds") from None
        if done.returncode != 0:
            raise HelmError((done.stderr or done.stdout).strip())
        return done.stdout

    def template(self, chart: Path, *, name: str, namespace: str, arguments: Sequence[str] = ()) -> str:
        """Return the objects of a chart as one YAML stream."""
        return self.run("template", name, str(chart), "--namespace", namespace, *arguments)
