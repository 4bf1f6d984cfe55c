"""The shared LIST: it answers only for questions asked before it started, and all of them at once."""

import asyncio

from mailtrap_operator.api.v1alpha1 import CredentialToken
from mailtrap_operator.clients.errors import Unauthorized
from mailtrap_operator.clients.remote_account import NOT_LISTED, Tokens
from mailtrap_operator.core.credential import Credential
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.account_harness import KEY, NAME, NAMESPACED, OTHER, OWNER, AccountBench, token
from tests.unit.clients.mailtrap_harness import (
    ADMIN_OF_DOMAIN,
    LEFT_OUT,
)
from tests.unit.clients.remote import CREDENTIAL
from tests.unit.clock import settled, virtual


def ids_in(tokens: Tokens) -> list[int]:
    assert isinstance(tokens, Found)
    return [token.id for token in tokens.value.get(OWNER, ())]


@virtual
async def test_a_list_tells_the_tokens_of_each_owner_and_no_others() -> None:
    harness = AccountBench()
    first, second = harness.remote.seed(NAME), harness.remote.seed(f"{NAME} 12")
    other = harness.remote.seed(f"mailer {Tag('abcdef', 'bbbbbbbbbb', 'abcdefgh')}")
    harness.remote.seed("somebody else's")

    tokens = await harness.accounts.at(KEY).list_tokens()

    assert isinstance(tokens, Found)
    assert {OWNER: [first, second], ("abcdef", "bbbbbbbbbb"): [other]} == {
        owner: [token.id for token in owned] for owner, owned in tokens.value.items()
    }


@virtual
async def test_concurrent_calls_share_one_list() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)

    answers = await asyncio.gather(*(remote_account.list_tokens() for _ in range(50)))

    assert 1 == harness.lists()
    assert all(answer is answers[0] for answer in answers)


@virtual
async def test_a_list_that_runs_already_is_no_answer_to_who_asks_now() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    harness.remote.fault("list", "slow", delay=5)

    early = asyncio.create_task(remote_account.list_tokens())
    await asyncio.sleep(1)
    born_meanwhile = harness.remote.seed(NAME)
    late = [asyncio.create_task(remote_account.list_tokens()) for _ in range(50)]

    assert [] == ids_in(await early)
    assert [[born_meanwhile]] * 50 == [ids_in(await answer) for answer in late]
    assert 2 == harness.lists()


@virtual
async def test_no_two_lists_of_one_account_run_at_once() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    harness.remote.fault("list", "slow", delay=5, times=9)

    tasks = []
    for _ in range(9):
        tasks.append(asyncio.create_task(remote_account.list_tokens()))
        await asyncio.sleep(1)
    await asyncio.gather(*tasks)

    # At 0, then as each ends: at 5 for who asked before, and at 10 for the rest.
    assert 3 == harness.lists()


@virtual
async def test_call_after_a_list_gets_a_new_list() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    await remote_account.list_tokens()
    born = harness.remote.seed(NAME)

    assert [born] == ids_in(await remote_account.list_tokens())


@virtual
async def test_an_asker_that_gives_up_takes_the_answer_from_no_one() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    harness.remote.fault("list", "slow", delay=5)
    impatient, patient = (asyncio.create_task(remote_account.list_tokens()) for _ in range(2))
    await settled()

    impatient.cancel()

    assert isinstance(await patient, Found)
    assert 1 == harness.lists()


@virtual
async def test_a_list_continues_when_all_who_asked_have_given_up() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    harness.remote.fault("list", "slow", delay=5)
    only = asyncio.create_task(remote_account.list_tokens())
    await settled()

    only.cancel()
    await asyncio.sleep(6)

    assert isinstance(remote_account.tokens, Found)


