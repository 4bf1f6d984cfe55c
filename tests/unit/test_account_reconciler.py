"""A pass over an account: what its status says of its credential, and whom it wakes."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest

from mailtrap_operator.account_apply import AccountApplier
from mailtrap_operator.account_news import AccountNews
from mailtrap_operator.account_observe import AccountObserver
from mailtrap_operator.account_reconciler import AccountReconciler
from mailtrap_operator.account_report import AccountReporter
from mailtrap_operator.api.names import FINALIZER
from mailtrap_operator.api.v1alpha1 import Account, CredentialToken
from mailtrap_operator.clients.account_store import AccountStore
from mailtrap_operator.clients.credential_secrets import CredentialSecrets
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.ownership import Tag, owner_of
from mailtrap_operator.core.protection import Reach
from mailtrap_operator.orphan_sweep import OrphanSweep
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.telemetry.annotations import UnknownAnnotations
from mailtrap_operator.telemetry.events import EventRecorder
from tests.unit.clients.account_bench import BASE, KEY, URL, AccountBench, credentials
from tests.unit.clients.objects import ACCOUNTS, INSTALLATION, account, api_token
from tests.unit.clients.remote import CREDENTIAL, server_time
from tests.unit.clock import virtual, virtual_loop

DAY = timedelta(days=1)
BILLING = ApiTokenKey("team", "billing")


class Bench:
    """One account with its credential, and the ApiToken that uses it."""

    def __init__(self, *, may_write: bool = False, sees_all: bool = True) -> None:
        self.elapsed = 0.0
        self.bench = AccountBench()
        self.kube, self.remote = self.bench.kube, self.bench.remote
        self.store = Store(INSTALLATION, lambda: self.elapsed)
        body = account()
        body["spec"] |= {"baseUrl": URL}
        self.kube.seed(ACCOUNTS, body)
        self.take()
        self.store.put_api_token(api_token())
        events = EventRecorder(self.kube, holder="me", clock=self.now)
        self.woken: list[Key] = []
        self.bench.find = self.store.account
        reverts = Reverts(self.now)
        accounts, account_store = self.bench.accounts, AccountStore(self.kube)
        reach = Reach(INSTALLATION, "mailtrap-system", sees_all=sees_all, may_write=may_write)
        observer = AccountObserver(store=self.store, accounts=accounts, reverts=reverts, reach=reach)
        self.reconciler = AccountReconciler(
            observer=observer,
            sweep=OrphanSweep(
                kube=self.kube,
                accounts=accounts,
                events=events,
                installation=INSTALLATION,
                lists_secrets=True,
            ),
            applier=AccountApplier(
                store=self.store,
                accounts=accounts,
                account_store=account_store,
                secrets=CredentialSecrets(self.kube),
                reverts=reverts,
            ),
            reporter=AccountReporter(
                store=self.store,
                account_store=account_store,
                events=events,
                annotations=UnknownAnnotations(events),
                reverts=reverts,
            ),
            news=AccountNews(store=self.store, observer=observer, wake=self.wake),
            clock=self.now,
        )
        state = self.remote.control("GET", "state")
        (self.credential,) = (t["id"] for t in state["accounts"][0]["tokens"] if t["credential"])

    def wake(self, key: Key, *, ends_backoff: bool) -> None:
        assert ends_backoff
        self.woken.append(key)

    def now(self) -> datetime:
        return server_time()

    def take(self) -> None:
        """Have the watch tell of the account as it is."""
        self.store.put_account(Account.model_validate(self.kube.object(f"{ACCOUNTS}/default")))

    def forget(self) -> None:
        """Forget what was learned from answers, as a new process has."""
        self.bench.accounts._connections.clear()

    def change(self, **spec: object) -> None:
        """Change the account's spec as a user."""
        self.kube.edit(f"{ACCOUNTS}/default", lambda body: body["spec"].update(spec))
        self.take()

    def expire_credential_in(self, left: timedelta) -> None:
        end = (self.now() + left).isoformat()
        self.remote.control("PATCH", f"credentials/{self.credential}", {"expires_at": end})

    async def passes(self) -> int:
        """Run one pass; return how often it wrote."""
        before = len(self.kube.writes)
        await self.reconciler.reconcile(KEY)
        return len(self.kube.writes) - before

    def finalizers(self) -> list[str]:
        body = self.kube.object(f"{ACCOUNTS}/default") or {}
        return body["metadata"].get("finalizers") or []

    def secret_finalizers(self) -> list[str]:
        body = self.kube.object(f"{BASE.format('mailtrap-system')}/credentials") or {}
        return body["metadata"].get("finalizers") or []

    def conditions(self) -> Mapping[str, str]:
        known = self.store.account(KEY)
        assert known is not None
        return {condition.type: condition.message for condition in known.status.conditions}

    def events(self) -> list[dict[str, Any]]:
        """Return the Events that there are, of all objects."""
        return [body for (kind, _, _), body in self.kube.objects.items() if kind == "events"]

    def told(self) -> CredentialToken | None:
        known = self.store.account(KEY)
        return known.status.credential if known else None


