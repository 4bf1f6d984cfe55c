"""The sweep over an account: what it reports, and that it deletes nothing to which anyone may lay claim."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Literal

import pytest

from mailtrap_operator.account_observe import AccountObserver
from mailtrap_operator.api.v1alpha1 import Account, AccountStatus, OrphanToken
from mailtrap_operator.clients.kube import secrets_path
from mailtrap_operator.clients.remote_account import NOT_LISTED, Tokens
from mailtrap_operator.clients.secret_marks import tokens_marked_as_held
from mailtrap_operator.core.account_observation import Remembered
from mailtrap_operator.core.account_plan import plan_account
from mailtrap_operator.core.observation import Found
from mailtrap_operator.core.orphans import MOST_AT_ONCE, Swept
from mailtrap_operator.core.ownership import Tag, owner_of
from mailtrap_operator.core.protection import Reach
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.orphan_sweep import OrphanSweep
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.telemetry.events import EventRecorder
from tests.unit.clients import objects
from tests.unit.clients.account_harness import (
    BASE,
    KEY,
    NAMESPACED,
    OTHER,
    AccountBench,
    account,
    credentials,
)
from tests.unit.clients.objects import API_TOKENS, INSTALLATION, api_token
from tests.unit.clients.remote import ACCOUNT, CREDENTIAL, START
from tests.unit.clients.test_secret_marks import MARKS
from tests.unit.clock import virtual

OLD = START - timedelta(days=2)
RIGHTS = {"resource_type": "account", "resource_id": ACCOUNT, "access_level": 100}
NOBODYS = f"lost {Tag(INSTALLATION, 'nobodyaaaa', 'abcdefgh')}"


@dataclass
class Harness(AccountBench):
    """An account with `policy`, orphans in it, and the ApiTokens that the operator knows."""

    policy: Literal["Report", "Delete"] = "Delete"
    sees_all: bool = True
    may_delete: bool = True
    lists_secrets: bool = True
    cache: Cache = field(default_factory=lambda: Cache(INSTALLATION, lambda: 0.0))
    record: tuple[OrphanToken, ...] = ()
    retained: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        reach = Reach(INSTALLATION, "mailtrap-system", sees_all=self.sees_all, may_write=self.may_delete)
        self.observer = AccountObserver(
            cache=self.cache, accounts=self.accounts, reverts=Reverts(lambda: START), reach=reach
        )
        self.remembered = Remembered()
        self.sweep = OrphanSweep(
            kube=self.kube,
            accounts=self.accounts,
            events=EventRecorder(self.kube, holder="me", clock=lambda: START),
            installation=INSTALLATION,
            lists_secrets=self.lists_secrets,
        )

    def put(self, name: str, *, is_known: bool = True, **parts: Any) -> str:
        """Have an ApiToken; return a remote name with its tag."""
        body = self.kube.seed(API_TOKENS, api_token(name, **parts))
        if is_known:
            self.cache.put_api_token(body)
        owner = owner_of(INSTALLATION, "team", name, body["metadata"]["uid"])
        return f"{name} {Tag(INSTALLATION, owner, 'abcdefgh')}"

    def lose(self, count: int = 1, name: str = NOBODYS) -> list[int]:
        """Have tokens that have been on record as orphans for long."""
        ids = [self.remote.seed(name) for _ in range(count)]
        self.record += tuple(OrphanToken(id=id_, last_four="beef", seen_at=OLD) for id_ in ids)
        return ids

    def leave_secret(self, id_: int, *, namespace: str = "team", is_known: bool = True) -> str:
        """Have a Secret that outlived its ApiToken hold a token's value; return the token's name."""
        owner = owner_of(INSTALLATION, "team", "gone", "uid-of-gone")
        marks = replace(
            MARKS, owner=f"{INSTALLATION}-{owner}", api_token="gone", uid="uid-of-gone", token_id=id_
        )
        body = objects.secret("gone")
        body["metadata"]["annotations"], body["metadata"]["namespace"] = marks.as_annotations(), namespace
        body = self.kube.seed(secrets_path(namespace), body)
        if is_known:
            held = tokens_marked_as_held(body["metadata"], INSTALLATION)
            self.cache.outdate_secret(namespace, "gone", body["metadata"]["resourceVersion"], None, held)
        return f"gone {Tag(INSTALLATION, owner, 'abcdefgh')}"

    def account(self) -> Account:
        """Return the account as it is known."""
        seen = account()
        status = AccountStatus(orphans=self.record, retained_owners=self.retained)
        spec = seen.spec.model_copy(update={"orphan_policy": self.policy})
        return seen.model_copy(update={"spec": spec, "status": status})

    async def run(self) -> Swept:
        """Reconcile one object."""
        swept = await self.run_by(await self.accounts.at(KEY).list_tokens())
        assert swept is not None
        self.record = swept.record
        return swept

    async def run_by(self, tokens: Tokens) -> Swept | None:
        """Run one pass by a LIST; return the orphans that are left."""
        account = self.account()
        planned = plan_account(self.observer.look(KEY, account, tokens, self.remembered), START)
        if not planned.deletes:
            return planned.orphans
        deletion = await self.sweep.delete(account, planned.deletes)
        self.remembered = Remembered(refused=deletion.refused)
        left = self.observer.look(KEY, account, tokens, self.remembered, deletion)
        return plan_account(left, START).orphans

    def events(self) -> list[str]:
        """Return what Events say."""
        return [body["message"] for body in self.kube.objects("/api/v1/events")]


@virtual
async def test_an_old_orphan_is_deleted_and_an_event_tells() -> None:
    harness = Harness()
    (orphan,) = harness.lose()

    swept = await harness.run()

    assert Swept((), ()) == swept
    assert set() == harness.remote.live_ids()
    (said,) = harness.events()
    assert f"Token {orphan} (…" in said


@pytest.mark.parametrize("is_known", [True, False], ids=["a watch reported it", "only a list reports it"])
@virtual
async def test_a_token_that_a_secret_holds_is_not_deleted(*, is_known: bool) -> None:
    harness = Harness()
    name = harness.leave_secret(0, is_known=False)
    (held,) = harness.lose(name=name)
    harness.kube.remove(f"{secrets_path('team')}/gone")
    harness.leave_secret(held, is_known=is_known)

    swept = await harness.run()

    assert () == swept.found
    assert {held} == harness.remote.live_ids()


@virtual
async def test_a_token_that_a_secret_holds_is_not_reported_either() -> None:
    harness = Harness(policy="Report")
    name = harness.leave_secret(0, is_known=False)
    held = harness.remote.seed(name)
    harness.kube.remove(f"{secrets_path('team')}/gone")
    harness.leave_secret(held)

    assert Swept((), ()) == await harness.run()


@virtual
async def test_a_copy_of_a_secret_in_another_namespace_holds_nothing() -> None:
    harness = Harness()
    name = harness.leave_secret(0, is_known=False)
    (lost,) = harness.lose(name=name)
    harness.kube.remove(f"{secrets_path('team')}/gone")
    harness.leave_secret(lost, namespace="copies")

    await harness.run()

    assert set() == harness.remote.live_ids()


@virtual
async def test_an_operator_that_must_not_list_secrets_does_not() -> None:
    harness = Harness(lists_secrets=False)
    harness.lose()

    await harness.run()

    assert set() == harness.remote.live_ids()
    assert [] == [call for call in harness.kube.calls if "secrets" in call.path and "limit" in call.query]


@virtual
async def test_an_orphan_is_reported_and_gets_its_day() -> None:
    harness = Harness()
    orphan = harness.remote.seed(NOBODYS)

    swept = await harness.run()

    assert [orphan] == [token.id for token in swept.found]
    assert [(orphan, START)] == [(record.id, record.seen_at) for record in swept.record]
    assert {orphan} == harness.remote.live_ids()
    assert [] == [call for call in harness.kube.calls if "apitokens" in call.path], "nothing is due"


@pytest.mark.parametrize(
    "harness",
    [
        lambda: Harness(policy="Report"),
        lambda: Harness(may_delete=False),
        lambda: Harness(retained=("nobodyaaaa",)),
        lambda: Harness(sees_all=False),
    ],
    ids=["only reported", "DRY_RUN", "left on purpose", "not all namespaces are seen"],
)
@virtual
async def test_an_orphan_that_must_stay_stays(harness: Any) -> None:
    made: Harness = harness()
    orphans = made.lose()

    await made.run()

    assert set(orphans) == made.remote.live_ids()


@virtual
async def test_the_credential_itself_is_no_orphan_whatever_it_is_called() -> None:
    harness = Harness()
    used = harness.remote.control("POST", "tokens", {"name": NOBODYS, "resources": [RIGHTS]})
    harness.put_credential(used["token"])
    harness.record = (OrphanToken(id=used["id"], last_four=used["token"][-4:], seen_at=OLD),)

    swept = await harness.run()

    assert Swept((), ()) == swept
    assert {used["id"]} == harness.remote.live_ids()


def standing_for_the_same(harness: Harness, **status: Any) -> None:
    """Have another ClusterMailtrapAccount for the same account, and a MailtrapAccount that says the same."""
    siblings = [objects.account("other"), objects.account("default", "team")]
    for body in (objects.account(), *(body | {"status": status} for body in siblings)):
        harness.cache.put_account(Account.model_validate(body))
    harness.siblings[KEY] = (OTHER, NAMESPACED)
    harness.objects[OTHER] = account(OTHER, entry="second")


def only_of_a_namespace(harness: Harness) -> None:
    """Let the ClusterMailtrapAccount go again."""
    harness.cache.drop_account(OTHER)
    harness.siblings[KEY] = (NAMESPACED,)


@virtual
async def test_what_stays_on_purpose_stays_also_where_another_object_for_the_account_says_so() -> None:
    harness = Harness()
    orphans = harness.lose()
    standing_for_the_same(
        harness, observedGeneration=1, retained=[{"owner": "nobodyaaaa", "namespace": "team"}]
    )

    assert Swept((), ()) == await harness.run()
    assert set(orphans) == harness.remote.live_ids()


@virtual
async def test_what_a_namespace_says_of_its_own_account_object_keeps_no_orphan_of_a_shared_one() -> None:
    harness = Harness()
    orphans = harness.lose()
    standing_for_the_same(harness, observedGeneration=1, retainedOwners=["nobodyaaaa"])
    only_of_a_namespace(harness)

    await harness.run()

    assert not set(orphans) & harness.remote.live_ids()


@virtual
async def test_the_credential_of_another_object_for_the_account_is_no_orphan_either() -> None:
    harness = Harness()
    used, terminating = (
        harness.remote.control("POST", "tokens", {"name": NOBODYS, "resources": [RIGHTS]}) for _ in "ab"
    )
    harness.record = tuple(
        OrphanToken(id=token["id"], last_four=token["token"][-4:], seen_at=OLD)
        for token in (used, terminating)
    )
    standing_for_the_same(harness, observedGeneration=1)
    both = credentials(CREDENTIAL)["data"] | credentials(used["token"], "second")["data"]
    harness.kube.edit(f"{BASE.format('mailtrap-system')}/credentials", lambda body: body.update(data=both))

    assert Swept((), ()) == await harness.run()
    assert {used["id"]} == harness.remote.live_ids()


@virtual
async def test_a_credential_that_came_since_the_list_is_not_deleted() -> None:
    harness = Harness()
    used = harness.remote.control("POST", "tokens", {"name": NOBODYS, "resources": [RIGHTS]})
    harness.record = (OrphanToken(id=used["id"], last_four=used["token"][-4:], seen_at=OLD),)
    remote_account = harness.accounts.at(KEY)
    tokens = await remote_account.list_tokens()
    harness.put_credential(used["token"])

    assert Swept((), ()) == await harness.run_by(tokens)
    assert {used["id"]} == harness.remote.live_ids()


@virtual
async def test_an_operator_that_does_not_see_all_namespaces_reports_nothing() -> None:
    harness = Harness(sees_all=False)
    harness.lose()

    assert Swept((), ()) == await harness.run()


@virtual
async def test_an_operator_that_does_not_see_all_namespaces_leaves_what_another_installations_has_told() -> (
    None
):
    harness = Harness(sees_all=False)
    harness.remote.seed(f"lost {Tag('zzzzzz', 'nobodyaaaa', 'abcdefgh')}")
    remote_account = harness.accounts.at(KEY)

    assert None is await harness.run_by(await remote_account.list_tokens())


@virtual
async def test_a_list_that_is_not_known_tells_nothing() -> None:
    harness = Harness()
    harness.lose()

    assert None is await harness.run_by(NOT_LISTED)


@virtual
async def test_foreign_token_stays_whatever_is_on_record() -> None:
    harness = Harness()
    served = harness.lose(name=harness.put("billing"))
    persons = harness.lose(name="laptop")
    elsewhere = harness.lose(name=f"lost {Tag('zzzzzz', 'nobodyaaaa', 'abcdefgh')}")

    assert Swept((), ()) == await harness.run()
    assert {*served, *persons, *elsewhere} == harness.remote.live_ids()


CURRENT = {
    "current": {
        "issuedAt": "2026-03-01T12:00:00Z",
        "accessDigest": "a",
        "expirationDigest": "b",
        "account": {"kind": "ClusterMailtrapAccount", "name": "default"},
        "lastFour": "beef",
    }
}


@virtual
async def test_an_api_token_that_is_not_known_here_is_found_before_its_token_is_deleted() -> None:
    harness = Harness()
    unknown = harness.lose(name=harness.put("unknown", is_known=False))
    terminating = harness.lose(name=harness.put("going", is_known=False, finalizers=["x/y"]))
    harness.kube.remove(f"{API_TOKENS}/going")
    lost = harness.lose()
    status = {"observedGeneration": 1, "current": {**CURRENT["current"], "id": lost[0]}}
    harness.put("whose-status-says-anything", is_known=False, status=status)

    assert Swept((), ()) == await harness.run()

    assert {*unknown, *terminating} == harness.remote.live_ids()
    listed = [call for call in harness.kube.calls if call.path.endswith("/apitokens")]
    assert ["/apis/mailtrap-operator.io/v1alpha1/apitokens"] == [call.path for call in listed]
    assert ["resourceVersion" in call.query for call in listed] == [False], "a cache may be old"


@virtual
async def test_every_page_of_api_tokens_is_read() -> None:
    harness = Harness()
    names = [harness.put(f"t{number:04}", is_known=False) for number in range(501)]
    tokens = harness.lose(name=names[-1])

    await harness.run()

    assert set(tokens) == harness.remote.live_ids()


@pytest.mark.parametrize("status", [403, 500, None])
@virtual
async def test_nothing_is_deleted_when_the_api_tokens_cannot_be_listed(status: int | None) -> None:
    harness = Harness()
    orphans = harness.lose()
    harness.kube.fail("GET", "/apitokens", status)

    swept = await harness.run()

    assert set(orphans) == harness.remote.live_ids()
    assert swept.failure is not None
    assert orphans == [orphan.id for orphan in swept.record]
    await harness.run()
    assert set() == harness.remote.live_ids(), "the next reconcile tries again"


@virtual
async def test_one_refusal_keeps_no_other_orphan_and_is_told() -> None:
    harness = Harness()
    first, second = harness.lose(2)
    harness.remote.fault("delete", "status", status=422)

    swept = await harness.run()

    assert {first} == harness.remote.live_ids()
    assert swept.failure is not None
    assert Reason.DELETION_REFUSED == swept.failure.reason
    assert [first] == [orphan.id for orphan in swept.record]
    assert f"Token {first} may not be deleted." in swept.failure.message
    assert second not in harness.remote.live_ids()
    assert Swept((), ()) == await harness.run()


@virtual
async def test_a_trouble_of_the_account_ends_the_reconcile() -> None:
    harness = Harness()
    harness.lose(3)
    harness.remote.fault("delete", "status", status=500, times=9)

    swept = await harness.run()

    assert 1 == sum(request.method == "DELETE" for request in harness.remote.requests)
    assert 3 == len(swept.found)
    assert swept.failure is not None


@virtual
async def test_a_reconcile_deletes_a_few_and_the_next_continues() -> None:
    harness = Harness()
    harness.lose(MOST_AT_ONCE + 2)

    assert 2 == len((await harness.run()).found)
    assert 0 == len((await harness.run()).found)


@virtual
async def test_refused_ones_do_not_stand_in_the_way_of_others() -> None:
    harness = Harness()
    refused = harness.lose(MOST_AT_ONCE)
    harness.remote.fault("delete", "status", status=403, times=MOST_AT_ONCE)
    harness.lose(1)

    await harness.run()
    assert {*refused} < harness.remote.live_ids()
    await harness.run()

    assert 1 == len(harness.remote.live_ids())


@virtual
async def test_a_list_of_api_tokens_that_is_getting_old_proves_nothing() -> None:
    harness = Harness(calls=3)
    orphans = harness.lose(4)
    remote_account = harness.accounts.at(KEY)
    tokens = await remote_account.list_tokens()
    assert isinstance(tokens, Found)

    swept = await asyncio.wait_for(harness.run_by(tokens), 60)

    assert swept is not None
    assert 2 == len(swept.found), "two of three calls were free at once"
    assert {*orphans[2:]} == harness.remote.live_ids()


@virtual
async def test_a_token_that_is_gone_already_counts_as_deleted() -> None:
    harness = Harness()
    (orphan,) = harness.lose()
    remote_account = harness.accounts.at(KEY)
    tokens = await remote_account.list_tokens()
    harness.remote.control("DELETE", f"tokens/{orphan}")

    assert Swept((), ()) == await harness.run_by(tokens)
