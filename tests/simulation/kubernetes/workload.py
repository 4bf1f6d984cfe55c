"""Workloads, as far as a restart, its rollout and the operator's own settings need them."""

from tests.simulation.kubernetes.custom import CustomKind
from tests.simulation.kubernetes.resource import Resource
from tests.simulation.kubernetes.schema import Schema

_NUMBER = {"type": "integer"}
_ANNOTATIONS = {"type": "object", "additionalProperties": {"type": "string"}}
_TEXT = {"type": "string"}
_SOURCES = {
    "fieldRef": {"type": "object", "properties": {"fieldPath": _TEXT}},
    "configMapKeyRef": {"type": "object", "properties": {"name": _TEXT, "key": _TEXT}},
}
_VARIABLE = {"name": _TEXT, "value": _TEXT, "valueFrom": {"type": "object", "properties": _SOURCES}}
_CONTAINER = {
    "name": _TEXT,
    "args": {"type": "array", "items": _TEXT},
    "env": {"type": "array", "items": {"type": "object", "properties": _VARIABLE}},
}
_POD = {
    "terminationGracePeriodSeconds": _NUMBER,
    "containers": {"type": "array", "items": {"type": "object", "properties": _CONTAINER}},
}
_TEMPLATE = {
    "type": "object",
    "properties": {
        "metadata": {"type": "object", "properties": {"annotations": _ANNOTATIONS}},
        "spec": {"type": "object", "properties": _POD},
    },
}
_SPEC = {"type": "object", "properties": {"replicas": {**_NUMBER, "default": 1}, "template": _TEMPLATE}}
_COUNTS = ("observedGeneration", "replicas", "updatedReplicas", "availableReplicas")
_REVISIONS = ("currentRevision", "updateRevision")
_REPORTED = dict.fromkeys(_COUNTS, _NUMBER) | dict.fromkeys(_REVISIONS, _TEXT)
_STATUS = {"type": "object", "properties": _REPORTED, "default": {}}

WORKLOADS = tuple(
    CustomKind(
        Resource("apps", "v1", f"{kind.lower()}s", kind, is_namespaced=True),
        Schema({"type": "object", "required": ["spec"], "properties": {"spec": _SPEC}}),
        Schema({"type": "object", "properties": {"status": _STATUS}}),
    )
    for kind in ("Deployment", "StatefulSet", "DaemonSet")
)
"""Like custom kinds, they count generations and have the status subresource."""
