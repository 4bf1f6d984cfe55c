from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from tests.unit.simulator.harness import ACCOUNT, ADMIN, DOMAIN, TOKENS, Harness, after

HOUR = timedelta(hours=1)


def state_of(harness: Harness, token_id: int) -> Any:
    tokens = [t for account in harness.control("GET", "state")["accounts"] for t in account["tokens"]]
    return next(token for token in tokens if token["id"] == token_id)


def test_the_state_shows_every_token_but_no_value(harness: Harness) -> None:
    base = harness.create().json
    successor = harness.reset(base["id"]).json
    harness.advance(12 * HOUR)

    assert ADMIN not in str(harness.control("GET", "state"))
    assert successor["token"] not in str(harness.control("GET", "state"))
    assert (False, True) == (state_of(harness, base["id"])["live"], state_of(harness, base["id"])["reset"])
    assert (True, False) == (
        state_of(harness, successor["id"])["live"],
        state_of(harness, successor["id"])["reset"],
    )
    assert sha256(successor["token"].encode()).hexdigest() == state_of(harness, successor["id"])["sha256"]


def test_no_value_shows_in_a_repr(harness: Harness) -> None:
    delivery = harness.deliver("POST", TOKENS, {"name": "x", "resources": [DOMAIN]})
    assert delivery.response is not None
    value = delivery.response.body.decode().split('"')[-2]
    account = harness.simulator.server.accounts[ACCOUNT]
    tokens = account.tokens(harness.simulator.clock.now())

    assert value == tokens[-1].value
    assert value not in repr((delivery, tokens, harness.control("GET", "journal")))


def test_the_clock_moves_by_and_to(harness: Harness) -> None:
    harness.control("POST", "clock", {"advance": 10})
    assert after(timedelta(seconds=15)) == harness.control("POST", "clock", {"advance": 5})["now"]
    assert after(timedelta(seconds=-1)) == harness.control("POST", "clock", {"offset": -1})["now"]
    assert {"now": after(timedelta(0)), "offset": 0.0} == harness.control("POST", "clock", {"offset": 0})


def test_the_journal_tells_each_call_and_what_came_of_it(harness: Harness) -> None:
    base = harness.create().json
    successor = harness.reset(base["id"]).json
    harness.call("DELETE", f"{TOKENS}/{base['id']}")
    harness.call("DELETE", f"{TOKENS}/{base['id']}", credential="unknown-9f9f")

    entries = harness.control("GET", "journal")["entries"]

    told = [
        (e["seq"], e["operation"], e["status"], e["committed"], e["token_id"], e["successor_id"])
        for e in entries
    ]
    assert [
        (1, "create", 200, True, base["id"], None),
        (2, "reset", 200, True, base["id"], successor["id"]),
        (3, "delete", 204, True, base["id"], None),
        (4, "delete", 401, False, base["id"], None),
    ] == told
    assert ["cafe", "cafe", "cafe", "9f9f"] == [entry["credential"] for entry in entries]
    assert {
        "time": after(timedelta()),
        "method": "POST",
        "path": TOKENS,
        "account_id": ACCOUNT,
        "user_agent": "bench",
        "outcome": "answered",
        "fault": None,
        "late_for": None,
    }.items() <= entries[0].items()


def test_the_journal_can_be_read_on_from_a_number_and_cleared(harness: Harness) -> None:
    for _ in range(3):
        harness.call("GET", TOKENS)

    assert [3] == [entry["seq"] for entry in harness.control("GET", "journal?since=2")["entries"]]
    harness.control("DELETE", "journal")
    harness.call("GET", TOKENS)
    journal = harness.control("GET", "journal")
    assert ([4], 4) == ([entry["seq"] for entry in journal["entries"]], journal["last_seq"])


@pytest.mark.parametrize("fault", [None, "lost-before-commit", "lost-after-commit"])
def test_every_attempt_on_a_foreign_token_is_recorded(harness: Harness, fault: str | None) -> None:
    foreign = harness.control("POST", "tokens", {"resources": [DOMAIN], "foreign": True})["id"]
    own = harness.create().json["id"]
    for _ in range(3 if fault else 0):
        harness.fault(fault or "")

    for token_id in (own, foreign):
        harness.deliver("POST", f"{TOKENS}/{token_id}/reset")
    harness.deliver("GET", f"{TOKENS}/{foreign}")
    harness.deliver("DELETE", f"{TOKENS}/{foreign}")

    attempts = harness.control("GET", "tripwire")["attempts"]
    assert [("reset", foreign), ("delete", foreign)] == [(a["operation"], a["token_id"]) for a in attempts]
    journal = {entry["seq"]: entry for entry in harness.control("GET", "journal")["entries"]}
    assert ["reset", "delete"] == [journal[attempt["seq"]]["operation"] for attempt in attempts]


def test_foreign_tokens_can_be_named_by_id_and_by_name(harness: Harness) -> None:
    by_id, by_name, neither = (harness.create(name).json["id"] for name in ("one", "two", "three"))
    harness.control("POST", "tripwire", {"ids": [by_id], "names": ["two"]})

    for token_id in (by_id, by_name, neither):
        harness.call("DELETE", f"{TOKENS}/{token_id}")

    assert [by_id, by_name] == [
        attempt["token_id"] for attempt in harness.control("GET", "tripwire")["attempts"]
    ]
    harness.control("DELETE", "tripwire")
    assert [] == harness.control("GET", "tripwire")["attempts"]


