import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.api.v1alpha1 import Account, AccountRef
from mailtrap_operator.clients.secret_client import parse_secret
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import RemoteToken
from mailtrap_operator.core.ownership import MadeFor, Tag, owner_of
from mailtrap_operator.runtime.cache import Cache, Change
from tests.unit.clients.objects import INSTALLATION, account, api_token, secret
from tests.unit.core.builders import a_secret

KEY, OTHER = ApiTokenKey("team", "billing"), ApiTokenKey("team", "mailer")
DEFAULT = AccountKey("ClusterMailtrapAccount", None, "default")
SECOND = AccountKey("ClusterMailtrapAccount", None, "second")
OLD = {"kind": "ClusterMailtrapAccount", "name": "old"}


@pytest.fixture
def cache() -> Cache:
    return Cache(INSTALLATION, lambda: 0.0)


def owner(uid: str) -> str:
    return owner_of(INSTALLATION, "team", "billing", uid)


def claim(nonce: str) -> dict[str, Any]:
    operation = {
        "type": "Create",
        "nonce": nonce,
        "startedAt": "2026-03-01T12:00:00Z",
        "holder": "me",
        "account": OLD,
    }
    return {"operation": operation}


def previous(*accounts: str) -> dict[str, Any]:
    tokens = [
        {
            "id": number,
            "lastFour": "beef",
            "deleteAfter": "2026-03-02T12:00:00Z",
            "reason": "Superseded",
            "account": {"kind": "ClusterMailtrapAccount", "name": name},
        }
        for number, name in enumerate(accounts, 1)
    ]
    return {"observedGeneration": 1, "previous": tokens}


def test_an_api_token_is_remembered_as_it_was_seen(cache: Cache) -> None:
    assert Change.NONE is not cache.put_api_token(
        api_token(finalizers=["ours"], annotations={"mailtrap-operator.io/rotate": "b"})
    )

    seen = cache.api_token(KEY)
    assert seen is not None
    assert (("ours",), {"mailtrap-operator.io/rotate": "b"}, 7) == (
        seen.metadata.finalizers,
        seen.metadata.annotations,
        seen.spec.resources[0].id,
    )
    assert (KEY,) == cache.api_token_keys()


def test_unused_state_is_not_kept(cache: Cache) -> None:
    body = api_token(
        annotations={
            "kubectl.kubernetes.io/last-applied-configuration": "long",
            "mailtrap-operator.io.example.com/note": "long",
            "mailtrap-operator.io/kept": "1",
        },
        managedFields=[{"manager": "kubectl"}],
        labels={"big": "label"},
    )
    before = json.dumps(body)

    cache.put_api_token(body)

    kept = cache._api_tokens[KEY].text
    assert kept is not None
    assert {"mailtrap-operator.io/kept": "1"} == json.loads(kept)["metadata"]["annotations"]
    assert not [word for word in ("long", "managedFields", "kubectl", "big") if word in kept]
    assert json.dumps(body) == before, "the caller's object is left alone"


def test_only_a_later_version_is_news(cache: Cache) -> None:
    changes = [
        cache.put_api_token(api_token(version=version, generation=version)) for version in (9, 9, 8, 10)
    ]

    seen = cache.api_token(KEY)
    assert [Change.SPEC, Change.NONE, Change.NONE, Change.SPEC] == changes
    assert seen is not None
    assert 10 == seen.metadata.generation


@pytest.mark.parametrize(
    ("known", "version", "is_newer_known"),
    [(None, "5", False), (9, "9", False), (9, "8", True), (9, "10", False), (9, "x", False)],
)
def test_a_read_older_than_what_was_seen_is_noticed(
    cache: Cache, known: int | None, version: str, *, is_newer_known: bool
) -> None:
    if known is not None:
        cache.put_api_token(api_token(version=known))

    assert is_newer_known == cache.knows_newer(KEY, version)


