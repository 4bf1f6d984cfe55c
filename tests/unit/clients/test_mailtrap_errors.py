"""What each answer that is not a success, or no answer, means: for a call that only reads and for one that changes."""

import logging
import traceback
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from mailtrap_operator.clients.errors import Failure, Missing, Retryable, Terminal, Unauthorized, Uncertain
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.remote import CREDENTIAL, Remote
from tests.unit.clients.test_mailtrap_calls import ADMIN_OF_DOMAIN, LEFT_OUT, NAME, client_of
from tests.unit.clock import now, virtual

Call = Callable[[MailtrapClient, int], Awaitable[object]]
Kind = tuple[type[Failure], Reason]

READS: dict[str, Call] = {
    "list": lambda client, _: client.list_tokens(),
    "get": lambda client, token_id: client.get_token(token_id),
}
ISSUES: dict[str, Call] = {
    "create": lambda client, _: client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT),
    "reset": lambda client, token_id: client.reset_token(token_id, LEFT_OUT),
}
DELETE: dict[str, Call] = {"delete": lambda client, token_id: client.delete_token(token_id)}
MUTATIONS = ISSUES | DELETE
EVERY_CALL = READS | MUTATIONS

REFUSED = (Unauthorized, Reason.CREDENTIAL_REFUSED)
FORBIDDEN = (Terminal, Reason.ACCESS_FORBIDDEN)
INVALID = (Terminal, Reason.REQUEST_REFUSED)
LIMITED = (Retryable, Reason.RATE_LIMITED)
NOT_SENT = (Retryable, Reason.REMOTE_UNAVAILABLE)
NOT_KNOWN = (Uncertain, Reason.REMOTE_UNAVAILABLE)
UNREADABLE = (Retryable, Reason.REMOTE_ANSWER_UNUSABLE)
VALUE_LOST = (Uncertain, Reason.REMOTE_ANSWER_UNUSABLE)

# What the API says in its own JSON is definite, for a mutation too; everything else leaves it open.
ANSWERS: list[tuple[str, dict[str, Any], Kind]] = [
    ("status", {"status": 401}, REFUSED),
    ("status", {"status": 403}, FORBIDDEN),
    ("status", {"status": 403, "body": {"errors": "Account access forbidden"}}, FORBIDDEN),
    ("status", {"status": 400, "body": {"error": "Bad Request"}}, INVALID),
    ("status", {"status": 422}, INVALID),
    ("status", {"status": 429}, LIMITED),
    ("status", {"status": 429, "body": "<html>slow down</html>", "content_type": "text/html"}, LIMITED),
    ("status", {"status": 408, "body": {"error": "Request Timeout"}}, NOT_KNOWN),
    ("status", {"status": 500}, NOT_KNOWN),
    ("status", {"status": 500, "commit": True}, NOT_KNOWN),
    ("status", {"status": 503}, NOT_KNOWN),
    ("status", {"status": 418, "body": {"error": None}}, NOT_KNOWN),
    ("status", {"status": 401, "body": ["Incorrect API token"]}, NOT_KNOWN),
    ("status", {"status": 422, "body": {}}, NOT_KNOWN),
    ("status", {"status": 404, "body": "no such page"}, NOT_KNOWN),
    ("status", {"status": 403, "body": ""}, NOT_KNOWN),
    ("html", {"status": 401}, NOT_KNOWN),
    ("html", {"status": 403}, NOT_KNOWN),
    ("html", {"status": 404}, NOT_KNOWN),
    ("html", {"status": 422}, NOT_KNOWN),
    ("html", {"status": 502}, NOT_KNOWN),
    ("html", {"status": 502, "commit": True}, NOT_KNOWN),
    ("redirect", {}, NOT_KNOWN),
    ("truncated", {}, NOT_KNOWN),
    ("lost-before-commit", {}, NOT_KNOWN),
    ("lost-after-commit", {}, NOT_KNOWN),
    ("late-commit", {"delay": 5}, NOT_KNOWN),
    ("reset-connection", {"commit": True}, NOT_KNOWN),
    ("hang", {"commit": False}, NOT_KNOWN),
    ("hang", {}, NOT_KNOWN),
    ("slow", {"delay": 11}, NOT_KNOWN),
]


async def failure_of(call: Call, remote: Remote, token_id: int) -> Failure:
    with pytest.raises(Failure) as caught:
        await call(client_of(remote), token_id)
    return caught.value


def kind_of(failure: Failure) -> Kind:
    return type(failure), failure.reason


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    ("kind", "settings", "expected"), ANSWERS, ids=[f"{kind} {settings}" for kind, settings, _ in ANSWERS]
)
@virtual
async def test_what_an_answer_means(call: str, kind: str, settings: dict[str, Any], expected: Kind) -> None:
    remote = Remote.with_account()
    token_id = remote.seed()
    remote.fault(call, kind, **settings)

    failure = await failure_of(EVERY_CALL[call], remote, token_id)

    assert expected == kind_of(failure)


@pytest.mark.parametrize("call", ["list", "create", "reset"])
@virtual
async def test_a_positive_404_says_that_the_thing_is_not_there(call: str) -> None:
    remote = Remote.with_account()
    remote.fault(call, "status", status=404)

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
        (httpx.ProxyError("no way"), NOT_KNOWN),
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


