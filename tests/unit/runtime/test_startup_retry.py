"""The API server is waited for at the start; what it refuses is not."""

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest

from mailtrap_operator.clients.errors import Conflict, Failure, Missing, Retryable, Terminal, Uncertain
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.startup_retry import retry_until_available
from tests.unit.clock import now, virtual


class Server:
    """An API server that fails in some ways, one after the other, before it answers."""

    def __init__(self, *failures: type[Failure]) -> None:
        self._failures: Iterator[type[Failure]] = iter(failures)
        self.asked = 0

    async def ask(self) -> str:
        self.asked += 1
        if failure := next(self._failures, None):
            raise failure(Reason.KUBERNETES_UNAVAILABLE, "not now")
        return "the answer"


@virtual
async def test_an_answer_is_had_at_once() -> None:
    assert "the answer" == await retry_until_available(Server().ask, random.Random(7))
    assert 0 == now()


@virtual
async def test_an_outage_is_waited_for_in_pauses_of_a_quarter_of_a_minute() -> None:
    server = Server(*[Retryable, Uncertain, Conflict] * 100)

    assert "the answer" == await retry_until_available(server.ask, random.Random(7))

    assert 301 == server.asked
    assert 0.75 * 15 * 295 < now() < 1.25 * 15 * 300


@virtual
async def test_retry_after_is_honoured() -> None:
    answers: Iterator[timedelta | None] = iter([timedelta(seconds=40), None])

    async def ask() -> str:
        if pause := next(answers):
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, "not now", pause)
        return "the answer"

    assert "the answer" == await retry_until_available(ask, random.Random(7))
    assert 40 == now()


@pytest.mark.parametrize("failure", [Terminal, Missing])
@virtual
async def test_a_refusal_is_final(failure: type[Failure]) -> None:
    server = Server(Retryable, failure)

    with pytest.raises(failure):
        await retry_until_available(server.ask, random.Random(7))

    assert 2 == server.asked
