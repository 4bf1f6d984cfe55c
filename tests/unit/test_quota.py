"""Whether a token may be issued at this very moment: by the policy as it is now, and by what others have begun."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Account, AccountPolicy, ApiToken
from mailtrap_operator.clients.errors import Retryable
from mailtrap_operator.clients.remote_account import NOT_LISTED
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import Found, TokenCount, Unknown
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import owner_part
from mailtrap_operator.quota import Quota
from mailtrap_operator.runtime.cache import Cache
from tests.unit.clients.account_harness import KEY, URL, AccountBench, token
from tests.unit.clients.objects import INSTALLATION, account, api_token
from tests.unit.clients.remote import START
from tests.unit.clock import virtual

AT_MOST_ONE = {"allowedNamespaces": {"names": ["*"]}, "maxTokensPerNamespace": 1}
FIRST, SECOND = ApiTokenKey("team", "first"), ApiTokenKey("team", "second")


class Harness:
    """Two new ApiTokens of a namespace, the first one older, and their account."""

    def __init__(self, policy: Mapping[str, Any]) -> None:
        self.accounts = AccountBench().accounts
        self.cache = Cache(INSTALLATION, lambda: 0.0)
        self.put_account(policy)
        for key, hour in ((FIRST, "08"), (SECOND, "09")):
            body = api_token(key.name, creationTimestamp=f"2026-03-01T{hour}:00:00Z")
            self.cache.put_api_token(body)
        self.quota = Quota(self.cache, self.accounts, installation=INSTALLATION, clock=lambda: START)

    def put_account(self, policy: Mapping[str, Any], version: int = 1, **status: Any) -> None:
        body = account(version=version)
        body["spec"] |= {"policy": policy, "baseUrl": URL}
        body["status"] |= status
        self.cache.put_account(Account.model_validate(body))

    def object(self, key: ApiTokenKey) -> ApiToken:
        found = self.cache.api_token(key)
        assert found is not None
        return found

    def policy(self) -> AccountPolicy | None:
        found = self.cache.account(KEY)
        return found.spec.policy if found else None

    def issue(self, token_id: int, owner: str) -> None:
        """Have the account show a token as one that was just issued."""
        issued = token(token_id, Tag(INSTALLATION, owner, "abcdefgh"))
        self.accounts.at(KEY).record_change(issued, is_alive=True)

    def owner(self, key: ApiTokenKey) -> str:
        return owner_part(self.object(key), INSTALLATION)

    def has_place(self, key: ApiTokenKey, policy: AccountPolicy | None = None) -> bool:
        try:
            with self.quota.place_for(key, self.object(key), policy or self.policy()):
                return True
        except Retryable:
            return False

    def count(self, key: ApiTokenKey) -> Found[TokenCount] | Unknown:
        tenancy = self.quota.tenancy(key, self.object(key))
        assert tenancy is not None
        return tenancy.tokens


@virtual
async def test_of_two_at_once_the_older_one_has_the_place_anyone_who_comes_first() -> None:
    harness = Harness(AT_MOST_ONE)
    await harness.accounts.at(KEY).list_tokens()

    assert [False, True] == [harness.has_place(SECOND), harness.has_place(FIRST)]
    with (
        pytest.raises(Retryable) as refusal,
        harness.quota.place_for(SECOND, harness.object(SECOND), harness.policy()),
    ):
        pass
    assert Reason.POLICY_VIOLATED is refusal.value.reason


@virtual
async def test_a_place_is_held_until_the_account_shows_the_token() -> None:
    harness = Harness(AT_MOST_ONE | {"maxTokensPerNamespace": 2})
    await harness.accounts.at(KEY).list_tokens()
    for number in range(2):
        harness.issue(number + 1, harness.owner(SECOND))
    harness.put_account(AT_MOST_ONE | {"maxTokensPerNamespace": 3}, version=2)

    with harness.quota.place_for(SECOND, harness.object(SECOND), harness.policy()):
        assert Found(TokenCount(others=3, own=0, reserved=0)) == harness.count(FIRST)
        assert not harness.has_place(FIRST)
        harness.issue(3, harness.owner(SECOND))

    assert Found(TokenCount(others=3, own=0, reserved=0)) == harness.count(FIRST)
    assert not harness.has_place(FIRST)


@virtual
async def test_a_place_is_free_again_when_nothing_came_of_it() -> None:
    harness = Harness(AT_MOST_ONE)
    await harness.accounts.at(KEY).list_tokens()

    with (
        pytest.raises(ValueError, match="nothing"),
        harness.quota.place_for(FIRST, harness.object(FIRST), harness.policy()),
    ):
        raise ValueError("nothing")

    assert harness.has_place(FIRST)


@virtual
async def test_a_policy_that_changed_meanwhile_is_not_the_one_that_allowed_it() -> None:
    harness = Harness(AT_MOST_ONE)
    await harness.accounts.at(KEY).list_tokens()
    former = harness.policy()
    harness.put_account(AT_MOST_ONE | {"requireExpiration": True}, version=2)

    assert [False, True] == [harness.has_place(FIRST, former), harness.has_place(FIRST)]


@virtual
async def test_nothing_is_issued_before_the_account_was_listed() -> None:
    harness = Harness(AT_MOST_ONE)

    assert (NOT_LISTED, False) == (harness.count(FIRST), harness.has_place(FIRST))


@virtual
async def test_without_a_limit_nothing_is_counted() -> None:
    harness = Harness({})

    assert all([harness.has_place(FIRST), harness.has_place(SECOND)])


@virtual
async def test_an_account_that_is_gone_has_no_policy() -> None:
    harness = Harness({})
    harness.cache.drop_account(KEY)

    assert None is harness.quota.tenancy(FIRST, harness.object(FIRST))
    assert harness.has_place(FIRST)
    assert not harness.has_place(FIRST, AccountPolicy())


@virtual
async def test_what_was_left_on_purpose_counts_for_the_namespace_that_it_was_in() -> None:
    harness = Harness(AT_MOST_ONE)
    await harness.accounts.at(KEY).list_tokens()
    for number, owner in enumerate(("ours", "theirs", "unknown")):
        harness.issue(number + 1, owner)
    harness.put_account(
        AT_MOST_ONE,
        version=2,
        retained=[{"owner": "ours", "namespace": "team"}, {"owner": "theirs", "namespace": "other"}],
        retainedOwners=["unknown"],
    )

    assert Found(TokenCount(others=1, own=0, reserved=0)) == harness.count(FIRST)


@virtual
async def test_a_token_that_has_expired_takes_no_place() -> None:
    harness = Harness(AT_MOST_ONE)
    await harness.accounts.at(KEY).list_tokens()
    tag = Tag(INSTALLATION, harness.owner(SECOND), "abcdefgh")
    ended = replace(token(1, tag), expires_at=START - timedelta(seconds=1))
    harness.accounts.at(KEY).record_change(ended, is_alive=True)

    assert Found(TokenCount(others=0, own=0, reserved=0)) == harness.count(FIRST)