def test_the_successor_of_a_foreign_token_and_every_credential_are_foreign(harness: Harness) -> None:
    foreign = harness.control("POST", "tokens", {"resources": [DOMAIN], "foreign": True})["id"]
    successor = harness.reset(foreign).json["id"]
    credential = harness.control("POST", "credentials", {})["id"]

    assert all(state_of(harness, token_id)["foreign"] for token_id in (foreign, successor, credential))
    assert not state_of(harness, harness.create().json["id"])["foreign"]


def test_a_seeded_token_is_as_it_was_ordered(harness: Harness) -> None:
    order = {
        "name": "by hand",
        "resources": [DOMAIN],
        "expires_at": "2026-02-01T00:00:00Z",
        "created_by": "Ann",
        "value": "known-value-0001",
    }

    seeded = harness.control("POST", "tokens", order)

    shown = harness.call("GET", f"{TOKENS}/{seeded['id']}").json
    assert "known-value-0001" == seeded["token"]
    assert ("by hand", "Ann", "2026-02-01T00:00:00.000Z", "0001") == (
        shown["name"],
        shown["created_by"],
        shown["expires_at"],
        shown["last_4_digits"],
    )
    assert not state_of(harness, seeded["id"])["live"]


def test_a_foreign_token_may_be_odd(harness: Harness) -> None:
    order = {"name": None, "last_4_digits": None, "expires_at": "2027-01-31", "foreign": True}
    seeded = harness.control("POST", "tokens", {"resources": [DOMAIN], **order})

    for shown in (harness.call("GET", f"{TOKENS}/{seeded['id']}").json, harness.call("GET", TOKENS).json[-1]):
        assert [None, None, "2027-01-31"] == [shown[key] for key in ("name", "last_4_digits", "expires_at")]
    assert harness.works(seeded["token"])
    harness.advance(timedelta(days=336))
    assert not harness.works(seeded["token"])


def test_an_odd_token_that_is_edited_is_odd_no_more(harness: Harness) -> None:
    order = {"name": None, "expires_at": "2027-01-31"}
    path = f"tokens/{harness.control('POST', 'tokens', {'resources': [DOMAIN], **order})['id']}"

    harness.control("PATCH", path, {"name": "known", "expires_at": after(HOUR)})

    shown = harness.call("GET", TOKENS).json[-1]
    assert ("known", after(HOUR)) == (shown["name"], shown["expires_at"])


def test_a_token_can_be_changed_expired_and_removed_behind_the_back(harness: Harness) -> None:
    token = harness.create().json
    path = f"tokens/{token['id']}"

    harness.control("PATCH", path, {"resources": [{**DOMAIN, "access_level": 10}], "expires_at": after(HOUR)})
    shown = harness.call("GET", f"{TOKENS}/{token['id']}").json
    assert (10, after(HOUR), "mailer") == (
        shown["resources"][0]["access_level"],
        shown["expires_at"],
        shown["name"],
    )

    harness.control("PATCH", path, {"expires_at": None, "name": "renamed"})
    shown = harness.call("GET", f"{TOKENS}/{token['id']}").json
    assert (None, "renamed") == (shown["expires_at"], shown["name"])

    harness.control("POST", f"{path}/expire")
    assert ([token["id"]], False) == (harness.ids(), harness.works(token["token"]))

    harness.control("DELETE", path)
    assert [] == harness.ids()
    assert 404 == harness.refused("DELETE", path)[0]


def test_a_credential_is_a_token_that_can_be_added_expired_and_revoked(harness: Harness) -> None:
    first = harness.control("POST", "credentials", {"value": "first-credential"})
    second = harness.control("POST", "credentials", {})
    assert [200, 200] == [harness.call("GET", TOKENS, credential=c["token"]).status for c in (first, second)]
    assert {first["id"], second["id"]} <= set(harness.ids())
    assert state_of(harness, first["id"])["credential"]

    harness.control("POST", f"credentials/{first['id']}/expire")
    harness.control("DELETE", f"credentials/{second['id']}")

    assert [401, 401] == [harness.call("GET", TOKENS, credential=c["token"]).status for c in (first, second)]
    assert first["id"] in harness.ids()


def test_the_resources_of_an_account_can_be_replaced(harness: Harness) -> None:
    def shown() -> list[tuple[int, str]]:
        (top,) = harness.call("GET", f"/api/accounts/{ACCOUNT}/permissions/resources").json
        return [(node["id"], node["name"]) for node in top["resources"]]

    for tree in ([(5, "one"), (6, "two")], [(5, "renamed")]):
        resources = [{"id": id_, "name": name, "type": "sandbox"} for id_, name in tree]
        harness.control("PUT", f"accounts/{ACCOUNT}/resources", {"resources": resources})
        assert tree == shown()

    assert 404 == harness.refused("PUT", "accounts/1/resources", {"resources": []})[0]


