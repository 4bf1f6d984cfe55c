"""Arbitrary worlds, likely and unlikely alike: what a reconcile may read after any history, edit or fault."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TypeVar

from hypothesis import strategies as st

from mailtrap_operator.api.names import ABANDON_ANNOTATION, FINALIZER
from mailtrap_operator.api.v1alpha1 import (
    AccountPolicy,
    AccountRef,
    ApiToken,
    ApiTokenStatus,
    CurrentToken,
    Expiration,
    OperationStatus,
    PreviousToken,
    Rotation,
)
from mailtrap_operator.core.actions import Done
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.observation import (
    Absent,
    AccountView,
    Catalogue,
    Found,
    Identity,
    Observation,
    Permission,
    RemoteToken,
    SecretState,
    Tenancy,
    TokenCount,
    Unknown,
    UnpublishedToken,
)
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import account_refs, former_secret_name, own_secret, secret_name
from mailtrap_operator.core.resources import unbound
from mailtrap_operator.core.step import MOST_ON_RECORD
from tests.unit.core.builders import (
    ACCOUNT,
    ACCOUNT_IDS,
    ANOTHER_OPERATOR,
    DAY,
    DOMAIN,
    FOREIGN_TAG,
    FRESH,
    HOUR,
    INSTALLATION,
    LOST_NONCE,
    ME,
    MINUTE,
    NAME,
    NONCE,
    NOW,
    OLD_NONCE,
    OPERATOR_NAMESPACE,
    OTHER_ACCOUNT,
    OURS,
    OWN_REFERENCE,
    OWNER_MARK,
    SECOND,
    SETTLE,
    SIBLINGS_TAG,
    a_credential,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    an_api_token,
    an_issuance,
)
from tests.unit.core.named import BOUND, ELSEWHERE, NAMED, TREE, Answer

T = TypeVar("T")

IDS = range(1, 7)
HOME = {id_: ACCOUNT if id_ < 5 else OTHER_ACCOUNT for id_ in IDS}
"""In which account each token lives, for an id exists once."""

BEGINNING, END = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)

EXPIRIES = (None, None, None, None, NOW - DAY, NOW, NOW + HOUR, NOW + 80 * DAY, BEGINNING, END)
DATES = (NOW - 90 * DAY, NOW - HOUR, NOW, NOW + HOUR, NOW + 90 * DAY, BEGINNING, END)
CLAIM_DATES = (NOW - DAY, NOW - SETTLE, NOW - SECOND, NOW - SECOND, NOW + MINUTE, NOW + DAY, BEGINNING, END)
NONCES = (NONCE, OLD_NONCE, LOST_NONCE)
FINALIZERS = (*4 * ((FINALIZER,),), (FINALIZER, "example.com/x"), ("example.com/x",), ())
EXPIRATIONS = (
    Expiration(),
    Expiration(policy="Never"),
    Expiration(policy="After", after=90 * DAY),
    Expiration(policy="At", at=NOW + 80 * DAY),
)
EVERYBODY, LABELLED, STRICT, BOUNDED = (
    AccountPolicy.model_validate(rules)
    for rules in (
        {"allowedNamespaces": {"names": ["*"]}},
        {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}},
        {"allowedNamespaces": {"names": ["*"]}, "maxLifetime": "2000h", "maxTokensPerNamespace": 2},
        {
            "allowedNamespaces": {"names": ["*"]},
            "allowedResources": [{"type": "domain", "id": 7}],
            "maxOverlap": "30m",
            "deletionPolicies": ["Delete"],
        },
    )
)
GRANTED = (Permission("domain", "7", "Admin"),)
ACCOUNT_ADMIN = Permission("account", "3229", "Admin")
FULL = tuple(a_previous(id_) for id_ in range(100, 100 + MOST_ON_RECORD))


class Chance:
    """Chooses the parts of one world."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def among(self, *choices: T) -> T:
        """Return one of these."""
        return self._random.choice(choices)

    def once_in(self, times: int) -> bool:
        """Return True now and then."""
        return self._random.randrange(times) == 0

    def some(self, ids: Iterable[int]) -> tuple[int, ...]:
        """Return some of these in their order."""
        return tuple(id_ for id_ in ids if self.once_in(2))


