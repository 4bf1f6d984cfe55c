"""Says when a watch has gone deaf: it lives, reports no error, and reports nothing.

The rule: the resync notes each change that the watch of that kind has not reported yet. A watch that hears reports it
soon, also after it was cut off, as it then lists everything again. A change that was noted, that the watch has not reported
five minutes later, and that two later resyncs still show, makes the watch deaf. Deletions do not count: a watch that
was cut off need never report them. A resync that fails forgets what was noted: what keeps the API server from
answering here keeps it from telling there.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mailtrap_operator.runtime.versions import is_newer

logger = logging.getLogger(__name__)

ObjectName = tuple[str | None, str]
"""Namespace, None for a cluster-scoped object, and name."""

_PATIENCE = timedelta(minutes=5)
"""Longer than a watch may be silent, and be set up again, without being deaf."""

_RESYNCS = 2


@dataclass(slots=True)
class _Unreported:
    version: str
    since: float
    resyncs: int = 0


class Watchdog:
    """What the watches have not reported yet, kind by kind; `monotonic` counts seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._unreported: dict[str, dict[ObjectName, _Unreported]] = defaultdict(dict)
        self._deaf: set[str] = set()

    def heard(self, body: Mapping[str, Any]) -> None:
        """Record an object that a watch has reported, be it as deleted."""
        meta, unreported = body["metadata"], self._unreported[body["kind"]]
        name = (meta.get("namespace"), meta["name"])
        if (change := unreported.get(name)) and not is_newer(change.version, meta["resourceVersion"]):
            del unreported[name]

    def compare(self, kind: str, listed: AbstractSet[ObjectName], missed: Mapping[ObjectName, str]) -> None:
        """Record what a resync has listed of a kind, and of the versions that the watch has not reported yet."""
        unreported = self._unreported[kind]
        for name in unreported.keys() - listed:
            del unreported[name]
        for name, change in unreported.items():
            change.resyncs += 1
            is_overdue = self._monotonic() - change.since >= _PATIENCE.total_seconds()
            if is_overdue and change.resyncs >= _RESYNCS and kind not in self._deaf:
                self._deaf.add(kind)
                extra = {"kind": kind, "key": "/".join(filter(None, name))}
                logger.error("a watch is deaf: it has not reported a change", extra=extra)
        for name, version in missed.items():
            unreported.setdefault(name, _Unreported(version, self._monotonic()))

    def forget(self) -> None:
        """Begin again, after a resync that failed."""
        self._unreported.clear()

    def unhealthy_reason(self) -> str | None:
        """Return which watches are deaf, None where none is; one that was deaf does not count as healed."""
        kinds = ", ".join(f"{kind}s" for kind in sorted(self._deaf))
        return f"The watch of {kinds} reports no changes." if kinds else None
