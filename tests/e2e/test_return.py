"""How an ApiToken comes back: who holds what then, which value works, and what the status says."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.e2e.accounts import force_delete
from tests.e2e.kube import Body
from tests.e2e.world import World, eventually

ORPHAN = {"creationPolicy": "Orphan"}
RETAIN = {"deletionPolicy": "Retain"}
SYSTEM = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "finalizers")


@dataclass(frozen=True, slots=True)
class Way:
    """A way back from a served object with a `spec`, with the operator there or, in a restore, away."""

    name: str
    back: Callable[[World, str, dict[str, Any]], None]
    former_works: bool
    same_secret: bool
    spec: tuple[tuple[str, str], ...] = ()
    is_restore: bool = False

    @property
    def api_token(self) -> str:
        """The name of the object that comes back so."""
        return re.sub(r"\W+", "-", self.name.lower()).strip("-")


def apply(world: World, name: str, spec: dict[str, Any]) -> None:
    world.put_api_token(name, **spec)


def again(world: World, name: str, spec: dict[str, Any]) -> None:
    world.delete_api_token(name)
    world.is_gone(name)
    apply(world, name, spec)


def replaced(world: World, name: str, _spec: dict[str, Any]) -> None:
    manifest = world.folder / f"{name}.json"
    manifest.write_text(json.dumps(anew(world.api_token(name))))
    world.cluster.kubectl("replace", "--force", "-n", world.namespace, "-f", str(manifest))


def with_its_dependants_left(world: World, name: str, spec: dict[str, Any]) -> None:
    world.cluster.kubectl("delete", "apitoken", name, "-n", world.namespace, "--cascade=orphan")
    world.is_gone(name)
    apply(world, name, spec)


def anew(body: Body | None, **metadata: Any) -> Body:
    """Return an object as a backup tool brings it back."""
    assert body is not None
    meta = {name: part for name, part in body["metadata"].items() if name not in SYSTEM}
    return {**body, "metadata": meta | metadata}


def restored(
    world: World, name: str, *, owners: bool = False, status: bool = False, secret_last: bool = False
) -> None:
    """Have a backup tool bring back what was lost: all objects, with new UIDs."""
    api_token, secret = anew(world.api_token(name)), anew(world.secret(name))
    if not owners:
        del secret["metadata"]["ownerReferences"]
    force_delete(world.kube, world.api_token_path(name))
    world.kube.delete(world.secret_path(name))
    places = world.secret_path(name).rpartition("/")[0], world.api_token_path(name).rpartition("/")[0]
    if not secret_last:
        world.kube.create(places[0], secret)
    world.kube.create(places[1], {part: api_token[part] for part in api_token if part != "status"})
    if secret_last:
        world.kube.create(places[0], secret)
    if status:
        world.kube.merge(f"{world.api_token_path(name)}/status", {"status": api_token["status"]})


WAYS = (
    Way("applied again", again, former_works=False, same_secret=False),
    Way("replaced by force", replaced, former_works=False, same_secret=False),
    Way("deleted with --cascade=orphan", with_its_dependants_left, former_works=False, same_secret=True),
    Way("its Secret stayed", again, former_works=False, same_secret=True, spec=(*ORPHAN.items(),)),
    Way("its token stayed", again, former_works=True, same_secret=False, spec=(*RETAIN.items(),)),
    Way(
        "its Secret and its token stayed",
        again,
        former_works=True,
        same_secret=True,
        spec=(*ORPHAN.items(), *RETAIN.items()),
    ),
    Way(
        "restored without owner references",
        lambda world, name, _: restored(world, name),
        former_works=True,
        same_secret=True,
        is_restore=True,
    ),
    Way(
        "restored with its status, the Secret last",
        lambda world, name, _: restored(world, name, status=True, secret_last=True),
        former_works=True,
        same_secret=True,
        is_restore=True,
    ),
    Way(
        "restored with the former owner",
        lambda world, name, _: restored(world, name, owners=True, status=True),
        former_works=True,
        same_secret=False,
        is_restore=True,
    ),
)


def test_an_object_that_comes_back_gets_a_token_and_anyone_who_had_a_value_that_lives_keeps_it(
    world: World,
) -> None:
    ways = [way for way in WAYS if not way.is_restore]
    with world.operator():
        former = {way.name: value for way, value in zip(ways, are_served(world, ways), strict=True)}
        for way in ways:
            secret = uid_of(world.secret(way.api_token))
            way.back(world, way.api_token, dict(way.spec))
            is_served_again(world, former[way.name], secret, way)


def test_an_object_that_is_restored_gets_a_token_and_anyone_who_had_a_value_keeps_it(world: World) -> None:
    ways = [way for way in WAYS if way.is_restore]
    with world.operator():
        former = {way.name: value for way, value in zip(ways, are_served(world, ways), strict=True)}
    secrets = {}
    for way in ways:
        way.back(world, way.api_token, dict(way.spec))
        secrets[way.name] = uid_of(world.secret(way.api_token))

    with world.operator():
        for way in ways:
            is_served_again(world, former[way.name], secrets[way.name], way)


def are_served(world: World, ways: list[Way]) -> list[str]:
    """Have an object served for each way; return the values."""
    for way in ways:
        apply(world, way.api_token, dict(way.spec))
    return [world.becomes_ready(way.api_token) for way in ways]


def uid_of(secret: Body | None) -> str:
    return str(secret["metadata"]["uid"]) if secret else ""


def is_served_again(world: World, former: str, secret: str, way: Way) -> None:
    """See who holds what once the object is served again."""
    name = way.api_token
    value = eventually(lambda: is_another(world, name, former), "the Secret holds another value")

    assert (True, way.former_works) == (world.works(value), world.works(former))
    after = world.secret(name) or {}
    assert way.same_secret == (secret == uid_of(after))
    api_token = world.api_token(name) or {}
    owners = [owner["uid"] for owner in after["metadata"].get("ownerReferences", ())]
    is_owned = dict(way.spec).get("creationPolicy") != "Orphan"
    assert ([api_token["metadata"]["uid"]] if is_owned else []) == owners
    status = api_token["status"]
    assert [value[-4:]] == [
        token["last_4_digits"] for token in world.living() if token["id"] == status["tokenId"]
    ]
    assert ("TokenPublished", []) == (world.condition(name)["reason"], status["previous"])
    assert [] == world.tripped()


def is_another(world: World, name: str, former: str) -> str | None:
    value = world.becomes_ready(name)
    return value if value != former else None
