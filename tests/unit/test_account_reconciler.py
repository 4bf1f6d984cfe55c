"""A reconcile of an account: what its status says of its credential, and whom it wakes."""

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
from mailtrap_operator.clients.account_client import AccountClient
from mailtrap_operator.clients.credential_secrets import CredentialSecrets
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.ownership import Tag, owner_of
from mailtrap_operator.core.protection import Reach
from mailtrap_operator.orphan_sweep import OrphanSweep
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.telemetry.annotations import UnknownAnnotations
from mailtrap_operator.telemetry.events import EventRecorder
from tests.unit.clients.account_harness import BASE, KEY, URL, AccountBench, credentials
from tests.unit.clients.objects import ACCOUNTS, INSTALLATION, account, api_token
from tests.unit.clients.remote import CREDENTIAL, server_time
from tests.unit.clock import virtual, virtual_loop

DAY = timedelta(days=1)
BILLING = ApiTokenKey("team", "billing")


class Harness:
    """One account with its credential, and the ApiToken that uses it."""

    def __init__(self, *, may_write: bool = False, sees_all: bool = True) -> None:
        self.elapsed = 0.0
        self.harness = AccountBench()
        self.kube, self.remote = self.harness.kube, self.harness.remote
        self.cache = Cache(INSTALLATION, lambda: self.elapsed)
        body = account()
        body["spec"] |= {"baseUrl": URL}
        self.kube.seed(ACCOUNTS, body)
        self.take()
        self.cache.put_api_token(api_token())
        events = EventRecorder(self.kube, holder="me", clock=self.now)
        self.woken: list[Key] = []
        self.harness.find = self.cache.account
        reverts = Reverts(self.now)
        accounts, account_client = self.harness.accounts, AccountClient(self.kube)
        reach = Reach(INSTALLATION, "mailtrap-system", sees_all=sees_all, may_write=may_write)
        observer = AccountObserver(cache=self.cache, accounts=accounts, reverts=reverts, reach=reach)
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
                cache=self.cache,
                accounts=accounts,
                account_client=account_client,
                secrets=CredentialSecrets(self.kube),
                reverts=reverts,
            ),
            reporter=AccountReporter(
                cache=self.cache,
                account_client=account_client,
                events=events,
                annotations=UnknownAnnotations(events),
                reverts=reverts,
            ),
            news=AccountNews(cache=self.cache, observer=observer, wake=self.wake),
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
        """Have the watch report the account as it is."""
        self.cache.put_account(Account.model_validate(self.kube.object(f"{ACCOUNTS}/default")))

    def forget(self) -> None:
        """Forget what was learned from answers, as a new process has."""
        self.harness.accounts._remote_accounts.clear()

    def change(self, **spec: object) -> None:
        """Change the account's spec as a user."""
        self.kube.edit(f"{ACCOUNTS}/default", lambda body: body["spec"].update(spec))
        self.take()

    def expire_credential_in(self, left: timedelta) -> None:
        end = (self.now() + left).isoformat()
        self.remote.control("PATCH", f"credentials/{self.credential}", {"expires_at": end})

    async def passes(self) -> int:
        """Run one reconcile; return how often it wrote."""
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
        known = self.cache.account(KEY)
        assert known is not None
        return {condition.type: condition.message for condition in known.status.conditions}

    def events(self) -> list[dict[str, Any]]:
        """Return the Events that there are, of all objects."""
        return self.kube.objects("/api/v1/events")

    def told(self) -> CredentialToken | None:
        known = self.cache.account(KEY)
        return known.status.credential if known else None


@virtual
async def test_the_status_tells_which_token_the_credential_is_and_is_written_once() -> None:
    harness = Harness()

    assert [1, 0, 0] == [await harness.passes() for _ in range(3)]
    assert CredentialToken(token_id=harness.credential, last_four=CREDENTIAL[-4:]) == harness.told()
    assert ["Ready"] == list(harness.conditions())


@virtual
async def test_as_its_end_comes_near_a_condition_says_so_once() -> None:
    harness = Harness()
    harness.expire_credential_in(31 * DAY)

    assert [1, 0] == [await harness.passes() for _ in range(2)]
    assert ["Ready"] == list(harness.conditions())
    virtual_loop().now += DAY.total_seconds()

    assert [2, 0, 0] == [await harness.passes() for _ in range(3)], "the status and an Event"
    message = harness.conditions()["CredentialExpiring"]
    assert "expires at 2026-04-01T12:00:00Z" in message
    assert "Put another token into key 'token' of Secret credentials" in message


