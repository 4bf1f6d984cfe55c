import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.api.v1alpha1 import Account, AccountRef
from mailtrap_operator.clients.secret_store import parse_secret
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import RemoteToken
from mailtrap_operator.core.ownership import MadeFor, Tag, owner_of
from mailtrap_operator.runtime.store import News, Store
from tests.unit.clients.objects import INSTALLATION, account, api_token, secret
from tests.unit.core.builders import a_secret

KEY, OTHER = ApiTokenKey("team", "billing"), ApiTokenKey("team", "mailer")
DEFAULT = AccountKey("ClusterMailtrapAccount", None, "default")
SECOND = AccountKey("ClusterMailtrapAccount", None, "second")
OLD = {"kind": "ClusterMailtrapAccount", "name": "old"}


@pytest.fixture
def store() -> Store:
    return Store(INSTALLATION, lambda: 0.0)


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


def test_an_api_token_is_remembered_as_it_was_seen(store: Store) -> None:
    assert News.NONE is not store.put_api_token(
        api_token(finalizers=["ours"], annotations={"mailtrap-operator.io/rotate": "b"})
    )

    seen = store.api_token(KEY)
    assert seen is not None
    assert (("ours",), {"mailtrap-operator.io/rotate": "b"}, 7) == (
        seen.metadata.finalizers,
        seen.metadata.annotations,
        seen.spec.resources[0].id,
    )
    assert (KEY,) == store.api_token_keys()


def test_what_nobody_needs_is_not_kept(store: Store) -> None:
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

    store.put_api_token(body)

    kept = store._api_tokens[KEY].text
    assert kept is not None
    assert {"mailtrap-operator.io/kept": "1"} == json.loads(kept)["metadata"]["annotations"]
    assert not [word for word in ("long", "managedFields", "kubectl", "big") if word in kept]
    assert json.dumps(body) == before, "the caller's object is left alone"


def test_only_a_later_version_is_news(store: Store) -> None:
    news = [store.put_api_token(api_token(version=version, generation=version)) for version in (9, 9, 8, 10)]

    seen = store.api_token(KEY)
    assert [News.WISHES, News.NONE, News.NONE, News.WISHES] == news
    assert seen is not None
    assert 10 == seen.metadata.generation


@pytest.mark.parametrize(
    ("known", "version", "is_newer_known"),
    [(None, "5", False), (9, "9", False), (9, "8", True), (9, "10", False), (9, "x", False)],
)
def test_a_read_older_than_what_was_seen_is_noticed(
    store: Store, known: int | None, version: str, *, is_newer_known: bool
) -> None:
    if known is not None:
        store.put_api_token(api_token(version=known))

    assert is_newer_known == store.knows_newer(KEY, version)


def test_versions_that_are_no_numbers_are_news_when_they_differ(store: Store) -> None:
    bodies = [api_token() for _ in range(3)]
    for body, version in zip(bodies, ("b", "b", "a"), strict=True):
        body["metadata"]["resourceVersion"] = version

    assert [News.WISHES, News.NONE, News.STATUS] == [store.put_api_token(body) for body in bodies]


@pytest.mark.parametrize(
    ("change", "news"),
    [
        ({"status": {"observedGeneration": 1}}, News.STATUS),
        ({"generation": 2}, News.WISHES),
        ({"annotations": {"mailtrap-operator.io/rotate": "b"}}, News.WISHES),
        ({"annotations": {"a": "b"}}, News.STATUS),
        ({"labels": {"touched": "yes"}}, News.WISHES),
        ({"deletionTimestamp": "2026-03-01T12:00:00Z"}, News.WISHES),
        ({"uid": "another"}, News.WISHES),
    ],
    ids=str,
)
def test_what_operators_say_of_an_object_is_told_from_what_is_wished(
    store: Store, change: dict[str, Any], news: News
) -> None:
    store.put_api_token(api_token(version=1))

    assert news is store.put_api_token(api_token(version=2, **change))


LARGE = {"mailtrap-operator.io/rotate": "x" * 65_536}