def _remote_token(chance: Chance, id_: int) -> RemoteToken:
    token = a_remote_token(
        id_,
        nonce=chance.among(*NONCES),
        expires_at=chance.among(*EXPIRIES),
        account=HOME[id_],
        tag=chance.among(FOREIGN_TAG, SIBLINGS_TAG, None) if chance.once_in(6) else OURS,
        name="n" * 241 if chance.once_in(8) else None,
    )
    return replace(
        token, permissions=chance.among(GRANTED, GRANTED, GRANTED, (*GRANTED, ACCOUNT_ADMIN), None)
    )


def _issued_for(wanted: ApiToken, id_: int) -> ApiToken:
    spec = wanted.spec.model_copy(update={"account_ref": HOME[id_], "resources": (DOMAIN,)})
    return wanted.model_copy(update={"spec": spec})


def _current(chance: Chance, wanted: ApiToken) -> CurrentToken:
    id_ = chance.among(*IDS)
    return a_current(
        id_,
        account=HOME[id_],
        issued_at=chance.among(*DATES),
        expires_at=chance.among(*EXPIRIES),
        reset_refused=chance.once_in(3),
        desired=_issued_for(wanted, id_) if chance.once_in(2) else None,
    )


def _previous(chance: Chance) -> tuple[PreviousToken, ...]:
    leaving = [
        a_previous(id_, delete_after=chance.among(*DATES), account=HOME[id_]) for id_ in chance.some(IDS)
    ]
    return (*leaving, *FULL) if chance.once_in(10) else tuple(leaving)


def _operation(chance: Chance) -> OperationStatus:
    return OperationStatus(
        type=chance.among("Create", "Reset", "Delete"),
        nonce=chance.among(*NONCES, ""),
        base=chance.among(None, *IDS),
        started_at=chance.among(*CLAIM_DATES),
        holder=chance.among(ME, ANOTHER_OPERATOR),
        account=chance.among(ACCOUNT, OTHER_ACCOUNT),
    )


def _secret(chance: Chance, name: str, wanted: ApiToken) -> Found[SecretState] | Absent | Unknown:
    if chance.once_in(5):
        return Absent()
    if chance.once_in(8):
        return _unknown(chance)
    id_ = chance.among(*IDS)
    issued_for = _issued_for(wanted, id_) if chance.once_in(2) else None
    issuance = an_issuance(account=HOME[id_], issued_at=chance.among(*DATES), desired=issued_for)
    return Found(
        a_secret(
            None if chance.once_in(8) else id_,
            name=name,
            nonce=chance.among(*NONCES),
            owner=chance.among("aaaaaa-siblingaaa", "zzzzzz-siblingaaa", None)
            if chance.once_in(8)
            else OWNER_MARK,
            issuance=None if chance.once_in(8) else issuance,
            data={} if chance.once_in(5) else None,
            labels={"team": "a"} if chance.once_in(5) else None,
            owners=() if chance.once_in(5) else (OWN_REFERENCE,),
        )
    )


def _unknown(chance: Chance) -> Unknown:
    return Unknown(chance.among(*Reason), "no usable answer", chance.among(None, 7 * SECOND))


def _tenancy(chance: Chance) -> Tenancy:
    known: Found[Mapping[str, str]] = Found({"mail": chance.among("yes", "yes", "no")})
    policy = chance.among(EVERYBODY, EVERYBODY, EVERYBODY, LABELLED, STRICT, BOUNDED, AccountPolicy())
    count = TokenCount(*(chance.among(0, 0, 1, 2) for _ in TokenCount._fields))
    return Tenancy(
        policy,
        _unknown(chance) if chance.once_in(5) else known,
        _unknown(chance) if chance.once_in(5) else Found(count),
    )


