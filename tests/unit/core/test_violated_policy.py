"""What an account's policy does not allow: nothing is issued any more, while all that is there continues to its end."""

from collections.abc import Mapping
from datetime import datetime

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION
from mailtrap_operator.api.v1alpha1 import AccountPolicy, Expiration
from mailtrap_operator.core.actions import Done, State
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.observation import (
    LABELS_NOT_READ,
    Found,
    Observation,
    Tenancy,
    TokenCount,
    Unknown,
)
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.policy import violation
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    DAY,
    HOUR,
    LOST_NONCE,
    MINUTE,
    NOW,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    a_value_in_memory,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.deleting import claimed
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

NOT_SERVED = Tenancy(AccountPolicy())
"""The object's namespace is not the operator's."""
AT_MOST_ONE = AccountPolicy.model_validate(
    {"allowedNamespaces": {"names": ["*"]}, "maxTokensPerNamespace": 1}
)
TOO_MANY = Tenancy(AT_MOST_ONE, tokens=Found(TokenCount(others=1, own=0, reserved=0)))
TWO_OF_ITS_OWN = Tenancy(AT_MOST_ONE, tokens=Found(TokenCount(others=0, own=2, reserved=0)))
ONE_OF_ITS_OWN = Tenancy(AT_MOST_ONE, tokens=Found(TokenCount(others=1, own=1, reserved=1)))
BY_LABELS = AccountPolicy.model_validate(
    {"allowedNamespaces": {"selector": {"matchLabels": {"mail": "yes"}}}}
)
UNREADABLE = Unknown(Reason.KUBERNETES_REFUSED, "The labels of namespace shop cannot be read.", 7 * SECOND)

VIOLATED = (State.STALLED, Reason.POLICY_VIOLATED)
ISSUING = (State.PROGRESSING, Reason.FIRST_TOKEN)
NEW = an_api_token(status=WIPED, finalizers=())
NEVER_SERVED = Noted(current=None, secret_name=None)