def test_a_new_domain_and_nothing_else_brings_a_token_of_its_own(harness: Harness) -> None:
    def put(*domains: tuple[int, str]) -> None:
        inside = [{"id": id_, "name": name, "type": "domain"} for id_, name in domains]
        project = {"id": 100 + len(inside), "name": "shop", "type": "project", "resources": inside}
        tree = [project, {"id": 200 + len(inside), "name": "main", "type": "sandbox"}]
        harness.control("PUT", f"accounts/{ACCOUNT}/resources", {"resources": tree})

    put((7, "old.example"))
    assert [] == harness.ids(), "where any resource exists none is new"
    put((7, "renamed.example"), (8, "new.example"))

    (token_id,) = harness.ids()
    shown = harness.call("GET", f"{TOKENS}/{token_id}").json
    assert (f"new.example token {token_id}", [{**DOMAIN, "resource_id": 8}]) == (
        shown["name"],
        shown["resources"],
    )
    assert state_of(harness, token_id)["foreign"]


def test_settings_change_at_run_time_one_by_one(harness: Harness) -> None:
    defaults = {
        "server": "new",
        "paths": "both",
        "types": "both",
        "default_expiry": "365d",
        "rate_limit": "150/10s",
        "retry_after": "seconds",
        "latency": "0ms",
        "errors": "usual",
        "unprivileged_list": "forbidden",
        "second_reset": "refused",
    }
    assert defaults == harness.control("GET", "settings")

    changed = {
        "server": "old",
        "paths": "plain",
        "types": "old",
        "default_expiry": "none",
        "rate_limit": "20/1m",
        "retry_after": "date",
        "latency": "50ms",
        "errors": "null-beside",
        "unprivileged_list": "short",
        "second_reset": "successor",
    }
    for key, value in changed.items():
        assert value == harness.control("POST", "settings", {key: value})[key]

    assert changed == harness.control("GET", "settings")


@pytest.mark.parametrize(
    ("call", "reason"),
    [
        (("POST", "settings", {"server": "ancient"}), "write old or new"),
        (("POST", "settings", {"paths": "none"}), "write both or account or plain"),
        (("POST", "settings", {"latency": "fast"}), "'fast' is no duration"),
        (("POST", "settings", {"rate_limit": "0/10s"}), "both numbers must be above zero"),
        (("POST", "settings", {"retry_after": "no"}), "write seconds or date or none"),
        (("POST", "settings", {"retry_after": True}), "retry_after must be a string"),
        (("POST", "tokens", {"resources": [DOMAIN], "last_4_digits": "0001"}), "last_4_digits must be null"),
        (("POST", "tokens", {"resources": [DOMAIN], "expires_at": "2027-02-30"}), "a date that exists"),
        (("POST", "settings", {"colour": "red"}), "unknown keys: colour"),
        (("POST", "clock", {}), "clock takes either"),
        (("POST", "clock", {"advance": 1, "offset": 1}), "clock takes either"),
        (("POST", "clock", {"advance": 1e18}), "a number of seconds, at most"),
        (("POST", "tripwire", {"ids": ["1"]}), "ids must be a list of int"),
        (("POST", "tokens", {}), "resources are refused"),
        (("POST", "tokens", {"resources": [DOMAIN], "expires_at": "soon"}), "expires_at must be a date-time"),
        (("POST", "tokens", {"resources": [DOMAIN], "value": "with space"}), "printable ASCII"),
        (("POST", "tokens", {"resources": [DOMAIN], "value": ADMIN}), "another token has this value"),
        (("POST", "tokens", {"resources": [DOMAIN], "colour": 1}), "unknown keys: colour"),
        (("POST", "credentials", {"foreign": True}), "unknown keys: foreign"),
        (("POST", "accounts", {"id": ACCOUNT}), "no other account has"),
        (("POST", "accounts", {"id": 1, "resources": [{"id": 2}]}), "a resource needs an id, a type"),
        (("POST", "accounts", {"id": 1, "resources": {}}), "resources must be a list"),
        (("POST", "accounts", {"id": 1, "credential": ADMIN}), "another token has this value"),
        (("PUT", f"accounts/{ACCOUNT}/resources", {"resources": [{"id": 2}]}), "a resource needs an id"),
    ],
)
def test_a_payload_that_cannot_be_used_is_refused_and_changes_nothing(
    harness: Harness, call: tuple[str, str, Any], reason: str
) -> None:
    before = (
        harness.control("GET", "state"),
        harness.control("GET", "settings"),
        harness.control("GET", "tripwire"),
    )

    status, error = harness.refused(*call)

    assert (422, True) == (status, reason in error), error
    assert before == (
        harness.control("GET", "state"),
        harness.control("GET", "settings"),
        harness.control("GET", "tripwire"),
    )


def test_an_unknown_control_path_lists_the_known_ones(harness: Harness) -> None:
    status, error = harness.refused("POST", "reboot")

    assert (404, True) == (status, "POST clock" in error)
    assert 404 == harness.refused("POST", "tokens", {"account_id": 1, "resources": [DOMAIN]})[0]
