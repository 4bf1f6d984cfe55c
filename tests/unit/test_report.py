"""The priority of the requeue of an ApiToken."""

from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.core.actions import Finding, Plan, State, record_of
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.report import Reporter
from tests.unit.core.builders import NOW, a_status

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
UNUSED: Any = None


@pytest.mark.parametrize(
    ("again", "renewal", "priority"),
    [
        pytest.param(DAY, DAY, Priority.URGENT, id="The look that brings the renewal is urgent."),
        pytest.param(MINUTE, DAY, Priority.ROUTINE, id="A look before that is not."),
        pytest.param(DAY, None, Priority.ROUTINE, id="Nor is one of a token that is not renewed."),
        pytest.param(None, DAY, Priority.ROUTINE, id="Without a date the priority does not matter."),
    ],
)
def test_only_what_brings_a_renewal_comes_back_as_urgent(
    again: timedelta | None, renewal: timedelta | None, priority: Priority
) -> None:
    planned = Plan(
        NOW,
        None,
        record_of(a_status()),
        Finding(State.READY, Reason.TOKEN_PUBLISHED, ""),
        works=True,
        requeue_after=again,
        renewal_time=None if renewal is None else NOW + renewal,
    )

    reporter = Reporter(api_tokens=UNUSED, events=UNUSED, metrics=UNUSED, reverts=UNUSED, clock=UNUSED)

    assert (again, priority) == (reporter.result(planned).requeue_after, reporter.result(planned).priority)
