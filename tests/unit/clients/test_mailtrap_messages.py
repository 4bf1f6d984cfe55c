"""What a failure tells people: the cause, the next step, when to try again; never a value."""

import logging
import traceback
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from mailtrap_operator.clients.errors import Failure
from tests.unit.clients.mailtrap_harness import (
    ADMIN_OF_DOMAIN,
    ANSWERS,
    DELETE,
    EVERY_CALL,
    FORBIDDEN,
    INVALID,
    ISSUES,
    LEFT_OUT,
    NAME,
    NOT_DELETED,
    READS,
    REFUSED,
    VALUE_LOST,
    Kind,
    client_of,
    failure_of,
    kind_of,
)
from tests.unit.clients.remote import CREDENTIAL, Remote
from tests.unit.clock import virtual


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
    remote.fault("create", "status", status=422, body={"error": "x" * 50_000})

    failure = await failure_of(ISSUES["create"], remote, 0)

    assert 400 > len(failure.message)
    assert "x … x" in failure.message


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("7", 7),
        ("0.5", 0.5),
        ("-3", 0),
        ("59", 59),
        ("86400", 60),
        ("inf", 60),
        ("nan", None),
        ("Sun, 01 Mar 2026 12:00:30 GMT", 30),
        ("Sun, 01 Mar 2026 13:00:00 GMT", 60),
        ("Sun, 01 Mar 2026 11:00:00 GMT", 0),
        ("in a while", None),
        ("Sun, 99 Mar 2026 12:00:30 GMT", None),
    ],
)
@virtual
async def test_retry_after_is_passed_on_within_reason(
    status: int, header: str | None, seconds: float | None
) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", times=2, status=status, retry_after=header)

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
    assert NOT_DELETED == await refusal(client.delete_token(token_id))
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


WORDS = "lowercasewordsasacredential"
"""Nothing but the value itself tells that this is one."""


@pytest.mark.parametrize(
    "said",
    [
        {"error": f"{WORDS} is no token"},
        {"errors": ["no token", f"{WORDS} is none"]},
        {"errors": {"base": [f"{WORDS} is no token"]}},
    ],
    ids=["a text", "a list", "attributes"],
)
@virtual
async def test_a_server_that_repeats_the_credential_is_not_quoted(said: dict[str, Any]) -> None:
    remote = Remote.with_account()
    remote.fault("list", "status", status=401, body=said)

    with pytest.raises(Failure) as caught:
        await client_of(remote, credential=WORDS).list_tokens()

    assert 'Mailtrap answered 401: "[left out]".' == caught.value.said


def test_a_client_shows_no_credential() -> None:
    client = client_of(Remote())

    assert CREDENTIAL not in f"{client!r} {vars(client)!r}"
    assert SecretStr(CREDENTIAL) in vars(client).values()
