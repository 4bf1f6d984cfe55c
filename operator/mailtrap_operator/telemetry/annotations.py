"""Reports annotations under the operator's prefix that mean nothing: by one Event for each change of them."""

from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.core.annotations import unknown_annotations, words_on_unknown
from mailtrap_operator.core.events import Event
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.telemetry.events import EventRecorder


class UnknownAnnotations:
    """Remembers what it has told, of so many objects; another process tells it once more, and Kubernetes counts that."""

    def __init__(self, events: EventRecorder, *, most: int = 10_000) -> None:
        self._events = events
        self._most = most
        self._told: dict[str, int] = {}

    async def report(self, about: ApiToken | Account) -> None:
        """Report those that an object has, unless that was done and they have not changed since."""
        meta, kind = about.metadata, about.kind if isinstance(about, Account) else "ApiToken"
        unknown = unknown_annotations(kind, meta.annotations)
        before = self._told.pop(meta.uid, None)
        if not unknown:
            return
        self._told[meta.uid] = now = hash(frozenset(unknown.items()))
        if len(self._told) > self._most:
            del self._told[next(iter(self._told))]
        if now != before:
            words = words_on_unknown(kind, unknown)
            await self._events.emit(about, Event("Warning", Reason.UNKNOWN_ANNOTATION, words))
