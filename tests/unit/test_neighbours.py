"""To whom of the same namespace a Secret belongs, and whether those that wait for one another wait in a ring."""

from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import Absent, Found, SecretState
from mailtrap_operator.core.ownership import Neighbour, owner_of
from mailtrap_operator.neighbours import Neighbours
from mailtrap_operator.runtime.cache import Cache
from tests.unit.clients.objects import INSTALLATION, api_token
from tests.unit.core.builders import a_secret

NAMESPACE = "team"


class Harness:
    """ApiTokens that hold Secrets and wish others."""

    def __init__(self) -> None:
        self.cache = Cache(INSTALLATION, lambda: 0.0)

    def put(self, name: str, *, holds: str, names: str, namespace: str = NAMESPACE, **more: Any) -> None:
        """Have an ApiToken whose value is in one Secret and is to be in another one."""
        body = api_token(name, namespace=namespace, uid=f"uid of {name}", status={"secretName": holds})
        body["metadata"] |= more.pop("metadata", {})
        body["spec"] = {**body["spec"], "secretName": names, **more}
        self.cache.put_api_token(body)
        self.cache.put_secret(namespace, self.secret(name, holds, namespace))

    @staticmethod
    def secret(name: str, holds: str, namespace: str = NAMESPACE) -> SecretState:
        owner = owner_of(INSTALLATION, namespace, name, f"uid of {name}")
        return a_secret(name=holds, owner=f"{INSTALLATION}-{owner}")

    def neighbour_of(self, name: str, secret: SecretState | None) -> Neighbour | None:
        key = ApiTokenKey(NAMESPACE, name)
        subject = self.cache.api_token(key)
        assert isinstance(subject, ApiToken)
        return Neighbours(self.cache).of(key, subject, Found(secret) if secret else Absent())


def test_two_objects_that_name_each_others_secrets_wait_in_a_ring() -> None:
    harness = Harness()
    harness.put("a", holds="x", names="y")
    harness.put("b", holds="y", names="x")

    assert Neighbour("b", "x", moves=True, makes_room=True) == harness.neighbour_of(
        "a", harness.secret("b", "y")
    )


def test_a_ring_may_have_more_members_and_an_end() -> None:
    harness = Harness()
    harness.put("a", holds="x", names="y")
    harness.put("b", holds="y", names="z")
    harness.put("c", holds="z", names="x")
    assert Neighbour("b", "z", moves=True, makes_room=True) == harness.neighbour_of(
        "a", harness.secret("b", "y")
    )

    harness.cache.drop_api_token(ApiTokenKey(NAMESPACE, "c"))
    assert Neighbour("b", "z", moves=True) == harness.neighbour_of("a", harness.secret("b", "y"))


def test_a_ring_beside_the_way_is_not_followed_without_end() -> None:
    harness = Harness()
    harness.put("a", holds="w", names="x")
    harness.put("b", holds="x", names="y")
    harness.put("c", holds="y", names="x")

    assert Neighbour("b", "y", moves=True) == harness.neighbour_of("a", harness.secret("b", "x"))


@pytest.mark.parametrize(
    "more",
    [
        {"suspend": True},
        {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}},
        {"resources": "unreadable"},
    ],
    ids=["suspended", "retired", "not readable"],
)
def test_object_that_cannot_get_another_value_makes_no_room(more: dict[str, Any]) -> None:
    harness = Harness()
    harness.put("a", holds="x", names="y")
    harness.put("b", holds="y", names="x", **more)

    neighbour = harness.neighbour_of("a", harness.secret("b", "y"))

    assert neighbour is not None
    assert not neighbour.makes_room


def test_object_that_does_not_move_makes_no_room() -> None:
    harness = Harness()
    harness.put("a", holds="x", names="y")
    harness.put("b", holds="y", names="y")

    assert Neighbour("b", "y") == harness.neighbour_of("a", harness.secret("b", "y"))


def test_a_new_object_is_in_no_ring() -> None:
    harness = Harness()
    harness.put("a", holds="y", names="y")
    harness.put("b", holds="y", names="x")

    assert Neighbour("b", "x", moves=True) == harness.neighbour_of("a", harness.secret("b", "y"))


@pytest.mark.parametrize(
    "secret",
    [
        None,
        a_secret(owner=None),
        a_secret(owner=f"{INSTALLATION}-nobodyaaaa"),
        Harness.secret("a", "x"),
        Harness.secret("far", "y", "elsewhere"),
    ],
    ids=["there is none", "without a mark", "of an object that is gone", "its own", "of another namespace"],
)
def test_there_is_no_neighbour(secret: SecretState | None) -> None:
    harness = Harness()
    harness.put("a", holds="x", names="y")
    harness.put("far", holds="y", names="x", namespace="elsewhere")

    assert None is harness.neighbour_of("a", secret)