@virtual
async def test_each_account_is_listed_for_itself() -> None:
    harness = AccountBench()
    harness.remote.fault("list", "hang")

    slow = asyncio.create_task(harness.accounts.at(KEY).list_tokens())
    await settled()

    assert isinstance(await harness.accounts.at(OTHER).list_tokens(), Found)
    assert isinstance(await slow, Unknown)


@virtual
async def test_last_listed_is_the_last_list_with_the_changes_since() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    assert NOT_LISTED == harness.accounts.last_listed(KEY)
    kept, revoked = harness.remote.seed(NAME), harness.remote.seed(NAME)
    await remote_account.list_tokens()

    remote_account.record_change(token(77), is_alive=True)
    remote_account.record_change(token(revoked), is_alive=False)
    remote_account.record_change(token(78, tag=None), is_alive=True)

    assert [kept, 77] == ids_in(harness.accounts.last_listed(KEY))


@virtual
async def test_learning_the_same_again_changes_nothing() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    await remote_account.list_tokens()

    for _ in range(2):
        remote_account.record_change(token(77), is_alive=True)
        remote_account.record_change(token(5), is_alive=False)

    assert [77] == ids_in(remote_account.tokens)


@virtual
async def test_what_is_done_while_a_list_runs_counts_against_the_list() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    revoked = harness.remote.seed(NAME)
    harness.remote.fault("list", "slow", delay=5)
    listing = asyncio.create_task(remote_account.list_tokens())
    await asyncio.sleep(1)

    remote_account.record_change(token(77), is_alive=True)
    remote_account.record_change(token(revoked), is_alive=False)

    assert [77] == ids_in(await listing)
    assert [77] == ids_in(harness.accounts.last_listed(KEY))


@virtual
async def test_what_was_done_before_a_list_is_told_by_the_list_alone() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    remote_account.record_change(token(77), is_alive=True)
    await remote_account.list_tokens()

    assert [] == ids_in(await remote_account.list_tokens())


@virtual
async def test_change_of_an_account_that_was_not_listed_is_ignored() -> None:
    harness = AccountBench()

    harness.accounts.at(KEY).record_change(token(77), is_alive=True)

    assert NOT_LISTED == harness.accounts.last_listed(KEY)


@virtual
async def test_a_failed_list_is_unknown_and_makes_what_was_known_unknown() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    await remote_account.list_tokens()
    harness.remote.fault("list", "status", status=429, retry_after=7)

    answer = await remote_account.list_tokens()

    assert isinstance(answer, Unknown)
    assert Reason.RATE_LIMITED is answer.reason
    assert answer == harness.accounts.last_listed(KEY)


@virtual
async def test_anyone_who_asks_a_list_that_brings_something_else_is_reported() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    harness.remote.fault("list", "html", times=2)

    for _ in range(4):
        await remote_account.list_tokens()

    (_, nothing, trouble), (_, former, tokens) = harness.changes
    assert NOT_LISTED == nothing
    assert isinstance(trouble, Unknown)
    assert (trouble, Found({})) == (former, tokens)


@virtual
async def test_what_this_process_did_itself_is_no_change_when_the_list_confirms_it() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    client = await remote_account.client()
    await remote_account.list_tokens()
    harness.changes.clear()

    issued, _ = await client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT)
    remote_account.record_change(issued, is_alive=True)
    await remote_account.list_tokens()
    await client.delete_token(issued.id)
    remote_account.record_change(issued, is_alive=False)
    await remote_account.list_tokens()

    assert [] == harness.changes


@virtual
async def test_a_call_that_speaks_of_the_whole_account_makes_it_unknown() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    known = await remote_account.list_tokens()

    remote_account.mark_failed(Unauthorized(Reason.CREDENTIAL_REFUSED, "no longer"))

    assert Unknown(Reason.CREDENTIAL_REFUSED, "no longer") == harness.accounts.last_listed(KEY)
    assert (KEY, known, harness.accounts.last_listed(KEY)) == harness.changes[-1]


