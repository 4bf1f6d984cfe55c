"""What a reconcile looks at to judge an object by its account's policy: no more than the policy asks for."""

import itertools
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, FINALIZER
from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.clients.api_token_client import ApiTokenClient
from mailtrap_operator.clients.namespace_client import NamespaceClient
from mailtrap_operator.clients.remote_account import NOT_LISTED
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import UnpublishedValues
from mailtrap_operator.clients.workload_client import WorkloadClient
from mailtrap_operator.core.digests import access_digest
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    TOKENS_NOT_COUNTED,
    Absent,
    Catalogue,
    Found,
    Identity,
    Limits,
    Tenancy,
    TokenCount,
    Unknown,
)
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.workloads import MissingTarget
from mailtrap_operator.observe import Observer
from mailtrap_operator.quota import Quota
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_simulator.messages import Request
from tests.unit.clients.account_harness import KEY, URL, AccountBench
from tests.unit.clients.objects import ACCOUNTS, API_TOKENS, INSTALLATION, account, api_token, secret
from tests.unit.clients.remote import ACCOUNT, CREDENTIAL, START
from tests.unit.clock import virtual, virtual_loop

SIBLINGS = f"[k8s:{INSTALLATION}-siblingaaa-abcdefgh]"
FOREIGN = "[k8s:zzzzzz-siblingaaa-abcdefgh]"
ELSEWHERE = {"allowedNamespaces": {"names": ["other"]}, "adoption": "Allowed"}
BILLING = ApiTokenKey("team", "billing")
NAMESPACE = "/api/v1/namespaces/team"
HERE = {"allowedNamespaces": {"names": ["team"]}, "adoption": "Allowed"}
ELSEWHERE = {"allowedNamespaces": {"names": ["other"]}}
BY_LABEL = {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}}


NO_LIMITS = Limits()


class Harness:
    """An observer of the one ApiToken that there is, and of its account."""

    def __init__(
        self,
        policy: Mapping[str, Any],
        *,
        watches_secrets: bool = True,
        now: datetime = START,
        limits: Limits = NO_LIMITS,
    ) -> None:
        self.accounts = AccountBench()
        self.kube = self.accounts.kube
        self.cache = Cache(INSTALLATION, virtual_loop().time)
        self.label(mail="yes")
        self.kube.seed(API_TOKENS, api_token())
        self.kube.seed(ACCOUNTS, account())
        self.versions = itertools.count(1)
        self.put_policy(policy)
        self.cache.put_api_token(self.kube.object(f"{API_TOKENS}/billing") or {})
        self.observer = Observer(
            cache=self.cache,
            api_tokens=ApiTokenClient(self.kube, self.cache.put_api_token),
            secret_client=SecretClient(self.kube, INSTALLATION),
            workloads=WorkloadClient(self.kube),
            namespaces=NamespaceClient(self.kube),
            accounts=self.accounts.accounts,
            unpublished=UnpublishedValues(),
            quota=Quota(self.cache, self.accounts.accounts, installation=INSTALLATION, clock=lambda: now),
            reverts=Reverts(lambda: now),
            identity=Identity(INSTALLATION, "me", timedelta(seconds=60), "mailtrap-system", limits),
            new_nonce=lambda: "abcdefgh",
            clock=lambda: now,
            watches_secrets=watches_secrets,
        )

    async def known(self) -> Tenancy | None:
        seen = await self.observer.known(BILLING)
        return seen.account.tenancy if seen else None

    async def fresh(self) -> Tenancy | None:
        seen = await self.observer.fresh(BILLING)
        return seen.account.tenancy if seen else None

    def put_policy(self, policy: Mapping[str, Any]) -> None:
        """Have the watch report the account with a policy."""
        body = account(version=next(self.versions))
        body["spec"] |= {"policy": policy, "baseUrl": URL}
        self.cache.put_account(Account.model_validate(body))

    def put_policy_at(self, policy: Mapping[str, Any], call: str) -> None:
        """Have the watch report another policy while a call to a path that ends so is answered."""

        def meet(made: Request) -> None:
            if made.path.endswith(call):
                self.put_policy(policy)

        self.accounts.remote.on_request = meet

    def reads(self) -> int:
        """Return how often the namespace was read."""
        return sum(call.path == NAMESPACE for call in self.kube.calls)

    def label(self, **labels: str) -> None:
        self.kube.edit(NAMESPACE, lambda body: body["metadata"].update(labels=labels))