def test_versions_that_are_no_numbers_are_news_when_they_differ(cache: Cache) -> None:
    bodies = [api_token() for _ in range(3)]
    for body, version in zip(bodies, ("b", "b", "a"), strict=True):
        body["metadata"]["resourceVersion"] = version

    assert [Change.SPEC, Change.NONE, Change.STATUS] == [cache.put_api_token(body) for body in bodies]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"status": {"observedGeneration": 1}}, Change.STATUS),
        ({"generation": 2}, Change.SPEC),
        ({"annotations": {"mailtrap-operator.io/rotate": "b"}}, Change.SPEC),
        ({"annotations": {"a": "b"}}, Change.STATUS),
        ({"labels": {"touched": "yes"}}, Change.SPEC),
        ({"deletionTimestamp": "2026-03-01T12:00:00Z"}, Change.SPEC),
        ({"uid": "another"}, Change.SPEC),
    ],
    ids=str,
)
def test_change_of_the_status_is_distinguished_from_a_change_of_the_spec(
    cache: Cache, change: dict[str, Any], expected: Change
) -> None:
    cache.put_api_token(api_token(version=1))

    assert expected is cache.put_api_token(api_token(version=2, **change))


LARGE = {"mailtrap-operator.io/rotate": "x" * 65_536}


def test_of_a_large_api_token_little_is_kept_but_what_it_is(cache: Cache) -> None:
    changes = [
        cache.put_api_token(api_token(version=version, annotations=LARGE | more, status=status))
        for version, more, status in (
            (1, {}, None),
            (2, {}, {"observedGeneration": 1}),
            (2, {}, {"observedGeneration": 1}),
            (3, {"mailtrap-operator.io/more": ""}, {"observedGeneration": 1}),
        )
    ]

    assert [Change.SPEC, Change.STATUS, Change.NONE, Change.SPEC] == changes
    assert (None, True) == (cache.api_token(KEY), cache.is_too_large(KEY))
    assert (KEY, (KEY,), frozenset({KEY})) == (
        cache.owner(owner("uid-of-billing")),
        cache.api_token_keys(),
        cache.users_of(DEFAULT),
    )
    assert {KEY: "3"} == cache.api_token_versions()
    assert 10_000 > len(f"{vars(cache)!r}")


def test_a_large_api_token_that_shrinks_is_kept_again(cache: Cache) -> None:
    cache.put_api_token(api_token(version=1, annotations=LARGE))
    cache.put_api_token(api_token(version=2))

    assert not cache.is_too_large(KEY)
    assert cache.api_token(KEY) is not None
    cache.drop_api_token(KEY)
    assert not cache.is_too_large(KEY)


def test_an_invalid_api_token_changes_nothing(cache: Cache) -> None:
    cache.put_api_token(api_token(version=1))
    broken = api_token(version=2)
    broken["metadata"]["generation"] = "many"

    with pytest.raises(ValidationError):
        cache.put_api_token(broken)

    seen = cache.api_token(KEY)
    assert seen is not None
    assert "1" == seen.metadata.resource_version


def test_an_object_is_found_by_the_owner_part_of_its_tag(cache: Cache) -> None:
    cache.put_api_token(api_token(uid="u-1"))

    assert KEY == cache.owner(owner("u-1"))
    cache.drop_api_token(KEY)
    assert None is cache.owner(owner("u-1"))


def test_a_generation_that_no_one_answers_grows_old_from_its_first_sight() -> None:
    now = [100.0]
    cache = Cache(INSTALLATION, lambda: now[0])
    says_so = {"type": "Ready", "status": "False", "reason": "InstallationMismatch", "message": "…"}
    stated = {**says_so, "observedGeneration": 1, "lastTransitionTime": "2030-01-01T00:00:00Z"}

    for time, version, status, age in (
        (100.0, 1, {}, 0),
        (107.0, 2, {}, 7),
        (108.0, 3, {"observedGeneration": 1, "conditions": [stated]}, 8),
        (109.0, 4, {"observedGeneration": 1}, 0),
    ):
        now[0] = time
        cache.put_api_token(api_token(version=version, status=status))
        now[0] = time
        assert timedelta(seconds=age) == cache.unanswered_for(KEY)
    cache.put_api_token(api_token(version=5))
    now[0] = 120.0
    assert timedelta(seconds=11) == cache.unanswered_for(KEY)
    cache.drop_api_token(KEY)
    assert timedelta() == cache.unanswered_for(KEY)