@pytest.mark.parametrize(
    ("status", "said", "words"),
    [
        (401, {"error": "Incorrect API token"}, '"Incorrect API token". Put a valid token'),
        (403, {"errors": "Access forbidden"}, '"Access forbidden". Check accountId'),
        (422, {"errors": {"base": ["No permissions."]}}, '"base: No permissions.". Correct the spec'),
        (422, {"errors": {"name": ["is bad", "is long"], "x": ["no"]}}, '"name: is bad, is long; x: no"'),
        (422, {"errors": {"name": "is bad"}}, '"name: is bad"'),
        (422, {"error": "  two\n lines "}, '"two lines"'),
        (429, {"errors": "Too many requests"}, '"Too many requests". The calls pause'),
        (429, "", '"too many requests". The calls pause'),
        (500, {"error": "Internal Server Error"}, '"Internal Server Error". It is tried again'),
        (502, "<html>", "Something other than the API answered 502"),
    ],
)
@virtual
async def test_the_message_quotes_the_api_and_says_what_to_do(status: int, said: Any, words: str) -> None:
    remote = Remote.with_account()
    remote.fault("create", "status", status=status, body=said)

    failure = await failure_of(ISSUES["create"], remote, 0)

    assert words in failure.message
    assert str(status) in failure.message
    assert str(failure) == failure.message


@pytest.mark.parametrize(("status", "words"), [(403, "Access forbidden"), (422, "base: ")])
@virtual
async def test_a_refused_deletion_names_the_token_and_the_way_out(status: int, words: str) -> None:
    remote = Remote.with_account()
    remote.fault("delete", "status", status=status)

    failure = await failure_of(DELETE["delete"], remote, 77)

    assert failure.message.startswith(f"Token 77 may not be deleted. Mailtrap answered {status}:")
    assert words in failure.message
    assert failure.message.endswith("Allow it in Mailtrap, or delete it there.")


@virtual
async def test_a_long_message_of_the_server_is_cut() -> None:
    remote = Remote.with_account()
    remote.fault("create", "status", status=422, body={"error": "x" * 100_000})

    failure = await failure_of(ISSUES["create"], remote, 0)

    assert 400 > len(failure.message)
    assert "x…" in failure.message


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("86400", 3600),
        ("inf", 3600),
        ("nan", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
    ],
)
@virtual
async def test_retry_after_is_passed_on_within_reason(
    status: int, header: str | None, seconds: float | None
) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=status, retry_after=header)

    failure = await failure_of(READS["list"], remote, 0)

    assert (None if seconds is None else timedelta(seconds=seconds)) == failure.retry_after
    assert failure.retry_after == failure.as_unknown().retry_after


@virtual
async def test_the_real_refusals_of_the_api_are_understood() -> None:
    remote = Remote.with_account()
    token_id, expired = remote.seed(), remote.seed(expires_at="2026-03-01T12:00:01Z")
    remote.control("POST", "clock", {"advance": 5})
    weak = remote.control(
        "POST",
        "credentials",
        {"resources": [{"resource_type": "account", "resource_id": 3229, "access_level": 10}]},
    )
    client = client_of(remote, credential=weak["token"])

    async def refusal(call: Awaitable[object]) -> Kind:
        with pytest.raises(Failure) as caught:
            await call
        return kind_of(caught.value)

    assert REFUSED == await refusal(client_of(remote, credential="wrong").list_tokens())
    assert FORBIDDEN == await refusal(client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT))
    assert FORBIDDEN == await refusal(client.delete_token(token_id))
    assert INVALID == await refusal(client_of(remote).create_token(NAME, (), LEFT_OUT))
    assert INVALID == await refusal(client_of(remote).reset_token(expired, LEFT_OUT))
    await client_of(remote).reset_token(token_id, LEFT_OUT)
    assert INVALID == await refusal(client_of(remote).reset_token(token_id, LEFT_OUT))


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    "fault",
    [
        {"kind": kind, **settings}
        for kind, settings, _ in [
            *ANSWERS,
            *((kind, {}, None) for kind in ("garbage", "empty", "cut-json", "missing-token")),
        ]
    ],
    ids=str,
)
@virtual
async def test_no_value_and_no_credential_appears_in_results_failures_or_logs(
    call: str, fault: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    remote = Remote.with_account()
    token_id = remote.seed()
    remote.fault(call, **fault)
    shown: list[str] = []

    for _ in range(2):
        try:
            shown.append(repr(await EVERY_CALL[call](client_of(remote), token_id)))
        except Failure as failure:
            shown += [repr(failure), *traceback.format_exception(failure), repr(failure.as_unknown())]

    everything = "\n".join([*shown, caplog.text])
    account = remote.simulator.server.accounts[3229]
    values = [token.value for token in account.tokens(remote.simulator.clock.now())]
    assert values
    assert CREDENTIAL in values
    assert [] == [value for value in values if value in everything]


@pytest.mark.parametrize("call", ISSUES)
@pytest.mark.parametrize("lacking", ["id", "name", "last_4_digits"])
@virtual
async def test_a_value_in_a_broken_answer_is_not_even_in_what_caused_the_failure(
    call: str, lacking: str
) -> None:
    remote = Remote.with_account()
    body = {"id": 5, "name": "n", "last_4_digits": "alue", "token": "the-value"}
    remote.fault(
        call, "status", status=200, body={name: part for name, part in body.items() if name != lacking}
    )

    failure = await failure_of(ISSUES[call], remote, remote.seed())

    cause = failure.__context__
    assert VALUE_LOST == kind_of(failure)
    assert cause is not None
    assert "the-value" not in f"{cause} {cause!r} {failure!r}"


def test_a_client_shows_no_credential() -> None:
    client = client_of(Remote())

    assert CREDENTIAL not in f"{client!r} {vars(client)!r}"
    assert SecretStr(CREDENTIAL) in vars(client).values()
