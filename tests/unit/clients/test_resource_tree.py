"""The account's resources: the tree that Mailtrap answers, flattened; asked for once by all who ask at the same time."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.clients.errors import Retryable
from mailtrap_operator.core.observation import Catalogue, CatalogueEntry, Found, Unknown
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.account_harness import KEY, AccountBench
from tests.unit.clients.mailtrap_harness import client_of
from tests.unit.clients.remote import ACCOUNT, Remote
from tests.unit.clock import virtual

MINUTE = timedelta(minutes=1)

TREE = [
    {
        "id": 4,
        "name": "shop",
        "type": "project",
        "resources": [
            {"id": 5, "name": "main", "type": "inbox"},
            {"id": 6, "name": "tests", "type": "inbox"},
        ],
    },
    {"id": 7, "name": "shop.example", "type": "sending_domain"},
]


def put(remote: Remote, tree: list[dict[str, Any]]) -> None:
    remote.control("PUT", f"accounts/{ACCOUNT}/resources", {"resources": tree})


def asked(harness: AccountBench) -> int:
    """Return how often the server was asked for its resources."""
    entries = harness.remote.control("GET", "journal")["entries"]
    return sum(entry["operation"] == "resources" for entry in entries)


def names(answer: Found[Catalogue] | Unknown) -> list[str]:
    assert isinstance(answer, Found)
    return [entry.name for entry in answer.value.entries]


@virtual
async def test_the_tree_is_read_from_top_to_bottom() -> None:
    remote = Remote.with_account()
    put(remote, TREE)

    catalogue = await client_of(remote).list_resources()

    assert ACCOUNT == catalogue.account_id
    assert (
        CatalogueEntry("account", f"Account {ACCOUNT}", ACCOUNT),
        CatalogueEntry("project", "shop", 4),
        CatalogueEntry("inbox", "main", 5),
        CatalogueEntry("inbox", "tests", 6),
        CatalogueEntry("sending_domain", "shop.example", 7),
    ) == catalogue.entries


@virtual
async def test_what_no_one_knows_is_left_out_and_what_no_spec_can_name_has_its_id() -> None:
    remote = Remote.with_account()
    inside = {"id": "ab-1", "name": "inside", "type": "t", "colour": "red", "resources": None}
    body = [
        {"id": 1, "type": "billing", "access_level": None, "resources": [inside]},
        {"id": 2, "name": None, "type": "x"},
        {"id": 3, "name": "", "type": "x"},
    ]
    remote.fault("resources", "status", status=200, body=body)

    catalogue = await client_of(remote).list_resources()

    assert (
        CatalogueEntry("billing", "", 1),
        CatalogueEntry("t", "inside", "ab-1"),
        CatalogueEntry("x", "", 2),
        CatalogueEntry("x", "", 3),
    ) == catalogue.entries


OWN = {"id": ACCOUNT, "name": "Account", "type": "account", "access_level": 100}
DOMAIN = {"id": 7, "name": "shop.example", "type": "domain", "access_level": 100}


@pytest.mark.parametrize(
    ("body", "is_whole"),
    [
        pytest.param([{**OWN, "resources": [DOMAIN]}], True, id="the account with what is in it"),
        pytest.param([OWN, DOMAIN], True, id="the account beside the rest"),
        pytest.param([{**OWN, "access_level": 1000, "resources": [DOMAIN]}], True, id="its owner"),
        pytest.param([{**OWN, "id": str(ACCOUNT), "resources": [DOMAIN]}], True, id="its id as a text"),
        pytest.param([OWN], False, id="the account alone"),
        pytest.param([], False, id="nothing"),
        pytest.param([DOMAIN], False, id="single resources"),
        pytest.param([{**OWN, "access_level": 10, "resources": [DOMAIN]}], False, id="a viewer"),
        pytest.param([{**OWN, "access_level": "Admin", "resources": [DOMAIN]}], False, id="an odd level"),
        pytest.param([{**OWN, "access_level": None, "resources": [DOMAIN]}], False, id="no level"),
        pytest.param([{**OWN, "id": ACCOUNT + 1, "resources": [DOMAIN]}], False, id="another account"),
        pytest.param([{**DOMAIN, "resources": [OWN]}], False, id="an account inside something else"),
    ],
)
@virtual
async def test_a_tree_is_whole_where_the_credential_administers_the_account(
    body: list[dict[str, Any]], *, is_whole: bool
) -> None:
    remote = Remote.with_account()
    remote.fault("resources", "status", status=200, body=body)

    assert is_whole == (await client_of(remote).list_resources()).is_whole


@pytest.mark.parametrize(
    "body",
    [
        {"id": 1, "name": "a", "type": "t"},
        [{"id": 1, "name": "a"}],
        [{"id": 0, "name": "a", "type": "t"}],
        [{"id": None, "name": "a", "type": "t"}],
        [{"id": "x" * 65, "name": "a", "type": "t"}],
        [{"id": 1, "name": 5, "type": "t"}],
        [{"id": 1, "name": "a", "type": "t", "resources": {}}],
        ["a"],
    ],
    ids=str,
)
@virtual
async def test_another_form_is_no_answer(body: object) -> None:
    remote = Remote.with_account()
    remote.fault("resources", "status", status=200, body=body)

    with pytest.raises(Retryable) as caught:
        await client_of(remote).list_resources()

    assert Reason.REMOTE_ANSWER_UNUSABLE is caught.value.reason
    assert "could not be read as the account's resources" in caught.value.message


@virtual
async def test_a_tree_without_end_is_no_answer() -> None:
    remote = Remote.with_account()
    deep = '[{"id": 1, "name": "n", "type": "t", "resources": ' * 10_000 + "[]" + "}]" * 10_000
    remote.fault("resources", "status", status=200, body=deep)

    with pytest.raises(Retryable):
        await client_of(remote).list_resources()


@virtual
async def test_concurrent_calls_share_one_answer() -> None:
    harness = AccountBench()
    put(harness.remote, TREE)
    remote_account = harness.accounts.at(KEY)

    answers = await asyncio.gather(*(remote_account.resources.answer() for _ in range(50)))

    assert 1 == asked(harness)
    assert ["shop", "main", "tests", "shop.example"] == names(answers[0])[1:]
    assert all(answer is answers[0] for answer in answers)


@virtual
async def test_an_answer_that_is_on_its_way_is_none_to_who_asks_now() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    put(harness.remote, [])
    harness.remote.fault("resources", "slow", delay=5)

    early = asyncio.create_task(remote_account.resources.answer())
    await asyncio.sleep(1)
    put(harness.remote, TREE[1:])
    late = [asyncio.create_task(remote_account.resources.answer()) for _ in range(50)]

    assert [] == names(await early)[1:]
    assert [["shop.example"]] * 50 == [names(await answer)[1:] for answer in late]
    assert 2 == asked(harness)


@virtual
async def test_the_latest_answer_is_there_for_a_while_from_when_it_was_asked_for() -> None:
    harness = AccountBench()
    resources = harness.accounts.at(KEY).resources
    harness.remote.fault("resources", "slow", delay=5)
    assert resources.latest(MINUTE) is None

    answer = await resources.answer()

    assert answer is resources.latest(MINUTE)
    await asyncio.sleep(55)
    assert answer is resources.latest(MINUTE)
    await asyncio.sleep(1)
    assert resources.latest(MINUTE) is None
    assert 1 == asked(harness)


@virtual
async def test_without_an_answer_the_resources_are_unknown_and_the_tokens_are_not() -> None:
    harness = AccountBench()
    remote_account = harness.accounts.at(KEY)
    tokens = await remote_account.list_tokens()
    harness.remote.fault("resources", "status", status=403, retry_after=7)

    answer = await remote_account.resources.answer()

    assert isinstance(answer, Unknown)
    assert (Reason.ACCESS_FORBIDDEN, 7) == (answer.reason, answer.retry_after and answer.retry_after.seconds)
    assert tokens == harness.accounts.last_listed(KEY)


@virtual
async def test_the_resources_of_an_account_that_does_not_exist_are_unknown() -> None:
    harness = AccountBench()
    del harness.objects[KEY]

    answer = await harness.accounts.at(KEY).resources.answer()

    assert isinstance(answer, Unknown)
    assert (Reason.ACCOUNT_NOT_FOUND, 0) == (answer.reason, asked(harness))


@virtual
async def test_asking_keeps_to_the_rate_limit() -> None:
    harness = AccountBench(calls=2)

    for _ in range(5):
        assert isinstance(await harness.accounts.at(KEY).resources.answer(), Found)

    assert 20 <= asyncio.get_running_loop().time()
