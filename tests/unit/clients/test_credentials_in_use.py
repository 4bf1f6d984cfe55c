"""Which credentials count as in use, for whose tokens: what a tenant makes up keeps no token of others alive."""

from collections.abc import Callable
from typing import Any

import pytest

from mailtrap_operator.api.names import FINGERPRINT, NONCE, TOKEN_ID
from mailtrap_operator.api.v1alpha1 import SecretKeyRef
from mailtrap_operator.clients.errors import Unauthorized
from mailtrap_operator.clients.secret_marks import fingerprint
from mailtrap_operator.core.observation import CredentialInUse, Unknown
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.account_harness import (
    BASE,
    KEY,
    NAMESPACED,
    OTHER,
    AccountBench,
    account,
    credentials,
)
from tests.unit.clients.remote import CREDENTIAL
from tests.unit.clock import virtual

TEAMS_SECRET = BASE.format("team") + "/credentials"


class Harness(AccountBench):
    """Three account objects for one account in Mailtrap: two of administrators, one of namespace team."""

    def __post_init__(self) -> None:
        """Let each have a credential of its own."""
        super().__post_init__()
        spec = account(OTHER).spec.model_copy(update={"credentials_secret_ref": SecretKeyRef(name="others")})
        self.objects[OTHER] = account(OTHER).model_copy(update={"spec": spec})
        self.siblings = {KEY: (OTHER, NAMESPACED), OTHER: (KEY, NAMESPACED), NAMESPACED: (KEY, OTHER)}
        self.own = CredentialInUse(KEY, CREDENTIAL[-4:], self.token_id_of(CREDENTIAL[-4:]))

    def token_id_of(self, last_four: str) -> int:
        """Return the id of the one token that ends so."""
        (id_,) = (
            token["id"]
            for token in self.remote.control("GET", "state")["accounts"][0]["tokens"]
            if token["last_4_digits"] == last_four
        )
        assert isinstance(id_, int)
        return id_

    def make(self) -> tuple[str, int]:
        """Make another credential in Mailtrap; return its value and its token's id."""
        made = self.remote.control("POST", "credentials", {})
        return made["token"], made["id"]

    def put_teams(self, value: str) -> None:
        """Put a credential into the Secret of namespace team."""
        self.kube.seed(BASE.format("team"), credentials(value))

    def put_others(self, value: str) -> None:
        """Put the credential of the other ClusterMailtrapAccount there."""
        secret = {**credentials(value), "metadata": {"name": "others"}}
        self.kube.seed(BASE.format("mailtrap-system"), secret)

    def in_use(self, namespace: str | None = "team") -> set[CredentialInUse]:
        """Return the credentials of KEY's account that count for the tokens of a namespace."""
        return set(self.accounts.credentials(KEY, namespace))

    def reads(self, path: str) -> int:
        """Return how often a Secret was read."""
        return sum(call.path == path for call in self.kube.calls)


@virtual
async def test_the_accounts_own_credential_counts_by_its_token_once_mailtrap_has_accepted_it() -> None:
    harness = Harness()
    assert set() == harness.in_use()

    await harness.accounts.at(KEY).list_tokens()

    assert {harness.own} == harness.in_use()


@virtual
async def test_a_credential_of_a_namespace_counts_for_the_tokens_of_that_namespace_alone() -> None:
    harness = Harness()
    value, id_ = harness.make()
    harness.put_teams(value)
    await harness.accounts.at(KEY).list_tokens()
    await harness.accounts.at(NAMESPACED).list_tokens()

    teams = CredentialInUse(NAMESPACED, value[-4:], id_)
    assert [{harness.own, teams}, {harness.own}, {harness.own}] == [
        harness.in_use(namespace) for namespace in ("team", "shop", None)
    ]


@virtual
async def test_a_credential_of_a_namespace_that_mailtrap_does_not_accept_counts_for_no_one() -> None:
    harness = Harness()
    harness.put_teams("made-up-and-ending-like-1234")
    await harness.accounts.at(KEY).list_tokens()

    assert None is await harness.accounts.judge_own_credentials(KEY, "team")

    assert {harness.own} == harness.in_use()


@virtual
async def test_the_credentials_of_other_namespaces_are_not_even_read() -> None:
    harness = Harness()
    harness.put_teams("another-1234")

    await harness.accounts.at(KEY).list_tokens()
    await harness.accounts.judge_own_credentials(KEY, "shop")

    assert 0 == harness.reads(TEAMS_SECRET)


@virtual
async def test_the_credentials_of_the_own_namespace_are_tried_once() -> None:
    harness = Harness()
    value, _ = harness.make()
    harness.put_teams(value)

    for _ in range(3):
        assert None is await harness.accounts.judge_own_credentials(KEY, "team")

    assert 1 == harness.lists()