def labels_in(tenancy: Tenancy | None) -> Mapping[str, str]:
    assert tenancy is not None
    assert isinstance(tenancy.labels, Found)
    labels = dict(tenancy.labels.value)
    assert "team" == labels.pop("kubernetes.io/metadata.name"), "every namespace has it"
    return labels


@virtual
async def test_a_policy_that_asks_for_no_labels_costs_no_look_at_the_namespace() -> None:
    harness = Harness({"allowedNamespaces": {"names": ["team"]}, "maxTokensPerNamespace": 3})

    fresh = await harness.fresh()

    assert await harness.known() == fresh
    assert fresh is not None
    assert (LABELS_NOT_READ, NOT_LISTED) == (fresh.labels, fresh.tokens)
    assert 0 == harness.reads()


@virtual
async def test_labels_are_read_afresh_and_remembered_for_a_while() -> None:
    harness = Harness(BY_LABEL)
    tenancy = await harness.known()
    assert tenancy is not None
    assert LABELS_NOT_READ == tenancy.labels

    assert {"mail": "yes"} == labels_in(await harness.fresh())
    assert {"mail": "yes"} == labels_in(await harness.known())
    harness.label(mail="no")
    assert {"mail": "yes"} == labels_in(await harness.known())
    assert 1 == harness.reads()

    assert None is await harness.fresh(), "it is served no more"
    assert None is await harness.known()
    harness.label(mail="yes", stage="live")
    assert {"mail": "yes", "stage": "live"} == labels_in(await harness.fresh())
    virtual_loop().now += 60
    tenancy = await harness.known()
    assert tenancy is not None
    assert LABELS_NOT_READ == tenancy.labels


@virtual
async def test_labels_that_cannot_be_read_are_not_known_and_it_is_said_what_to_do() -> None:
    harness = Harness(BY_LABEL)
    harness.kube.fail("GET", NAMESPACE, 404, times=9)

    seen = await harness.observer.fresh(BILLING)

    assert seen is not None
    assert seen.account.is_closed
    unknown = seen.account.tokens
    assert isinstance(unknown, Unknown)
    assert Reason.NOT_FOUND is unknown.reason
    assert unknown.message.startswith(
        "The labels of namespace team cannot be read, and the policy of ClusterMailtrapAccount default asks for them: "
    )
    assert unknown.message.endswith("Let the operator get namespaces, or have the policy name them.")
    known = await harness.observer.known(BILLING)
    assert known is not None
    assert unknown != known.account.tokens, "what is kept in the status must not pass for the next answer"


@virtual
async def test_only_the_account_that_the_spec_names_has_a_say() -> None:
    harness = Harness(HERE)
    former = {"kind": "ClusterMailtrapAccount", "name": "other"}
    previous = {
        "id": 1,
        "lastFour": "beef",
        "deleteAfter": "2026-03-02T12:00:00Z",
        "reason": "Superseded",
        "account": former,
    }
    harness.cache.put_api_token(
        api_token(version=9, status={"observedGeneration": 1, "previous": [previous]})
    )

    seen = await harness.observer.known(BILLING)

    assert seen is not None
    assert [True, False] == [view.tenancy is not None for view in seen.accounts]


@virtual
async def test_the_credential_is_known_by_its_last_four_characters_once_a_list_has_answered() -> None:
    harness = Harness(HERE)

    async def used() -> set[tuple[AccountKey, str]]:
        seen = await harness.observer.known(BILLING)
        assert seen is not None
        return {(each.account, each.last_four) for each in seen.account.credentials}

    assert set() == await used()
    await harness.accounts.accounts.at(KEY).list_tokens()
    assert {(KEY, CREDENTIAL[-4:])} == await used()
    harness.accounts.remote.fault("list", "html")
    await harness.accounts.accounts.at(KEY).list_tokens()
    assert set() == await used()


