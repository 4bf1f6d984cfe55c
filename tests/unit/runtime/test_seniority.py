from collections.abc import Mapping

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.runtime.store import Store
from tests.unit.clients.objects import INSTALLATION, api_token

MORNING, NOON, EVENING = (f"2026-03-01T{hour}:00:00Z" for hour in ("08", "12", "20"))


def test_the_older_ones_of_a_namespace_that_use_the_account_come_first() -> None:
    bench = Bench()
    bench.put("second", NOON)
    bench.put("first", MORNING)
    bench.put("third", EVENING)
    bench.put("elsewhere", MORNING, namespace="other")
    bench.put("another", MORNING, account="another")

    assert {"first": 0, "second": 1, "third": 2, "elsewhere": 0, "another": 0} == bench.seniors()


def test_of_two_that_are_equally_old_the_name_decides() -> None:
    bench = Bench()
    for name in ("b", "c", "a"):
        bench.put(name, NOON)

    assert {"a": 0, "b": 1, "c": 2} == bench.seniors()


def test_who_goes_or_changes_to_another_account_makes_room() -> None:
    bench = Bench()
    for name, created in (("first", MORNING), ("second", NOON), ("third", EVENING)):
        bench.put(name, created)

    bench.put("first", MORNING, account="another", version=2)
    assert {"first": 0, "second": 0, "third": 1} == bench.seniors()
    for _ in range(2):
        bench.store.drop_api_token(ApiTokenKey("team", "second"))
    assert {"first": 0, "third": 0} == bench.seniors()


def test_a_new_status_changes_nobodys_place() -> None:
    bench = Bench()
    bench.put("first", MORNING)
    bench.put("second", NOON)

    bench.put("first", MORNING, version=2)

    assert {"first": 0, "second": 1} == bench.seniors()


def test_an_object_that_was_made_anew_comes_last() -> None:
    bench = Bench()
    bench.put("first", MORNING)
    bench.put("second", NOON)

    bench.put("first", EVENING, version=2)

    assert {"first": 1, "second": 0} == bench.seniors()


def test_who_is_not_known_yet_stands_behind_those_who_are() -> None:
    bench = Bench()
    bench.put("first", MORNING)
    unknown = ApiToken.model_validate(api_token("second", creationTimestamp=NOON))

    assert 1 == bench.store.seniority.seniors_of(unknown)


class Bench:
    def __init__(self) -> None:
        self.store = Store(INSTALLATION, lambda: 0.0)

    def put(
        self, name: str, created: str, *, account: str = "default", namespace: str = "team", version: int = 1
    ) -> None:
        self.store.put_api_token(
            api_token(name, account=account, version=version, namespace=namespace, creationTimestamp=created)
        )

    def seniors(self) -> Mapping[str, int]:
        known = (self.store.api_token(key) for key in self.store.api_token_keys())
        return {each.metadata.name: self.store.seniority.seniors_of(each) for each in known if each}
