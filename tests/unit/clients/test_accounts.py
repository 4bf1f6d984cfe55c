"""The shared LIST: it answers only for questions asked before it started, and all of them at once."""

import asyncio

from mailtrap_operator.api.v1alpha1 import CredentialToken
from mailtrap_operator.clients.connection import NOT_LISTED, Tokens
from mailtrap_operator.clients.errors import Unauthorized
from mailtrap_operator.core.credential import Credential
from mailtrap_operator.core.observation import Found, Unknown
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.account_bench import KEY, NAME, NAMESPACED, OTHER, OWNER, AccountBench, token
from tests.unit.clients.mailtrap_bench import (
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
    bench = AccountBench()
    first, second = bench.remote.seed(NAME), bench.remote.seed(f"{NAME} 12")
    other = bench.remote.seed(f"mailer {Tag('abcdef', 'bbbbbbbbbb', 'abcdefgh')}")
    bench.remote.seed("somebody else's")

    tokens = await bench.accounts.at(KEY).list_tokens()

    assert isinstance(tokens, Found)
    assert {OWNER: [first, second], ("abcdef", "bbbbbbbbbb"): [other]} == {
        owner: [token.id for token in owned] for owner, owned in tokens.value.items()
    }


@virtual
async def test_who_asks_at_the_same_time_shares_one_list() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)

    answers = await asyncio.gather(*(connection.list_tokens() for _ in range(50)))

    assert 1 == bench.lists()
    assert all(answer is answers[0] for answer in answers)


@virtual
async def test_a_list_that_runs_already_is_no_answer_to_who_asks_now() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    bench.remote.fault("list", "slow", delay=5)

    early = asyncio.create_task(connection.list_tokens())
    await asyncio.sleep(1)
    born_meanwhile = bench.remote.seed(NAME)
    late = [asyncio.create_task(connection.list_tokens()) for _ in range(50)]

    assert [] == ids_in(await early)
    assert [[born_meanwhile]] * 50 == [ids_in(await answer) for answer in late]
    assert 2 == bench.lists()


@virtual
async def test_no_two_lists_of_one_account_run_at_once() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    bench.remote.fault("list", "slow", delay=5, times=9)

    tasks = []
    for _ in range(9):
        tasks.append(asyncio.create_task(connection.list_tokens()))
        await asyncio.sleep(1)
    await asyncio.gather(*tasks)

    # At 0, then as each ends: at 5 for who asked before, and at 10 for the rest.
    assert 3 == bench.lists()


@virtual
async def test_who_asks_after_a_list_gets_a_new_one() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    await connection.list_tokens()
    born = bench.remote.seed(NAME)

    assert [born] == ids_in(await connection.list_tokens())


@virtual
async def test_an_asker_that_gives_up_takes_the_answer_from_nobody() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    bench.remote.fault("list", "slow", delay=5)
    impatient, patient = (asyncio.create_task(connection.list_tokens()) for _ in range(2))
    await settled()

    impatient.cancel()

    assert isinstance(await patient, Found)
    assert 1 == bench.lists()


@virtual
async def test_a_list_goes_on_when_all_who_asked_have_given_up() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    bench.remote.fault("list", "slow", delay=5)
    only = asyncio.create_task(connection.list_tokens())
    await settled()

    only.cancel()
    await asyncio.sleep(6)

    assert isinstance(connection.tokens, Found)


@virtual
async def test_each_account_is_listed_for_itself() -> None:
    bench = AccountBench()
    bench.remote.fault("list", "hang")

    slow = asyncio.create_task(bench.accounts.at(KEY).list_tokens())
    await settled()

    assert isinstance(await bench.accounts.at(OTHER).list_tokens(), Found)
    assert isinstance(await slow, Unknown)


@virtual
async def test_what_was_told_is_the_last_list_with_what_was_done_since() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    assert NOT_LISTED == bench.accounts.told(KEY)
    kept, revoked = bench.remote.seed(NAME), bench.remote.seed(NAME)
    await connection.list_tokens()

    connection.learn(token(77), is_alive=True)
    connection.learn(token(revoked), is_alive=False)
    connection.learn(token(78, tag=None), is_alive=True)

    assert [kept, 77] == ids_in(bench.accounts.told(KEY))


@virtual
async def test_learning_the_same_again_changes_nothing() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    await connection.list_tokens()

    for _ in range(2):
        connection.learn(token(77), is_alive=True)
        connection.learn(token(5), is_alive=False)

    assert [77] == ids_in(connection.tokens)


@virtual
async def test_what_is_done_while_a_list_runs_counts_against_the_list() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    revoked = bench.remote.seed(NAME)
    bench.remote.fault("list", "slow", delay=5)
    listing = asyncio.create_task(connection.list_tokens())
    await asyncio.sleep(1)

    connection.learn(token(77), is_alive=True)
    connection.learn(token(revoked), is_alive=False)

    assert [77] == ids_in(await listing)
    assert [77] == ids_in(bench.accounts.told(KEY))


@virtual
async def test_what_was_done_before_a_list_is_told_by_the_list_alone() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    connection.learn(token(77), is_alive=True)
    await connection.list_tokens()

    assert [] == ids_in(await connection.list_tokens())


@virtual
async def test_nothing_is_learned_of_an_account_that_was_not_listed() -> None:
    bench = AccountBench()

    bench.accounts.at(KEY).learn(token(77), is_alive=True)

    assert NOT_LISTED == bench.accounts.told(KEY)


