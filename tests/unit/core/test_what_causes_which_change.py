"""The table "What causes which change" of the design, line by line."""

from typing import Any

import pytest

from mailtrap_operator.api.names import ABANDON_ANNOTATION, ADOPT_ANNOTATION, ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import (
    Expiration,
    Resource,
    RestartTarget,
    Rotation,
    SecretTemplate,
    TemplateMetadata,
    Window,
)
from mailtrap_operator.core.observation import Found, Observation
from mailtrap_operator.core.planning import plan
from tests.unit.core.builders import (
    DAY,
    HOUR,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    SECRET_1,
    TOKEN_1,
    a_current,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_edited_secret,
    seen,
)
from tests.unit.core.rows import summary

RESET = "reset"
REPLACE = "replace: create, publish, delete the old one after the overlap"
CREATE = "create"
MOVES = "the same value moves; nothing remote"
NOTHING = "nothing remote, ever"

REPLACING = Rotation(strategy="Replace")
NIGHT = Window(schedule="0 2 * * *", duration=HOUR)


def effect(world: Observation) -> str:
    """Return what a change leads to."""
    planned = plan(world, NOW)
    match summary(planned).split()[0]:
        case "reset":
            return RESET
        case "create":
            return REPLACE if any(token.id in living(world) for token in planned.record.previous) else CREATE
        case "move" | "rewrite" | "delete":
            return MOVES
        case does:
            return {"nothing": NOTHING}[does]


def living(world: Observation) -> set[int]:
    """Return the tokens that still authenticate."""
    lists = (view.tokens.value for view in world.accounts if isinstance(view.tokens, Found))
    return {token.id for tokens in lists for token in tokens if token.is_live(NOW)}


def with_spec(**spec: Any) -> Observation:
    """Return the served object with another spec."""
    return seen(an_api_token(**spec))


