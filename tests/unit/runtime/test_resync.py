"""When everything is listed, and that nothing ends this but the end of the process."""

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.runtime.listing import Listing
from mailtrap_operator.runtime.resync import Resync
from mailtrap_operator.runtime.watchdog import Watchdog
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import API_TOKENS, api_token
from tests.unit.clock import now, virtual

MINUTE = timedelta(minutes=1)
BILLING = ("team", "billing")


class Harness:
    """A resync every ten minutes of one kind, of which one object is never known."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.watchdog = Watchdog(now)
        self.kube.seed(API_TOKENS, api_token())
        self.listed_at: list[float] = []
        self.is_broken = False
        listing = Listing(
            (API_TOKENS,),
            "ApiToken",
            take=self.take,
            known=dict,
            has=lambda _name, _uid, _version: False,
            path_of=lambda name: f"{API_TOKENS}/{name[1]}",
            missed=lambda _: None,
        )
        self.resync = Resync(self.kube, (listing,), self.watchdog, interval=10 * MINUTE, rng=random.Random(7))

    def take(self, _body: dict[str, Any]) -> None:
        self.listed_at.append(now())
        if self.is_broken:
            raise KeyError("no one foresaw this object")

    async def go_on(self, for_: timedelta) -> asyncio.Task[None]:
        task = asyncio.create_task(self.resync.go_on())
        await asyncio.sleep(for_.total_seconds())
        return task


@virtual
async def test_the_first_list_is_had_at_once() -> None:
    harness = Harness()

    await harness.resync.begin()

    assert [0.0] == harness.listed_at


@virtual
async def test_the_first_list_is_tried_until_it_is_had() -> None:
    harness = Harness()
    harness.kube.fail("GET", "apitokens", 503, times=20)

    await harness.resync.begin()

    assert 1 == len(harness.listed_at)
    assert 200 < now() < 20 * 1.25 * 15, "the pauses grow to 15 s"


@virtual
async def test_the_watches_are_verified_at_intervals_that_spread() -> None:
    harness = Harness()

    task = await harness.go_on(for_=timedelta(hours=5))

    pauses = [
        later - earlier for earlier, later in zip([0.0, *harness.listed_at], harness.listed_at, strict=False)
    ]
    assert len(pauses) >= 24
    assert [] == [pause for pause in pauses if not 600 <= pause <= 750]
    assert not task.done()


@pytest.mark.parametrize("fault", ["refused", "unforeseen"])
@virtual
async def test_failed_resync_is_retried_and_forgets_unreported_changes(fault: str) -> None:
    harness = Harness()
    meta = {"namespace": "team", "name": "billing", "resourceVersion": "1"}
    harness.kube.fail("GET", "apitokens", 403, times=100 if fault == "refused" else 0)
    harness.is_broken = fault == "unforeseen"
    harness.watchdog.compare("ApiToken", {BILLING}, {BILLING: meta["resourceVersion"]})

    task = await harness.go_on(for_=timedelta(hours=5))
    assert not task.done()
    for _ in range(2):
        harness.watchdog.compare("ApiToken", {BILLING}, {})

    assert None is harness.watchdog.unhealthy_reason()


@virtual
async def test_a_deaf_watch_is_complained_of_within_the_hour() -> None:
    harness = Harness()

    await harness.go_on(for_=timedelta(hours=1))

    assert "The watch of ApiTokens reports no changes." == harness.watchdog.unhealthy_reason()
