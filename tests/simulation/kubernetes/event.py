"""Events."""

from collections.abc import Mapping
from typing import Any

from tests.simulation.kubernetes.frozen import Frozen, freeze
from tests.simulation.kubernetes.malformed import MalformedError
from tests.simulation.kubernetes.metadata import Parts, judge_metadata
from tests.simulation.kubernetes.refusals import Cause
from tests.simulation.kubernetes.resource import Resource
from tests.simulation.kubernetes.schema import is_time

_EVENT_FIELDS: Mapping[str, type] = {
    "involvedObject": dict,
    "source": dict,
    "type": str,
    "reason": str,
    "message": str,
    "count": int,
    "firstTimestamp": str,
    "lastTimestamp": str,
    "reportingComponent": str,
    "reportingInstance": str,
}
_EVENT_SHOWN: Mapping[str, Any] = {
    "involvedObject": Frozen(),
    "source": Frozen(),
    "firstTimestamp": None,
    "lastTimestamp": None,
    "eventTime": None,
    "reportingComponent": "",
    "reportingInstance": "",
}


class EventKind:
    """Events, of which any field may change."""

    resource = Resource("", "v1", "events", "Event", is_namespaced=True)

    def read(self, body: Parts) -> Parts:
        """Return the fields that an Event has; some are shown even when they are empty."""
        self.resource.check_type(body)
        parts = dict(_EVENT_SHOWN)
        for name, kind in _EVENT_FIELDS.items():
            value = body.get(name)
            if value is None:
                continue
            if type(value) is not kind and not (kind is dict and type(value) is Frozen):
                raise MalformedError(f"{name} must not be {value!r}")
            if name.endswith("Timestamp") and not is_time(str(value)):
                raise MalformedError(f"{name} must be a time, not {value!r}")
            if value or name in parts:
                parts[name] = freeze(value)
        return parts

    def judge(self, new: Frozen, _old: Frozen | None) -> list[Cause]:
        """Return what is wrong."""
        causes = judge_metadata(new["metadata"])
        place, about = new["metadata"]["namespace"], new["involvedObject"].get("namespace", "")
        # What is said of an object without a namespace stands in the namespace `default`.
        if about != place and (about, place) != ("", "default"):
            words = "Invalid value: does not match event.namespace"
            causes.append(Cause("involvedObject.namespace", "FieldValueInvalid", words))
        return causes