@virtual
async def test_an_account_that_does_not_exist_is_told_without_a_call() -> None:
    harness = AccountBench()
    await harness.accounts.at(KEY).list_tokens()
    del harness.objects[KEY]

    told = harness.accounts.last_listed(KEY)

    assert isinstance(told, Unknown)
    assert (Reason.ACCOUNT_NOT_FOUND, True) == (told.reason, "ClusterMailtrapAccount default" in told.message)
    assert told == await harness.accounts.at(KEY).list_tokens()
    assert 1 == harness.lists()


@virtual
async def test_lists_keep_to_the_rate_limit() -> None:
    harness = AccountBench(calls=2)

    for _ in range(5):
        assert isinstance(await harness.accounts.at(KEY).list_tokens(), Found)

    assert 20 <= asyncio.get_running_loop().time()


@virtual
async def test_a_list_tells_which_token_the_credential_is_and_when_it_ends() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    assert None is remote_account.credential.accepted
    (own,) = (t for t in harness.remote.control("GET", "state")["accounts"][0]["tokens"] if t["credential"])
    harness.remote.seed("somebody else's")

    await remote_account.list_tokens()

    token = CredentialToken(token_id=own["id"], last_four=CREDENTIAL[-4:])
    assert Credential(CREDENTIAL[-4:], token, sees_all=True) == remote_account.credential.accepted


@virtual
async def test_another_credential_is_another_token_and_a_list_that_fails_tells_nothing_of_it() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    await remote_account.list_tokens()
    made = harness.remote.control("POST", "credentials", {})

    harness.put_credential(made["token"])
    harness.remote.fault("list", "html")
    await remote_account.list_tokens()
    assert remote_account.credential.accepted is not None
    assert CREDENTIAL[-4:] == remote_account.credential.accepted.last_four
    await remote_account.list_tokens()

    assert (made["token"][-4:], made["id"]) == (
        remote_account.credential.accepted.last_four,
        remote_account.credential.accepted.token and remote_account.credential.accepted.token.token_id,
    )


@virtual
async def test_all_connections_are_closed() -> None:
    harness = AccountBench()
    remote_accounts = [harness.accounts.at(KEY), harness.accounts.at(OTHER)]
    assert remote_accounts[0] is harness.accounts.at(KEY)

    await harness.accounts.close()

    assert [True, True] == [remote_account.http.is_closed for remote_account in remote_accounts]


@virtual
async def test_an_account_shows_neither_credential_nor_tokens() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    await remote_account.list_tokens()
    client = await remote_account.client()

    assert CREDENTIAL not in f"{vars(remote_account)!r} {vars(harness.accounts)!r} {vars(client)!r}"


@virtual
async def test_a_cluster_wide_account_that_must_not_be_read_is_not_said_to_be_missing() -> None:
    harness = AccountBench(sees_cluster_accounts=False)
    harness.objects.clear()

    told, of_namespace = (harness.accounts.last_listed(key) for key in (KEY, NAMESPACED))

    assert isinstance(told, Unknown)
    assert isinstance(of_namespace, Unknown)
    assert (Reason.ACCOUNT_NOT_SERVED, Reason.ACCOUNT_NOT_FOUND) == (told.reason, of_namespace.reason)
    assert "Name a MailtrapAccount of this namespace in spec.accountRef, or grant that right" in told.message
    assert told == await harness.accounts.at(KEY).list_tokens(), "a LIST is not even tried"


@virtual
async def test_at_the_end_no_account_waits_for_the_rate_limit() -> None:
    harness = AccountBench(calls=1)
    await harness.accounts.at(KEY).list_tokens()
    waiting = [asyncio.create_task(harness.accounts.at(key).list_tokens()) for key in (KEY, OTHER)]
    await asyncio.sleep(1)

    harness.accounts.end_waiting()
    await settled()

    assert [True, True] == [task.cancelled() for task in waiting]
    assert 1 == harness.lists()
