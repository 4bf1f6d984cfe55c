"""Namespaces: their metadata, and whether they are being deleted."""

from tests.simulation.kubernetes.frozen import Frozen, freeze
from tests.simulation.kubernetes.metadata import Parts, judge_metadata
from tests.simulation.kubernetes.refusals import Cause
from tests.simulation.kubernetes.resource import Resource


class NamespaceKind:
    """Namespaces; an update changes their metadata alone."""

    resource = Resource("", "v1", "namespaces", "Namespace", is_namespaced=False)

    def read(self, body: Parts) -> Parts:
        """Return nothing: a Namespace's spec is not simulated."""
        self.resource.check_type(body)
        return {}

    def newborn(self, meta: Parts, _parts: Parts) -> tuple[Parts, Parts]:
        """Return what every Namespace has."""
        parts = {"spec": freeze({"finalizers": ["kubernetes"]}), "status": freeze({"phase": "Active"})}
        return self.labelled(meta), parts

    def labelled(self, meta: Parts) -> Parts:
        """Return metadata with the label that every Namespace has."""
        labels = Frozen({**meta.get("labels", {}), "kubernetes.io/metadata.name": meta.get("name", "")})
        return {**meta, "labels": labels}

    def judge(self, new: Frozen, _old: Frozen | None) -> list[Cause]:
        """Return what is wrong."""
        return judge_metadata(new["metadata"], is_short=True)
