"""Workloads, as far as a restart and its rollout need them: any template, and the counts of the controller."""

from tests.simulation.kubernetes.custom import CustomKind
from tests.simulation.kubernetes.resource import Resource
from tests.simulation.kubernetes.schema import Schema

_NUMBER = {"type": "integer"}
_ANNOTATIONS = {"type": "object", "additionalProperties": {"type": "string"}}
_TEMPLATE = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object", "properties": {"annotations": _ANNOTATIONS}},
        "spec": {"type": "object", "properties": {"terminationGracePeriodSeconds": _NUMBER}},
    },
}
_SPEC = {"type": "object", "properties": {"replicas": {**_NUMBER, "default": 1}, "template": _TEMPLATE}}
_COUNTS = ("observedGeneration", "replicas", "updatedReplicas", "availableReplicas")
_STATUS = {"type": "object", "properties": dict.fromkeys(_COUNTS, _NUMBER), "default": {}}

WORKLOADS = tuple(
    CustomKind(
        Resource("apps", "v1", f"{kind.lower()}s", kind, is_namespaced=True),
        Schema({"type": "object", "required": ["spec"], "properties": {"spec": _SPEC}}),
        Schema({"type": "object", "properties": {"status": _STATUS}}),
    )
    for kind in ("Deployment", "StatefulSet", "DaemonSet")
)
"""Like custom kinds, they count generations and have the status subresource."""
