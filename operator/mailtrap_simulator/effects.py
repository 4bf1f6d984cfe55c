"""What a fault does to one call: whether and when it is committed, and what becomes of the answer.

Yields values only; anyone who owns the connection (the HTTP layer, or a simulation on a virtual clock) acts on them.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Literal

from .messages import JSON_TYPE, VERSION, Response
from .payload import Payload
from .refusals import in_form, usual
from .settings import Errors, Settings

Commit = Literal["now", "late", "never"]
Ending = Literal["answer", "truncate", "close", "reset", "hang"]
_SERVER_ERROR = 500
_BAD_GATEWAY = 502
_ELSEWHERE = "/elsewhere"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a call ends for the client, after `delay`.

    `answer`: send the response. `truncate`: announce more bytes than are sent, then close. `close`, `reset`: end the
    connection without an answer, in order or by RST. `hang`: answer nothing until the client goes away.
    """

    ending: Ending
    response: Response | None = None
    delay: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class Kind:
    """A row of the table of effects: what it does by default and which settings it takes."""

    commit: Commit
    ending: Ending = "answer"
    keys: frozenset[str] = frozenset()


KINDS: Mapping[str, Kind] = {
    "status": Kind(
        "never", keys=frozenset({"commit", "status", "body", "content_type", "retry_after", "version"})
    ),
    "html": Kind("never", keys=frozenset({"commit", "status"})),
    "redirect": Kind("never", keys=frozenset({"commit", "location"})),
    "lost-after-commit": Kind("now", "close"),
    "lost-before-commit": Kind("never", "close"),
    "late-commit": Kind("late", "close", frozenset({"delay", "hang"})),
    "reset-connection": Kind("never", "reset", frozenset({"commit"})),
    "hang": Kind("now", "hang", frozenset({"commit"})),
    "slow": Kind("now", keys=frozenset({"delay"})),
    "garbage": Kind("now"),
    "empty": Kind("now"),
    "truncated": Kind("now", "truncate"),
    "cut-json": Kind("now"),
    "missing-token": Kind("now"),
    "short-list": Kind("now", keys=frozenset({"without"})),
}


@dataclass(frozen=True, slots=True)
class Effect:
    """One effect with its settings. With `version` it seems to be the API that speaks JSON; `without` None leaves out every token."""

    kind: str
    commit: Commit = "now"
    ending: Ending = "answer"
    delay: timedelta = timedelta()
    status: int = _SERVER_ERROR
    body: bytes | None = None
    content_type: str = JSON_TYPE
    retry_after: str | None = None
    version: bool = True
    location: str = _ELSEWHERE
    without: frozenset[int] | None = None

    def delivery(self, handled: Response | None, rate: Mapping[str, str], settings: Settings) -> Delivery:
        """How the call ends. `handled` is the server's own answer, None when it was not asked; `rate` are headers."""
        if self.ending in ("close", "reset", "hang"):
            return Delivery(self.ending, delay=settings.latency)
        return Delivery(
            self.ending, self._response(handled, rate, settings.errors), settings.latency + self.delay
        )

    def _response(self, handled: Response | None, rate: Mapping[str, str], errors: Errors) -> Response:
        if self.kind == "status":
            return self._injected(rate, errors)
        if self.kind == "html":
            page = b"<html><body><h1>Bad Gateway</h1></body></html>"
            return Response(self.status, page, "text/html; charset=utf-8")
        if self.kind == "redirect":
            return Response(302, content_type="text/html", headers={"Location": self.location})
        if handled is None:
            raise AssertionError(f"the effect {self.kind} needs the server's answer")
        return _DAMAGE[self.kind](self, handled) if self.kind in _DAMAGE else handled

    def _injected(self, rate: Mapping[str, str], errors: Errors) -> Response:
        extra = {} if self.retry_after is None else {"Retry-After": self.retry_after}
        body = in_form(usual(self.status), errors).body if self.body is None else self.body
        own = VERSION if self.version and self.content_type == JSON_TYPE else {}
        return Response(self.status, body, self.content_type, {**rate, **own, **extra})


NO_EFFECT = Effect("none")


def read_effect(value: Any) -> Effect:
    """The effect in a control payload, `{"kind": …, …}`.

    Raises:
        PayloadError: unknown kind, or a setting that this kind does not take.
    """
    payload = Payload(value, "effect")
    name = payload.text("kind") or ""
    if name not in KINDS:
        raise payload.wrong("kind", "one of " + ", ".join(KINDS))
    kind = KINDS[name]
    effect = Effect(name, kind.commit, kind.ending, status=_BAD_GATEWAY if name == "html" else _SERVER_ERROR)
    for key in sorted(kind.keys):
        if key in payload:
            effect = _SETTINGS[key](effect, payload)
    payload.finish()
    return effect


def _with_body(effect: Effect, payload: Payload) -> Effect:
    body = payload.any("body")
    return replace(effect, body=body.encode() if isinstance(body, str) else json.dumps(body).encode())


def _with_status(effect: Effect, payload: Payload) -> Effect:
    status = payload.integer("status") or 0
    if not 200 <= status <= 599:  # noqa: PLR2004 - the range of final HTTP statuses
        raise payload.wrong("status", "between 200 and 599")
    return replace(effect, status=status)


def _with_retry_after(effect: Effect, payload: Payload) -> Effect:
    value = payload.any("retry_after")
    return replace(effect, retry_after=None if value is None else str(value))


def _with_without(effect: Effect, payload: Payload) -> Effect:
    return replace(effect, without=frozenset(payload.list_of("without", int)))


_SETTINGS: Mapping[str, Callable[[Effect, Payload], Effect]] = {
    "commit": lambda e, p: replace(e, commit="now" if p.flag("commit", default=False) else "never"),
    "status": _with_status,
    "body": _with_body,
    "content_type": lambda e, p: replace(e, content_type=p.text("content_type") or JSON_TYPE),
    "retry_after": _with_retry_after,
    "version": lambda e, p: replace(e, version=p.flag("version", default=True)),
    "location": lambda e, p: replace(e, location=p.text("location") or _ELSEWHERE),
    "delay": lambda e, p: replace(e, delay=p.seconds("delay") or timedelta()),
    "hang": lambda e, p: replace(e, ending="hang" if p.flag("hang", default=False) else "close"),
    "without": _with_without,
}


def _unsigned(handled: Response) -> Response:
    """The answer without the sign that the API itself spoke."""
    return replace(handled, headers={n: text for n, text in handled.headers.items() if n not in VERSION})


def _garbage(_: Effect, handled: Response) -> Response:
    return replace(_unsigned(handled), status=200, body=b'{"id": 12, "name": nonsense}')


def _empty(_: Effect, handled: Response) -> Response:
    return replace(_unsigned(handled), status=200, body=b"")


def _cut(_: Effect, handled: Response) -> Response:
    return replace(handled, body=handled.body[: len(handled.body) // 2])


def _missing_token(_: Effect, handled: Response) -> Response:
    value = json.loads(handled.body or b"null")
    if isinstance(value, dict):
        value.pop("token", None)
    return replace(handled, body=json.dumps(value).encode())


def _short_list(effect: Effect, handled: Response) -> Response:
    value = json.loads(handled.body or b"null")
    if isinstance(value, list):
        left_out = effect.without
        value = [] if left_out is None else [item for item in value if item.get("id") not in left_out]
    return replace(handled, body=json.dumps(value).encode())


_DAMAGE: Mapping[str, Callable[[Effect, Response], Response]] = {
    "garbage": _garbage,
    "empty": _empty,
    "cut-json": _cut,
    "missing-token": _missing_token,
    "short-list": _short_list,
}
