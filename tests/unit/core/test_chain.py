"""The chain of the decision: the books come first, what blocks is parked, and maintenance continues meanwhile."""

from dataclasses import replace

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION, FINALIZER
from mailtrap_operator.api.v1alpha1 import AccountPolicy, SecretTemplate
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.observation import (
    Adoptee,
    Found,
    Limits,
    Observation,
    Tenancy,
    TokenCount,
    Unknown,
)
from mailtrap_operator.core.planning import BOOKKEEPING, ISSUING, MAINTENANCE, PRECONDITIONS
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    HOUR,
    LOST_NONCE,
    MINUTE,
    NOW,
    SECOND,
    TOKEN_1,
    WIPED,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

DESIRED = {ADOPT_ANNOTATION: "7"}
CONFIRMED = {**DESIRED, CONFIRM_ANNOTATION: "7"}
BY_HAND = replace(a_remote_token(7, tag=None, name="old mailer"), permissions=())
LOST = a_remote_token(2, nonce=LOST_NONCE)
OVERDUE = a_previous(1, delete_after=NOW)
FORBIDDEN_LABEL = SecretTemplate.model_validate({"metadata": {"labels": {"example.com/tier": "x"}}})
ALLOWING = AccountPolicy.model_validate({"allowedNamespaces": {"names": ["*"]}, "adoption": "Allowed"})
CROWDED = ALLOWING.model_copy(update={"max_tokens_per_namespace": 1})
UNREAD = Unknown(Reason.NAMESPACE_NOT_READ, "The labels were not read yet.", 7 * SECOND)
UNLISTED = Unknown(Reason.ACCOUNT_NOT_LISTED, "It was not listed yet.")
COUNTED = AccountPolicy.model_validate(
    {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}, "maxTokensPerNamespace": 1}
)


def adopting(world: Observation, policy: AccountPolicy = ALLOWING, tokens: int = 0) -> Observation:
    """Return a world in which there is a token to adopt, by an account that allows it."""
    tenancy = Tenancy(policy, tokens=Found(TokenCount(others=tokens, own=0, reserved=0)))
    accounts = (replace(world.account, tenancy=tenancy), *world.accounts[1:])
    return replace(world, accounts=accounts, adoptee=Found(Adoptee(BY_HAND, is_proven=False)))


def limited(world: Observation) -> Observation:
    return replace(world, identity=replace(world.identity, limits=Limits()))


def test_each_step_has_one_place() -> None:
    steps = PRECONDITIONS + BOOKKEEPING + ISSUING + MAINTENANCE

    assert len(steps) == len(set(steps))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A lost answer settles before a token is adopted.",
            adopting(
                seen(
                    an_api_token(
                        annotations=DESIRED,
                        status=a_status(current=None, operation=an_operation()),
                    ),
                    secret=None,
                    listed=(),
                )
            ),
            says=(State.PROGRESSING, Reason.ANSWER_LOST),
            records=Noted("Create lostaaaa", None),
            again=59 * SECOND,
            works=False,
        ),
        row(
            "A token whose value is lost is retired before another one is adopted.",
            adopting(
                seen(
                    an_api_token(
                        annotations=DESIRED,
                        status=a_status(current=None, operation=an_operation(ago=HOUR)),
                    ),
                    secret=None,
                    listed=(LOST,),
                )
            ),
            says=(State.PROGRESSING, Reason.UNTRACKED),
            records=Noted(None, None, (Leaving(2, 12 * HOUR, Reason.UNTRACKED),)),
            works=False,
        ),
        row(
            "A token with the tag of an object that seems unused is retired before its first one is issued.",
            seen(an_api_token(status=WIPED, finalizers=()), secret=None, listed=(TOKEN_1,)),
            says=(State.PROGRESSING, Reason.UNTRACKED),
            records=Noted(None, None, (Leaving(1, 12 * HOUR),), None),
            works=False,
        ),
        row(
            "A suspended object does not speak of an adoption that waits.",
            adopting(
                seen(
                    an_api_token(annotations=DESIRED, status=a_status(current=None), suspend=True),
                    secret=None,
                    listed=(),
                )
            ),
            says=(State.READY, Reason.SUSPENDED),
            records=Noted(None, None),
            works=False,
        ),
    ],
)
def test_the_books_are_kept_before_anything_is_begun(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "An adoption waits: an old token goes all the same.",
            adopting(
                seen(
                    an_api_token(annotations=DESIRED, status=a_status(current=None, previous=(OVERDUE,))),
                    secret=None,
                )
            ),
            does="revoke 1",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(current=None),
            works=False,
        ),
        row(
            "A form is not allowed: a Secret from which the value has moved goes all the same.",
            limited(
                seen(
                    an_api_token(secret_template=FORBIDDEN_LABEL, secret_name="renamed"),
                    secret=a_secret(name="renamed"),
                    former_secret=a_secret(),
                )
            ),
            does="delete Secret billing",
            says=(State.PROGRESSING, Reason.SECRET_OUTDATED),
            records=Noted(secret_name="renamed"),
        ),
        row(
            "The namespace has too many tokens for a rotation: a token is adopted all the same.",
            adopting(
                seen(an_api_token(annotations=CONFIRMED, display_name="other")), policy=CROWDED, tokens=1
            ),
            says=(State.PROGRESSING, Reason.ADOPTED),
            records=Noted(previous=(Leaving(7, 12 * HOUR, Reason.ADOPTED),)),
        ),
        row(
            "A token is needed and cannot be had: the former Secret stays, for only it may hold a value.",
            seen(
                an_api_token(secret_name="renamed", display_name="other"),
                secret=None,
                former_secret=replace(a_secret(), layout={}),
                listed=Unknown(Reason.REMOTE_UNAVAILABLE, "no answer", MINUTE),
            ),
            says=(State.BLOCKED, Reason.REMOTE_UNAVAILABLE),
            again=MINUTE,
            works=False,
        ),
    ],
)
def test_what_blocks_is_parked_while_maintenance_continues(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_the_first_obstacle_is_told_when_there_is_no_maintenance() -> None:
    world = limited(
        seen(an_api_token(secret_template=FORBIDDEN_LABEL, display_name="other"), listed=UNLISTED)
    )

    assert Decision(
        does="nothing",
        state=State.STALLED,
        reason=Reason.SPEC_INVALID,
        records=Noted(),
        again=MINUTE,
        works=True,
    ) == decision(world)


def test_a_first_token_needs_no_list_but_the_policy_must_be_known_to_allow_it() -> None:
    unused = an_api_token(status=WIPED, finalizers=())
    world = seen(unused, secret=None, listed=UNLISTED, tenancy=Tenancy(COUNTED, labels=UNREAD))

    assert FINALIZER not in unused.metadata.finalizers
    assert Decision(
        does="nothing",
        state=State.BLOCKED,
        reason=Reason.NAMESPACE_NOT_READ,
        records=Noted(current=None, secret_name=None),
        again=7 * SECOND,
        works=False,
    ) == decision(world)