@virtual
async def test_an_object_that_no_one_has_served_is_looked_at_without_a_list() -> None:
    harness = Harness({})

    await harness.fresh()

    assert 0 == harness.accounts.lists()


def operations(harness: Harness) -> list[str]:
    return [entry["operation"] for entry in harness.accounts.remote.control("GET", "journal")["entries"]]


def calls_of(harness: Harness) -> int:
    return len(operations(harness))


def put_domains(harness: Harness, *ids: int) -> None:
    tree = [{"id": id_, "name": f"{id_}.example", "type": "domain"} for id_ in ids]
    harness.accounts.remote.control("PUT", f"accounts/{ACCOUNT}/resources", {"resources": tree})


def wish_for_what_must_be_asked_for(body: dict[str, Any], adoptee: int = 7) -> None:
    """Have an object name a token to adopt and, beside a resource by its id, one by its name."""
    body["metadata"]["annotations"] = {ADOPT_ANNOTATION: str(adoptee)}
    resource = {"type": "domain", "name": "example.com", "accessLevel": "Admin"}
    body["spec"]["resources"] = [*body["spec"]["resources"], resource]


@pytest.mark.parametrize(
    ("policy", "calls"),
    [
        pytest.param(HERE, 3, id="allowed: its resources, the token to adopt, its list"),
        pytest.param(
            HERE | {"allowedResources": [{"type": "domain"}]}, 3, id="allowed, whatever the name means"
        ),
        pytest.param(HERE | {"adoption": "Denied"}, 1, id="no adoption: its resources"),
        pytest.param(HERE | {"adoption": "Proven"}, 1, id="no proof: its resources"),
        pytest.param(ELSEWHERE, 0, id="another namespace"),
        pytest.param(
            {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "no"}}}}, 0, id="other labels"
        ),
        pytest.param(HERE | {"maxAccessLevel": "Viewer"}, 0, id="maxAccessLevel"),
        pytest.param(
            HERE | {"allowedResources": [{"type": "domain", "id": 8}]}, 0, id="allowedResources, by an id"
        ),
        pytest.param(HERE | {"allowedResources": [{"type": "project"}]}, 0, id="allowedResources, by a type"),
        pytest.param(
            HERE | {"allowedResources": [{"type": "domain", "id": 7}]},
            3,
            id="allowedResources, by what the name stands for: as if there were no such resource",
        ),
        pytest.param(HERE | {"maxLifetime": "24h"}, 0, id="maxLifetime"),
        pytest.param(HERE | {"requireExpiration": True}, 0, id="requireExpiration"),
        pytest.param(HERE | {"maxTokensPerNamespace": 1}, 0, id="maxTokensPerNamespace"),
    ],
)
@virtual
async def test_on_behalf_of_who_may_not_use_an_account_it_is_not_asked_anything(
    policy: Mapping[str, Any], calls: int
) -> None:
    harness = Harness(policy)
    harness.cache.put_api_token(api_token("an-older-one"))
    by_hand = harness.accounts.remote.seed("old mailer")
    harness.kube.edit(
        f"{API_TOKENS}/billing", lambda body: wish_for_what_must_be_asked_for(body, adoptee=by_hand)
    )
    tree = [{"id": 8, "name": "example.com", "type": "domain"}]
    harness.accounts.remote.control("PUT", f"accounts/{ACCOUNT}/resources", {"resources": tree})

    await harness.fresh()

    assert calls == calls_of(harness)


async def resources_of(harness: Harness) -> Catalogue | None:
    """Return what a fresh look has of the account's resources."""
    seen = await harness.observer.fresh(BILLING)
    assert seen is not None
    return seen.catalogue.value if isinstance(seen.catalogue, Found) else None


@virtual
async def test_an_id_is_looked_up_once_for_all_who_come_together() -> None:
    harness = Harness(HERE)
    put_domains(harness, 7)

    first, second = await resources_of(harness), await resources_of(harness)

    assert first is not None
    assert (first, 1) == (second, calls_of(harness))
    virtual_loop().now += 11
    await resources_of(harness)
    assert 2 == calls_of(harness)