def test_of_a_large_api_token_little_is_kept_but_what_it_is(store: Store) -> None:
    news = [
        store.put_api_token(api_token(version=version, annotations=LARGE | more, status=status))
        for version, more, status in (
            (1, {}, None),
            (2, {}, {"observedGeneration": 1}),
            (2, {}, {"observedGeneration": 1}),
            (3, {"mailtrap-operator.io/more": ""}, {"observedGeneration": 1}),
        )
    ]

    assert [News.WISHES, News.STATUS, News.NONE, News.WISHES] == news
    assert (None, True) == (store.api_token(KEY), store.is_too_large(KEY))
    assert (KEY, (KEY,), frozenset({KEY})) == (
        store.owner(owner("uid-of-billing")),
        store.api_token_keys(),
        store.users_of(DEFAULT),
    )
    assert {KEY: "3"} == store.api_token_versions()
    assert 10_000 > len(f"{vars(store)!r}")


def test_a_large_api_token_that_shrinks_is_kept_again(store: Store) -> None:
    store.put_api_token(api_token(version=1, annotations=LARGE))
    store.put_api_token(api_token(version=2))

    assert not store.is_too_large(KEY)
    assert store.api_token(KEY) is not None
    store.drop_api_token(KEY)
    assert not store.is_too_large(KEY)


def test_an_invalid_api_token_changes_nothing(store: Store) -> None:
    store.put_api_token(api_token(version=1))
    broken = api_token(version=2)
    broken["metadata"]["generation"] = "many"

    with pytest.raises(ValidationError):
        store.put_api_token(broken)

    seen = store.api_token(KEY)
    assert seen is not None
    assert "1" == seen.metadata.resource_version


def test_an_object_is_found_by_the_owner_part_of_its_tag(store: Store) -> None:
    store.put_api_token(api_token(uid="u-1"))

    assert KEY == store.owner(owner("u-1"))
    store.drop_api_token(KEY)
    assert None is store.owner(owner("u-1"))


def test_a_generation_that_nobody_answers_grows_old_from_its_first_sight() -> None:
    now = [100.0]
    store = Store(INSTALLATION, lambda: now[0])
    says_so = {"type": "Ready", "status": "False", "reason": "InstallationMismatch", "message": "…"}
    stated = {**says_so, "observedGeneration": 1, "lastTransitionTime": "2030-01-01T00:00:00Z"}

    for time, version, status, age in (
        (100.0, 1, {}, 0),
        (107.0, 2, {}, 7),
        (108.0, 3, {"observedGeneration": 1, "conditions": [stated]}, 8),
        (109.0, 4, {"observedGeneration": 1}, 0),
    ):
        now[0] = time
        store.put_api_token(api_token(version=version, status=status))
        now[0] = time
        assert timedelta(seconds=age) == store.unanswered_for(KEY)
    store.put_api_token(api_token(version=5))
    now[0] = 120.0
    assert timedelta(seconds=11) == store.unanswered_for(KEY)
    store.drop_api_token(KEY)
    assert timedelta() == store.unanswered_for(KEY)


def test_a_claim_grows_old_from_its_first_sight_by_the_own_clock() -> None:
    now = [100.0]
    store = Store(INSTALLATION, lambda: now[0])

    assert timedelta() == store.claim_age(KEY)
    for time, version, nonce, age in (
        (100.0, 1, "a", 0),
        (107.0, 2, "a", 7),
        (108.0, 3, "b", 0),
        (109.0, 4, "b", 1),
    ):
        now[0] = time
        store.put_api_token(api_token(version=version, status=claim(nonce)))
        assert timedelta(seconds=age) == store.claim_age(KEY)
    store.put_api_token(api_token(version=5))
    assert timedelta() == store.claim_age(KEY)


@pytest.mark.parametrize(("version", "is_newer_known"), [(4, True), (5, False), (6, False)])
def test_a_secret_that_is_read_older_than_it_was_seen_is_noticed(
    store: Store, *, version: int, is_newer_known: bool
) -> None:
    read = parse_secret(secret(version=version), INSTALLATION)

    store.put_secret("team", parse_secret(secret(version=5), INSTALLATION))
    assert is_newer_known == store.knows_newer_secret("team", read)
    store.drop_secret("team", "billing", "5")
    assert is_newer_known == store.knows_newer_secret("team", read)


def test_only_so_many_secrets_that_are_gone_are_kept_in_mind(store: Store) -> None:
    for number in range(1001):
        store.drop_secret("team", f"secret-{number}", "5")

    assert [False, True] == [
        store.knows_newer_secret("team", parse_secret(secret(name, version=4), INSTALLATION))
        for name in ("secret-0", "secret-1")
    ]