@virtual
async def test_while_a_credential_of_the_own_namespace_is_not_judged_it_may_be_at_work() -> None:
    harness = Harness()
    harness.put_teams("another-1234")
    harness.kube.fail("GET", "namespaces/team/secrets/credentials", 429)

    unknown = await harness.accounts.judge_own_credentials(KEY, "team")

    assert isinstance(unknown, Unknown)
    assert Reason.KUBERNETES_UNAVAILABLE is unknown.reason
    assert None is await harness.accounts.judge_own_credentials(KEY, "team")


@virtual
async def test_the_credential_of_an_administrators_object_counts_for_everyone_from_the_first_look() -> None:
    harness = Harness()
    value, id_ = harness.make()
    harness.put_others(value)
    await harness.accounts.at(KEY).list_tokens()

    for namespace in ("team", "shop", None):
        assert {harness.own, CredentialInUse(OTHER, value[-4:])} == harness.in_use(namespace)
    await harness.accounts.at(OTHER).list_tokens()
    assert {harness.own, CredentialInUse(OTHER, value[-4:], id_)} == harness.in_use("shop")


@virtual
async def test_it_counts_no_more_once_mailtrap_has_refused_it_however_often_it_is_read() -> None:
    harness = Harness()
    harness.put_others("another-1234")
    await harness.accounts.at(KEY).list_tokens()
    await harness.accounts.at(OTHER).list_tokens()
    assert {harness.own} == harness.in_use()

    await harness.accounts.at(OTHER).client()

    assert {harness.own} == harness.in_use()


@virtual
async def test_while_it_cannot_be_read_the_list_tells_nothing() -> None:
    harness = Harness()
    harness.put_others("another-1234")
    harness.kube.fail("GET", "namespaces/mailtrap-system/secrets/others", 429)

    unknown = await harness.accounts.at(KEY).list_tokens()

    assert isinstance(unknown, Unknown)
    assert Reason.KUBERNETES_UNAVAILABLE is unknown.reason
    assert 0 == harness.lists()


@virtual
async def test_a_refusal_of_any_call_ends_the_use_of_a_credential() -> None:
    harness = Harness()
    await harness.accounts.at(KEY).list_tokens()

    harness.accounts.at(KEY).mark_failed(Unauthorized(Reason.CREDENTIAL_REFUSED, "no longer"))

    assert set() == harness.in_use()


@pytest.mark.parametrize(
    "edit",
    [
        lambda harness: harness.kube.remove(TEAMS_SECRET),
        lambda harness: harness.put_credential("", namespace="team"),
        lambda harness: harness.kube.fail("GET", "namespaces/team/secrets/credentials", 403, times=2),
    ],
    ids=["it is gone", "it is empty", "it may not be read"],
)
@virtual
async def test_a_credential_that_cannot_be_used_is_not_at_work(edit: Callable[[AccountBench], Any]) -> None:
    harness = Harness()
    value, _ = harness.make()
    harness.put_teams(value)
    await harness.accounts.at(NAMESPACED).list_tokens()

    edit(harness)
    await harness.accounts.at(NAMESPACED).list_tokens()

    assert [] == [*harness.accounts.at(NAMESPACED).credential.in_use()]


@virtual
async def test_a_credential_that_cannot_be_read_any_more_for_a_while_stays_at_work() -> None:
    harness = Harness()
    value, id_ = harness.make()
    harness.put_teams(value)
    await harness.accounts.at(NAMESPACED).list_tokens()
    harness.kube.fail("GET", "namespaces/team/secrets/credentials", 429)
    await harness.accounts.at(NAMESPACED).list_tokens()

    assert [CredentialInUse(NAMESPACED, value[-4:], id_)] == [
        *harness.accounts.at(NAMESPACED).credential.in_use()
    ]


@pytest.mark.parametrize("is_marked", [True, False])
@virtual
async def test_a_credential_that_an_operator_wrote_is_told_from_another_token_that_ends_alike(
    *, is_marked: bool
) -> None:
    harness = Harness()
    value, id_ = harness.make()
    harness.put_credential(value)
    if is_marked:
        marks = {TOKEN_ID: str(id_), NONCE: "abcdefgh", FINGERPRINT: fingerprint(value, id_, "abcdefgh")}
        path = f"{BASE.format('mailtrap-system')}/credentials"
        harness.kube.edit(path, lambda body: body["metadata"].update(annotations=marks))
    resources = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]
    alike = {"name": "alike", "resources": resources, "value": "0" * 28 + value[-4:]}
    harness.remote.control("POST", "tokens", alike)

    await harness.accounts.at(KEY).list_tokens()

    accepted = harness.accounts.at(KEY).credential.accepted
    assert accepted is not None
    assert (id_ if is_marked else None) == (accepted.token and accepted.token.token_id)