def test_a_claim_grows_old_from_its_first_sight_by_the_own_clock() -> None:
    now = [100.0]
    cache = Cache(INSTALLATION, lambda: now[0])

    assert timedelta() == cache.claim_age(KEY)
    for time, version, nonce, age in (
        (100.0, 1, "a", 0),
        (107.0, 2, "a", 7),
        (108.0, 3, "b", 0),
        (109.0, 4, "b", 1),
    ):
        now[0] = time
        cache.put_api_token(api_token(version=version, status=claim(nonce)))
        assert timedelta(seconds=age) == cache.claim_age(KEY)
    cache.put_api_token(api_token(version=5))
    assert timedelta() == cache.claim_age(KEY)


@pytest.mark.parametrize(("version", "is_newer_known"), [(4, True), (5, False), (6, False)])
def test_a_secret_that_is_read_older_than_it_was_seen_is_noticed(
    cache: Cache, *, version: int, is_newer_known: bool
) -> None:
    read = parse_secret(secret(version=version), INSTALLATION)

    cache.put_secret("team", parse_secret(secret(version=5), INSTALLATION))
    assert is_newer_known == cache.knows_newer_secret("team", read)
    cache.drop_secret("team", "billing", "5")
    assert is_newer_known == cache.knows_newer_secret("team", read)


def test_only_so_many_secrets_that_are_gone_are_kept_in_mind(cache: Cache) -> None:
    for number in range(1001):
        cache.drop_secret("team", f"secret-{number}", "5")

    assert [False, True] == [
        cache.knows_newer_secret("team", parse_secret(secret(name, version=4), INSTALLATION))
        for name in ("secret-0", "secret-1")
    ]


def test_an_object_that_is_gone_leaves_nothing_behind(cache: Cache) -> None:
    empty = {name: str(value) for name, value in vars(cache).items()}
    cache.put_api_token(api_token(status=previous("old") | claim("a")))

    cache.drop_api_token(KEY)
    cache.drop_api_token(KEY)

    assert None is cache.api_token(KEY)
    assert empty == {name: str(value) for name, value in vars(cache).items()}


def test_an_object_is_news_again_after_it_was_dropped(cache: Cache) -> None:
    cache.put_api_token(api_token(version=9))
    cache.drop_api_token(KEY)

    assert Change.NONE is not cache.put_api_token(api_token(version=9))


def test_the_users_of_an_account_are_those_with_tokens_there_or_to_be(cache: Cache) -> None:
    cache.put_api_token(api_token(status=previous("old", "second")))
    cache.put_api_token(api_token("mailer", account="second"))

    assert {"default": {KEY}, "old": {KEY}, "second": {KEY, OTHER}, "unused": set()} == {
        name: cache.users_of(AccountKey("ClusterMailtrapAccount", None, name))
        for name in ("default", "old", "second", "unused")
    }


def test_an_object_that_leaves_an_account_is_no_longer_its_user(cache: Cache) -> None:
    cache.put_api_token(api_token(status=previous("old")))

    cache.put_api_token(api_token(account="second", version=2))

    assert (frozenset(), frozenset({KEY})) == (cache.users_of(DEFAULT), cache.users_of(SECOND))


def test_an_object_has_to_do_with_the_accounts_of_its_spec_and_of_its_record(cache: Cache) -> None:
    cache.put_api_token(api_token(account="second", status=previous("default")))
    cache.put_api_token(api_token("mailer", account="default"))

    assert (frozenset({DEFAULT, SECOND}), frozenset({DEFAULT}), frozenset()) == (
        cache.accounts_of(KEY),
        cache.accounts_of(OTHER),
        cache.accounts_of(ApiTokenKey("team", "unknown")),
    )