@virtual
async def test_the_status_tells_which_token_the_credential_is_and_is_written_once() -> None:
    bench = Bench()

    assert [1, 0, 0] == [await bench.passes() for _ in range(3)]
    assert CredentialToken(token_id=bench.credential, last_four=CREDENTIAL[-4:]) == bench.told()
    assert ["Ready"] == list(bench.conditions())


@virtual
async def test_as_its_end_comes_near_a_condition_says_so_once() -> None:
    bench = Bench()
    bench.expire_credential_in(31 * DAY)

    assert [1, 0] == [await bench.passes() for _ in range(2)]
    assert ["Ready"] == list(bench.conditions())
    virtual_loop().now += DAY.total_seconds()

    assert [2, 0, 0] == [await bench.passes() for _ in range(3)], "the status and an Event"
    message = bench.conditions()["CredentialExpiring"]
    assert "expires at 2026-04-01T12:00:00Z" in message
    assert "Put another token into key 'token' of Secret credentials" in message


@pytest.mark.parametrize(
    ("key", "woken"),
    [
        pytest.param(
            KEY, {BILLING, ApiTokenKey("team", "mailer")}, id="everybody, by a cluster-wide account"
        ),
        pytest.param(
            AccountKey("MailtrapAccount", "team", "own"),
            {BILLING, ApiTokenKey("team", "mailer")},
            id="its namespace, by an account of that",
        ),
        pytest.param(AccountKey("MailtrapAccount", "else", "own"), set(), id="nobody in other namespaces"),
    ],
)
@virtual
async def test_another_credential_has_those_looked_at_whose_tokens_it_may_have_kept(
    key: AccountKey, woken: set[ApiTokenKey]
) -> None:
    bench = Bench()
    bench.store.put_api_token(api_token("mailer", account="beside"))
    for name, namespace in (("beside", None), ("own", "team"), ("own", "else")):
        body = account(name, namespace)
        body["spec"] |= {"baseUrl": URL}
        bench.store.put_account(Account.model_validate(body))
        if namespace:
            bench.kube.seed(BASE.format(namespace), credentials(CREDENTIAL))
    await bench.reconciler.reconcile(key)
    bench.woken.clear()

    made = bench.remote.control("POST", "credentials", {})
    bench.bench.put_credential(made["token"], namespace=key.namespace or "mailtrap-system")
    await bench.reconciler.reconcile(key)

    assert woken == set(bench.woken)


@virtual
async def test_another_credential_ends_the_condition() -> None:
    bench = Bench()
    bench.expire_credential_in(DAY)
    await bench.passes()
    assert "CredentialExpiring" in bench.conditions()

    made = bench.remote.control("POST", "credentials", {})
    bench.bench.put_credential(made["token"])
    await bench.passes()

    assert CredentialToken(token_id=made["id"], last_four=made["token"][-4:]) == bench.told()
    assert ["Ready"] == list(bench.conditions())


@virtual
async def test_a_list_that_fails_takes_nothing_back() -> None:
    bench = Bench()
    bench.expire_credential_in(DAY)
    await bench.passes()
    before = bench.told()

    bench.remote.fault("list", "html")
    await bench.passes()

    assert before == bench.told()
    assert {"Ready", "CredentialExpiring"} == bench.conditions().keys()


@virtual
async def test_a_credential_that_two_tokens_could_be_is_not_told() -> None:
    bench = Bench()
    bench.remote.seed("alike", value="0" * 28 + CREDENTIAL[-4:])

    await bench.passes()

    assert None is bench.told()


@pytest.mark.parametrize(
    "spec", [{"policy": {"requireExpiration": True}}, {"refreshInterval": "30s"}], ids=["policy", "interval"]
)
@virtual
async def test_a_changed_spec_has_all_who_use_the_account_looked_at(spec: Mapping[str, object]) -> None:
    bench = Bench()
    await bench.passes()
    bench.woken.clear()
    await bench.passes()
    assert [] == bench.woken

    bench.change(**spec)
    await bench.passes()

    assert [BILLING] == bench.woken


HOLDING: dict[str, Any] = {"finalizers": [FINALIZER]}
HERE, ELSEWHERE = ({"allowedNamespaces": {"names": [name]}} for name in ("team", "other"))
LABELLED = {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}}


@pytest.mark.parametrize(
    ("policy", "is_held"),
    [
        pytest.param(HERE, True, id="its namespace is served"),
        pytest.param(ELSEWHERE, False, id="its namespace is not served"),
        pytest.param({}, False, id="only the operator's namespace is served"),
        pytest.param(LABELLED, False, id="the labels of its namespace are not known"),
    ],
)
@virtual
async def test_who_bears_our_finalizer_holds_an_account_only_where_that_serves_it(
    policy: Mapping[str, object], *, is_held: bool
) -> None:
    bench = Bench(may_write=True)
    bench.change(policy=policy)
    bench.store.put_api_token(api_token(version=2, **HOLDING))

    await bench.passes()

    assert is_held == bool(bench.finalizers())
    assert is_held == bool(bench.secret_finalizers())


