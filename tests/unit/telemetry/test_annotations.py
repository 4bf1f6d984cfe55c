"""An annotation that means nothing is reported once for each change."""

from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.telemetry.annotations import UnknownAnnotations
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import account, api_token
from tests.unit.telemetry.test_events import recorder, written

ROTAT, ROTATE = "mailtrap-operator.io/rotat", "mailtrap-operator.io/rotate"


class Harness:
    def __init__(self, most: int = 100) -> None:
        self.kube = FakeKube()
        self.unknown = UnknownAnnotations(recorder(self.kube), most=most)

    async def report(self, name: str = "billing", **given: str) -> int:
        """Have an object looked at; return how often its Event was told so far."""
        await self.unknown.report(ApiToken.model_validate(api_token(name, annotations=given)))
        return sum(event["count"] for event in written(self.kube))


async def test_it_is_told_again_only_when_it_changes() -> None:
    harness = Harness()

    assert [1, 1, 1] == [await harness.report(**{ROTAT: "1"}) for _ in range(3)]
    assert [2, 2] == [await harness.report(**{ROTAT: "2", ROTATE: "1"}) for _ in range(2)]
    assert 2 == await harness.report(**{ROTATE: "2"})
    assert 3 == await harness.report(**{ROTAT: "2"}), "it is back"
    (event,) = written(harness.kube)
    assert ("Warning", "UnknownAnnotation") == (event["type"], event["reason"])


async def test_an_account_has_none() -> None:
    harness = Harness()
    body = account()
    body["metadata"]["annotations"] = {ROTATE: "1"}

    await harness.unknown.report(Account.model_validate(body))

    (event,) = written(harness.kube)
    assert "ClusterMailtrapAccount" == event["involvedObject"]["kind"]


async def test_a_bounded_number_is_remembered() -> None:
    harness = Harness(most=2)

    assert [1, 2, 3] == [await harness.report(name, **{ROTAT: "1"}) for name in ("a", "b", "c")]
    assert 3 == await harness.report("c", **{ROTAT: "1"})
    assert 4 == await harness.report("a", **{ROTAT: "1"})
