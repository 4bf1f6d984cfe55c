"""Which read answers whom: always one that is sent after the question."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

from mailtrap_operator.clients.shared_read import SharedRead
from tests.unit.clock import now, settled, virtual


class Reads:
    """Reads that are sent `after` seconds and answered some seconds later; each answers with its number."""

    def __init__(self, after: float = 0.0) -> None:
        self.after = after
        self.answered_after = 1.0
        self.sent: list[float] = []
        self.shared = SharedRead(self._read, "read")

    async def _read(self, note_sent: Callable[[], None]) -> int:
        await asyncio.sleep(self.after)
        note_sent()
        self.sent.append(now())
        await asyncio.sleep(self.answered_after)
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
async def test_many_reads_that_follow_one_another_are_a_second_apart() -> None:
    reads = Reads()
    reads.answered_after = 0.1
    tasks = []
    for _ in range(100):
        tasks.append(reads.ask())
        await asyncio.sleep(0.1)
    await asyncio.gather(*tasks)
    await asyncio.sleep(20)
    for _ in range(6):
        await reads.ask()

    sent = [round(time, 1) for time in reads.sent]
    assert [0, 0.1, 0.2, 0.3, 0.4, 0.5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] == sent[:16]
    assert [0, 0.1, 0.2, 0.3, 0.4, 0.5] == [round(time - sent[16], 1) for time in sent[16:]]


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