def test_an_object_that_is_gone_leaves_nothing_behind(store: Store) -> None:
    empty = {name: str(value) for name, value in vars(store).items()}
    store.put_api_token(api_token(status=previous("old") | claim("a")))

    store.drop_api_token(KEY)
    store.drop_api_token(KEY)

    assert None is store.api_token(KEY)
    assert empty == {name: str(value) for name, value in vars(store).items()}


def test_an_object_is_news_again_after_it_was_dropped(store: Store) -> None:
    store.put_api_token(api_token(version=9))
    store.drop_api_token(KEY)

    assert News.NONE is not store.put_api_token(api_token(version=9))


def test_the_users_of_an_account_are_those_with_tokens_there_or_to_be(store: Store) -> None:
    store.put_api_token(api_token(status=previous("old", "second")))
    store.put_api_token(api_token("mailer", account="second"))

    assert {"default": {KEY}, "old": {KEY}, "second": {KEY, OTHER}, "unused": set()} == {
        name: store.users_of(AccountKey("ClusterMailtrapAccount", None, name))
        for name in ("default", "old", "second", "unused")
    }


def test_an_object_that_leaves_an_account_is_no_longer_its_user(store: Store) -> None:
    store.put_api_token(api_token(status=previous("old")))

    store.put_api_token(api_token(account="second", version=2))

    assert (frozenset(), frozenset({KEY})) == (store.users_of(DEFAULT), store.users_of(SECOND))


def test_an_object_has_to_do_with_the_accounts_of_its_spec_and_of_its_record(store: Store) -> None:
    store.put_api_token(api_token(account="second", status=previous("default")))
    store.put_api_token(api_token("mailer", account="default"))

    assert (frozenset({DEFAULT, SECOND}), frozenset({DEFAULT}), frozenset()) == (
        store.accounts_of(KEY),
        store.accounts_of(OTHER),
        store.accounts_of(ApiTokenKey("team", "unknown")),
    )


def test_the_account_of_a_namespace_is_another_one_in_each(store: Store) -> None:
    for namespace in ("team", "other"):
        body = api_token(namespace=namespace)
        body["spec"]["accountRef"] = {"kind": "MailtrapAccount", "name": "default"}
        store.put_api_token(body)

    assert {KEY} == store.users_of(AccountKey("MailtrapAccount", "team", "default"))


def test_a_secret_is_remembered_until_it_is_gone(store: Store) -> None:
    states = [parse_secret(secret(version=version), INSTALLATION) for version in (5, 5, 4, 6)]

    assert [True, False, False, True] == [store.put_secret("team", state) for state in states]
    assert (states[3], None) == (store.secret("team", "billing"), store.secret("other", "billing"))
    assert {("team", "billing"): "6"} == store.secret_versions()
    for _ in range(2):
        store.drop_secret("team", "billing")
    assert None is store.secret("team", "billing")


def test_a_secret_that_was_told_of_is_not_known_until_it_is_read(store: Store) -> None:
    def put(version: int) -> bool:
        return store.put_secret("team", parse_secret(secret(version=version), INSTALLATION))

    def told(version: int, whose: str | None = None) -> bool:
        return store.outdate_secret("team", "billing", str(version), whose)

    put(5)
    assert [False, False, True, False, True] == [
        told(4),
        told(5),
        told(6, "first"),
        told(6),
        told(7, "second"),
    ]
    assert (None, True) == (store.secret("team", "billing"), store.is_unread_secret("team", "billing"))
    assert ("second", {("team", "billing"): "7"}) == (
        store.known_owner("team", "billing"),
        store.secret_versions(),
    )
    assert [True, False] == [store.has_secret("team", "billing", version) for version in ("7", "8")]
    assert (False, True) == (put(6), store.is_unread_secret("team", "billing")), "it was read too early"
    assert store.knows_newer_secret("team", parse_secret(secret(version=6), INSTALLATION))
    assert (False, False) == (put(7), store.is_unread_secret("team", "billing")), "it was told of before"
    assert store.secret("team", "billing") is not None


def test_a_secret_that_was_told_of_and_is_gone_is_forgotten(store: Store) -> None:
    store.outdate_secret("team", "billing", "5", "first")

    store.drop_secret("team", "billing", "6")

    assert (False, None) == (store.is_unread_secret("team", "billing"), store.known_owner("team", "billing"))
    assert [False, True] == [store.outdate_secret("team", "billing", version, None) for version in ("5", "7")]