def labelled(labels: Mapping[str, str] | Unknown) -> Tenancy:
    return Tenancy(BY_LABELS, labels=labels if isinstance(labels, Unknown) else Found(labels))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new object gets no token; only a change of the policy or the spec brings another look.",
            seen(NEW, secret=None, listed=(), tenancy=NOT_SERVED),
            says=VIOLATED,
            works=False,
        ),
        row(
            "Another object may go: it is looked at again.",
            seen(NEW, secret=None, listed=(), tenancy=TOO_MANY),
            says=VIOLATED,
            again=MINUTE,
            works=False,
        ),
        row(
            "An adoption is not spoken of to who has no place.",
            seen(
                an_api_token(status=WIPED, finalizers=(), annotations={ADOPT_ANNOTATION: "7"}),
                secret=None,
                listed=(),
                tenancy=TOO_MANY,
            ),
            says=VIOLATED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The tokens of the namespace were not counted yet: nothing is issued.",
            seen(NEW, secret=None, listed=(), tenancy=Tenancy(AT_MOST_ONE)),
            says=(State.BLOCKED, Reason.ACCOUNT_NOT_LISTED),
            works=False,
        ),
        row(
            "The namespace may be labelled: it is looked at again.",
            seen(NEW, secret=None, listed=(), tenancy=labelled({})),
            says=VIOLATED,
            again=MINUTE,
            works=False,
        ),
        row(
            "The account does not answer, which does not matter to who may not use it.",
            seen(
                NEW,
                secret=None,
                listed=Unknown(Reason.CREDENTIAL_REFUSED, "no longer"),
                tenancy=NOT_SERVED,
            ),
            says=VIOLATED,
            again=MINUTE,
            works=False,
        ),
        row(
            "Whether the namespace has the labels is not known: nothing is issued.",
            seen(NEW, secret=None, listed=(), tenancy=labelled(UNREADABLE)),
            says=(State.BLOCKED, Reason.KUBERNETES_REFUSED),
            again=7 * SECOND,
            works=False,
        ),
        row(
            "The namespace has the labels.",
            seen(NEW, secret=None, listed=(), tenancy=labelled({"mail": "yes"})),
            does="create",
            says=ISSUING,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "A suspended object speaks of nothing else.",
            seen(
                an_api_token(status=WIPED, finalizers=(), suspend=True),
                secret=None,
                listed=(),
                tenancy=NOT_SERVED,
            ),
            says=(State.READY, Reason.SUSPENDED),
            works=False,
        ),
    ],
)
def test_an_object_without_a_token_gets_none(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def ending(end: datetime) -> Observation:
    status = a_status(current=a_current(issued_at=NOW - 90 * DAY, expires_at=end))
    listed = (a_remote_token(expires_at=end),)
    return seen(an_api_token(status=status), listed=listed, tenancy=NOT_SERVED)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row("The value that is there works on.", seen(tenancy=NOT_SERVED), says=VIOLATED),
        row(
            "Its namespace has too many tokens, and nothing is needed: it does not matter.",
            seen(tenancy=TWO_OF_ITS_OWN),
            says=(State.READY, Reason.TOKEN_PUBLISHED),
        ),
        row(
            "A rotation may exceed the count by one.",
            seen(an_api_token(display_name="other"), tenancy=ONE_OF_ITS_OWN),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "A further one waits for the end of an overlap.",
            seen(an_api_token(display_name="other"), tenancy=TWO_OF_ITS_OWN),
            says=VIOLATED,
            again=MINUTE,
        ),
        row("It is not renewed: it ends by itself.", ending(NOW + HOUR), says=VIOLATED, again=HOUR),
        row("It has ended.", ending(NOW - HOUR), says=VIOLATED, works=False),
        row(
            "Other permissions are not issued.",
            seen(an_api_token(display_name="other"), tenancy=NOT_SERVED),
            says=VIOLATED,
        ),
        row(
            "A lost Secret is not restored.",
            seen(secret=None, tenancy=NOT_SERVED),
            says=VIOLATED,
            works=False,
        ),
        row(
            "The account does not answer: what is left to do there is tried again.",
            seen(listed=TIMEOUT, tenancy=NOT_SERVED),
            says=VIOLATED,
            again=MINUTE,
        ),
        row(
            "A date comes near enough by itself.",
            seen(
                an_api_token(expiration=Expiration(policy="At", at=NOW + 90 * DAY)),
                tenancy=Tenancy(
                    AccountPolicy.model_validate(
                        {"allowedNamespaces": {"names": ["*"]}, "maxLifetime": "720h"}
                    )
                ),
            ),
            says=VIOLATED,
            again=MINUTE,
        ),
        row(
            "Whether the namespace has the labels is not known, and nothing is needed: it does not matter.",
            seen(tenancy=labelled(LABELS_NOT_READ)),
            says=(State.READY, Reason.TOKEN_PUBLISHED),
        ),
        row(
            "Whether the namespace has the labels is not known, and a token is needed: it waits.",
            seen(secret=None, tenancy=labelled(UNREADABLE)),
            says=(State.BLOCKED, Reason.KUBERNETES_REFUSED),
            again=7 * SECOND,
            works=False,
        ),
    ],
)
def test_a_token_that_is_there_is_kept_and_not_followed(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


CLAIMED = an_api_token(status=a_status(operation=an_operation()))
SETTLED = an_api_token(status=a_status(operation=an_operation(ago=MINUTE)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A value in memory is published.",
            seen(CLAIMED, unpublished=a_value_in_memory(), tenancy=NOT_SERVED),
            does="publish 2",
            says=(State.PROGRESSING, Reason.PUBLISHING),
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "A published value is recorded.",
            seen(
                CLAIMED,
                secret=a_secret(2, nonce=LOST_NONCE),
                listed=(TOKEN_1, a_remote_token(2, nonce=LOST_NONCE)),
                tenancy=NOT_SERVED,
            ),
            says=(State.PROGRESSING, Reason.PUBLISHING),
            records=Noted(current=2, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "A lost answer settles.",
            seen(CLAIMED, tenancy=NOT_SERVED),
            says=(State.PROGRESSING, Reason.ANSWER_LOST),
            again=59 * SECOND,
        ),
        row(
            "A finished operation is removed from the status.",
            seen(SETTLED, tenancy=NOT_SERVED),
            says=(State.PROGRESSING, Reason.REVOKED),
            records=Noted(),
        ),
        row(
            "A token that no one knows is retired.",
            seen(listed=(TOKEN_1, a_remote_token(2, nonce=LOST_NONCE)), tenancy=NOT_SERVED),
            says=(State.PROGRESSING, Reason.UNTRACKED),
            records=Noted(previous=(Leaving(2, 12 * HOUR),)),
        ),
        row(
            "An old token whose overlap is over goes.",
            seen(
                an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW),))),
                listed=(TOKEN_1, a_remote_token(2)),
                tenancy=NOT_SERVED,
            ),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(),
        ),
        row(
            "An old token works to the end of its overlap; then it is looked at again.",
            seen(
                an_api_token(status=a_status(previous=(a_previous(2),))),
                listed=(TOKEN_1, a_remote_token(2)),
                tenancy=NOT_SERVED,
            ),
            says=VIOLATED,
            again=HOUR,
        ),
        row(
            "The value moves to another Secret.",
            seen(
                an_api_token(secret_name="renamed"), secret=None, former_secret=a_secret(), tenancy=NOT_SERVED
            ),
            does="move billing to renamed",
            says=(State.PROGRESSING, Reason.SECRET_OUTDATED),
            works=False,
        ),
        row(
            "Its former Secret goes.",
            seen(
                an_api_token(secret_name="renamed"),
                secret=a_secret(name="renamed"),
                former_secret=a_secret(),
                tenancy=NOT_SERVED,
            ),
            does="delete Secret billing",
            says=(State.PROGRESSING, Reason.SECRET_OUTDATED),
            records=Noted(secret_name="renamed"),
        ),
        row(
            "The Secret gets another form.",
            seen(secret=a_secret(labels={"edited": "yes"}), tenancy=NOT_SERVED),
            does="rewrite billing",
            says=(State.PROGRESSING, Reason.SECRET_OUTDATED),
        ),
        row(
            "The object is deleted.",
            seen(claimed(), tenancy=NOT_SERVED),
            does="revoke 1",
            says=(State.PROGRESSING, Reason.DELETING),
            records=Noted("Delete ", current=None),
            works=False,
        ),
    ],
)
def test_running_reconcile_continues_to_its_end(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_a_served_object_is_ready_and_says_why_it_stands_still() -> None:
    world = seen(tenancy=NOT_SERVED)

    status = status_after(world.api_token, plan(world, NOW), Done(), NOW)
    conditions = {condition.type: condition for condition in status.conditions}
    assert {"Ready": "True", "Stalled": "True"} == {type_: c.status for type_, c in conditions.items()}
    assert Reason.TOKEN_PUBLISHED == conditions["Ready"].reason
    found = violation(ObservedState(world, NOW))
    assert found is not None
    assert (Reason.POLICY_VIOLATED, found.message) == (
        conditions["Stalled"].reason,
        conditions["Stalled"].message,
    )
