"""Leases, as far as electing a leader needs them."""

from tests.simulation.kubernetes.frozen import Frozen
from tests.simulation.kubernetes.metadata import Parts, judge_metadata
from tests.simulation.kubernetes.refusals import Cause
from tests.simulation.kubernetes.resource import Resource
from tests.simulation.kubernetes.schema import Schema

_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}
_FIELDS = {
    "holderIdentity": _TEXT,
    "leaseDurationSeconds": {"type": "integer", "minimum": 1},
    "acquireTime": _TIME,
    "renewTime": _TIME,
    "leaseTransitions": {"type": "integer", "minimum": 0},
}
_SPEC = {"type": "object", "properties": _FIELDS, "default": {}}


class LeaseKind:
    """Leases, whose fields are all optional."""

    resource = Resource("coordination.k8s.io", "v1", "leases", "Lease", is_namespaced=True)
    _schema = Schema({"type": "object", "properties": {"spec": _SPEC}})

    def read(self, body: Parts) -> Parts:
        """Return the spec."""
        self.resource.check_type(body)
        completed: Frozen = self._schema.complete({"spec": body.get("spec")})
        return completed

    def judge(self, new: Frozen, _old: Frozen | None) -> list[Cause]:
        """Return what is wrong."""
        causes = judge_metadata(new["metadata"])
        self._schema.judge(Frozen(spec=new["spec"]), "", causes)
        return causes
