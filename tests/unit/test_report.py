"""When an ApiToken is reconciled again: with which priority, and after a failure how soon."""

from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import AccountRef, ApiToken
from mailtrap_operator.apply import Writes
from mailtrap_operator.clients.api_token_client import ApiTokenClient
from mailtrap_operator.core.actions import (
    Failed,
    Finding,
    Plan,
    RemoveFinalizer,
    Retention,
    State,
    record_of,
)
from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.priorities import Priority
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.report import LONGEST_WAIT_FOR_FINALIZER, LONGEST_WAIT_FOR_SECRET, Reporter
from mailtrap_operator.runtime.reverts import Reverts
from mailtrap_operator.telemetry.events import EventRecorder
from mailtrap_operator.telemetry.metrics import Metrics
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import API_TOKENS, api_token
from tests.unit.clock import virtual
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


REFUSED = Failed(Unknown(Reason.KUBERNETES_REFUSED, "A policy refused it."))
RETENTION = Retention("abcdefghij", (AccountRef(name="default"),))


@pytest.mark.parametrize(
    ("action", "outcome", "longest"),
    [
        pytest.param(
            RemoveFinalizer(Reason.REVOKED),
            REFUSED,
            LONGEST_WAIT_FOR_FINALIZER,
            id="Nothing but the finalizer holds an object that is to go.",
        ),
        pytest.param(
            RemoveFinalizer(Reason.RETAINED, RETENTION),
            REFUSED,
            None,
            id="An account that does not take the record is not asked so often.",
        ),
        pytest.param(
            None,
            Failed(REFUSED.cause, holds_value=True),
            LONGEST_WAIT_FOR_SECRET,
            id="A restart would lose the value that waits in memory.",
        ),
        pytest.param(None, REFUSED, None, id="Any other failure has the usual backoff."),
    ],
)
@virtual
async def test_how_long_the_backoff_after_a_failure_is_at_most(
    action: RemoveFinalizer | None, outcome: Failed, longest: timedelta | None
) -> None:
    kube = FakeKube()
    seen = ApiToken.model_validate(kube.seed(API_TOKENS, api_token()))
    planned = Plan(
        NOW, action, record_of(seen.status), Finding(State.PROGRESSING, Reason.DELETING, ""), works=False
    )
    reporter = Reporter(
        api_tokens=ApiTokenClient(kube, lambda *_: None),
        events=EventRecorder(kube, holder="me", clock=lambda: NOW),
        metrics=Metrics(queued=lambda: 0, running=lambda: 0),
        reverts=Reverts(lambda: NOW),
        clock=lambda: NOW,
    )

    result = await reporter.report(planned, outcome, Writes(seen))

    assert (True, longest) == (result.is_failed, result.at_most)