def _desired(chance: Chance) -> ApiToken:
    return an_api_token(
        resources=(NAMED,) if chance.once_in(3) else (DOMAIN,),
        finalizers=chance.among(*FINALIZERS),
        annotations={ABANDON_ANNOTATION: "true" if chance.once_in(8) else "false"},
        deleted=chance.once_in(4),
        account_ref=chance.among(ACCOUNT, OTHER_ACCOUNT),
        display_name="other" if chance.once_in(5) else None,
        expiration=chance.among(*EXPIRATIONS) if chance.once_in(3) else Expiration(),
        rotation=Rotation(
            strategy=chance.among("Reset", "Replace"), overlap=chance.among(timedelta(), HOUR, 12 * HOUR)
        ),
        secret_name="renamed" if chance.once_in(4) else None,
        deletion_policy="Retain" if chance.once_in(8) else "Delete",
        suspend=chance.once_in(8),
    )


def _status(chance: Chance, wanted: ApiToken) -> ApiTokenStatus:
    if chance.once_in(8):
        return ApiTokenStatus()
    return ApiTokenStatus(
        observed_generation=chance.among(3, 3, -1),
        operation=_operation(chance) if chance.once_in(3) else None,
        current=None if chance.once_in(3) else _current(chance, wanted),
        previous=_previous(chance),
        secret_name=chance.among(NAME, NAME, NAME, "renamed", "older", None),
        resources=chance.among((), (BOUND,), (BOUND, BOUND.model_copy(update={"name": "gone"}))),
    )


def _catalogue(chance: Chance, api_token: ApiToken) -> Answer:
    """Return the resources as the observer would: it asks for them where one was not looked up yet."""
    account_id = ACCOUNT_IDS[api_token.spec.account_ref]
    is_known = not unbound(api_token, account_id) and chance.once_in(2)
    if is_known or api_token.metadata.deletion_timestamp:
        return None
    entries = chance.among(TREE, ELSEWHERE).value.entries
    return _unknown(chance) if chance.once_in(4) else Found(Catalogue(account_id, entries, chance.once_in(2)))


def a_world(random: Random) -> Observation:
    """Return what a reconcile may read; the accounts looked at are those that the observer would look at."""
    chance = Chance(random)
    wanted = _desired(chance)
    api_token = wanted.model_copy(update={"status": _status(chance, wanted)})
    secret, former = _secret(chance, secret_name(api_token), api_token), former_secret_name(api_token)
    tokens = [_remote_token(chance, id_) for id_ in chance.some(IDS)]
    waits = UnpublishedToken(chance.among(*NONCES), _remote_token(chance, chance.among(*IDS)))

    def view(ref: AccountRef) -> AccountView:
        if chance.once_in(5):
            return AccountView(ref, ACCOUNT_IDS[ref], _unknown(chance))
        answer = Found(tuple(token for token in tokens if token.account == ref))
        credentials = [f"{id_:04}" for id_ in chance.some(IDS)] if chance.once_in(5) else ["cafe"]
        used = a_credential(ref, *credentials)
        return AccountView(ref, ACCOUNT_IDS[ref], answer, credentials=used, is_terminating=chance.once_in(8))

    desired, *others = (
        view(ref) for ref in account_refs(api_token, own_secret(secret, api_token, INSTALLATION))
    )
    return Observation(
        api_token=api_token,
        secret=secret,
        accounts=(replace(desired, tenancy=_tenancy(chance)), *others),
        identity=Identity(INSTALLATION, ME, SETTLE, OPERATOR_NAMESPACE),
        fresh_nonce=FRESH,
        former_secret=_secret(chance, former, api_token) if former else Absent(),
        unpublished=waits if chance.once_in(3) else None,
        catalogue=_catalogue(chance, api_token),
    )


def a_tidied_world(random: Random) -> Observation:
    """Return a world in which earlier passes have kept the books: more than looking and telling is left to do."""
    world = a_world(random)
    for _ in range(6):
        planned = plan(world, NOW)
        if planned.action is not None:
            break
        status = status_after(world.api_token, planned, Done(), NOW)
        world = replace(world, api_token=world.api_token.model_copy(update={"status": status}))
    return world


worlds = st.randoms(use_true_random=False).map(a_world)
tidied_worlds = st.randoms(use_true_random=False).map(a_tidied_world)
