from datetime import timedelta
from typing import Any

import pytest

from mailtrap_simulator.settings import Settings
from tests.unit.simulator.bench import DOMAIN, TOKENS, Bench, after

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
YEAR = timedelta(days=365)


def test_a_reset_makes_a_new_token_named_after_its_id(bench: Bench) -> None:
    base = bench.create("mailer").json

    successor = bench.reset(base["id"]).json

    assert base["id"] != successor["id"]
    assert f"mailer {successor['id']}" == successor["name"]
    assert [DOMAIN] == successor["resources"]
    assert base["token"] != successor["token"]


def test_a_second_reset_appends_a_second_id(bench: Bench) -> None:
    first = bench.reset(bench.create("mailer").json["id"]).json

    second = bench.reset(first["id"]).json

    assert f"mailer {first['id']} {second['id']}" == second["name"]


def test_the_old_value_works_for_twelve_hours_and_then_stops(bench: Bench) -> None:
    base = bench.create().json
    successor = bench.reset(base["id"]).json

    assert after(12 * HOUR) == bench.call("GET", f"{TOKENS}/{base['id']}").json["expires_at"]

    bench.advance(12 * HOUR - timedelta(seconds=1))
    assert bench.works(base["token"])

    bench.advance(timedelta(seconds=1))
    assert not bench.works(base["token"])
    assert bench.works(successor["token"])


def test_the_old_token_is_removed_within_a_day_after_it_stopped(bench: Bench) -> None:
    bases = [bench.create().json["id"] for _ in range(30)]
    successors = [bench.reset(base).json["id"] for base in bases]

    bench.advance(11 * HOUR)
    assert [*bases, *successors] == bench.ids()

    bench.advance(13 * HOUR)
    still_listed = [base for base in bases if base in bench.ids()]
    assert 0 < len(still_listed) < len(bases)

    bench.advance(12 * HOUR)
    assert successors == bench.ids()
    assert 404 == bench.call("DELETE", f"{TOKENS}/{bases[0]}").status


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
    bench = Bench(settings)
    base = bench.create(expires_at=None).json

    successor = bench.reset(base["id"], body)

    assert (200, granted) == (successor.status, successor.json["expires_at"])


@pytest.mark.parametrize("expires_at", ["2026-03-01T12:00:00Z", "2031-03-02T12:00:00Z", "soon", 5])
def test_an_unacceptable_expiry_changes_nothing(bench: Bench, expires_at: Any) -> None:
    base = bench.create().json

    refused = bench.reset(base["id"], {"expires_at": expires_at})

    assert (422, ["expires_at"]) == (refused.status, list(refused.json["errors"]))
    assert [base["id"]] == bench.ids()
    assert base["expires_at"] == bench.call("GET", f"{TOKENS}/{base['id']}").json["expires_at"]


def test_a_token_can_be_reset_once(bench: Bench) -> None:
    base = bench.create().json
    bench.reset(base["id"])

    refused = bench.reset(base["id"])

    assert (422, ["API token has already been reset."]) == (refused.status, refused.json["errors"]["base"])


def test_a_second_reset_may_make_a_second_successor_and_prolongs_nothing() -> None:
    bench = Bench(Settings(second_reset="successor"))
    base = bench.create().json
    first = bench.reset(base["id"]).json
    bench.advance(HOUR)

    second = bench.reset(base["id"]).json

    assert f"mailer {second['id']}" == second["name"]
    assert after(12 * HOUR) == bench.call("GET", f"{TOKENS}/{base['id']}").json["expires_at"]
    assert [True, True, True] == [bench.works(token["token"]) for token in (base, first, second)]
    bench.advance(11 * HOUR)
    assert 422 == bench.reset(base["id"]).status


def test_an_expired_token_cannot_be_reset(bench: Bench) -> None:
    base = bench.create(expires_at=after(HOUR)).json
    bench.advance(HOUR)

    refused = bench.reset(base["id"])

    assert (422, ["API token has expired."]) == (refused.status, refused.json["errors"]["base"])


def test_an_old_server_resets_no_token_that_will_expire() -> None:
    bench = Bench()
    base = bench.create(expires_at=after(DAY)).json
    bench.control("POST", "settings", {"server": "old"})

    assert 422 == bench.reset(base["id"]).status


def test_an_old_server_resets_a_token_once() -> None:
    bench = Bench(Settings(server="old"))
    base = bench.create().json

    assert [200, 422] == [bench.reset(base["id"]).status, bench.reset(base["id"]).status]


def test_an_old_server_does_not_look_at_the_body() -> None:
    bench = Bench(Settings(server="old"))
    base = bench.create().json

    assert 200 == bench.reset(base["id"], b"{").status


def test_an_unknown_token_cannot_be_reset(bench: Bench) -> None:
    refused = bench.reset(1)

    assert (404, {"error": "Not Found"}) == (refused.status, refused.json)
