"""Writes that do not last: which of them wait, what is reported them, and what continues all the same."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.core import reverts
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.desired_state import desired_secret, form_digest, form_of, form_wanted
from mailtrap_operator.core.observation import Found, Observation
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.reverts import Reverted
from tests.unit.core.builders import (
    CURRENT_1,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    TOKEN_1,
    a_previous,
    a_secret,
    a_status,
    an_api_token,
    seen,
)
from tests.unit.core.deleting import claimed
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row
from tests.unit.core.test_consumers import READY, RESTARTING, a_workload, moving
from tests.unit.core.test_retiring import OVERDUE, retiring

LATER = NOW + 10 * MINUTE
REVERTED = (State.STALLED, Reason.REVERTED_AT_ADMISSION)
OUTDATED = (State.PROGRESSING, Reason.SECRET_OUTDATED)


def a_revert(target: str, wanted: str = reverts.THERE, found: str = reverts.GONE, **more: Any) -> Reverted:
    reverted = Reverted(target, wanted, found, "metadata.x", is_at_admission=True, retry_at=LATER)
    return replace(reverted, **more)


def labelled(team: str = "payments", **revert: Any) -> Observation:
    """Return an object that wants a label `team: payments` and whose Secret was given another one at admission."""
    template = {"metadata": {"labels": {"team": team}}}
    world = seen(an_api_token(secret_template=template), secret=a_secret(labels={"team": "PAYMENTS"}))
    s = ObservedState(world, NOW)
    wanted = seen(an_api_token(secret_template={"metadata": {"labels": {"team": "payments"}}}))
    assert s.secret is not None
    forms = (
        form_wanted(desired_secret(ObservedState(wanted, NOW), CURRENT_1)),
        form_of(s.secret, world.api_token.metadata.uid),
    )
    revert = {"changes": "metadata.labels.team"} | revert
    reverted = a_revert(reverts.secret_target(s.secret_name), *map(form_digest, forms), **revert)
    return replace(world, reverted=(reverted,))


def unfinalized(reverted: Reverted | None = None, **api_token: Any) -> Observation:
    """Return an object whose finalizer is gone."""
    world = seen(an_api_token(finalizers=(), **api_token))
    return replace(world, reverted=(reverted,) if reverted else ())


FINALIZER = a_revert(reverts.FINALIZER_TARGET)
CLAIM = a_revert(reverts.CLAIM_TARGET)
RESTART = a_revert("Deployment billing", "1", reverts.GONE)
STATUS = a_revert(reverts.STATUS_TARGET, changes="status.previous.id", holds_all=True)
OTHER_RESTART = a_revert("Deployment billing", "7", reverts.GONE)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row("A label was changed at admission: the Secret stays as it is.", labelled(), says=READY, again=10 * MINUTE),
        row("The pause is over: it is written once more.", labelled(retry_at=NOW), does="rewrite billing", says=OUTDATED),
        row(
            "The spec asks for another label: that was not tried yet.",
            labelled("billing"),
            does="rewrite billing",
            says=OUTDATED,
            again=10 * MINUTE,
        ),
        row("A finalizer that is gone is put back.", unfinalized(), does="add the finalizer", says=(State.PROGRESSING, Reason.FINALIZER_MISSING)),
        row("It was taken away at admission: what there is works on.", unfinalized(FINALIZER), says=READY, again=10 * MINUTE),
        row(
            "No token is issued for an object that cannot keep its finalizer.",
            unfinalized(FINALIZER, display_name="other"),
            says=REVERTED,
            again=10 * MINUTE,
        ),
        row(
            "Nor for one that cannot keep a claim.",
            replace(seen(an_api_token(display_name="other")), reverted=(CLAIM,)),
            says=REVERTED,
            again=10 * MINUTE,
        ),
        row(
            "A token whose time is over goes meanwhile.",
            replace(
                seen(
                    an_api_token(status=a_status(previous=(a_previous(2, delete_after=NOW),)), display_name="other"),
                    listed=(TOKEN_1, replace(TOKEN_1, id=2)),
                ),
                reverted=(CLAIM,),
            ),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(),
            again=10 * MINUTE,
        ),
        row(
            "No status lasts: a token that no list shows is gone as far as is known, and is not asked for again.",
            replace(retiring(OVERDUE, listed=()), reverted=(STATUS,)),
            says=READY,
            again=10 * MINUTE,
        ),
        row(
            "No status lasts, and a token whose time is over is there: it goes.",
            replace(retiring(OVERDUE, listed=(2,)), reverted=(STATUS,)),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(),
            again=10 * MINUTE,
        ),
        row(
            "The pause is over: one that no list shows is asked for again.",
            replace(retiring(OVERDUE, listed=()), reverted=(replace(STATUS, retry_at=NOW),)),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(),
        ),
        row(
            "No status lasts, and the object is deleted: it waits where no list shows what is left.",
            replace(seen(claimed(), listed=()), reverted=(STATUS,)),
            says=(State.BLOCKED, Reason.REVERTED_AT_ADMISSION),
            records=Noted("Delete "),
            again=10 * MINUTE,
            works=False,
        ),
        row(
            "The mark of a restart was taken away at admission: it is not restarted once more.",
            replace(moving(a_workload(2), rollout="Due"), reverted=(RESTART,)),
            says=READY,
            records=Noted(previous=(Leaving(2, 0 * HOUR),)),
            again=30 * SECOND,
        ),
        row(
            "The mark of another restart was.",
            replace(moving(a_workload(2), rollout="Due"), reverted=(OTHER_RESTART,)),
            does="restart billing",
            says=RESTARTING,
            again=10 * MINUTE,
        ),
    ],
)  # fmt: skip
def test_rotations_wait_and_repairs_continue(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def told(world: Observation) -> tuple[str, str] | None:
    notices = {notice.type: notice for notice in plan(world, NOW).notices}
    notice = notices.get(reverts.CONDITION)
    return (notice.reason, notice.message) if notice else None


AT_ADMISSION, PAUSES = (
    "An admission policy or a webhook changes what is written to",
    "It is written again in growing pauses.",
)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(
            labelled(),
            ("RevertedAtAdmission", f"{AT_ADMISSION} Secret billing: metadata.labels.team. {PAUSES}"),
            id="At admission: the field is named.",
        ),
        pytest.param(
            labelled(is_at_admission=False, changes=" (field manager 'kyverno')"),
            (
                "RevertedByAnother",
                f"Something else (field manager 'kyverno') changes Secret billing back each time that it is written. {PAUSES}",
            ),
            id="By another client: it is named.",
        ),
        pytest.param(
            replace(labelled(), secret=Found(a_secret())), None, id="The Secret is another one by now."
        ),
        pytest.param(
            replace(labelled(), reverted=(a_revert("Secret former"),)), None, id="It was another Secret."
        ),
        pytest.param(
            unfinalized(FINALIZER),
            ("RevertedAtAdmission", f"{AT_ADMISSION} the finalizer: metadata.x. {PAUSES}"),
            id="The finalizer is gone.",
        ),
        pytest.param(replace(seen(), reverted=(FINALIZER,)), None, id="The finalizer is there."),
        pytest.param(
            replace(seen(), reverted=(a_revert(reverts.STATUS_TARGET, changes="status.expires"),)),
            ("RevertedAtAdmission", f"{AT_ADMISSION} the status: status.expires. {PAUSES}"),
            id="The status.",
        ),
    ],
)
def test_reverted_write_is_reported_with_its_target(
    world: Observation, expected: tuple[str, str] | None
) -> None:
    assert expected == told(world)


@pytest.mark.parametrize(
    ("written", "stored", "expected"),
    [
        ({"a": 1, "b": {"c": 2}}, {"a": 1, "b": {"c": 2, "d": 3}, "e": 4}, ""),
        ({"a": 1, "b": {"c": 2}}, {"a": 2, "b": {}}, "a, b.c"),
        ({"a": {"b": 1}}, {"a": [1]}, "a"),
        ({"a": [1, 2]}, {"a": [1]}, "a"),
        (dict.fromkeys("abcde", 1), {}, "a, b, c and 2 more"),
    ],
)
def test_the_fields_that_are_not_as_they_were_written_are_named(
    written: Mapping[str, Any], stored: Mapping[str, Any], expected: str
) -> None:
    assert expected == reverts.named(reverts.changes_between(written, stored))


@pytest.mark.parametrize(
    ("target", "pair", "after", "expected"),
    [
        ("Secret x", ("a", "b"), timedelta(), True),
        ("Secret x", ("a", "b"), HOUR, False),
        ("Secret x", ("a", "c"), timedelta(), False),
        ("Secret y", ("a", "b"), timedelta(), False),
        ("the status", ("a", "c"), timedelta(), True),
    ],
)
def test_a_write_waits_where_the_same_one_did_not_last(
    target: str, pair: tuple[str, str], after: timedelta, *, expected: bool
) -> None:
    reverted = (a_revert("Secret x", "a", "b"), a_revert("the status", "a", "b", holds_all=True))

    assert expected == (reverts.held_back(reverted, target, *pair, NOW + after) is not None)