@pytest.mark.parametrize(
    ("key", "woken"),
    [
        pytest.param(KEY, {BILLING, ApiTokenKey("team", "mailer")}, id="everyone, by a cluster-wide account"),
        pytest.param(
            AccountKey("MailtrapAccount", "team", "own"),
            {BILLING, ApiTokenKey("team", "mailer")},
            id="its namespace, by an account of that",
        ),
        pytest.param(AccountKey("MailtrapAccount", "else", "own"), set(), id="no one in other namespaces"),
    ],
)
@virtual
async def test_another_credential_has_those_looked_at_whose_tokens_it_may_have_kept(
    key: AccountKey, woken: set[ApiTokenKey]
) -> None:
    harness = Harness()
    harness.cache.put_api_token(api_token("mailer", account="beside"))
    for name, namespace in (("beside", None), ("own", "team"), ("own", "else")):
        body = account(name, namespace)
        body["spec"] |= {"baseUrl": URL}
        harness.cache.put_account(Account.model_validate(body))
        if namespace:
            harness.kube.seed(BASE.format(namespace), credentials(CREDENTIAL))
    await harness.reconciler.reconcile(key)
    harness.woken.clear()

    made = harness.remote.control("POST", "credentials", {})
    harness.harness.put_credential(made["token"], namespace=key.namespace or "mailtrap-system")
    await harness.reconciler.reconcile(key)

    assert woken == set(harness.woken)


@virtual
async def test_another_credential_ends_the_condition() -> None:
    harness = Harness()
    harness.expire_credential_in(DAY)
    await harness.passes()
    assert "CredentialExpiring" in harness.conditions()

    made = harness.remote.control("POST", "credentials", {})
    harness.harness.put_credential(made["token"])
    await harness.passes()

    assert CredentialToken(token_id=made["id"], last_four=made["token"][-4:]) == harness.told()
    assert ["Ready"] == list(harness.conditions())


@virtual
async def test_a_list_that_fails_takes_nothing_back() -> None:
    harness = Harness()
    harness.expire_credential_in(DAY)
    await harness.passes()
    before = harness.told()

    harness.remote.fault("list", "html")
    await harness.passes()

    assert before == harness.told()
    assert {"Ready", "CredentialExpiring"} == harness.conditions().keys()


@virtual
async def test_a_credential_that_two_tokens_could_be_is_not_told() -> None:
    harness = Harness()
    harness.remote.seed("alike", value="0" * 28 + CREDENTIAL[-4:])

    await harness.passes()

    assert None is harness.told()


@pytest.mark.parametrize(
    "spec", [{"policy": {"requireExpiration": True}}, {"refreshInterval": "30s"}], ids=["policy", "interval"]
)
@virtual
async def test_a_changed_spec_has_all_who_use_the_account_looked_at(spec: Mapping[str, object]) -> None:
    harness = Harness()
    await harness.passes()
    harness.woken.clear()
    await harness.passes()
    assert [] == harness.woken

    harness.change(**spec)
    await harness.passes()

    assert [BILLING] == harness.woken


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
async def test_finalizer_holds_an_account_only_where_the_account_serves_the_object(
    policy: Mapping[str, object], *, is_held: bool
) -> None:
    harness = Harness(may_write=True)
    harness.change(policy=policy)
    harness.cache.put_api_token(api_token(version=2, **HOLDING))

    await harness.passes()

    assert is_held == bool(harness.finalizers())
    assert is_held == bool(harness.secret_finalizers())


@virtual
async def test_object_with_tokens_holds_the_account_after_that_stops_serving_it() -> None:
    harness = Harness(may_write=True)
    harness.cache.put_api_token(api_token(version=2, **HOLDING))
    owner = owner_of(INSTALLATION, "team", "billing", "uid-of-billing")
    harness.remote.seed(f"team/billing {Tag(INSTALLATION, owner, 'abcdefgh')}")

    await harness.passes()

    assert harness.finalizers()