def test_the_account_of_a_namespace_is_another_one_in_each(cache: Cache) -> None:
    for namespace in ("team", "other"):
        body = api_token(namespace=namespace)
        body["spec"]["accountRef"] = {"kind": "MailtrapAccount", "name": "default"}
        cache.put_api_token(body)

    assert {KEY} == cache.users_of(AccountKey("MailtrapAccount", "team", "default"))


def test_a_secret_is_remembered_until_it_is_gone(cache: Cache) -> None:
    states = [parse_secret(secret(version=version), INSTALLATION) for version in (5, 5, 4, 6)]

    assert [True, False, False, True] == [cache.put_secret("team", state) for state in states]
    assert (states[3], None) == (cache.secret("team", "billing"), cache.secret("other", "billing"))
    assert {("team", "billing"): "6"} == cache.secret_versions()
    for _ in range(2):
        cache.drop_secret("team", "billing")
    assert None is cache.secret("team", "billing")


def test_a_secret_that_was_reported_is_not_known_until_it_is_read(cache: Cache) -> None:
    def put(version: int) -> bool:
        return cache.put_secret("team", parse_secret(secret(version=version), INSTALLATION))

    def told(version: int, describe_owner: str | None = None) -> bool:
        return cache.outdate_secret("team", "billing", str(version), describe_owner)

    put(5)
    assert [False, False, True, False, True] == [
        told(4),
        told(5),
        told(6, "first"),
        told(6),
        told(7, "second"),
    ]
    assert (None, True) == (cache.secret("team", "billing"), cache.is_unread_secret("team", "billing"))
    assert ("second", {("team", "billing"): "7"}) == (
        cache.known_owner("team", "billing"),
        cache.secret_versions(),
    )
    assert [True, False] == [cache.has_secret("team", "billing", version) for version in ("7", "8")]
    assert (False, True) == (put(6), cache.is_unread_secret("team", "billing")), "it was read too early"
    assert cache.knows_newer_secret("team", parse_secret(secret(version=6), INSTALLATION))
    assert (False, False) == (put(7), cache.is_unread_secret("team", "billing")), "it was reported before"
    assert cache.secret("team", "billing") is not None


def test_a_secret_that_was_reported_and_is_gone_is_forgotten(cache: Cache) -> None:
    cache.outdate_secret("team", "billing", "5", "first")

    cache.drop_secret("team", "billing", "6")

    assert (False, None) == (cache.is_unread_secret("team", "billing"), cache.known_owner("team", "billing"))
    assert [False, True] == [cache.outdate_secret("team", "billing", version, None) for version in ("5", "7")]


def test_an_account_is_remembered_until_it_is_gone(cache: Cache) -> None:
    accounts = [Account.model_validate(account(version=version)) for version in (5, 5, 4, 6)]
    namespaced = Account.model_validate(account(namespace="team"))

    assert [True, False, False, True] == [cache.put_account(one) for one in accounts]
    assert cache.put_account(namespaced)
    in_team = AccountKey("MailtrapAccount", "team", "default")
    assert (accounts[3], namespaced) == (cache.account(DEFAULT), cache.account(in_team))
    assert (DEFAULT, in_team) == cache.account_keys()
    for _ in range(2):
        cache.drop_account(DEFAULT)
    assert None is cache.account(DEFAULT)


def test_account_objects_for_one_account_know_each_other(cache: Cache) -> None:
    def put(name: str, version: int = 1, **spec: Any) -> AccountKey:
        body = account(name, version=version)
        cache.put_account(Account.model_validate(body | {"spec": body["spec"] | spec}))
        return AccountKey("ClusterMailtrapAccount", None, name)

    first, second = put("first"), put("second", baseUrl="https://MailTrap.io")
    put("of-another-id", accountId=7)
    put("elsewhere", baseUrl="https://mailtrap.test")

    assert [{second}, {first}, set()] == [cache.sibling_accounts(key) for key in (first, second, DEFAULT)]
    put("second", 2, baseUrl="https://mailtrap.test", accountId=7)
    assert set() == cache.sibling_accounts(first)
    put("second", 3)
    cache.drop_account(second)
    assert set() == cache.sibling_accounts(first)