@virtual
async def test_an_id_that_the_last_answer_lacks_is_looked_up_again() -> None:
    harness = Harness(HERE)
    put_domains(harness, 8)
    await resources_of(harness)

    put_domains(harness, 7, 8)
    catalogue = await resources_of(harness)

    assert catalogue is not None
    assert [ACCOUNT, 7, 8] == [entry.id for entry in catalogue.entries]
    assert 2 == calls_of(harness)


@virtual
async def test_an_id_that_a_token_was_issued_for_is_not_looked_up() -> None:
    harness = Harness(HERE)
    asked_for = ApiToken.model_validate(harness.kube.object(f"{API_TOKENS}/billing") or {})
    digest = access_digest(asked_for, ACCOUNT, asked_for.spec.resources)

    def serve(body: dict[str, Any]) -> None:
        current = {"id": 1, "lastFour": "beef", "issuedAt": "2026-03-01T12:00:00Z", "accessDigest": digest}
        current |= {"expirationDigest": "", "account": {"kind": KEY.kind, "name": KEY.name}}
        body["status"] = {"observedGeneration": 1, "current": current}

    harness.kube.edit(f"{API_TOKENS}/billing/status", serve)

    assert await resources_of(harness) is None
    assert "resources" not in operations(harness)


@virtual
async def test_on_behalf_of_who_asks_for_more_than_the_settings_allow_nothing_is_asked() -> None:
    harness = Harness(HERE, limits=Limits(rollout_restarts=False))

    def set_spec(body: dict[str, Any]) -> None:
        wish_for_what_must_be_asked_for(body)
        body["spec"]["rolloutRestartTargets"] = [{"kind": "Deployment", "name": "billing"}]

    harness.kube.edit(f"{API_TOKENS}/billing", set_spec)

    await harness.fresh()

    assert 0 == calls_of(harness)


@virtual
async def test_tokens_are_counted_only_where_the_policy_asks_for_it_and_by_the_last_list() -> None:
    free, bounded = Harness(HERE), Harness(HERE | {"maxTokensPerNamespace": 3})
    bounded.cache.put_api_token(api_token("an-older-one", creationTimestamp="2026-02-01T12:00:00Z"))
    for harness in (free, bounded):
        await harness.accounts.accounts.at(KEY).list_tokens()

    tenancies = [await free.known(), await bounded.known(), await bounded.fresh()]

    counted = Found(TokenCount(others=0, own=0, reserved=1))
    assert [TOKENS_NOT_COUNTED, counted, counted] == [each.tokens for each in tenancies if each]
    assert 1 == bounded.accounts.lists()


@virtual
async def test_while_it_is_not_known_who_may_use_an_account_it_is_not_asked_anything() -> None:
    harness = Harness(BY_LABEL)
    harness.kube.edit(f"{API_TOKENS}/billing", wish_for_what_must_be_asked_for)
    harness.kube.fail("GET", NAMESPACE, 404, times=9)

    await harness.fresh()

    assert 0 == calls_of(harness)


@pytest.mark.parametrize(("days", "is_asked"), [(0, False), (1, True)], ids=["too far", "near enough"])
@virtual
async def test_a_date_is_judged_as_it_is_now(days: int, *, is_asked: bool) -> None:
    harness = Harness(HERE | {"maxLifetime": "240h"}, now=START + timedelta(days=days))

    def set_spec(body: dict[str, Any]) -> None:
        wish_for_what_must_be_asked_for(body)
        body["spec"]["expiration"] = {"policy": "At", "at": "2026-03-12T12:00:00Z"}

    harness.kube.edit(f"{API_TOKENS}/billing", set_spec)

    await harness.fresh()

    assert is_asked == bool(calls_of(harness))