@virtual
async def test_who_has_tokens_in_an_account_holds_it_though_it_serves_it_no_more() -> None:
    bench = Bench(may_write=True)
    bench.store.put_api_token(api_token(version=2, **HOLDING))
    owner = owner_of(INSTALLATION, "team", "billing", "uid-of-billing")
    bench.remote.seed(f"team/billing {Tag(INSTALLATION, owner, 'abcdefgh')}")

    await bench.passes()

    assert bench.finalizers()


@virtual
async def test_an_account_that_is_held_stays_so_until_its_list_and_the_labels_of_its_users_are_known() -> (
    None
):
    bench = Bench(may_write=True)
    bench.change(policy=LABELLED)
    bench.store.put_api_token(api_token(version=2, **HOLDING))
    bench.store.put_namespace_labels("team", {"mail": "yes"})
    await bench.passes()
    assert bench.finalizers()

    bench.elapsed += 60
    bench.remote.fault("list", "html")
    await bench.passes()
    await bench.passes()
    assert bench.finalizers(), "nobody knows yet"

    bench.store.put_namespace_labels("team", {"mail": "no"})
    await bench.passes()
    assert not bench.finalizers()


@virtual
async def test_a_trouble_is_told_once_by_a_warning_event_about_the_account() -> None:
    bench = Bench()
    bench.bench.put_credential("f" * 32)

    assert [2, 0, 0] == [await bench.passes() for _ in range(3)], "the status and an Event"
    (event,) = bench.events()
    assert ("Warning", "CredentialRefused", "ClusterMailtrapAccount", "default") == (
        event["type"],
        event["reason"],
        event["involvedObject"]["kind"],
        event["involvedObject"]["name"],
    )
    assert bench.conditions()["Ready"] == event["message"]


async def being_deleted() -> Bench:
    """Return a bench whose account is used, and was told to go."""
    bench = Bench(may_write=True)
    bench.change(policy=HERE)
    bench.store.put_api_token(api_token(version=2, **HOLDING))
    await bench.passes()
    bench.kube.remove(f"{ACCOUNTS}/default")
    bench.take()
    return bench


@virtual
async def test_an_account_that_is_being_deleted_says_so_in_ready_and_whom_it_waits_for_in_an_event() -> None:
    bench = await being_deleted()

    await bench.passes()

    known = bench.store.account(KEY)
    assert known is not None
    assert [("Ready", "False", "Deleting"), ("DeletionBlocked", "True", "AccountInUse")] == [
        (c.type, c.status, c.reason) for c in known.status.conditions
    ]
    assert 1 == len({condition.message for condition in known.status.conditions})
    assert [("Warning", "AccountInUse")] == [(event["type"], event["reason"]) for event in bench.events()]


@virtual
async def test_a_trouble_of_an_account_that_is_being_deleted_stands_in_ready() -> None:
    bench = await being_deleted()
    bench.bench.put_credential("f" * 32)

    await bench.passes()

    known = bench.store.account(KEY)
    assert known is not None
    assert "CredentialRefused" == known.status.conditions[0].reason


@virtual
async def test_an_annotation_that_means_nothing_is_told_of() -> None:
    bench = Bench()
    mistyped = {"mailtrap-operator.io/rotate": "1"}
    bench.kube.edit(f"{ACCOUNTS}/default", lambda body: body["metadata"].update(annotations=mistyped))
    bench.take()

    await bench.passes()

    assert ["UnknownAnnotation"] == [event["reason"] for event in bench.events()]


@virtual
async def test_clocks_that_differ_are_told_once_and_with_an_event() -> None:
    bench = Bench()
    bench.remote.control("POST", "clock", {"offset": 72 * 3600})

    assert [2, 0, 0] == [await bench.passes() for _ in range(3)], "the status and an Event"
    assert bench.conditions()["ClockSkewed"].startswith("The operator's clock is 3d behind Mailtrap's,")
    assert [("Warning", "ClockSkewed")] == [(event["type"], event["reason"]) for event in bench.events()]


@virtual
async def test_a_few_minutes_are_not_told() -> None:
    bench = Bench()
    bench.remote.control("POST", "clock", {"offset": 4 * 60})

    assert [1, 0] == [await bench.passes() for _ in range(2)]
    assert ["Ready"] == list(bench.conditions())


@virtual
async def test_clocks_that_agree_again_are_believed_at_the_second_look() -> None:
    bench = Bench()
    bench.remote.control("POST", "clock", {"offset": -600})
    await bench.passes()
    bench.remote.control("POST", "clock", {"offset": 0})

    assert [0, 1, 0] == [await bench.passes() for _ in range(3)]
    assert ["Ready"] == list(bench.conditions())


@virtual
async def test_what_was_told_of_the_clocks_stays_while_the_server_tells_no_time() -> None:
    bench = Bench()
    bench.remote.control("POST", "clock", {"offset": 600})
    await bench.passes()
    told = bench.conditions()["ClockSkewed"]
    bench.forget()
    bench.remote.unreachable = httpx.ConnectError("refused")

    await bench.passes()

    assert told == bench.conditions()["ClockSkewed"]
    assert bench.conditions()["Ready"].startswith("Mailtrap could not be reached")
