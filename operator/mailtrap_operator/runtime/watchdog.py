"""Says when a watch has gone deaf: it lives, reports no error, and tells of nothing.

The rule: the resync notes each change that the watch of that kind has not told of yet. A watch that hears tells of it
soon, also after it was cut off, as it then lists everything anew. A change that was noted, that the watch has not told of
five minutes later, and that two later resyncs still show, makes the watch deaf. Deletions do not count: a watch that
was cut off need never tell of them. A resync that fails forgets what was noted: what keeps the API server from
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
class _Untold:
    version: str
    since: float
    resyncs: int = 0


class Watchdog:
    """What the watches have not told yet, kind by kind; `monotonic` counts seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._untold: dict[str, dict[ObjectName, _Untold]] = defaultdict(dict)
        self._deaf: set[str] = set()

    def heard(self, body: Mapping[str, Any]) -> None:
        """Take note of an object that a watch has told of, be it as deleted."""
        meta, untold = body["metadata"], self._untold[body["kind"]]
        name = (meta.get("namespace"), meta["name"])
        if (change := untold.get(name)) and not is_newer(change.version, meta["resourceVersion"]):
            del untold[name]

    def compare(self, kind: str, listed: AbstractSet[ObjectName], missed: Mapping[ObjectName, str]) -> None:
        """Take note of what a resync has listed of a kind, and of the versions that the watch has not told of yet."""
        untold = self._untold[kind]
        for name in untold.keys() - listed:
            del untold[name]
        for name, change in untold.items():
            change.resyncs += 1
            is_overdue = self._monotonic() - change.since >= _PATIENCE.total_seconds()
            if is_overdue and change.resyncs >= _RESYNCS and kind not in self._deaf:
                self._deaf.add(kind)
                extra = {"kind": kind, "key": "/".join(filter(None, name))}
                logger.error("a watch is deaf: it has not told of a change", extra=extra)
        for name, version in missed.items():
            untold.setdefault(name, _Untold(version, self._monotonic()))

    def forget(self) -> None:
        """Begin anew, after a resync that failed."""
        self._untold.clear()

    def complaint(self) -> str | None:
        """Return which watches are deaf, None where none is; one that was deaf does not count as healed."""
        kinds = ", ".join(f"{kind}s" for kind in sorted(self._deaf))
        return f"The watch of {kinds} tells of no changes." if kinds else None
