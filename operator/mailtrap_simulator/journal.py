"""What was asked of the server and what came of it. No token value enters here."""

from collections import deque
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from .clock import written

MOST_ENTRIES = 50_000
MOST_ATTEMPTS = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One call. `status` is None when no answer was sent; `late_for` is the call whose late commit this is."""

    seq: int
    time: str
    method: str
    path: str
    operation: str
    account_id: int | None
    credential: str
    user_agent: str
    outcome: str
    status: int | None
    fault: str | None
    committed: bool
    token_id: int | None
    successor_id: int | None
    late_for: int | None = None


class Journal:
    """The last calls, numbered from 1 without gaps; older entries fall out."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=MOST_ENTRIES)
        self.last_seq = 0
        self._dropped = 0

    def add(self, entry: Entry) -> None:
        """Append; the entry must carry the number after the last."""
        self._dropped += len(self._entries) == MOST_ENTRIES
        self.last_seq = entry.seq
        self._entries.append(entry)

    def clear(self) -> None:
        """Forget the entries; the numbers continue."""
        self._entries.clear()
        self._dropped = 0

    def as_json(self, since: int) -> dict[str, Any]:
        """Entries with a number above `since`, and how many were dropped for want of room."""
        entries = [asdict(entry) for entry in self._entries if entry.seq > since]
        return {"entries": entries, "last_seq": self.last_seq, "dropped": self._dropped}


class Tripwire:
    """Foreign tokens, by id or by exact name, and every attempt to reset or delete one."""

    def __init__(self) -> None:
        self.ids: set[int] = set()
        self.names: set[str] = set()
        self._attempts: deque[dict[str, Any]] = deque(maxlen=MOST_ATTEMPTS)

    def is_foreign(self, token_id: int | None, name: str | None) -> bool:
        """Whether the token was named as foreign."""
        return token_id in self.ids or name in self.names

    def record(self, operation: str, token_id: int, seq: int, now: datetime) -> None:
        """Keep one attempt; `seq` is its entry in the journal."""
        attempt = {"operation": operation, "token_id": token_id, "seq": seq, "time": written(now)}
        self._attempts.append(attempt)

    def clear(self) -> None:
        """Forget the attempts; foreign tokens stay foreign."""
        self._attempts.clear()

    def as_json(self) -> dict[str, Any]:
        """The attempts, and what is foreign."""
        return {"attempts": list(self._attempts), "ids": sorted(self.ids), "names": sorted(self.names)}
