"""How an ApiToken comes back: who holds what then, which value works, and what the status says."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.accounts import force_delete
from tests.e2e.kube import Body
from tests.e2e.world import World, eventually

NAME = "billing"
ORPHAN = {"creationPolicy": "Orphan"}
RETAIN = {"deletionPolicy": "Retain"}
SYSTEM = ("uid", "resourceVersion", "creationTimestamp", "generation", "managedFields", "finalizers")


@dataclass(frozen=True, slots=True)
class Way:
    """A way back from a served object with a `spec`, with the operator there or, in a restore, away."""

    name: str
    back: Callable[[World, dict[str, Any]], None]
    former_works: bool
    same_secret: bool
    spec: tuple[tuple[str, str], ...] = ()
    is_restore: bool = False

    def __str__(self) -> str:
        return self.name


def apply(world: World, spec: dict[str, Any]) -> None:
    world.put_api_token(NAME, **spec)


def again(world: World, spec: dict[str, Any]) -> None:
    world.delete_api_token(NAME)
    world.is_gone(NAME)
    apply(world, spec)


def replaced(world: World, _spec: dict[str, Any]) -> None:
    manifest = world.folder / "billing.json"
    manifest.write_text(json.dumps(anew(world.api_token(NAME))))
    world.cluster.kubectl("replace", "--force", "-n", world.namespace, "-f", str(manifest))


def with_its_dependants_left(world: World, spec: dict[str, Any]) -> None:
    world.cluster.kubectl("delete", "apitoken", NAME, "-n", world.namespace, "--cascade=orphan")
    world.is_gone(NAME)
    apply(world, spec)


def anew(body: Body | None, **metadata: Any) -> Body:
    """Return an object as a backup tool brings it back."""
    assert body is not None
    meta = {name: part for name, part in body["metadata"].items() if name not in SYSTEM}
    return {**body, "metadata": meta | metadata}


def restored(world: World, *, owners: bool = False, status: bool = False, secret_last: bool = False) -> None:
    """Have a backup tool bring back what was lost: all objects, with new UIDs."""
    api_token, secret = anew(world.api_token(NAME)), anew(world.secret(NAME))
    if not owners:
        del secret["metadata"]["ownerReferences"]
    force_delete(world.kube, world.api_token_path(NAME))
    world.kube.delete(world.secret_path(NAME))
    places = world.secret_path(NAME).rpartition("/")[0], world.api_token_path(NAME).rpartition("/")[0]
    if not secret_last:
        world.kube.create(places[0], secret)
    world.kube.create(places[1], {part: api_token[part] for part in api_token if part != "status"})
    if secret_last:
        world.kube.create(places[0], secret)
    if status:
        world.kube.merge(f"{world.api_token_path(NAME)}/status", {"status": api_token["status"]})


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
        lambda world, _: restored(world),
        former_works=True,
        same_secret=True,
        is_restore=True,
    ),
    Way(
        "restored with its status, the Secret last",
        lambda world, _: restored(world, status=True, secret_last=True),
        former_works=True,
        same_secret=True,
        is_restore=True,
    ),
    Way(
        "restored with the former owner",
        lambda world, _: restored(world, owners=True, status=True),
        former_works=True,
        same_secret=False,
        is_restore=True,
    ),
)


@pytest.mark.parametrize("way", WAYS, ids=str)
def test_an_object_that_comes_back_gets_a_token_and_whoever_had_a_value_that_lives_keeps_it(
    world: World, way: Way
) -> None:
    spec = dict(way.spec)
    with world.operator():
        apply(world, spec)
        former = world.becomes_ready(NAME)
        if not way.is_restore:
            secret = (world.secret(NAME) or {})["metadata"]["uid"]
            way.back(world, spec)
            served(world, former, secret, way)
    if way.is_restore:
        way.back(world, spec)
        secret = (world.secret(NAME) or {"metadata": {"uid": ""}})["metadata"]["uid"]
        with world.operator():
            served(world, former, secret, way)


def served(world: World, former: str, secret: str, way: Way) -> None:
    """See who holds what once the object is served again."""
    value = eventually(lambda: is_another(world, former), "the Secret holds another value")

    assert (True, way.former_works) == (world.works(value), world.works(former))
    after = world.secret(NAME) or {}
    assert way.same_secret == (secret == after["metadata"]["uid"])
    api_token = world.api_token(NAME) or {}
    owners = [owner["uid"] for owner in after["metadata"].get("ownerReferences", ())]
    is_owned = dict(way.spec).get("creationPolicy") != "Orphan"
    assert ([api_token["metadata"]["uid"]] if is_owned else []) == owners
    status = api_token["status"]
    assert [value[-4:]] == [
        token["last_4_digits"] for token in world.living() if token["id"] == status["tokenId"]
    ]
    assert ("TokenPublished", []) == (world.condition(NAME)["reason"], status["previous"])
    assert [] == world.tripped()


def is_another(world: World, former: str) -> str | None:
    value = world.becomes_ready(NAME)
    return value if value != former else None


def test_a_secret_that_another_object_left_behind_is_said_to_be_its(world: World) -> None:
    with world.operator():
        world.put_api_token("mailer", secretName="shared", **ORPHAN)
        former = world.becomes_ready("mailer")
        world.delete_api_token("mailer")
        world.is_gone("mailer")

        world.put_api_token(NAME, secretName="shared")

        message = world.becomes(NAME, "SecretNotOwned", "Stalled")["message"]
        assert "It was left behind by ApiToken mailer, which is gone." in message
        assert former == world.value("shared")
        world.kube.delete(world.secret_path("shared"))
        assert world.works(world.becomes_ready(NAME))


def test_objects_that_exchange_their_secrets_come_to_rest(world: World) -> None:
    with world.operator():
        world.put_api_token("one", secretName="left")
        world.put_api_token("other", secretName="right")
        world.becomes_ready("one")
        world.becomes_ready("other")

        world.put_api_token("one", secretName="right")
        world.put_api_token("other", secretName="left")

        values = world.becomes_ready("one"), world.becomes_ready("other")
        assert (world.value("right"), world.value("left")) == values
        assert [True, True] == [world.works(value) for value in values]
