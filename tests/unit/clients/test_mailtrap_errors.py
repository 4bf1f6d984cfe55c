"""What each answer that is not a success, or no answer, means: for a call that only reads and for one that changes."""

from typing import Any

import httpx
import pytest

from mailtrap_operator.clients.errors import Missing, Uncertain
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.mailtrap_harness import (
    ANSWERS,
    DELETE,
    EVERY_CALL,
    FORBIDDEN,
    INVALID,
    ISSUES,
    NOT_DELETED,
    NOT_KNOWN,
    NOT_SENT,
    READS,
    UNREADABLE,
    VALUE_LOST,
    Kind,
    failure_of,
    kind_of,
)
from tests.unit.clients.remote import Remote
from tests.unit.clock import now, virtual


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    ("kind", "settings", "expected"), ANSWERS, ids=[f"{kind} {settings}" for kind, settings, _ in ANSWERS]
)
@virtual
async def test_what_an_answer_means(call: str, kind: str, settings: dict[str, Any], expected: Kind) -> None:
    remote = Remote.with_account()
    token_id = remote.seed()
    # A read is tried by the other form of paths as well.
    remote.fault(call, kind, times=2, **settings)

    failure = await failure_of(EVERY_CALL[call], remote, token_id)

    # What was refused for good is told apart: a deletion holds up nothing else.
    is_kept = call in DELETE and expected in (FORBIDDEN, INVALID)
    assert (NOT_DELETED if is_kept else expected) == kind_of(failure)


@pytest.mark.parametrize("call", ["list", "create", "reset"])
@virtual
async def test_a_positive_404_says_that_the_thing_is_not_there(call: str) -> None:
    remote = Remote.with_account()
    remote.fault(call, "status", times=2, status=404)

    failure = await failure_of(EVERY_CALL[call], remote, 5)

    assert (Missing, Reason.NOT_FOUND) == kind_of(failure)


@pytest.mark.parametrize("kind", ["garbage", "empty", "cut-json"])
@pytest.mark.parametrize("call", READS)
@virtual
async def test_a_success_that_cannot_be_read_is_asked_again(call: str, kind: str) -> None:
    remote = Remote.with_account()
    token_id = remote.seed()
    remote.fault(call, kind)

    assert UNREADABLE == kind_of(await failure_of(READS[call], remote, token_id))


@pytest.mark.parametrize(
    "body", [{}, None, "text", [{"id": 5}], [{"id": "x", "name": "n", "last_4_digits": "f"}]]
)
@virtual
async def test_a_list_of_something_else_is_no_empty_list(body: Any) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=200, body=body)

    assert UNREADABLE == kind_of(await failure_of(READS["list"], remote, 0))


@pytest.mark.parametrize("kind", ["garbage", "empty", "cut-json", "missing-token"])
@pytest.mark.parametrize("call", ISSUES)
@virtual
async def test_a_value_that_cannot_be_read_is_lost_and_the_token_may_exist(call: str, kind: str) -> None:
    remote = Remote.with_account()
    token_id = remote.seed()
    remote.fault(call, kind)

    assert VALUE_LOST == kind_of(await failure_of(ISSUES[call], remote, token_id))
    assert 1 < len(remote.live_ids())


@virtual
async def test_a_page_in_the_place_of_an_answer_does_not_count_as_a_deletion() -> None:
    remote = Remote.with_account()
    token_id = remote.seed()
    remote.fault("delete", "html", status=200)

    failure = await failure_of(DELETE["delete"], remote, token_id)

    assert (Uncertain, Reason.REMOTE_ANSWER_UNUSABLE) == kind_of(failure)
    assert {token_id} == remote.live_ids()


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (httpx.ConnectError("refused"), NOT_SENT),
        (httpx.ConnectTimeout("slow"), NOT_SENT),
        (httpx.ReadTimeout("slow"), NOT_KNOWN),
        (httpx.WriteError("gone"), NOT_KNOWN),
        (httpx.ProxyError("no way"), NOT_SENT),
        (httpx.InvalidURL("no url"), NOT_KNOWN),
    ],
    ids=repr,
)
@virtual
async def test_what_happens_before_a_connection_stands_has_no_effect(
    call: str, error: Exception, expected: Kind
) -> None:
    remote = Remote.with_account()
    remote.unreachable = error

    assert expected == kind_of(await failure_of(EVERY_CALL[call], remote, 5))


@virtual
async def test_one_timeout_bounds_a_call_as_a_whole() -> None:
    remote = Remote.with_account()
    remote.fault("list", "hang")

    await failure_of(READS["list"], remote, 0)

    assert 10 == round(now())
