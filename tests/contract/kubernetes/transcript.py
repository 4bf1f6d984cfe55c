"""What two servers must agree on: their answers, without what is each server's own.

Uids and resourceVersions are numbered as they turn up, so that it counts whether one changes, not what it is. Times,
generated letters, field managers, the version of a list and the words about invalid objects do not count; which field
is refused for which reason does.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

_TIMES = {"creationTimestamp", "deletionTimestamp"}
_NUMBER_IN_WORDS = re.compile(r"\(\d+\)")
_LONGEST_BASE = 58


class Transcript:
    """The answers of one server to one case, a line each."""

    def __init__(self, namespace: str) -> None:
        self.lines: list[str] = []
        self._namespace = namespace
        self._numbers: dict[tuple[str, str], str] = {}

    def note(self, status: int, body: Any) -> None:
        """Note an answer down."""
        told = _thin_refusal(body) if isinstance(body, dict) and "code" in body else body
        self._write(f"{status} {json.dumps(self._plain(told), sort_keys=True)}")

    def note_events(self, events: Iterable[tuple[str, Any]]) -> None:
        """Note down what a watch told."""
        for kind, body in events:
            self._write(f"{kind} {json.dumps(self._plain(body), sort_keys=True)}")

    def _write(self, line: str) -> None:
        for (what, value), number in self._numbers.items():
            line = line.replace(value, number) if what == "uid" else line
        self.lines.append(_NUMBER_IN_WORDS.sub("(a number)", line.replace(self._namespace, "<namespace>")))

    def _plain(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._plain(item) for item in value]
        if not isinstance(value, dict):
            return value
        plain = {name: self._plain(item) for name, item in value.items() if name != "managedFields"}
        if isinstance(meta := value.get("metadata"), dict):
            plain["metadata"] = self._plain_metadata(meta, is_list="items" in value)
        return plain

    def _plain_metadata(self, meta: dict[str, Any], *, is_list: bool) -> dict[str, Any]:
        plain = {name: value for name, value in meta.items() if name != "managedFields"}
        plain |= dict.fromkeys(_TIMES & plain.keys(), "<time>")
        if plain.get("continue"):
            plain["continue"] = "<continue>"
        if "generateName" in plain:
            plain["name"] = f"{plain['generateName'][:_LONGEST_BASE]}?????"
        for name in ("uid", "resourceVersion"):
            if name in plain:
                plain[name] = "<list>" if is_list else self._numbered(name, plain[name])
        return plain

    def _numbered(self, what: str, value: str) -> str:
        return self._numbers.setdefault((what, value), f"<{what} {len(self._numbers)}>")


def _thin_refusal(body: dict[str, Any]) -> dict[str, Any]:
    causes = body.get("details", {}).get("causes", [])
    if body.get("reason") == "BadRequest":
        return {**body, "message": "<words>"}
    if body.get("reason") != "Invalid" or not any("field" in cause for cause in causes):
        return body
    fields = sorted(
        {(cause["field"], cause["reason"]) for cause in causes} - {("<nil>", "FieldValueInvalid")}
    )
    return {**body, "message": "<words>", "details": {**body["details"], "causes": fields}}
