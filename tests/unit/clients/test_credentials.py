"""An account's credential: where it is read from, what can be wrong with it, and what follows from another one."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mailtrap_operator.clients.errors import Failure, Retryable, Terminal
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.account_bench import (
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


async def refusal(bench: AccountBench) -> tuple[type[Failure], Reason, str]:
    with pytest.raises(Failure) as caught:
        await bench.accounts.at(KEY).client()
    told = await bench.accounts.at(KEY).list_tokens()
    assert caught.value.as_unknown() == told
    return type(caught.value), caught.value.reason, caught.value.message


@virtual
async def test_a_cluster_wide_account_reads_its_credential_in_the_operators_namespace() -> None:
    bench = AccountBench()

    assert isinstance(await bench.accounts.at(KEY).list_tokens(), Found)
    assert SECRET == bench.kube.calls[-1].path


@virtual
async def test_an_account_of_a_namespace_reads_its_credential_there() -> None:
    bench = AccountBench()
    missing = await bench.accounts.at(NAMESPACED).list_tokens()
    bench.kube.seed(BASE.format("team"), credentials(CREDENTIAL))

    found = await bench.accounts.at(NAMESPACED).list_tokens()

    assert isinstance(missing, Unknown)
    assert "Secret team/credentials" in missing.message
    assert isinstance(found, Found)


@pytest.mark.parametrize("value", [f"{CREDENTIAL}\n", f" {CREDENTIAL}\t\r\n", CREDENTIAL])
@virtual
async def test_blanks_around_a_credential_do_not_count(value: str) -> None:
    bench = AccountBench()
    bench.put_credential(value)

    assert isinstance(await bench.accounts.at(KEY).list_tokens(), Found)


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda bench: bench.kube.remove(SECRET), "does not exist. Create it."),
        (lambda bench: bench.kube.edit(SECRET, lambda body: body.pop("data")), "has no key 'token'"),
        (lambda bench: bench.kube.edit(SECRET, lambda body: body.update(data=None)), "has no key 'token'"),
        (lambda bench: bench.put_credential(CREDENTIAL, key="password"), "has no key 'token'"),
        (lambda bench: bench.put_credential(""), "is empty or holds blanks"),
        (lambda bench: bench.put_credential(" \n"), "is empty or holds blanks"),
        (lambda bench: bench.put_credential("two words"), "is empty or holds blanks"),
        (lambda bench: bench.put_credential("two\nlines"), "is empty or holds blanks"),
        (lambda bench: bench.put_credential("schlüssel"), "holds no text that could be a token"),
        (lambda bench: bench.put_credential(b"\xff\xfe"), "holds no text that could be a token"),
        (
            lambda bench: bench.kube.edit(SECRET, lambda body: body.update(data={"token": "a"})),
            "holds no text that could be a token",
        ),
    ],
)
@virtual
async def test_what_is_wrong_with_a_credential_names_the_secret_and_what_to_do(
    edit: Callable[[AccountBench], Any], words: str
) -> None:
    bench = AccountBench()
    edit(bench)

    kind, reason, message = await refusal(bench)

    assert (Terminal, Reason.CREDENTIAL_MISSING) == (kind, reason)
    assert PLACE in message
    assert words in message
    assert message.endswith(("Create it.", "Put the credential there."))
    assert 0 == bench.lists()


@virtual
async def test_the_key_that_the_account_names_is_read() -> None:
    bench = AccountBench()
    bench.objects[KEY] = account(entry="api-key")
    assert "has no key 'api-key'" in (await refusal(bench))[2]

    bench.put_credential(CREDENTIAL, key="api-key")

    assert isinstance(await bench.accounts.at(KEY).list_tokens(), Found)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [(403, Terminal, Reason.KUBERNETES_REFUSED), (429, Retryable, Reason.KUBERNETES_UNAVAILABLE)],
)
@virtual
async def test_a_credential_that_cannot_be_read_is_not_missing(
    status: int, kind: type[Failure], reason: Reason
) -> None:
    bench = AccountBench()
    bench.kube.fail("GET", "/secrets/credentials", status, "secrets is forbidden", times=2)

    assert (kind, reason) == (await refusal(bench))[:2]


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
    bench = AccountBench()
    bench.objects[KEY] = account(base_url=url)

    kind, reason, message = await refusal(bench)

    assert (Terminal, Reason.BASE_URL_NOT_ALLOWED) == (kind, reason)
    assert (
        f"baseUrl {url} of ClusterMailtrapAccount default is not among the operator's allowed base URLs "
        "(https://mailtrap.test). Use one of them in spec.baseUrl, or have it added to the operator's "
        "settings.allowedBaseUrls (MAILTRAP_OPERATOR_ALLOWED_BASE_URLS)."
    ) == message
    assert ([], []) == (bench.remote.requests, bench.kube.calls)


@virtual
async def test_a_host_is_the_same_in_any_case() -> None:
    bench = AccountBench()
    bench.objects[KEY] = account(base_url="https://MailTrap.test")

    assert isinstance(await bench.accounts.at(KEY).list_tokens(), Found)


@virtual
async def test_an_account_that_does_not_exist_has_no_client() -> None:
    bench = AccountBench()
    del bench.objects[KEY]

    kind, reason, message = await refusal(bench)

    assert (Terminal, Reason.ACCOUNT_NOT_FOUND) == (kind, reason)
    assert "ClusterMailtrapAccount default does not exist" in message


@virtual
async def test_a_credential_that_changes_is_used_at_the_next_list() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    await connection.list_tokens()
    former = connection.pacer
    new = bench.remote.control("POST", "credentials", {"resources": ADMIN})["token"]

    bench.put_credential(new)
    await connection.list_tokens()

    assert [CREDENTIAL, new] == [request.headers["api-token"] for request in bench.remote.requests]
    assert former is not connection.pacer


@virtual
async def test_a_refused_credential_recovers_as_soon_as_the_secret_holds_a_good_one() -> None:
    bench = AccountBench()
    bench.put_credential("0" * 32)
    refused = await bench.accounts.at(KEY).list_tokens()

    bench.put_credential(CREDENTIAL)
    recovered = await bench.accounts.at(KEY).list_tokens()

    assert isinstance(refused, Unknown)
    assert Reason.CREDENTIAL_REFUSED is refused.reason
    assert isinstance(recovered, Found)


@virtual
async def test_two_accounts_with_one_credential_share_its_limit() -> None:
    bench = AccountBench(calls=1)
    first, second = bench.accounts.at(KEY), bench.accounts.at(OTHER)

    await asyncio.gather(first.list_tokens(), second.list_tokens())

    assert first.pacer is second.pacer
    assert 10 == round(now())


@virtual
async def test_two_accounts_with_two_credentials_do_not_wait_for_each_other() -> None:
    bench = AccountBench(calls=1)
    bench.objects[OTHER] = account(OTHER, entry="other")
    weak = bench.remote.control("POST", "credentials", {"resources": [DOMAIN]})["token"]
    values = credentials(CREDENTIAL)["data"] | credentials(weak, "other")["data"]
    bench.kube.edit(SECRET, lambda body: body.update(data=values))

    await asyncio.gather(bench.accounts.at(KEY).list_tokens(), bench.accounts.at(OTHER).list_tokens())

    assert 0 == round(now())


@virtual
async def test_no_message_about_a_credential_holds_it() -> None:
    bench = AccountBench()
    bench.put_credential(f"{CREDENTIAL} {CREDENTIAL}")

    assert CREDENTIAL not in "".join(map(str, await refusal(bench)))
