"""A release of the chart in a real cluster, as Helm makes it, and the operator as that release would run it."""

import json
from pathlib import Path
from typing import Any, Self

import yaml

from local_cluster import Cluster, Helm
from tests.e2e.kube import Body

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "mailtrap-operator"
IMAGE = {"image": {"repository": "registry.example.com/mailtrap-operator"}}
"""What has no default; no test pulls it."""


class Release:
    """One release; Helm is called only by the methods that say so. All of its objects have its name."""

    def __init__(self, cluster: Cluster, helm: Helm, name: str, namespace: str, **values: Any) -> None:
        self.name = name
        self.namespace = namespace
        self.values = IMAGE | values | {"fullnameOverride": name}
        self._cluster = cluster
        self._helm = helm

    def under(self, name: str, namespace: str) -> Self:
        """Return a release of another name and place with the values that this one begins with."""
        return type(self)(self._cluster, self._helm, name, namespace, **self.values)

    def install(self, *flags: str, chart: Path = CHART, **values: Any) -> str:
        """Run `helm install`."""
        return self._run("install", str(chart), *flags, **values)

    def upgrade(self, *flags: str, chart: Path = CHART, **values: Any) -> str:
        """Run `helm upgrade`; what was given before counts on, unless it is given again."""
        return self._run("upgrade", str(chart), *flags, **values)

    def rollback(self, revision: int, *flags: str) -> None:
        """Run `helm rollback`."""
        self._helm.run("rollback", self.name, str(revision), "--namespace", self.namespace, *flags)

    def uninstall(self, *flags: str) -> None:
        """Run `helm uninstall`."""
        self._helm.run("uninstall", self.name, "--namespace", self.namespace, *flags)

    def test(self) -> None:
        """Run `helm test`."""
        self._helm.run("test", self.name, "--namespace", self.namespace)

    def status(self) -> str:
        """Return what Helm thinks of it."""
        shown = self._helm.run("status", self.name, "--namespace", self.namespace, "--output", "json")
        return str(yaml.safe_load(shown)["info"]["status"])

    def crds(self) -> str:
        """Return the CustomResourceDefinitions alone, as a user gets them from the chart."""
        only = (
            "--show-only",
            "templates/crds.yaml",
            "--set",
            f"image.repository={IMAGE['image']['repository']}",
        )
        return self._helm.template(CHART, name=self.name, namespace=self.namespace, arguments=only)

    def _run(self, verb: str, chart: str, *flags: str, **values: Any) -> str:
        self.values |= values
        arguments = [verb, self.name, chart, "--namespace", self.namespace, "--values", "-", *flags]
        return self._helm.run(*arguments, input=yaml.safe_dump(self.values))

    @property
    def user(self) -> str:
        """The user that its pods are to the API server."""
        return f"system:serviceaccount:{self.namespace}:{self.name}"

    def container(self) -> tuple[Body, Body]:
        """Return the operator's container, and a pod of it as there would be."""
        found = self._cluster.kubectl("get", "deployment", self.name, "-n", self.namespace, "-o", "json")
        template = json.loads(found)["spec"]["template"]
        metadata = template["metadata"] | {"name": f"{self.name}-0", "namespace": self.namespace}
        (container,) = template["spec"]["containers"]
        return container, template | {"metadata": metadata}
