"""The simulator in process on a clock that stands still until a test moves it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from mailtrap_simulator.clock import Clock, written
from mailtrap_simulator.control import control
from mailtrap_simulator.effects import Delivery
from mailtrap_simulator.messages import JSON_TYPE, Request, Response
from mailtrap_simulator.settings import Settings
from mailtrap_simulator.simulator import Simulator

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ACCOUNT = 3229
ADMIN = "1f" * 14 + "cafe"
TOKENS = f"/api/accounts/{ACCOUNT}/api_tokens"
PLAIN_TOKENS = "/api/api_tokens"
DOMAIN = {"resource_type": "domain", "resource_id": 7, "access_level": 100}


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    json: Any = field(repr=False)
    content_type: str = JSON_TYPE
    headers: Mapping[str, str] = field(default_factory=dict)


class Harness:
    def __init__(self, settings: Settings | None = None) -> None:
        rng = Random(7)
        self.simulator = Simulator(Clock(lambda: START), rng, settings or Settings())
        self.control("POST", "accounts", {"id": ACCOUNT, "credential": ADMIN})

    def control(self, method: str, path: str, body: Any = None) -> Any:
        path, _, query = path.partition("?since=")
        status, value = control(self.simulator, method, f"/_simulator/{path}", {"since": query or "0"}, body)
        assert 200 == status, value
        return value

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str]:
        status, value = control(self.simulator, method, f"/_simulator/{path}", {}, body)
        return status, str(value.get("error", ""))

    def advance(self, duration: timedelta) -> None:
        self.control("POST", "clock", {"advance": duration.total_seconds()})

    def deliver(self, method: str, path: str, body: Any = None, credential: str = ADMIN) -> Delivery:
        content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"api-token": credential, "user-agent": "bench"}
        return self.simulator.receive(Request(method, path, headers, content))

    def call(self, method: str, path: str, body: Any = None, credential: str = ADMIN) -> Answer:
        response = self.deliver(method, path, body, credential).response
        assert response is not None
        return answer_of(response)

    def create(self, name: str = "mailer", **fields: Any) -> Answer:
        return self.call("POST", TOKENS, {"name": name, "resources": [DOMAIN], **fields})

    def reset(self, token_id: int, body: Any = None) -> Answer:
        return self.call("POST", f"{TOKENS}/{token_id}/reset", body)

    def ids(self, credential: str = ADMIN) -> list[int]:
        """The listed tokens, the bench's own credential left out."""
        listed = self.call("GET", TOKENS, credential=credential).json
        return [token["id"] for token in listed if token["last_4_digits"] != ADMIN[-4:]]

    def works(self, value: str) -> bool:
        return self.call("GET", "/api/accounts", credential=value).status == 200

    def fault(self, kind: str, operation: str | None = None, **effect: Any) -> None:
        match = {} if operation is None else {"operation": operation}
        self.control("POST", "faults", {"match": match, "effect": {"kind": kind, **effect}})


def answer_of(response: Response) -> Answer:
    """The answer; `json` is None where there is no JSON."""
    value = json.loads(response.body) if response.body and response.content_type == JSON_TYPE else None
    return Answer(response.status, value, response.content_type, response.headers)


def after(duration: timedelta) -> str:
    """The moment so long after the start, as the API writes it."""
    return written(START + duration)
