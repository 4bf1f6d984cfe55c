"""The order of the end, with a stand-in for kopf: it takes the signals over, says that it is up, and ends when told."""

import asyncio
import os
import signal

import pytest

from mailtrap_operator.runtime.shutdown import serve_until_signal
from tests.unit.clock import virtual

PATIENCE = 20.0  # a bound for what never takes long


class ExitError(Exception):
    """Stands for the end of the process."""


def leave(status: int) -> None:
    raise ExitError(status)


class Harness:
    def __init__(self) -> None:
        self.order: list[str] = []
        self.is_up, self.stop, self.is_told = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.draining = asyncio.Event()
        self.may_start, self.may_end = asyncio.Event(), asyncio.Event()
        self.may_start.set()
        self.may_end.set()

    async def kopf(self) -> None:
        await self.may_start.wait()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.order.append, "kopf saw a signal")
        self.order.append("kopf is up")
        self.is_up.set()
        await self.stop.wait()
        self.order.append("kopf ends")

    async def drain(self) -> None:
        self.order.append("drain")
        self.draining.set()
        await self.may_end.wait()
        self.order.append("drained")

    def serve(self, watches: "asyncio.Task[None] | None" = None) -> "asyncio.Task[None]":
        kopf = watches or asyncio.create_task(self.kopf())
        return asyncio.create_task(
            serve_until_signal(kopf, is_up=self.is_up, on_stop=self.drain, stop=self.stop, on_stuck=leave)
        )


async def has_our_handler() -> None:
    """Wait until the handler that is asked for is the one of the module under test, not kopf's."""
    for _ in range(100):
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_drains_first_and_ends_the_watches_last(number: signal.Signals) -> None:
    harness = Harness()
    serving = harness.serve()
    await harness.is_up.wait()
    await has_our_handler()

    os.kill(os.getpid(), number)
    await asyncio.wait_for(serving, PATIENCE)

    assert ["kopf is up", "drain", "drained", "kopf ends"] == harness.order


async def test_a_signal_before_the_watches_are_up_drains_as_well() -> None:
    harness = Harness()
    harness.may_start.clear()
    serving = harness.serve()
    await has_our_handler()

    os.kill(os.getpid(), signal.SIGTERM)
    await has_our_handler()
    harness.may_start.set()
    await asyncio.wait_for(serving, PATIENCE)

    assert ["kopf is up", "drain", "drained", "kopf ends"] == harness.order


async def test_the_watches_continue_while_the_reconciles_come_to_their_end() -> None:
    harness = Harness()
    harness.may_end.clear()
    serving = harness.serve()
    await harness.is_up.wait()
    await has_our_handler()
    os.kill(os.getpid(), signal.SIGTERM)
    await asyncio.wait_for(harness.draining.wait(), PATIENCE)

    os.kill(os.getpid(), signal.SIGTERM)
    await has_our_handler()
    assert not harness.stop.is_set()
    assert not serving.done()
    harness.may_end.set()
    await asyncio.wait_for(serving, PATIENCE)

    assert ["kopf is up", "drain", "drained", "kopf ends"] == harness.order


async def test_watches_that_end_by_themselves_end_the_process_after_draining() -> None:
    harness = Harness()
    serving = harness.serve()
    await harness.is_up.wait()

    harness.stop.set()
    await asyncio.wait_for(serving, PATIENCE)

    assert ["kopf is up", "kopf ends", "drain", "drained"] == harness.order


@pytest.mark.parametrize("is_up", [False, True])
async def test_what_broke_the_watches_is_raised_after_draining(*, is_up: bool) -> None:
    harness = Harness()

    async def broken() -> None:
        if is_up:
            harness.is_up.set()
            await has_our_handler()
        raise ConnectionError("no cluster")

    with pytest.raises(ConnectionError, match="no cluster"):
        await asyncio.wait_for(harness.serve(asyncio.create_task(broken())), PATIENCE)

    assert ["drain", "drained"] == harness.order


@virtual
async def test_watches_that_do_not_come_to_their_end_are_not_waited_for() -> None:
    harness = Harness()

    async def stuck() -> None:
        harness.is_up.set()
        await asyncio.sleep(1)
        # As kopf does once a watch has failed.
        for task in asyncio.all_tasks() - {asyncio.current_task(), serving, test}:
            task.cancel()
        await asyncio.Event().wait()

    test = asyncio.current_task()
    watches = asyncio.create_task(stuck())
    serving = asyncio.create_task(
        serve_until_signal(
            watches, is_up=harness.is_up, on_stop=harness.drain, stop=harness.stop, on_stuck=leave
        )
    )
    with pytest.raises(ExitError, match="1"):
        await serving

    assert ["drain", "drained"] == harness.order
    watches.cancel()
