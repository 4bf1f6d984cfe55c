"""Two operators at once on the same objects: the protocol alone keeps them from doubling or killing a token."""

from collections.abc import Callable
from datetime import timedelta

from tests.e2e.witness import look, remains, spare, unrests, unserved, witnessed
from tests.e2e.world import World

OVERLAP = timedelta(seconds=1)
NAMES = [f"object{number}" for number in range(10)]

# Where no answer is lost nothing has to settle; calls that merely take long must not count as lost.
PATIENT = ("--request-timeout", "10s", "--settle-time", "40s")


def change_all(world: World, operation: str, change: Callable[[str], None]) -> int:
    """Make a change to all objects and wait until they are at rest; return how many remote calls it took."""
    before = len(done(world, operation))
    for name in NAMES:
        change(name)
    assert {} == unrests(world, NAMES, unserved)
    return len(done(world, operation)) - before


def done(world: World, operation: str) -> list[int]:
    return [call["seq"] for call in world.calls(operation) if call["committed"]]


def put(world: World, name: str, after: str, level: str) -> None:
    world.put_api_token(
        name,
        rotation={"overlap": f"{OVERLAP.seconds}s"},
        expiration={"policy": "After", "after": after},
        resources=[{"type": "domain", "id": 1, "accessLevel": level}],
    )


def test_two_operators_at_once_keep_one_token_for_each_object(world: World) -> None:
    world.put_foreign_token("laptop")
    world.put_foreign_token("other [k8s:testaa-aaaaaaaaaa-bbbbbbbb]")

    with world.operator(*PATIENT, user="first"), world.operator(*PATIENT, user="second"):
        with witnessed(world, OVERLAP):
            assert 10 == change_all(world, "create", lambda name: put(world, name, "2160h", "Admin"))
            assert 10 == change_all(world, "reset", lambda name: put(world, name, "1080h", "Admin"))
            assert 10 == change_all(world, "create", lambda name: put(world, name, "1080h", "Viewer"))
            assert 10 == change_all(world, "reset", lambda name: world.kube.delete(world.secret_path(name)))

        # Until then a token that was reset continues living; a witness, whose time is ours, must not see that end.
        world.simulator.control("POST", "clock", {"advance": 12 * 3600})
        assert [] == spare(look(world))

        with witnessed(world, OVERLAP):
            for name in NAMES:
                world.delete_api_token(name)
            assert {} == unrests(world, NAMES, remains)

    assert [] == world.tripped()
    assert world.writes("first")
    assert world.writes("second")