def test_nothing_of_a_secrets_data_is_remembered(cache: Cache) -> None:
    cache.put_secret("team", parse_secret(secret(), INSTALLATION))

    assert "c2VjcmV0" not in f"{vars(cache)!r}"


def test_the_labels_of_a_namespace_are_remembered_for_a_while() -> None:
    now = 0.0
    cache = Cache(INSTALLATION, lambda: now)
    assert None is cache.namespace_labels("team")

    cache.put_namespace_labels("team", {"mail": "yes"})
    now = 20.0
    cache.put_namespace_labels("other", {})
    assert ({"mail": "yes"}, {}) == (cache.namespace_labels("team"), cache.namespace_labels("other"))
    now = 30.0
    assert (None, {}) == (cache.namespace_labels("team"), cache.namespace_labels("other"))


def test_labels_that_are_too_old_take_no_room() -> None:
    now = 0.0
    cache = Cache(INSTALLATION, lambda: now)
    for number in range(10):
        now = number * 60.0
        cache.put_namespace_labels(f"team-{number}", {})

    assert 1 == len(cache._labels)


def test_a_late_answer_does_not_bring_an_object_back_whose_end_was_told(cache: Cache) -> None:
    cache.put_api_token(api_token(version=5))
    cache.drop_api_token(KEY, "uid-of-billing")

    assert Change.NONE is cache.put_api_token(api_token(version=6))
    assert (None, 0) == (cache.api_token(KEY), len(cache.users_of(DEFAULT)))
    anew = api_token(version=7, uid="another")
    assert Change.SPEC is cache.put_api_token(anew)


def test_an_object_that_was_only_missed_may_be_there_after_all(cache: Cache) -> None:
    cache.put_api_token(api_token(version=5))
    cache.drop_api_token(KEY)

    assert Change.SPEC is cache.put_api_token(api_token(version=5))


def test_so_many_ends_are_kept_in_mind_and_no_more(cache: Cache) -> None:
    for number in range(1100):
        cache.drop_api_token(KEY, f"uid-{number}")

    assert 1000 == len(cache._gone_uids)


def holding(*ids: int) -> dict[str, Any]:
    """Return the status of an object that has tokens on record in account `old`."""
    return previous(*("old" for _ in ids))


OLD_KEY = AccountKey("ClusterMailtrapAccount", None, "old")


def remote(token_id: int, uid: str | None = None) -> RemoteToken:
    tag = Tag(INSTALLATION, owner(uid), "abcdefgh") if uid else None
    return RemoteToken(token_id, "name", "beef", None, AccountRef(), tag)


def test_a_token_belongs_to_its_owner_whatever_a_status_says(cache: Cache) -> None:
    cache.put_api_token(api_token(status=previous("old", "old")))

    assert cache.claims(remote(9, "uid-of-billing"))
    assert [False, False] == [cache.claims(token) for token in (remote(2), remote(2, "gone"))]

    cache.drop_api_token(KEY)
    assert not cache.claims(remote(9, "uid-of-billing"))


def test_an_object_that_was_created_again_lays_no_claim_to_the_tokens_of_the_former_one(cache: Cache) -> None:
    cache.put_api_token(api_token(uid="first"))
    cache.put_api_token(api_token(uid="second", version=2))

    assert [False, True] == [cache.claims(remote(9, uid)) for uid in ("first", "second")]
    assert KEY == cache.owner(owner("second"))


