"""What would be done where nothing may be done: told in words, decided as ever, recorded nowhere."""

import pytest

from mailtrap_operator.core.actions import Done, State, record_of
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.rehearsal import rehearse, words_of
from tests.unit.core.builders import (
    DAY,
    NOW,
    SECRET_1,
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
from tests.unit.core.test_consumers import a_workload, moving
from tests.unit.core.test_secret_form import FORMER

UNUSED = an_api_token(status=WIPED, finalizers=())
CLAIMED = an_operation("Delete", nonce="")


@pytest.mark.parametrize(
    ("world", "words"),
    [
        pytest.param(seen(), "do nothing", id="nothing to do"),
        pytest.param(seen(UNUSED, secret=None, listed=()), "create a token", id="a first token"),
        pytest.param(seen(secret=None), "reset token 1, and delete token 1 later", id="a reset"),
        pytest.param(
            seen(an_api_token(display_name="other")),
            "create a token, and delete token 1 later",
            id="a replacement",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(operation=an_operation())), unpublished=a_value_in_memory()),
            "publish token 2, and delete token 1 later",
            id="a value in memory",
        ),
        pytest.param(
            moving(a_workload(2, name="a"), a_workload(2, name="b"), rollout="Due"),
            "restart Deployment a, Deployment b",
            id="workloads to restart",
        ),
        pytest.param(seen(secret=a_secret(owners=())), "rewrite Secret billing", id="a Secret to mend"),
        pytest.param(
            seen(an_api_token(secret_name="renamed"), secret=None, former_secret=SECRET_1),
            "move Secret billing to renamed",
            id="a Secret to move",
        ),
        pytest.param(
            seen(UNUSED, secret=FORMER, listed=()), "delete Secret billing", id="a Secret left over"
        ),
        pytest.param(
            seen(an_api_token(status=a_status(previous=(a_previous(7, delete_after=NOW),)))),
            "delete token 7",
            id="an overlap that is over",
        ),
        pytest.param(seen(an_api_token(finalizers=())), "put the finalizer back", id="a finalizer"),
        pytest.param(
            seen(an_api_token(status=a_status(current=a_current(5)))), "record what it found", id="a record"
        ),
        pytest.param(
            seen(an_api_token(status=a_status(previous=(a_previous(7),)), deleted=True)),
            "delete token 1, 7, and let the object go",
            id="a deletion that begins",
        ),
        pytest.param(
            seen(an_api_token(status=a_status(current=None), deleted=True), secret=None, listed=()),
            "let the object go",
            id="a deletion that begins, and nothing is on record",
        ),
        pytest.param(
            seen(
                an_api_token(status=a_status(operation=CLAIMED, current=None), deleted=True),
                secret=None,
                listed=(),
            ),
            "let the object go",
            id="the end of a deletion",
        ),
    ],
)
def test_what_would_be_done(world: Observation, words: str) -> None:
    assert words == words_of(plan(world, NOW), world.api_token.status)

    rehearsed = rehearse(world, NOW)
    assert (None, record_of(world.api_token.status)) == (rehearsed.action, rehearsed.record)


def test_what_would_be_done_is_a_condition() -> None:
    world = seen(listed=(a_remote_token(expires_at=NOW + DAY),))
    rehearsed = rehearse(world, NOW)

    conditions = {c.type: c for c in status_after(world.api_token, rehearsed, Done(), NOW).conditions}
    assert {"Ready", "Reconciling", "Planned"} == conditions.keys()
    assert ("True", Reason.RENEWAL_DUE) == (conditions["Planned"].status, conditions["Planned"].reason)
    assert "It would reset token 1, and delete token 1 later: " in conditions["Planned"].message
    assert "True" == conditions["Ready"].status


def test_where_nothing_is_to_be_done_nothing_is_planned() -> None:
    assert plan(seen(), NOW) == rehearse(seen(), NOW)
    assert State.READY is rehearse(seen(), NOW).finding.state