def test_an_account_is_remembered_until_it_is_gone(store: Store) -> None:
    accounts = [Account.model_validate(account(version=version)) for version in (5, 5, 4, 6)]
    namespaced = Account.model_validate(account(namespace="team"))

    assert [True, False, False, True] == [store.put_account(one) for one in accounts]
    assert store.put_account(namespaced)
    in_team = AccountKey("MailtrapAccount", "team", "default")
    assert (accounts[3], namespaced) == (store.account(DEFAULT), store.account(in_team))
    assert (DEFAULT, in_team) == store.account_keys()
    for _ in range(2):
        store.drop_account(DEFAULT)
    assert None is store.account(DEFAULT)


def test_account_objects_for_one_account_know_each_other(store: Store) -> None:
    def put(name: str, version: int = 1, **spec: Any) -> AccountKey:
        body = account(name, version=version)
        store.put_account(Account.model_validate(body | {"spec": body["spec"] | spec}))
        return AccountKey("ClusterMailtrapAccount", None, name)

    first, second = put("first"), put("second", baseUrl="https://MailTrap.io")
    put("of-another-id", accountId=7)
    put("elsewhere", baseUrl="https://mailtrap.test")

    assert [{second}, {first}, set()] == [store.accounts_beside(key) for key in (first, second, DEFAULT)]
    put("second", 2, baseUrl="https://mailtrap.test", accountId=7)
    assert set() == store.accounts_beside(first)
    put("second", 3)
    store.drop_account(second)
    assert set() == store.accounts_beside(first)


def test_nothing_of_a_secrets_data_is_remembered(store: Store) -> None:
    store.put_secret("team", parse_secret(secret(), INSTALLATION))

    assert "c2VjcmV0" not in f"{vars(store)!r}"


def test_the_labels_of_a_namespace_are_remembered_for_a_while() -> None:
    now = 0.0
    store = Store(INSTALLATION, lambda: now)
    assert None is store.namespace_labels("team")

    store.put_namespace_labels("team", {"mail": "yes"})
    now = 20.0
    store.put_namespace_labels("other", {})
    assert ({"mail": "yes"}, {}) == (store.namespace_labels("team"), store.namespace_labels("other"))
    now = 30.0
    assert (None, {}) == (store.namespace_labels("team"), store.namespace_labels("other"))


def test_labels_that_are_too_old_take_no_room() -> None:
    now = 0.0
    store = Store(INSTALLATION, lambda: now)
    for number in range(10):
        now = number * 60.0
        store.put_namespace_labels(f"team-{number}", {})

    assert 1 == len(store._labels)


def test_a_late_answer_does_not_bring_an_object_back_whose_end_was_told(store: Store) -> None:
    store.put_api_token(api_token(version=5))
    store.drop_api_token(KEY, "uid-of-billing")

    assert News.NONE is store.put_api_token(api_token(version=6))
    assert (None, 0) == (store.api_token(KEY), len(store.users_of(DEFAULT)))
    anew = api_token(version=7, uid="another")
    assert News.WISHES is store.put_api_token(anew)


def test_an_object_that_was_only_missed_may_be_there_after_all(store: Store) -> None:
    store.put_api_token(api_token(version=5))
    store.drop_api_token(KEY)

    assert News.WISHES is store.put_api_token(api_token(version=5))


def test_so_many_ends_are_kept_in_mind_and_no_more(store: Store) -> None:
    for number in range(1100):
        store.drop_api_token(KEY, f"uid-{number}")

    assert 1000 == len(store._gone_uids)


def holding(*ids: int) -> dict[str, Any]:
    """Return the status of an object that has tokens on record in account `old`."""
    return previous(*("old" for _ in ids))


OLD_KEY = AccountKey("ClusterMailtrapAccount", None, "old")


def remote(token_id: int, uid: str | None = None) -> RemoteToken:
    tag = Tag(INSTALLATION, owner(uid), "abcdefgh") if uid else None
    return RemoteToken(token_id, "name", "beef", None, AccountRef(), tag)


def test_a_token_belongs_to_its_owner_whatever_a_status_says(store: Store) -> None:
    store.put_api_token(api_token(status=previous("old", "old")))

    assert store.claims(remote(9, "uid-of-billing"))
    assert [False, False] == [store.claims(token) for token in (remote(2), remote(2, "gone"))]

    store.drop_api_token(KEY)
    assert not store.claims(remote(9, "uid-of-billing"))


