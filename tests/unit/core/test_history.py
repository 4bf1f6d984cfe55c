"""What the status reports an object's tokens, and when it is repaired no more for a while."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import ROTATE_ANNOTATION
from mailtrap_operator.api.v1alpha1 import ApiToken, ApiTokenStatus, HistoryEntry
from mailtrap_operator.core.actions import IssueToken, Published, Record, RevokeToken, State
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.events import events_of
from mailtrap_operator.core.history import history_after
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    CURRENT_1,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_edited_secret,
    an_issuance,
    an_operation,
    seen,
)

HELD_1 = HistoryEntry(id=1, last_four="0001", issued_at=CURRENT_1.issued_at, outcome="Held")


def entry(id_: int, outcome: str, **parts: Any) -> HistoryEntry:
    return HistoryEntry.model_validate({"id": id_, "last_four": f"{id_:04}", "outcome": outcome, **parts})


def record(current: int | None = None, *previous: int) -> Record:
    return Record(None, a_current(current) if current else None, tuple(map(a_previous, previous)), None)


def before(
    *history: HistoryEntry, current: int | None = 1, previous: tuple[int, ...] = (), **parts: Any
) -> ApiTokenStatus:
    status = a_status(
        current=a_current(current) if current else None, previous=tuple(map(a_previous, previous)), **parts
    )
    return status.model_copy(update={"history": history})


ISSUED = CURRENT_1.issued_at
CLAIM = an_operation().model_copy(update={"cause": Reason.SECRET_MISSING})


@pytest.mark.parametrize(
    ("status", "after", "revoked", "expected"),
    [
        pytest.param(
            before(current=None, operation=CLAIM),
            record(2),
            None,
            [entry(2, "Held", issued_at=ISSUED, cause=Reason.SECRET_MISSING)],
            id="a token was issued: the claim says why",
        ),
        pytest.param(
            WIPED,
            record(2),
            None,
            [entry(2, "Held", issued_at=ISSUED)],
            id="a token was found in the Secret, and no one knows why it was issued",
        ),
        pytest.param(
            before(HELD_1, operation=CLAIM),
            record(2, 1),
            None,
            [
                entry(1, "Retired", issued_at=ISSUED, retired_at=NOW),
                entry(2, "Held", issued_at=ISSUED, cause=Reason.SECRET_MISSING),
            ],
            id="a token was rotated",
        ),
        pytest.param(
            before(HELD_1),
            record(1, 7),
            None,
            [HELD_1, entry(7, "Retired", retired_at=NOW)],
            id="the value of a token is lost",
        ),
        pytest.param(
            before(entry(7, "Retired", retired_at=NOW - HOUR), previous=(7,)),
            record(1, 7),
            None,
            [entry(7, "Retired", retired_at=NOW - HOUR)],
            id="nothing new",
        ),
        pytest.param(
            before(entry(7, "Retired", retired_at=NOW - HOUR), previous=(7,)),
            record(1),
            7,
            [entry(7, "Revoked", retired_at=NOW - HOUR)],
            id="a token was deleted",
        ),
        pytest.param(
            before(entry(7, "Retired", retired_at=NOW - HOUR), previous=(7,)),
            record(1),
            None,
            [entry(7, "Dropped", retired_at=NOW - HOUR)],
            id="a token turned out to be another object's",
        ),
        pytest.param(
            before(entry(7, "Retired", retired_at=NOW - HOUR), previous=(7,)),
            record(7, 1),
            None,
            [entry(7, "Held"), entry(1, "Retired", retired_at=NOW)],
            id="someone put an old value back",
        ),
        pytest.param(
            before(current=None, previous=(7,)),
            record(None, 7),
            None,
            [],
            id="a lost history is not made up from the record",
        ),
        pytest.param(
            before(*(entry(id_, "Revoked") for id_ in range(10, 20)), current=None),
            record(20),
            None,
            [*(entry(id_, "Revoked") for id_ in range(11, 20)), entry(20, "Held", issued_at=ISSUED)],
            id="the oldest go",
        ),
    ],
)
def test_what_the_history_tells(
    status: ApiTokenStatus, after: Record, revoked: int | None, expected: list[HistoryEntry]
) -> None:
    assert expected == list(history_after(status, after, revoked, NOW))


def test_an_issue_is_told_with_its_cause_and_a_deletion_with_its_token() -> None:
    issuing = plan(seen(secret=None), NOW)
    assert isinstance(issuing.action, IssueToken)
    claimed = an_api_token(status=a_status(operation=issuing.action.operation))
    issued = status_after(claimed, issuing, Published(a_remote_token(2), an_issuance()), NOW)
    assert [(1, "Retired", None), (2, "Held", Reason.SECRET_MISSING)] == [
        (each.id, each.outcome, each.cause) for each in issued.history
    ]

    revoking = plan(seen(an_api_token(status=a_status(previous=(a_previous(7, delete_after=NOW),)))), NOW)
    assert isinstance(revoking.action, RevokeToken)


def repaired(*ago: timedelta, cause: Reason = Reason.SECRET_EDITED, **parts: Any) -> ApiToken:
    entries = [entry(100 + at, "Revoked", issued_at=NOW - each, cause=cause) for at, each in enumerate(ago)]
    status = a_status(operation=None).model_copy(update={"history": tuple(entries)})
    return an_api_token(status=status, **parts)


OFTEN = (50 * MINUTE, 40 * MINUTE, 30 * MINUTE, 20 * MINUTE, 10 * MINUTE)


def test_after_too_many_repairs_within_an_hour_the_next_one_waits() -> None:
    planned = plan(seen(repaired(*OFTEN), secret=an_edited_secret()), NOW)

    assert (None, State.STALLED, Reason.ROTATION_STORM, 10 * MINUTE) == (
        planned.action,
        planned.finding.state,
        planned.finding.reason,
        planned.requeue_after,
    )
    assert "waits until 2030-01-31T12:10:00Z" in planned.finding.message


@pytest.mark.parametrize(
    ("api_token", "world", "now"),
    [
        pytest.param(repaired(*OFTEN[1:]), {}, NOW, id="four within an hour"),
        pytest.param(repaired(*OFTEN), {}, NOW + 10 * MINUTE, id="the first is an hour ago"),
        pytest.param(repaired(*OFTEN, cause=Reason.RENEWAL_DUE), {}, NOW, id="five that the spec asked for"),
        pytest.param(
            repaired(*OFTEN, annotations={ROTATE_ANNOTATION: "now"}), {}, NOW, id="the user asks for one"
        ),
        pytest.param(
            repaired(*OFTEN, display_name="other"), {"secret": a_secret()}, NOW, id="the user edits the spec"
        ),
    ],
)
def test_no_storm(api_token: ApiToken, world: dict[str, Any], now: datetime) -> None:
    planned = plan(seen(api_token, **{"secret": an_edited_secret(), **world}), now)

    assert isinstance(planned.action, IssueToken)


def test_old_tokens_still_go_in_a_storm() -> None:
    api_token = repaired(*OFTEN)
    status = api_token.status.model_copy(update={"previous": (a_previous(7, delete_after=NOW - SECOND),)})
    world = seen(api_token.model_copy(update={"status": status}), secret=an_edited_secret())

    assert isinstance(plan(world, NOW).action, RevokeToken)


@pytest.mark.parametrize(
    ("editor", "last", "words"),
    [
        pytest.param(
            "vault-sync", Reason.SECRET_EDITED, "field manager 'vault-sync' rewrites it", id="again"
        ),
        pytest.param("vault-sync", Reason.RENEWAL_DUE, "", id="for the first time"),
        pytest.param(None, Reason.SECRET_EDITED, "", id="again, and no one knows who"),
    ],
)
def test_field_manager_that_rewrites_the_secret_twice_is_named(
    editor: str | None, last: Reason, words: str
) -> None:
    status = a_status().model_copy(update={"history": (HELD_1.model_copy(update={"cause": last}),)})
    world = seen(an_api_token(status=status), secret=replace(an_edited_secret(), editor=editor))
    planned = plan(world, NOW)

    (event,) = events_of(world.api_token, planned, Published(a_remote_token(2), an_issuance()))
    assert ("rewrites it" in event.message, words in event.message) == (bool(words), True)
    assert words in planned.finding.message