def test_an_account_is_held_by_those_of_its_users_that_may_have_tokens_there(cache: Cache) -> None:
    cache.put_api_token(api_token())
    cache.put_api_token(api_token("mailer", finalizers=[FINALIZER]))

    assert [{KEY, OTHER}, {OTHER}] == [cache.users_of(DEFAULT), cache.holders.of(DEFAULT)]
    assert [("team",), ()] == [cache.holders.namespaces(account) for account in (DEFAULT, SECOND)]
    assert [False, True] == [cache.holders.has(user, DEFAULT) for user in (KEY, OTHER)]


def test_changed_holders_of_an_account_are_reported() -> None:
    told: list[AccountKey] = []
    cache = Cache(INSTALLATION, lambda: 0.0, told.append)

    cache.put_api_token(api_token())
    assert [] == told
    cache.put_api_token(api_token(version=2, finalizers=[FINALIZER]))
    assert [DEFAULT] == told
    cache.put_api_token(api_token(version=3, finalizers=[FINALIZER], status=holding(1)))
    assert [DEFAULT, OLD_KEY] == told
    cache.put_api_token(api_token(version=4, finalizers=[FINALIZER], status=holding(1)))
    assert [DEFAULT, OLD_KEY] == told
    cache.drop_api_token(KEY)
    assert {DEFAULT, OLD_KEY} == set(told[2:])
    assert () == cache.holders.namespaces(DEFAULT)


def test_a_late_answer_brings_no_object_back_whose_end_a_watch_has_told(cache: Cache) -> None:
    cache.put_api_token(api_token())
    cache.put_account(Account.model_validate(account()))

    cache.drop_api_token(KEY, "uid-of-billing")
    cache.drop_account(DEFAULT, "uid-of-default")

    assert Change.NONE is cache.put_api_token(api_token(version=2))
    assert not cache.put_account(Account.model_validate(account(version=2)))
    assert (None, None) == (cache.api_token(KEY), cache.account(DEFAULT))
    assert Change.SPEC is cache.put_api_token(api_token(uid="another", version=3))


def test_an_object_that_a_list_lacked_comes_back_when_it_is_read(cache: Cache) -> None:
    cache.put_api_token(api_token())

    cache.drop_api_token(KEY)

    assert Change.SPEC is cache.put_api_token(api_token())


def test_no_more_ends_are_kept_in_mind_than_late_answers_could_need(cache: Cache) -> None:
    for number in range(1001):
        cache.drop_api_token(KEY, f"uid {number}")

    assert Change.SPEC is cache.put_api_token(api_token(uid="uid 0"))
    assert Change.NONE is cache.put_api_token(api_token(uid="uid 1", version=2))


def test_the_tokens_that_secrets_hold_are_known_of_those_that_were_read_and_of_others_as_told(
    cache: Cache,
) -> None:
    made = replace(a_secret(7, name="read"), made_for=MadeFor("billing", "uid-1"))
    cache.put_secret("team", made)
    cache.outdate_secret("team", "told", "30", None, frozenset({("tolddddddd", 8)}))

    assert {("tolddddddd", 8), *made.held} == cache.held_tokens()
    cache.drop_secret("team", "told")
    cache.drop_secret("team", "read")
    assert frozenset() == cache.held_tokens()


def test_objects_are_found_by_the_name_of_their_secret(cache: Cache) -> None:
    other = api_token("other", uid="u-2")
    cache.put_api_token(api_token(uid="u-1"))
    cache.put_api_token(other | {"spec": {**other["spec"], "secretName": KEY.name}})
    both = {KEY, ApiTokenKey(KEY.namespace, "other")}

    assert both == cache.naming_secret(KEY.namespace, KEY.name)
    assert frozenset() == cache.naming_secret(KEY.namespace, "other")
    cache.drop_api_token(ApiTokenKey(KEY.namespace, "other"))
    assert {KEY} == cache.naming_secret(KEY.namespace, KEY.name)
    cache.drop_api_token(KEY)
    assert frozenset() == cache.naming_secret(KEY.namespace, KEY.name)
