"""Every error of the remote API on a real wire: it is named, nothing is issued from ignorance, and it ends well.

Each row has an account object and a credential of its own, by which its faults are told from those of other rows:
so all rows of a call run side by side. What each error means for each other call: `tests/unit/clients/test_mailtrap_errors.py`,
and the single faults of the simulation.
"""

import base64
import json
import re
import uuid
from collections.abc import Iterator

import pytest

from local_cluster import Cluster
from tests.e2e.kube import GROUP, Body, Kube
from tests.e2e.world import World, eventually, served

NEVER = {"policy": "Never"}
VALUE = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")

ERRORS: dict[str, tuple[Body, str]] = {
    "401": ({"kind": "status", "status": 401}, "CredentialRefused"),
    "403": ({"kind": "status", "status": 403}, "AccessForbidden"),
    "404": ({"kind": "status", "status": 404}, "NotFound"),
    "422": ({"kind": "status", "status": 422}, "RequestRefused"),
    "429": ({"kind": "status", "status": 429}, "RateLimited"),
    "429-retry-after": ({"kind": "status", "status": 429, "retry_after": 1}, "RateLimited"),
    "500": ({"kind": "status", "status": 500}, "RemoteUnavailable"),
    "502-html": ({"kind": "html"}, "RemoteUnavailable"),
    "302": ({"kind": "redirect"}, "RemoteUnavailable"),
    "slow": ({"kind": "slow", "delay": 9}, "RemoteUnavailable"),
    "reset": ({"kind": "reset-connection"}, "RemoteUnavailable"),
    "lost-before-commit": ({"kind": "lost-before-commit"}, "RemoteUnavailable"),
    "lost-after-commit": ({"kind": "lost-after-commit"}, "RemoteUnavailable"),
    "truncated": ({"kind": "truncated"}, "RemoteUnavailable"),
    "garbage": ({"kind": "garbage"}, "RemoteAnswerUnusable"),
    "empty": ({"kind": "empty"}, "RemoteAnswerUnusable"),
    "cut-json": ({"kind": "cut-json"}, "RemoteAnswerUnusable"),
}
OF_ISSUING = ERRORS | {"missing-token": ({"kind": "missing-token"}, "RemoteAnswerUnusable")}


@pytest.fixture(scope="module")
def world(cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Provide one served world for all tests of this file; each row has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("errors")) as world:
        yield world


class Rows:
    """The rows of one call: an object, an account and a credential for each error."""

    def __init__(self, world: World, call: str, errors: dict[str, tuple[Body, str]]) -> None:
        self.world = world
        self.call = call
        self.reasons = {f"{call}-{error}": reason for error, (_, reason) in errors.items()}
        self._effects = {f"{call}-{error}": effect for error, (effect, _) in errors.items()}
        self._credentials: dict[str, str] = {}
        for name in self.reasons:
            self._add_account(name)

    def _add_account(self, name: str) -> None:
        account, value = f"{self.world.namespace}-{name}", uuid.uuid4().hex
        self.world.simulator.control("POST", "credentials", {"value": value})
        self.world.put_credential(value, account)
        self.world.put_account(account)
        assert value[-4:] not in self._credentials.values()
        self._credentials[name] = value[-4:]

    def put(self, prefix: str = "", **spec: object) -> None:
        """Apply an object for each row; lost tokens need no overlap."""
        for name in self.reasons:
            account = {"name": f"{self.world.namespace}-{name}"}
            self.world.put_api_token(prefix + name, accountRef=account, rotation={"overlap": "0s"}, **spec)

    def break_calls(self, times: int | str) -> None:
        """Have each row's coming calls end with its error."""
        for name, effect in self._effects.items():
            match = {"operation": self.call, "credential": self._credentials[name]}
            self.world.simulator.control("POST", "faults", {"match": match, "effect": effect, "times": times})

    def become_ready(self, prefix: str = "") -> None:
        """Wait until each row has its one token."""
        for name in self.reasons:
            assert self.world.works(self.world.becomes_ready(prefix + name))
            eventually(lambda: not self.world.strays(prefix + name), f"no token of {name} is left over")  # noqa: B023 - called at once

    def done(self, since: int) -> dict[str, list[str]]:
        """Return for each row what its credential changed, or would have changed."""
        calls = [call for call in self.world.mutations() if since < call["seq"]]
        by = self._credentials.items()
        return {name: [c["operation"] for c in calls if c["credential"] == own] for name, own in by}


def named(history: list[Body], name: str) -> dict[str, str]:
    """Return each reason that an object's conditions have had, with its message."""
    versions = [body.get("status", {}) for body in history if body["metadata"]["name"] == name]
    return {c["reason"]: c["message"] for status in versions for c in status.get("conditions", [])}


def shows_no_value(world: World, history: list[Body]) -> None:
    """Check log, Events and all versions of the objects for anything that could be a value."""
    secrets = (world.kube.get(f"/api/v1/namespaces/{world.namespace}/secrets") or {})["items"]
    values = [text for secret in secrets for text in secret["data"].values()]
    assert all(VALUE.fullmatch(base64.b64decode(text).decode()) for text in values)
    objects = world.kube.get(f"{GROUP}/namespaces/{world.namespace}/apitokens")
    events = world.kube.get(f"/api/v1/namespaces/{world.namespace}/events")
    shown = json.dumps([objects, events, history])
    shown += "".join(log.read_text() for log in world.folder.glob("operator-*.log"))
    assert [] == VALUE.findall(shown)
    assert [] == [text for text in values if text in shown]


def test_a_list_that_lacks_a_token_on_record_counts_for_nothing(world: World) -> None:
    rows = Rows(world, "list", {"short": ({"kind": "short-list"}, "ListIncomplete")})
    rows.put()
    rows.become_ready()
    before = world.last_call()

    rows.break_calls("forever")
    rows.put(expiration=NEVER)

    assert world.becomes("list-short", "ListIncomplete", "Reconciling")["message"]
    assert [] == world.operations(before)
    world.clear_faults()
    rows.become_ready()
    assert ["reset"] == world.operations(before)


def test_errors_of_create(world: World) -> None:
    rows = Rows(world, "create", OF_ISSUING)
    start, before = world.resource_version(), world.last_call()

    rows.break_calls(1)
    rows.put()

    rows.become_ready()
    history = world.history(start)
    for name, reason in rows.reasons.items():
        assert named(history, name).get(reason), f"{name} names its cause"
    creates = {name: done.count("create") for name, done in rows.done(before).items()}
    assert dict.fromkeys(rows.reasons, 2) == creates
    shows_no_value(world, history)
