"""Many objects at once against the enforced rate limit: all are served, with few writes and no refusal."""

import time
from collections import Counter

import pytest

from tests.e2e.world import World

OBJECTS = 100


def test_a_hundred_objects_at_once(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"token-{number}" for number in range(OBJECTS)]
    with world.operator("--request-timeout", "10s"):
        begun = time.monotonic()
        for name in names:
            world.put_api_token(name)
        for name in names:
            world.becomes_ready(name)
        created = time.monotonic() - begun

        assert OBJECTS == len(world.living())
        # One that comes too late is made again; what counts is what was written.
        written = [w["objectRef"] for w in world.writes() if w["responseStatus"]["code"] < 400]
        # One more is the account's: its credential gets a finalizer.
        assert OBJECTS + 1 == sum(reference["resource"] == "secrets" for reference in written)
        of_each = Counter(ref["name"] for ref in written if ref["resource"] == "apitokens")
        assert {} == {name: writes for name, writes in of_each.items() if writes > 3}

        begun = time.monotonic()
        for name in names:
            world.delete_api_token(name)
        for name in names:
            world.is_gone(name)
        deleted = time.monotonic() - begun

    assert [] == world.tokens()
    assert [] == [call for call in world.calls() if call["status"] == 429]
    with capsys.disabled():
        print(f" {OBJECTS} objects: Ready after {created:.0f} s, gone after {deleted:.0f} s")  # noqa: T201 - a figure
