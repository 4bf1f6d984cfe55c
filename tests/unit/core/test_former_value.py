"""The former value stays in the Secret beside the present one for as long as it works, where the spec asks for it."""

from dataclasses import replace
from datetime import timedelta

import pytest

from mailtrap_operator.api.v1alpha1 import ApiToken, PreviousToken, SecretTemplate
from mailtrap_operator.core.actions import IssueToken, RewriteSecret
from mailtrap_operator.core.observation import FormerValue, Observation
from mailtrap_operator.core.planning import plan
from tests.unit.core.builders import (
    HOUR,
    NOW,
    SECRET_1,
    TOKEN_1,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    an_edited_secret,
    seen,
)
from tests.unit.core.rows import decision

KEPT = SecretTemplate(previous_key="before")
SECRET_WITH_2 = replace(SECRET_1, former=FormerValue("before", 2))


def keeping(*previous: PreviousToken, template: SecretTemplate = KEPT, name: str | None = None) -> ApiToken:
    return an_api_token(status=a_status(previous=previous), secret_template=template, secret_name=name)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(
            seen(keeping(), secret=replace(SECRET_1, labels={})), None, id="a Secret that keeps none"
        ),
        pytest.param(
            seen(an_api_token(display_name="other", secret_template=KEPT)), 1, id="the value it replaces"
        ),
        pytest.param(
            seen(an_api_token(display_name="other")), None, id="the spec does not ask for it any more"
        ),
        pytest.param(
            seen(an_api_token(secret_template=KEPT), secret=an_edited_secret()),
            None,
            id="the value it replaces is lost",
        ),
    ],
)
def test_a_new_token_keeps_the_value_that_it_replaces(world: Observation, expected: int | None) -> None:
    action = plan(world, NOW).action

    assert isinstance(action, IssueToken | RewriteSecret)
    assert (FormerValue("before", expected) if expected else None) == action.secret.former


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(
            seen(keeping(a_previous(2)), secret=SECRET_WITH_2, listed=(TOKEN_1, a_remote_token(2))),
            "nothing",
            id="it still works: it stays",
        ),
        pytest.param(
            seen(
                keeping(a_previous(2, delete_after=NOW)),
                secret=SECRET_WITH_2,
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            "rewrite billing",
            id="its overlap is over: it goes before its token does",
        ),
        pytest.param(
            seen(keeping(a_previous(2, delete_after=NOW)), listed=(TOKEN_1, a_remote_token(2))),
            "revoke 2",
            id="it is gone: its token goes",
        ),
        pytest.param(seen(keeping(), secret=SECRET_WITH_2), "rewrite billing", id="its token is gone"),
        pytest.param(
            seen(
                keeping(a_previous(2), template=SecretTemplate()),
                secret=SECRET_WITH_2,
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            "rewrite billing",
            id="the spec does not ask for it any more",
        ),
        pytest.param(
            seen(
                keeping(a_previous(2), template=SecretTemplate(previous_key="older")),
                secret=SECRET_WITH_2,
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            "rewrite billing",
            id="another key is desired",
        ),
        pytest.param(
            seen(keeping(a_previous(2)), listed=(TOKEN_1, a_remote_token(2))),
            "nothing",
            id="someone edited it: what is lost is not missed",
        ),
    ],
)
def test_the_former_value_stays_as_long_as_its_token(world: Observation, expected: str) -> None:
    assert expected == decision(world).does


def test_the_former_value_moves_with_the_present_one() -> None:
    api_token = keeping(a_previous(2), name="renamed")
    world = seen(api_token, secret=None, former_secret=SECRET_WITH_2, listed=(TOKEN_1, a_remote_token(2)))

    action = plan(world, NOW).action

    assert isinstance(action, RewriteSecret)
    assert FormerValue("before", 2) == action.secret.former


def test_the_key_is_looked_at_again_when_the_overlap_ends() -> None:
    world = seen(
        keeping(a_previous(2, delete_after=NOW + HOUR)),
        secret=SECRET_WITH_2,
        listed=(TOKEN_1, a_remote_token(2)),
    )

    assert timedelta(hours=1) == plan(world, NOW).requeue_after
