"""Which read answers whom: always one that is sent after the question."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from mailtrap_operator.clients.shared_read import SharedRead
from tests.unit.clock import now, settled, virtual


class Reads:
    """Reads that are sent `after` seconds and answered one second later; each answers with its number."""

    def __init__(self, after: float = 0.0) -> None:
        self.after = after
        self.sent: list[float] = []
        self.apart = timedelta(0)
        self.shared = SharedRead(self._read, "read")

    async def _read(self, note_sent: Callable[[], None]) -> int:
        await self.shared.wait_since_last(self.apart)
        await asyncio.sleep(self.after)
        note_sent()
        self.sent.append(now())
        await asyncio.sleep(1)
        return len(self.sent)

    def ask(self) -> asyncio.Task[int]:
        return asyncio.create_task(self.shared.answer())


@virtual
async def test_all_that_ask_before_a_read_is_sent_share_its_answer() -> None:
    reads = Reads(after=10)
    first = reads.ask()
    await asyncio.sleep(9.5)

    others = [reads.ask() for _ in range(5)]

    assert [1] * 6 == await asyncio.gather(first, *others)
    assert [10] == reads.sent


@virtual
async def test_a_read_that_is_sent_already_answers_no_one_who_asks_now() -> None:
    reads = Reads()
    first = reads.ask()
    await asyncio.sleep(0.5)

    later = [reads.ask() for _ in range(2)]

    assert [1, 2, 2] == await asyncio.gather(first, *later)
    assert [0, 1] == reads.sent


@virtual
async def test_reads_can_be_kept_apart_so_that_more_share_an_answer() -> None:
    reads = Reads()
    reads.apart = timedelta(seconds=5)
    tasks = [reads.ask()]
    for _ in range(12):
        await asyncio.sleep(1)
        tasks.append(reads.ask())
    await asyncio.gather(*tasks)

    assert [0, 5, 10, 15] == reads.sent


@virtual
async def test_a_read_that_ends_before_it_sends_anything_answers_those_that_have_asked() -> None:
    count = 0

    async def read(_: Callable[[], None]) -> int:
        nonlocal count
        count += 1
        await asyncio.sleep(1)
        return count

    shared = SharedRead(read, "read")
    first = asyncio.create_task(shared.answer())
    await settled()

    assert (1, 1) == (await shared.answer(), await first)
    assert 2 == await shared.answer()


@virtual
async def test_the_latest_answer_is_as_old_as_its_read() -> None:
    reads = Reads(after=10)
    await reads.ask()
    await asyncio.sleep(3)

    assert 1 == reads.shared.latest(timedelta(seconds=4))
    assert None is reads.shared.latest(timedelta(seconds=3))