@virtual
async def test_an_account_that_is_held_stays_so_until_its_list_and_the_labels_of_its_users_are_known() -> (
    None
):
    harness = Harness(may_write=True)
    harness.change(policy=LABELLED)
    harness.cache.put_api_token(api_token(version=2, **HOLDING))
    harness.cache.put_namespace_labels("team", {"mail": "yes"})
    await harness.passes()
    assert harness.finalizers()

    harness.elapsed += 60
    harness.remote.fault("list", "html")
    await harness.passes()
    await harness.passes()
    assert harness.finalizers(), "no one knows yet"

    harness.cache.put_namespace_labels("team", {"mail": "no"})
    await harness.passes()
    assert not harness.finalizers()


@virtual
async def test_a_trouble_is_told_once_by_a_warning_event_about_the_account() -> None:
    harness = Harness()
    harness.harness.put_credential("f" * 32)

    assert [2, 0, 0] == [await harness.passes() for _ in range(3)], "the status and an Event"
    (event,) = harness.events()
    assert ("Warning", "CredentialRefused", "ClusterMailtrapAccount", "default") == (
        event["type"],
        event["reason"],
        event["involvedObject"]["kind"],
        event["involvedObject"]["name"],
    )
    assert harness.conditions()["Ready"] == event["message"]


async def being_deleted() -> Harness:
    """Return a bench whose account is used, and was told to go."""
    harness = Harness(may_write=True)
    harness.change(policy=HERE)
    harness.cache.put_api_token(api_token(version=2, **HOLDING))
    await harness.passes()
    harness.kube.remove(f"{ACCOUNTS}/default")
    harness.take()
    return harness


@virtual
async def test_an_account_that_is_being_deleted_says_so_in_ready_and_whom_it_waits_for_in_an_event() -> None:
    harness = await being_deleted()

    await harness.passes()

    known = harness.cache.account(KEY)
    assert known is not None
    assert [("Ready", "False", "Deleting"), ("DeletionBlocked", "True", "AccountInUse")] == [
        (c.type, c.status, c.reason) for c in known.status.conditions
    ]
    assert 1 == len({condition.message for condition in known.status.conditions})
    assert [("Warning", "AccountInUse")] == [(event["type"], event["reason"]) for event in harness.events()]


@virtual
async def test_a_trouble_of_an_account_that_is_being_deleted_stands_in_ready() -> None:
    harness = await being_deleted()
    harness.harness.put_credential("f" * 32)

    await harness.passes()

    known = harness.cache.account(KEY)
    assert known is not None
    assert "CredentialRefused" == known.status.conditions[0].reason


@virtual
async def test_an_annotation_that_means_nothing_is_reported() -> None:
    harness = Harness()
    mistyped = {"mailtrap-operator.io/rotate": "1"}
    harness.kube.edit(f"{ACCOUNTS}/default", lambda body: body["metadata"].update(annotations=mistyped))
    harness.take()

    await harness.passes()

    assert ["UnknownAnnotation"] == [event["reason"] for event in harness.events()]


@virtual
async def test_clocks_that_differ_are_told_once_and_with_an_event() -> None:
    harness = Harness()
    harness.remote.control("POST", "clock", {"offset": 72 * 3600})

    assert [2, 0, 0] == [await harness.passes() for _ in range(3)], "the status and an Event"
    assert harness.conditions()["ClockSkewed"].startswith("The operator's clock is 3d behind Mailtrap's,")
    assert [("Warning", "ClockSkewed")] == [(event["type"], event["reason"]) for event in harness.events()]


@virtual
async def test_a_few_minutes_are_not_told() -> None:
    harness = Harness()
    harness.remote.control("POST", "clock", {"offset": 4 * 60})

    assert [1, 0] == [await harness.passes() for _ in range(2)]
    assert ["Ready"] == list(harness.conditions())


@virtual
async def test_clocks_that_agree_again_are_believed_at_the_second_look() -> None:
    harness = Harness()
    harness.remote.control("POST", "clock", {"offset": -600})
    await harness.passes()
    harness.remote.control("POST", "clock", {"offset": 0})

    assert [0, 1, 0] == [await harness.passes() for _ in range(3)]
    assert ["Ready"] == list(harness.conditions())


@virtual
async def test_clock_condition_stays_while_the_server_sends_no_date() -> None:
    harness = Harness()
    harness.remote.control("POST", "clock", {"offset": 600})
    await harness.passes()
    told = harness.conditions()["ClockSkewed"]
    harness.forget()
    harness.remote.unreachable = httpx.ConnectError("refused")

    await harness.passes()

    assert told == harness.conditions()["ClockSkewed"]
    assert harness.conditions()["Ready"].startswith("Mailtrap could not be reached")