def test_an_object_that_was_created_anew_lays_no_claim_to_the_tokens_of_the_former_one(store: Store) -> None:
    store.put_api_token(api_token(uid="first"))
    store.put_api_token(api_token(uid="second", version=2))

    assert [False, True] == [store.claims(remote(9, uid)) for uid in ("first", "second")]
    assert KEY == store.owner(owner("second"))


def test_an_account_is_held_by_those_of_its_users_that_may_have_tokens_there(store: Store) -> None:
    store.put_api_token(api_token())
    store.put_api_token(api_token("mailer", finalizers=[FINALIZER]))

    assert [{KEY, OTHER}, {OTHER}] == [store.users_of(DEFAULT), store.holders.of(DEFAULT)]
    assert [("team",), ()] == [store.holders.namespaces(account) for account in (DEFAULT, SECOND)]
    assert [False, True] == [store.holders.has(user, DEFAULT) for user in (KEY, OTHER)]


def test_who_holds_an_account_is_told_whenever_that_changes() -> None:
    told: list[AccountKey] = []
    store = Store(INSTALLATION, lambda: 0.0, told.append)

    store.put_api_token(api_token())
    assert [] == told
    store.put_api_token(api_token(version=2, finalizers=[FINALIZER]))
    assert [DEFAULT] == told
    store.put_api_token(api_token(version=3, finalizers=[FINALIZER], status=holding(1)))
    assert [DEFAULT, OLD_KEY] == told
    store.put_api_token(api_token(version=4, finalizers=[FINALIZER], status=holding(1)))
    assert [DEFAULT, OLD_KEY] == told
    store.drop_api_token(KEY)
    assert {DEFAULT, OLD_KEY} == set(told[2:])
    assert () == store.holders.namespaces(DEFAULT)


def test_a_late_answer_brings_no_object_back_whose_end_a_watch_has_told(store: Store) -> None:
    store.put_api_token(api_token())
    store.put_account(Account.model_validate(account()))

    store.drop_api_token(KEY, "uid-of-billing")
    store.drop_account(DEFAULT, "uid-of-default")

    assert News.NONE is store.put_api_token(api_token(version=2))
    assert not store.put_account(Account.model_validate(account(version=2)))
    assert (None, None) == (store.api_token(KEY), store.account(DEFAULT))
    assert News.WISHES is store.put_api_token(api_token(uid="another", version=3))


def test_an_object_that_a_list_lacked_comes_back_when_it_is_read(store: Store) -> None:
    store.put_api_token(api_token())

    store.drop_api_token(KEY)

    assert News.WISHES is store.put_api_token(api_token())


def test_no_more_ends_are_kept_in_mind_than_late_answers_could_need(store: Store) -> None:
    for number in range(1001):
        store.drop_api_token(KEY, f"uid {number}")

    assert News.WISHES is store.put_api_token(api_token(uid="uid 0"))
    assert News.NONE is store.put_api_token(api_token(uid="uid 1", version=2))


def test_the_tokens_that_secrets_hold_are_known_of_those_that_were_read_and_of_others_as_told(
    store: Store,
) -> None:
    made = replace(a_secret(7, name="read"), made_for=MadeFor("billing", "uid-1"))
    store.put_secret("team", made)
    store.outdate_secret("team", "told", "30", None, frozenset({("tolddddddd", 8)}))

    assert {("tolddddddd", 8), *made.held} == store.held_tokens()
    store.drop_secret("team", "told")
    store.drop_secret("team", "read")
    assert frozenset() == store.held_tokens()


def test_who_wishes_a_secret_is_found_by_its_name(store: Store) -> None:
    other = api_token("other", uid="u-2")
    store.put_api_token(api_token(uid="u-1"))
    store.put_api_token(other | {"spec": {**other["spec"], "secretName": KEY.name}})
    both = {KEY, ApiTokenKey(KEY.namespace, "other")}

    assert both == store.wishing(KEY.namespace, KEY.name)
    assert frozenset() == store.wishing(KEY.namespace, "other")
    store.drop_api_token(ApiTokenKey(KEY.namespace, "other"))
    assert {KEY} == store.wishing(KEY.namespace, KEY.name)
    store.drop_api_token(KEY)
    assert frozenset() == store.wishing(KEY.namespace, KEY.name)