@virtual
async def test_what_is_listed_is_enough_for_a_look_at_any_number_of_objects() -> None:
    harness = Harness(BY_LABEL | {"adoption": "Allowed"})
    by_hand = harness.accounts.remote.seed("old mailer")
    harness.kube.edit(
        f"{API_TOKENS}/billing", lambda body: wish_for_what_must_be_asked_for(body, adoptee=by_hand)
    )
    harness.cache.put_api_token(harness.kube.object(f"{API_TOKENS}/billing") or {})
    await harness.accounts.accounts.at(KEY).list_tokens()
    before = len(harness.kube.calls)

    seen = [await harness.observer.listed(BILLING) for _ in "abc"]

    assert 1 == harness.accounts.lists()
    assert [f"{NAMESPACE}/secrets/billing", NAMESPACE] == [
        call.path for call in harness.kube.calls[before : before + 2]
    ], "its labels are read once, its credential for what else is asked"
    assert 1 == harness.reads()
    fresh = await harness.observer.fresh(BILLING)
    assert fresh is not None
    assert [(fresh.accounts, fresh.adoptee)] * 3 == [(each.accounts, each.adoptee) for each in seen if each]
    assert 2 == harness.accounts.lists()


@virtual
async def test_an_object_that_no_one_has_served_needs_no_list_while_it_waits_for_an_adoption() -> None:
    harness = Harness(HERE)
    harness.kube.edit(f"{API_TOKENS}/billing", wish_for_what_must_be_asked_for)

    seen = await harness.observer.fresh(BILLING)

    assert seen is not None
    assert Absent() == seen.adoptee
    assert 0 == harness.accounts.lists()


@virtual
async def test_a_policy_that_changes_amid_a_look_counts_before_it_ends() -> None:
    harness = Harness(HERE | {"adoption": "Denied"})
    by_hand = harness.accounts.remote.seed("old mailer")

    def serve(body: dict[str, Any]) -> None:
        body["metadata"] |= {"annotations": {ADOPT_ANNOTATION: str(by_hand)}, "finalizers": [FINALIZER]}

    harness.kube.edit(f"{API_TOKENS}/billing", serve)
    # The LIST is the last thing that is asked for.
    harness.put_policy_at(HERE, "/api_tokens")

    seen = await harness.observer.fresh(BILLING)

    assert seen is not None
    assert isinstance(seen.adoptee, Found)
    assert ["resources", "list", "get"] == operations(harness)


@virtual
async def test_an_account_that_is_closed_amid_a_look_is_not_asked_any_further() -> None:
    harness = Harness(HERE)
    harness.kube.edit(f"{API_TOKENS}/billing", wish_for_what_must_be_asked_for)
    harness.kube.edit(f"{API_TOKENS}/billing", lambda body: body["metadata"].update(finalizers=[FINALIZER]))
    harness.put_policy_at(ELSEWHERE, "/resources")

    seen = await harness.observer.fresh(BILLING)

    assert seen is not None
    assert seen.account.is_closed
    assert ["resources"] == operations(harness)


STATUS_BASE = {
    "deleteAfter": "2026-03-02T12:00:00Z",
    "account": {"kind": "ClusterMailtrapAccount", "name": "default"},
}


@pytest.mark.parametrize(
    ("name", "policy", "expected"),
    [
        pytest.param("old mailer", HERE, frozenset(), id="a token by hand"),
        pytest.param(f"old mailer {SIBLINGS}", HERE, {0}, id="another object's"),
        pytest.param(f"old mailer {FOREIGN}", HERE, {0}, id="another installation's"),
        pytest.param(
            f"old mailer {SIBLINGS}", ELSEWHERE, frozenset(), id="no one is asked for who is not served"
        ),
    ],
)
@virtual
async def test_a_token_that_is_on_record_as_adopted_is_judged_by_its_tag(
    name: str, policy: Mapping[str, Any], expected: Collection[int]
) -> None:
    harness = Harness(policy)
    id_ = harness.accounts.remote.seed(name)
    record = STATUS_BASE | {"id": id_, "lastFour": "beef", "reason": "Adopted"}

    def forge(body: dict[str, Any]) -> None:
        body["metadata"]["finalizers"] = [FINALIZER]
        body["metadata"]["annotations"] = {ADOPT_ANNOTATION: str(id_), CONFIRM_ANNOTATION: str(id_)}

    def forge_status(body: dict[str, Any]) -> None:
        body["status"] = {"observedGeneration": 1, "adopted": id_, "previous": [record]}

    harness.kube.edit(f"{API_TOKENS}/billing", forge)
    harness.kube.edit(f"{API_TOKENS}/billing/status", forge_status)

    seen = await harness.observer.fresh(BILLING)

    assert seen is not None
    assert frozenset(id_ for _ in expected) == seen.account.foreign_ids
    assert (policy == ELSEWHERE) == seen.account.is_closed