@virtual
async def test_a_failed_list_is_unknown_and_makes_what_was_known_unknown() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    await connection.list_tokens()
    bench.remote.fault("list", "status", status=429, retry_after=7)

    answer = await connection.list_tokens()

    assert isinstance(answer, Unknown)
    assert Reason.RATE_LIMITED is answer.reason
    assert answer == bench.accounts.told(KEY)


@virtual
async def test_whoever_asks_a_list_that_brings_something_else_is_told_of() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    bench.remote.fault("list", "html", times=2)

    for _ in range(4):
        await connection.list_tokens()

    (_, nothing, trouble), (_, former, tokens) = bench.changes
    assert NOT_LISTED == nothing
    assert isinstance(trouble, Unknown)
    assert (trouble, Found({})) == (former, tokens)


@virtual
async def test_what_this_process_did_itself_is_no_change_when_the_list_confirms_it() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    client = await connection.client()
    await connection.list_tokens()
    bench.changes.clear()

    issued, _ = await client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT)
    connection.learn(issued, is_alive=True)
    await connection.list_tokens()
    await client.delete_token(issued.id)
    connection.learn(issued, is_alive=False)
    await connection.list_tokens()

    assert [] == bench.changes


@virtual
async def test_a_call_that_speaks_of_the_whole_account_makes_it_unknown() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    known = await connection.list_tokens()

    connection.distrust(Unauthorized(Reason.CREDENTIAL_REFUSED, "no longer"))

    assert Unknown(Reason.CREDENTIAL_REFUSED, "no longer") == bench.accounts.told(KEY)
    assert (KEY, known, bench.accounts.told(KEY)) == bench.changes[-1]


@virtual
async def test_an_account_that_does_not_exist_is_told_without_a_call() -> None:
    bench = AccountBench()
    await bench.accounts.at(KEY).list_tokens()
    del bench.objects[KEY]

    told = bench.accounts.told(KEY)

    assert isinstance(told, Unknown)
    assert (Reason.ACCOUNT_NOT_FOUND, True) == (told.reason, "ClusterMailtrapAccount default" in told.message)
    assert told == await bench.accounts.at(KEY).list_tokens()
    assert 1 == bench.lists()


@virtual
async def test_lists_keep_to_the_rate_limit() -> None:
    bench = AccountBench(calls=2)

    for _ in range(5):
        assert isinstance(await bench.accounts.at(KEY).list_tokens(), Found)

    assert 20 <= asyncio.get_running_loop().time()


@virtual
async def test_a_list_tells_which_token_the_credential_is_and_when_it_ends() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    assert None is connection.credential.accepted
    (own,) = (t for t in bench.remote.control("GET", "state")["accounts"][0]["tokens"] if t["credential"])
    bench.remote.seed("somebody else's")

    await connection.list_tokens()

    token = CredentialToken(token_id=own["id"], last_four=CREDENTIAL[-4:])
    assert Credential(CREDENTIAL[-4:], token, sees_all=True) == connection.credential.accepted


@virtual
async def test_another_credential_is_another_token_and_a_list_that_fails_tells_nothing_of_it() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    await connection.list_tokens()
    made = bench.remote.control("POST", "credentials", {})

    bench.put_credential(made["token"])
    bench.remote.fault("list", "html")
    await connection.list_tokens()
    assert connection.credential.accepted is not None
    assert CREDENTIAL[-4:] == connection.credential.accepted.last_four
    await connection.list_tokens()

    assert (made["token"][-4:], made["id"]) == (
        connection.credential.accepted.last_four,
        connection.credential.accepted.token and connection.credential.accepted.token.token_id,
    )


@virtual
async def test_all_connections_are_closed() -> None:
    bench = AccountBench()
    connections = [bench.accounts.at(KEY), bench.accounts.at(OTHER)]
    assert connections[0] is bench.accounts.at(KEY)

    await bench.accounts.close()

    assert [True, True] == [connection.http.is_closed for connection in connections]


@virtual
async def test_an_account_shows_neither_credential_nor_tokens() -> None:
    bench = AccountBench()
    connection = bench.accounts.at(KEY)
    await connection.list_tokens()
    client = await connection.client()

    assert CREDENTIAL not in f"{vars(connection)!r} {vars(bench.accounts)!r} {vars(client)!r}"


@virtual
async def test_a_cluster_wide_account_that_must_not_be_read_is_not_said_to_be_missing() -> None:
    bench = AccountBench(sees_cluster_accounts=False)
    bench.objects.clear()

    told, of_namespace = (bench.accounts.told(key) for key in (KEY, NAMESPACED))

    assert isinstance(told, Unknown)
    assert isinstance(of_namespace, Unknown)
    assert (Reason.ACCOUNT_NOT_SERVED, Reason.ACCOUNT_NOT_FOUND) == (told.reason, of_namespace.reason)
    assert "Name a MailtrapAccount of this namespace in spec.accountRef, or grant that right" in told.message
    assert told == await bench.accounts.at(KEY).list_tokens(), "a LIST is not even tried"


@virtual
async def test_at_the_end_no_account_waits_for_the_rate_limit() -> None:
    bench = AccountBench(calls=1)
    await bench.accounts.at(KEY).list_tokens()
    waiting = [asyncio.create_task(bench.accounts.at(key).list_tokens()) for key in (KEY, OTHER)]
    await asyncio.sleep(1)

    bench.accounts.end_waiting()
    await settled()

    assert [True, True] == [task.cancelled() for task in waiting]
    assert 1 == bench.lists()