def ending(expires_in: Any, **spec: Any) -> Observation:
    """Return the served object whose token was granted ninety days, all but `expires_in` of which are over."""
    end = NOW + expires_in
    current = a_current(issued_at=end - 90 * DAY, expires_at=end)
    return seen(
        an_api_token(status=a_status(current=current), **spec), listed=(a_remote_token(expires_at=end),)
    )


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(
            with_spec(expiration=Expiration(policy="Never")), RESET, id="expiration changed to never"
        ),
        pytest.param(
            with_spec(expiration=Expiration(policy="After", after=90 * DAY)),
            RESET,
            id="expiration changed to a span",
        ),
        pytest.param(
            with_spec(expiration=Expiration(policy="At", at=NOW + 90 * DAY)),
            RESET,
            id="expiration changed to a date",
        ),
        pytest.param(ending(20 * DAY), RESET, id="renewal due by default: a third of the lifetime is left"),
        pytest.param(ending(60 * DAY), NOTHING, id="renewal not yet due by default"),
        pytest.param(
            ending(60 * DAY, rotation=Rotation(renew_before=61 * DAY)), RESET, id="renewal due by renewBefore"
        ),
        pytest.param(
            ending(60 * DAY, rotation=Rotation(renew_before_percentage=70)),
            RESET,
            id="renewal due by renewBeforePercentage",
        ),
        pytest.param(
            with_spec(rotation=Rotation(every=29 * DAY)),
            RESET,
            id="older than rotation.every, nothing expires",
        ),
        pytest.param(
            with_spec(annotations={ROTATE_ANNOTATION: "now"}),
            RESET,
            id="rotate annotation set to a new value",
        ),
        pytest.param(
            with_spec(annotations={ROTATE_ANNOTATION: "now"}, rotation=REPLACING),
            REPLACE,
            id="rotate annotation set to a new value, strategy Replace",
        ),
        pytest.param(seen(secret=None), RESET, id="Secret deleted"),
        pytest.param(seen(secret=an_edited_secret()), RESET, id="Secret edited, or its key lost"),
        pytest.param(
            seen(listed=(a_remote_token(expires_at=NOW + 12 * HOUR),)), RESET, id="token reset remotely"
        ),
        pytest.param(
            seen(listed=(a_remote_token(expires_at=NOW + DAY),)), RESET, id="token about to expire remotely"
        ),
        pytest.param(
            seen(an_api_token(status=a_status(current=a_current(reset_refused=True))), secret=None),
            REPLACE,
            id="Secret deleted, and the server refused to reset",
        ),
        pytest.param(
            seen(an_api_token(rotation=REPLACING), secret=None),
            REPLACE,
            id="Secret deleted, strategy Replace",
        ),
        pytest.param(ending(20 * DAY, rotation=REPLACING), REPLACE, id="renewal due, strategy Replace"),
        pytest.param(
            with_spec(expiration=Expiration(policy="Never"), rotation=REPLACING),
            REPLACE,
            id="expiration changed, strategy Replace",
        ),
        pytest.param(
            with_spec(resources=(Resource(type="domain", id=7, access_level="Viewer"),)),
            REPLACE,
            id="access level changed",
        ),
        pytest.param(
            with_spec(resources=(Resource(type="domain", id=8, access_level="Admin"),)),
            REPLACE,
            id="resource changed",
        ),
        pytest.param(with_spec(display_name="mailer"), REPLACE, id="displayName changed"),
        pytest.param(
            seen(an_api_token(account_ref=OTHER_ACCOUNT), listed=(), listed_elsewhere=(TOKEN_1,)),
            REPLACE,
            id="account changed",
        ),
        pytest.param(
            with_spec(display_name="mailer", expiration=Expiration(policy="Never")),
            REPLACE,
            id="name and expiration changed together",
        ),
        pytest.param(seen(listed=()), CREATE, id="token gone remotely"),
        pytest.param(
            seen(listed=(a_remote_token(expires_at=NOW - SECOND),)),
            CREATE,
            id="token expired, and is still listed",
        ),
        pytest.param(
            seen(
                an_api_token(status=a_status(current=a_current(expires_at=NOW - SECOND))),
                listed=(),
            ),
            CREATE,
            id="token expired remotely, and the server removed it",
        ),
        pytest.param(
            seen(an_api_token(secret_name="renamed"), secret=None, former_secret=SECRET_1),
            MOVES,
            id="secretName changed",
        ),
        pytest.param(
            with_spec(secret_template=SecretTemplate(data={"MAILTRAP_API_TOKEN": "${token}"})),
            MOVES,
            id="secretTemplate changed: another key",
        ),
        pytest.param(
            with_spec(secret_template=SecretTemplate(metadata=TemplateMetadata(labels={"team": "a"}))),
            MOVES,
            id="secretTemplate changed: a label",
        ),
        pytest.param(seen(secret=a_secret(owners=())), MOVES, id="owner reference of the Secret removed"),
        pytest.param(with_spec(creation_policy="Orphan"), MOVES, id="creationPolicy changed"),
        pytest.param(
            with_spec(secret_template=SecretTemplate(previous_key="before")),
            NOTHING,
            id="previousKey: the next rotation heeds it",
        ),
        pytest.param(
            with_spec(rollout_restart_targets=(RestartTarget(kind="Deployment", name="billing"),)),
            NOTHING,
            id="restart targets",
        ),
        pytest.param(
            with_spec(rotation=Rotation(max_overlap=13 * HOUR)), NOTHING, id="the hard limit of the overlap"
        ),
        pytest.param(with_spec(drift_policy="Report"), NOTHING, id="driftPolicy, nothing has drifted"),
        pytest.param(
            with_spec(annotations={ADOPT_ANNOTATION: "7"}), NOTHING, id="a token to adopt, not confirmed"
        ),
        pytest.param(
            with_spec(annotations={ABANDON_ANNOTATION: "true"}), NOTHING, id="the way out of a deletion"
        ),
        pytest.param(with_spec(annotations={"team": "a"}), NOTHING, id="annotations of the object"),
        pytest.param(with_spec(deletion_policy="Retain"), NOTHING, id="deletionPolicy"),
        pytest.param(with_spec(rotation=Rotation(overlap=HOUR)), NOTHING, id="overlap"),
        pytest.param(with_spec(rotation=REPLACING), NOTHING, id="strategy"),
        pytest.param(with_spec(rotation=Rotation(policy="Manual")), NOTHING, id="rotation.policy"),
        pytest.param(with_spec(rotation=Rotation(every=31 * DAY)), NOTHING, id="every, not yet that old"),
        pytest.param(with_spec(rotation=Rotation(windows=(NIGHT,))), NOTHING, id="windows"),
        pytest.param(with_spec(rotation=Rotation(outside_windows="Never")), NOTHING, id="outsideWindows"),
        pytest.param(
            with_spec(rotation=Rotation(renew_before=DAY)), NOTHING, id="renewBefore, nothing expires"
        ),
        pytest.param(
            ending(60 * DAY, rotation=Rotation(renew_before=DAY)),
            NOTHING,
            id="renewBefore, the renewal moves away",
        ),
        pytest.param(with_spec(suspend=True), NOTHING, id="suspend"),
        pytest.param(
            with_spec(resources=(Resource(type="domain", id="7", access_level="Admin"),)),
            NOTHING,
            id="the same resource, its id written as text",
        ),
        pytest.param(with_spec(display_name="shop/billing"), NOTHING, id="the default name, written out"),
        pytest.param(seen(), NOTHING, id="nothing at all"),
    ],
)
def test_change_leads_to_its_action(world: Observation, expected: str) -> None:
    assert expected == effect(world)


@pytest.mark.parametrize(
    "expiration",
    [
        Expiration(policy="ServerDefault"),
        Expiration(policy="Never"),
        Expiration(policy="After", after=90 * DAY),
        Expiration(policy="At", at=NOW + 90 * DAY),
    ],
    ids=lambda expiration: expiration.policy,
)
def test_a_token_that_was_issued_as_desired_causes_nothing_more(expiration: Expiration) -> None:
    desired = an_api_token(expiration=expiration)
    served = an_api_token(expiration=expiration, status=a_status(current=a_current(desired=desired)))

    assert NOTHING == effect(seen(served))


def test_the_order_of_resources_is_no_change() -> None:
    first = Resource(type="domain", id=7, access_level="Admin")
    second = Resource(type="account", id=3229, access_level="Viewer")
    issued = an_api_token(resources=(first, second))
    turned = an_api_token(resources=(second, first), status=a_status(current=a_current(desired=issued)))

    assert NOTHING == effect(seen(turned))


def test_a_server_that_grants_another_end_than_was_asked_causes_nothing_more() -> None:
    after_ninety_days = Expiration(policy="After", after=90 * DAY)
    granted_no_end = a_current(desired=an_api_token(expiration=after_ninety_days), expires_at=None)

    assert NOTHING == effect(with_spec(expiration=after_ninety_days, status=a_status(current=granted_no_end)))


def test_two_changes_are_one_rotation() -> None:
    assert RESET == effect(seen(an_api_token(expiration=Expiration(policy="Never")), secret=None))
