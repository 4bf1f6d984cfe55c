"""An account's credential: where it is read from, what can be wrong with it, and what follows from another one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mailtrap_operator.clients.credential_values import credential_in
from mailtrap_operator.clients.errors import Failure, Retryable, Terminal
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.account_harness import (
    BASE,
    KEY,
    NAMESPACED,
    OTHER,
    AccountBench,
    account,
    credentials,
)
from tests.unit.clients.remote import CREDENTIAL, DOMAIN
from tests.unit.clock import now, virtual

SECRET = BASE.format("mailtrap-system") + "/credentials"
PLACE = "Secret mailtrap-system/credentials"
ADMIN = [{"resource_type": "account", "resource_id": 3229, "access_level": 100}]


async def refusal(harness: AccountBench) -> tuple[type[Failure], Reason, str]:
    with pytest.raises(Failure) as caught:
        await harness.accounts.at(KEY).client()
    told = await harness.accounts.at(KEY).list_tokens()
    assert caught.value.as_unknown() == told
    return type(caught.value), caught.value.reason, caught.value.message


@virtual
async def test_a_cluster_wide_account_reads_its_credential_in_the_operators_namespace() -> None:
    harness = AccountBench()

    assert isinstance(await harness.accounts.at(KEY).list_tokens(), Found)
    assert SECRET == harness.kube.calls[-1].path


@virtual
async def test_an_account_of_a_namespace_reads_its_credential_there() -> None:
    harness = AccountBench()
    missing = await harness.accounts.at(NAMESPACED).list_tokens()
    harness.kube.seed(BASE.format("team"), credentials(CREDENTIAL))

    found = await harness.accounts.at(NAMESPACED).list_tokens()

    assert isinstance(missing, Unknown)
    assert "Secret team/credentials" in missing.message
    assert isinstance(found, Found)


@pytest.mark.parametrize("value", [f"{CREDENTIAL}\n", f" {CREDENTIAL}\t\r\n", CREDENTIAL])
@virtual
async def test_blanks_around_a_credential_do_not_count(value: str) -> None:
    harness = AccountBench()
    harness.put_credential(value)

    assert isinstance(await harness.accounts.at(KEY).list_tokens(), Found)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda harness: harness.kube.remove(SECRET), "does not exist. Create it."),
        (lambda harness: harness.kube.edit(SECRET, lambda body: body.pop("data")), "has no key 'token'"),
        (
            lambda harness: harness.kube.edit(SECRET, lambda body: body.update(data=None)),
            "has no key 'token'",
        ),
        (lambda harness: harness.put_credential(CREDENTIAL, key="password"), "has no key 'token'"),
        (lambda harness: harness.put_credential(""), "is empty or holds blanks"),
        (lambda harness: harness.put_credential(" \n"), "is empty or holds blanks"),
        (lambda harness: harness.put_credential("two words"), "is empty or holds blanks"),
        (lambda harness: harness.put_credential("two\nlines"), "is empty or holds blanks"),
        (lambda harness: harness.put_credential("schlüssel"), "holds no text that could be a token"),
        (lambda harness: harness.put_credential(b"\xff\xfe"), "holds no text that could be a token"),
    ],
)
@virtual
async def test_credential_problem_names_the_secret_and_what_to_do(
    edit: Callable[[AccountBench], Any], words: str
) -> None:
    harness = AccountBench()
    edit(harness)

    kind, reason, message = await refusal(harness)

    assert (Terminal, Reason.CREDENTIAL_MISSING) == (kind, reason)
    assert PLACE in message
    assert words in message
    assert message.endswith(("Create it.", "Put the credential there."))
    assert 0 == harness.lists()


def test_data_that_is_no_base64_is_no_credential() -> None:
    with pytest.raises(Terminal, match="holds no text that could be a token"):
        credential_in({"data": {"token": "a"}}, "token", "Secret credentials")


@virtual
async def test_the_key_that_the_account_names_is_read() -> None:
    harness = AccountBench()
    harness.objects[KEY] = account(entry="api-key")
    assert "has no key 'api-key'" in (await refusal(harness))[2]

    harness.put_credential(CREDENTIAL, key="api-key")

    assert isinstance(await harness.accounts.at(KEY).list_tokens(), Found)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [(403, Terminal, Reason.KUBERNETES_REFUSED), (429, Retryable, Reason.KUBERNETES_UNAVAILABLE)],
)
@virtual
async def test_a_credential_that_cannot_be_read_is_not_missing(
    status: int, kind: type[Failure], reason: Reason
) -> None:
    harness = AccountBench()
    harness.kube.fail("GET", "/secrets/credentials", status, "secrets is forbidden", times=2)

    assert (kind, reason) == (await refusal(harness))[:2]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.test",
        "http://mailtrap.test",
        "https://mailtrap.test.evil.test",
        "https://mailtrap.test:444",
    ],
)
@virtual
async def test_a_server_that_is_not_allowed_is_never_sent_a_credential(url: str) -> None:
    harness = AccountBench()
    harness.objects[KEY] = account(base_url=url)

    kind, reason, message = await refusal(harness)

    assert (Terminal, Reason.BASE_URL_NOT_ALLOWED) == (kind, reason)
    assert (
        f"baseUrl {url} of ClusterMailtrapAccount default is not among the operator's allowed base URLs "
        "(https://mailtrap.test). Use one of them in spec.baseUrl, or have it added to the operator's "
        "settings.allowedBaseUrls (MAILTRAP_OPERATOR_ALLOWED_BASE_URLS)."
    ) == message
    assert ([], []) == (harness.remote.requests, harness.kube.calls)


@virtual
async def test_a_host_is_the_same_in_any_case() -> None:
    harness = AccountBench()
    harness.objects[KEY] = account(base_url="https://MailTrap.test")

    assert isinstance(await harness.accounts.at(KEY).list_tokens(), Found)


@virtual
async def test_an_account_that_does_not_exist_has_no_client() -> None:
    harness = AccountBench()
    del harness.objects[KEY]

    kind, reason, message = await refusal(harness)

    assert (Terminal, Reason.ACCOUNT_NOT_FOUND) == (kind, reason)
    assert "ClusterMailtrapAccount default does not exist" in message


@virtual
async def test_a_credential_that_changes_is_used_at_the_next_list() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    await remote_account.list_tokens()
    former = remote_account.pacer
    new = harness.remote.control("POST", "credentials", {"resources": ADMIN})["token"]

    harness.put_credential(new)
    await remote_account.list_tokens()

    assert [CREDENTIAL, new] == [request.headers["api-token"] for request in harness.remote.requests]
    assert former is not remote_account.pacer


@virtual
async def test_a_refused_credential_recovers_as_soon_as_the_secret_holds_a_good_one() -> None:
    harness = AccountBench()
    harness.put_credential("0" * 32)
    refused = await harness.accounts.at(KEY).list_tokens()

    harness.put_credential(CREDENTIAL)
    recovered = await harness.accounts.at(KEY).list_tokens()

    assert isinstance(refused, Unknown)
    assert Reason.CREDENTIAL_REFUSED is refused.reason
    assert isinstance(recovered, Found)


@virtual
async def test_two_accounts_with_one_credential_share_its_limit() -> None:
    harness = AccountBench(calls=1)
    first, second = harness.accounts.at(KEY), harness.accounts.at(OTHER)

    await asyncio.gather(first.list_tokens(), second.list_tokens())

    assert first.pacer is second.pacer
    assert 10 == round(now())


@virtual
async def test_two_accounts_with_two_credentials_do_not_wait_for_each_other() -> None:
    harness = AccountBench(calls=1)
    harness.objects[OTHER] = account(OTHER, entry="other")
    weak = harness.remote.control("POST", "credentials", {"resources": [DOMAIN]})["token"]
    values = credentials(CREDENTIAL)["data"] | credentials(weak, "other")["data"]
    harness.kube.edit(SECRET, lambda body: body.update(data=values))

    await asyncio.gather(harness.accounts.at(KEY).list_tokens(), harness.accounts.at(OTHER).list_tokens())

    assert 0 == round(now())


@virtual
async def test_no_message_about_a_credential_holds_it() -> None:
    harness = AccountBench()
    harness.put_credential(f"{CREDENTIAL} {CREDENTIAL}")

    assert CREDENTIAL not in "".join(map(str, await refusal(harness)))
