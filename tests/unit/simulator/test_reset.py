from datetime import timedelta
from typing import Any

import pytest

from mailtrap_simulator.settings import Settings
from tests.unit.simulator.harness import DOMAIN, TOKENS, Harness, after

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)


def test_a_reset_makes_a_new_token_named_after_its_id(harness: Harness) -> None:
    base = harness.create("mailer").json

    successor = harness.reset(base["id"]).json

    assert base["id"] != successor["id"]
    assert f"mailer {successor['id']}" == successor["name"]
    assert [DOMAIN] == successor["resources"]
    assert base["token"] != successor["token"]


def test_a_second_reset_appends_a_second_id(harness: Harness) -> None:
    first = harness.reset(harness.create("mailer").json["id"]).json

    second = harness.reset(first["id"]).json

    assert f"mailer {first['id']} {second['id']}" == second["name"]


def test_the_old_value_works_for_twelve_hours_and_then_stops(harness: Harness) -> None:
    base = harness.create().json
    successor = harness.reset(base["id"]).json

    assert after(12 * HOUR) == harness.call("GET", f"{TOKENS}/{base['id']}").json["expires_at"]

    harness.advance(12 * HOUR - timedelta(seconds=1))
    assert harness.works(base["token"])

    harness.advance(timedelta(seconds=1))
    assert not harness.works(base["token"])
    assert harness.works(successor["token"])


def test_the_old_token_is_removed_within_a_day_after_it_stopped(harness: Harness) -> None:
    bases = [harness.create().json["id"] for _ in range(30)]
    successors = [harness.reset(base).json["id"] for base in bases]

    harness.advance(11 * HOUR)
    assert [*bases, *successors] == harness.ids()

    harness.advance(13 * HOUR)
    still_listed = [base for base in bases if base in harness.ids()]
    assert 0 < len(still_listed) < len(bases)

    harness.advance(12 * HOUR)
    assert successors == harness.ids()
    assert 404 == harness.call("DELETE", f"{TOKENS}/{bases[0]}").status


@pytest.mark.parametrize(
    ("settings", "body", "granted"),
    [
        pytest.param(Settings(default_expiry=None), None, None, id="no body and no default: never"),
        pytest.param(Settings(), None, after(YEAR), id="no body: the default"),
        pytest.param(Settings(), {}, after(YEAR), id="no key: the default"),
        pytest.param(Settings(), {"expires_at": None}, None, id="null: never"),
        pytest.param(Settings(), {"expires_at": "2026-03-02T12:00:00Z"}, after(DAY), id="a date-time: that"),
        pytest.param(
            Settings(server="old"), {"expires_at": "2026-03-02T12:00:00Z"}, None, id="an old server: never"
        ),
    ],
)
def test_what_the_successor_is_granted(settings: Settings, body: Any, granted: Any) -> None:
    harness = Harness(settings)
    base = harness.create(expires_at=None).json

    successor = harness.reset(base["id"], body)

    assert (200, granted) == (successor.status, successor.json["expires_at"])


@pytest.mark.parametrize(
    ("expires_at", "attribute"),
    [
        ("2026-03-01T12:00:00Z", "base"),
        ("2031-03-02T12:00:00Z", "expires_at"),
        ("soon", "expires_at"),
        (5, "expires_at"),
    ],
)
def test_an_unacceptable_expiry_changes_nothing(harness: Harness, expires_at: Any, attribute: str) -> None:
    base = harness.create().json

    refused = harness.reset(base["id"], {"expires_at": expires_at})

    assert (422, attribute) == (refused.status, next(iter(refused.json["errors"])))
    assert [base["id"]] == harness.ids()
    assert base["expires_at"] == harness.call("GET", f"{TOKENS}/{base['id']}").json["expires_at"]


def test_a_token_can_be_reset_once(harness: Harness) -> None:
    base = harness.create().json
    harness.reset(base["id"])

    refused = harness.reset(base["id"])

    assert (422, ["API token has already been reset."]) == (refused.status, refused.json["errors"]["base"])


def test_a_second_reset_may_make_a_second_successor_and_prolongs_nothing() -> None:
    harness = Harness(Settings(second_reset="successor"))
    base = harness.create().json
    first = harness.reset(base["id"]).json
    harness.advance(HOUR)

    second = harness.reset(base["id"]).json

    assert f"mailer {second['id']}" == second["name"]
    assert after(12 * HOUR) == harness.call("GET", f"{TOKENS}/{base['id']}").json["expires_at"]
    assert [True, True, True] == [harness.works(token["token"]) for token in (base, first, second)]
    harness.advance(11 * HOUR)
    assert 422 == harness.reset(base["id"]).status


def test_an_expired_token_cannot_be_reset(harness: Harness) -> None:
    base = harness.create(expires_at=after(HOUR)).json
    harness.advance(HOUR)

    refused = harness.reset(base["id"])

    assert (422, ["API token has expired."]) == (refused.status, refused.json["errors"]["base"])


def test_an_old_server_resets_no_token_that_will_expire() -> None:
    harness = Harness()
    base = harness.create(expires_at=after(DAY)).json
    harness.control("POST", "settings", {"server": "old"})

    assert 422 == harness.reset(base["id"]).status


def test_an_old_server_resets_a_token_once() -> None:
    harness = Harness(Settings(server="old"))
    base = harness.create().json

    assert [200, 422] == [harness.reset(base["id"]).status, harness.reset(base["id"]).status]


def test_an_old_server_does_not_look_at_the_body() -> None:
    harness = Harness(Settings(server="old"))
    base = harness.create().json

    assert 200 == harness.reset(base["id"], b"{").status


def test_an_unknown_token_cannot_be_reset(harness: Harness) -> None:
    refused = harness.reset(1)

    assert (404, {"error": "Not Found"}) == (refused.status, refused.json)