@virtual
async def test_of_what_is_not_listed_nothing_is_told() -> None:
    harness = Harness(HERE)

    assert None is await harness.observer.listed(ApiTokenKey("team", "unheard-of"))


@virtual
async def test_a_look_at_what_is_listed_meets_a_secret_that_no_list_reports() -> None:
    harness = Harness(HERE)
    harness.kube.seed(f"{NAMESPACE}/secrets", {"metadata": {"name": "billing"}, "data": {"password": "c2Vj"}})
    harness.kube.seed(f"{NAMESPACE}/secrets", {"metadata": {"name": "former"}})
    harness.cache.put_api_token(
        api_token(status={"observedGeneration": 1, "secretName": "former"}, version=99)
    )

    seen = await harness.observer.listed(BILLING)

    assert seen is not None
    assert [True, True] == [isinstance(each, Found) for each in (seen.secret, seen.former_secret)]


@virtual
async def test_a_secret_that_a_watch_reported_is_read_once_for_the_next_look() -> None:
    harness = Harness(HERE)
    body = harness.kube.seed(f"{NAMESPACE}/secrets", secret(owner=None))
    harness.cache.outdate_secret("team", "billing", body["metadata"]["resourceVersion"], None)

    seen = [await harness.observer.known(BILLING) for _ in "ab"]

    assert [True, True] == [each is not None and isinstance(each.secret, Found) for each in seen]
    assert 1 == sum(call.path == f"{NAMESPACE}/secrets/billing" for call in harness.kube.calls)
    assert 0 == harness.accounts.lists()


@virtual
async def test_an_api_token_too_large_to_be_kept_is_read_by_name_for_each_look() -> None:
    harness = Harness(HERE)
    note = {"mailtrap-operator.io/rotate": "x" * 70_000}
    harness.kube.edit(f"{API_TOKENS}/billing", lambda body: body["metadata"].update(annotations=note))
    harness.cache.put_api_token(harness.kube.object(f"{API_TOKENS}/billing") or {})

    seen = await harness.observer.known(BILLING)

    assert seen is not None
    assert note == seen.api_token.metadata.annotations
    assert [f"{API_TOKENS}/billing"] == [call.path for call in harness.kube.calls]
    harness.kube.fail("GET", "/apitokens", 503)
    assert None is await harness.observer.known(BILLING), "a fresh look says why"


DEPLOYMENT = "/apis/apps/v1/namespaces/team/deployments/billing"
TARGETED = [{"kind": "Deployment", "name": "billing"}]


@pytest.mark.parametrize(
    ("observed", "limits", "expected"),
    [
        pytest.param(-1, NO_LIMITS, 2, id="a new spec: once by what is known, and once afresh"),
        pytest.param(2, NO_LIMITS, 0, id="a spec that was answered"),
        pytest.param(-1, Limits(rollout_restarts=False), 0, id="restarts are not allowed"),
    ],
)
@virtual
async def test_targets_of_a_restart_are_read_when_a_spec_newly_names_them(
    observed: int, limits: Limits, expected: int
) -> None:
    harness = Harness(HERE, limits=limits)

    path = f"{API_TOKENS}/billing"
    harness.kube.edit(path, lambda body: body["spec"].update(rolloutRestartTargets=TARGETED))
    answered = {"observedGeneration": observed}
    harness.cache.put_api_token(
        harness.kube.edit(f"{path}/status", lambda body: body.update(status=answered))
    )

    seen = [await harness.observer.known(BILLING), await harness.observer.fresh(BILLING)]

    missing = (MissingTarget("Deployment billing does not exist."),) if expected else ()
    assert [Found(missing)] * 2 == [each and each.workloads for each in seen]
    assert expected == sum(call.path == DEPLOYMENT for call in harness.kube.calls)
