"""A Secret of the desired name that is not this object's: whose it is in words, and when it may be written all the same."""

from dataclasses import replace

import pytest

from mailtrap_operator.core.actions import Done, IssueToken, RewriteSecret
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.observation import Observation, OwnerReference, SecretState
from mailtrap_operator.core.ownership import MadeFor, Neighbour, owner_of
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import is_in_the_way
from tests.unit.core.builders import (
    ANOTHERS_REFERENCE,
    INSTALLATION,
    NAME,
    NAMESPACE,
    NOW,
    OWN_REFERENCE,
    SECOND,
    WIPED,
    a_foreign_secret,
    a_secret,
    a_status,
    an_api_token,
    seen,
)

CERTIFICATE = OwnerReference("cert-manager.io/v1", "Certificate", "tls", "uid-c")
OTHER = "Choose another spec.secretName"


def made_for(name: str, uid: str, *, owners: tuple[OwnerReference, ...] = ()) -> SecretState:
    """Return a Secret that names another object of the namespace; without a `uid` nothing proves that."""
    owner = f"{INSTALLATION}-{owner_of(INSTALLATION, NAMESPACE, name, uid or 'somewhere')}"
    return replace(a_secret(owner=owner, owners=owners), made_for=MadeFor(name, uid))


LEFT_BEHIND = made_for(NAME, "uid-0")
MAILERS = made_for("mailer", "uid-2")
RENAMED = an_api_token(status=a_status(secret_name="former"))


def a_look(secret: SecretState, neighbour: Neighbour | None = None) -> Observation:
    return replace(seen(an_api_token(status=WIPED), secret=secret, listed=()), neighbour=neighbour)


@pytest.mark.parametrize(
    ("world", "says"),
    [
        pytest.param(
            a_look(a_foreign_secret()),
            f"It does not say whose it is. {OTHER}, or delete that Secret. Or let it be overwritten: annotate it with "
            f"mailtrap-operator.io/hand-over-to: {NAME}.",
            id="nothing",
        ),
        pytest.param(
            a_look(replace(a_foreign_secret(), owners=(CERTIFICATE, ANOTHERS_REFERENCE))),
            f"It belongs to Certificate tls and ApiToken another, as its ownerReferences say. {OTHER}.",
            id="references alone",
        ),
        pytest.param(
            a_look(replace(a_foreign_secret(), owners=(OWN_REFERENCE,))),
            "It refers to this ApiToken as its owner, but lacks the operator's marks (annotations): someone edited it. "
            "Delete it, and a new value is published.",
            id="its own, without marks",
        ),
        pytest.param(
            a_look(MAILERS, Neighbour("mailer", NAME)),
            f"It holds the token of ApiToken mailer. {OTHER}.",
            id="another living object's",
        ),
        pytest.param(
            a_look(MAILERS, Neighbour("mailer", "elsewhere", moves=True)),
            "It holds the token of ApiToken mailer, which is to move to Secret elsewhere: when that is done, this ApiToken "
            "continues by itself.",
            id="another living object's that moves away",
        ),
        pytest.param(
            a_look(MAILERS, Neighbour("mailer", "elsewhere")),
            "It has the marks of ApiToken mailer, whose own Secret is elsewhere: it is a copy. "
            f"{OTHER}, or delete the Secret when no one uses its value.",
            id="a copy of another living object's",
        ),
        pytest.param(
            a_look(MAILERS),
            f"It was left behind by ApiToken mailer, which is gone. {OTHER}, or delete the Secret when no one uses its value.",
            id="another object's that is gone",
        ),
        pytest.param(
            a_look(made_for(NAME, "uid-0", owners=(CERTIFICATE,))),
            "It was left behind by a former ApiToken of this name, which is gone, and belongs to Certificate tls by now. "
            f"{OTHER}, or delete the Secret when no one uses its value.",
            id="a former object's of this name that someone else has taken",
        ),
        pytest.param(
            a_look(made_for(NAME, "")),
            f"Its marks name an ApiToken {NAME} and do not prove that it is one of this namespace: it was copied from another "
            f"one, or edited. {OTHER}, or delete the Secret when no one uses its value.",
            id="marks that prove nothing",
        ),
    ],
)
def test_the_message_says_whose_it_is_as_far_as_its_marks_know(world: Observation, says: str) -> None:
    planned = plan(world, NOW)

    assert (None, Reason.SECRET_NOT_OWNED, 10 * SECOND) == (
        planned.action,
        planned.finding.reason,
        planned.requeue_after,
    )
    assert (
        f"Secret billing exists and does not belong to this ApiToken: it is left as it is. {says}"
        == planned.finding.message
    )


def test_the_status_knows_that_a_secret_stands_in_the_way() -> None:
    world = a_look(a_foreign_secret())
    told = status_after(world.api_token, plan(world, NOW), Done(), NOW)

    assert is_in_the_way(an_api_token(status=told))
    assert not is_in_the_way(an_api_token())


def test_a_secret_that_a_former_object_of_this_name_left_behind_is_taken_over() -> None:
    action = plan(a_look(LEFT_BEHIND), NOW).action

    assert isinstance(action, IssueToken)
    assert (NAME, LEFT_BEHIND.resource_version) == (action.secret.name, action.secret.resource_version)


def test_a_secret_whose_owner_waits_in_a_ring_takes_the_value_that_moves() -> None:
    world = replace(
        seen(RENAMED, secret=MAILERS, former_secret=a_secret(name="former")),
        neighbour=Neighbour("mailer", "former", moves=True, makes_room=True),
    )

    action = plan(world, NOW).action

    assert isinstance(action, RewriteSecret)
    assert ("former", NAME, MAILERS.resource_version) == (
        action.source.name,
        action.secret.name,
        action.secret.resource_version,
    )


def test_what_a_secret_holds_counts_only_where_its_marks_prove_whose_it_is() -> None:
    owner = (LEFT_BEHIND.owner or "").partition("-")[2]

    assert frozenset({(owner, 1)}) == LEFT_BEHIND.held
    assert frozenset() == made_for(NAME, "").held
    assert frozenset() == replace(LEFT_BEHIND, layout={}).held
    assert frozenset() == a_foreign_secret().held
