"""To whom of the same namespace a Secret belongs, and whether those that wait for one another wait in a ring."""

from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import Absent, Found, SecretState
from mailtrap_operator.core.ownership import Neighbour, owner_of
from mailtrap_operator.neighbours import Neighbours
from mailtrap_operator.runtime.store import Store
from tests.unit.clients.objects import INSTALLATION, api_token
from tests.unit.core.builders import a_secret

NAMESPACE = "team"


class Bench:
    """ApiTokens that hold Secrets and wish others."""

    def __init__(self) -> None:
        self.store = Store(INSTALLATION, lambda: 0.0)

    def put(self, name: str, *, holds: str, wishes: str, namespace: str = NAMESPACE, **more: Any) -> None:
        """Have an ApiToken whose value is in one Secret and is to be in another one."""
        body = api_token(name, namespace=namespace, uid=f"uid of {name}", status={"secretName": holds})
        body["metadata"] |= more.pop("metadata", {})
        body["spec"] = {**body["spec"], "secretName": wishes, **more}
        self.store.put_api_token(body)
        self.store.put_secret(namespace, self.secret(name, holds, namespace))

    @staticmethod
    def secret(name: str, holds: str, namespace: str = NAMESPACE) -> SecretState:
        owner = owner_of(INSTALLATION, namespace, name, f"uid of {name}")
        return a_secret(name=holds, owner=f"{INSTALLATION}-{owner}")

    def neighbour_of(self, name: str, secret: SecretState | None) -> Neighbour | None:
        key = ApiTokenKey(NAMESPACE, name)
        subject = self.store.api_token(key)
        assert isinstance(subject, ApiToken)
        return Neighbours(self.store).of(key, subject, Found(secret) if secret else Absent())


def test_two_that_wish_each_others_secrets_wait_in_a_ring() -> None:
    bench = Bench()
    bench.put("a", holds="x", wishes="y")
    bench.put("b", holds="y", wishes="x")

    assert Neighbour("b", "x", moves=True, makes_room=True) == bench.neighbour_of("a", bench.secret("b", "y"))


def test_a_ring_may_have_more_members_and_an_end() -> None:
    bench = Bench()
    bench.put("a", holds="x", wishes="y")
    bench.put("b", holds="y", wishes="z")
    bench.put("c", holds="z", wishes="x")
    assert Neighbour("b", "z", moves=True, makes_room=True) == bench.neighbour_of("a", bench.secret("b", "y"))

    bench.store.drop_api_token(ApiTokenKey(NAMESPACE, "c"))
    assert Neighbour("b", "z", moves=True) == bench.neighbour_of("a", bench.secret("b", "y"))


def test_a_ring_beside_the_way_is_not_followed_without_end() -> None:
    bench = Bench()
    bench.put("a", holds="w", wishes="x")
    bench.put("b", holds="x", wishes="y")
    bench.put("c", holds="y", wishes="x")

    assert Neighbour("b", "y", moves=True) == bench.neighbour_of("a", bench.secret("b", "x"))


@pytest.mark.parametrize(
    "more",
    [
        {"suspend": True},
        {"metadata": {"deletionTimestamp": "2030-01-01T00:00:00Z"}},
        {"resources": "unreadable"},
    ],
    ids=["suspended", "on its way out", "not readable"],
)
def test_who_could_get_no_other_value_makes_no_room(more: dict[str, Any]) -> None:
    bench = Bench()
    bench.put("a", holds="x", wishes="y")
    bench.put("b", holds="y", wishes="x", **more)

    neighbour = bench.neighbour_of("a", bench.secret("b", "y"))

    assert neighbour is not None
    assert not neighbour.makes_room


def test_who_stays_where_it_is_makes_no_room() -> None:
    bench = Bench()
    bench.put("a", holds="x", wishes="y")
    bench.put("b", holds="y", wishes="y")

    assert Neighbour("b", "y") == bench.neighbour_of("a", bench.secret("b", "y"))


def test_a_new_object_is_in_no_ring() -> None:
    bench = Bench()
    bench.put("a", holds="y", wishes="y")
    bench.put("b", holds="y", wishes="x")

    assert Neighbour("b", "x", moves=True) == bench.neighbour_of("a", bench.secret("b", "y"))


@pytest.mark.parametrize(
    "secret",
    [
        None,
        a_secret(owner=None),
        a_secret(owner=f"{INSTALLATION}-nobodyaaaa"),
        Bench.secret("a", "x"),
        Bench.secret("far", "y", "elsewhere"),
    ],
    ids=["there is none", "without a mark", "of an object that is gone", "its own", "of another namespace"],
)
def test_there_is_no_neighbour(secret: SecretState | None) -> None:
    bench = Bench()
    bench.put("a", holds="x", wishes="y")
    bench.put("far", holds="y", wishes="x", namespace="elsewhere")

    assert None is bench.neighbour_of("a", secret)
