"""A value that could not be written into its Secret waits in memory and is published before anything else."""

import pytest

from mailtrap_operator.api.v1alpha1 import Rotation
from mailtrap_operator.core.actions import PublishToken, State
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ANOTHER_OPERATOR,
    DAY,
    HOUR,
    LOST_NONCE,
    NOW,
    OTHER_ACCOUNT,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    a_value_in_memory,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

PUBLISHING = (State.PROGRESSING, Reason.PUBLISHING)
FIRST_CLAIM = a_status(operation=an_operation(), current=None, secret_name=None)
RESET_CLAIM = a_status(operation=an_operation("Reset", base=1))
NEW = a_remote_token(2, nonce=LOST_NONCE)
SUCCESSOR = a_remote_token(2)
VALUE = a_value_in_memory(2)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "The Secret could not be written after the first create: the value is written now.",
            seen(an_api_token(status=FIRST_CLAIM), secret=None, listed=(NEW,), unpublished=VALUE),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The Secret could not be written after a replacement: the old token gets its date.",
            seen(
                an_api_token(status=a_status(operation=an_operation()), rotation=Rotation(overlap=HOUR)),
                listed=(TOKEN_1, NEW),
                unpublished=VALUE,
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None, previous=(Leaving(1, HOUR),)),
        ),
        row(
            "The Secret could not be written after a reset: the old token has the server's twelve hours.",
            seen(
                an_api_token(status=RESET_CLAIM, rotation=Rotation(overlap=HOUR)),
                listed=(a_remote_token(expires_at=NOW + 12 * HOUR), SUCCESSOR),
                unpublished=VALUE,
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "The account does not answer meanwhile: no LIST is needed, and the old token is not forgotten.",
            seen(an_api_token(status=RESET_CLAIM), listed=TIMEOUT, unpublished=VALUE),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "The account changed and the former one does not answer: its token is not forgotten.",
            seen(
                an_api_token(
                    account_ref=OTHER_ACCOUNT,
                    status=a_status(operation=an_operation(account=OTHER_ACCOUNT)),
                ),
                listed=(),
                listed_elsewhere=TIMEOUT,
                unpublished=a_value_in_memory(2, account=OTHER_ACCOUNT),
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "The object was suspended meanwhile: what is in progress is finished.",
            seen(
                an_api_token(status=FIRST_CLAIM, suspend=True), secret=None, listed=(NEW,), unpublished=VALUE
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The spec changed meanwhile: the value is published first, the change follows.",
            seen(
                an_api_token(status=FIRST_CLAIM, display_name="other"),
                secret=None,
                listed=(NEW,),
                unpublished=VALUE,
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None),
            works=False,
        ),
        row(
            "The Secret was renamed meanwhile: the value goes to the new name, the former Secret goes later.",
            seen(
                an_api_token(status=a_status(operation=an_operation()), secret_name="renamed"),
                secret=None,
                former_secret=a_secret(),
                listed=(TOKEN_1, NEW),
                unpublished=VALUE,
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None, previous=(Leaving(1, 12 * HOUR),)),
            works=False,
        ),
        row(
            "The Secret holds a token that was retired: its overlap starts again.",
            seen(
                an_api_token(
                    status=a_status(
                        operation=an_operation(),
                        current=None,
                        previous=(a_previous(1, delete_after=NOW + SECOND), a_previous(3)),
                    )
                ),
                listed=(TOKEN_1, NEW, a_remote_token(3)),
                unpublished=VALUE,
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None, previous=(Leaving(3, HOUR), Leaving(1, 12 * HOUR))),
        ),
        row(
            "The claim is older than the settle time: a value in memory is as good as on the first day.",
            seen(
                an_api_token(status=a_status(operation=an_operation(ago=DAY), current=None)),
                secret=None,
                listed=(NEW,),
                unpublished=VALUE,
            ),
            does="publish 2",
            says=PUBLISHING,
            records=Noted(current=None),
            works=False,
        ),
    ],
)
def test_a_value_in_memory_is_published_before_anything_else(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_a_value_in_memory_is_written_into_the_secret_that_was_read() -> None:
    planned = plan(
        seen(an_api_token(status=RESET_CLAIM), listed=(TOKEN_1, SUCCESSOR), unpublished=VALUE), NOW
    )

    assert isinstance(planned.action, PublishToken)
    assert VALUE == planned.action.unpublished
    assert "20" == planned.action.secret.resource_version


LOST = (State.PROGRESSING, Reason.UNTRACKED)
WAITING = (State.PROGRESSING, Reason.ANSWER_LOST)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Another operator has taken over since: its claim stands, the value in memory is given up.",
            seen(
                an_api_token(status=a_status(operation=an_operation(holder=ANOTHER_OPERATOR), current=None)),
                secret=None,
                listed=(NEW,),
                unpublished=VALUE,
            ),
            says=WAITING,
            again=59 * SECOND,
            works=False,
        ),
        row(
            "The claim on record is of another attempt.",
            seen(
                an_api_token(status=a_status(operation=an_operation(nonce="newerone"), current=None)),
                secret=None,
                listed=(),
                unpublished=VALUE,
            ),
            says=WAITING,
            again=59 * SECOND,
            works=False,
        ),
        row(
            "The status was wiped: no one vouches for the value any more, its token is retired.",
            seen(an_api_token(status=WIPED), secret=None, listed=(NEW,), unpublished=VALUE),
            says=LOST,
            records=Noted(current=None, previous=(Leaving(2, 12 * HOUR),), secret_name=None),
            works=False,
        ),
        row(
            "A deletion was claimed with its nonce: no value is published any more.",
            seen(
                an_api_token(status=a_status(operation=an_operation("Delete"), current=None)),
                secret=None,
                listed=(),
                unpublished=VALUE,
            ),
            says=WAITING,
            again=59 * SECOND,
            works=False,
        ),
        row(
            "The value is in the Secret already: it is put on record.",
            seen(
                an_api_token(status=a_status(operation=an_operation(), current=None)),
                secret=a_secret(2, nonce=LOST_NONCE),
                listed=(NEW,),
                unpublished=VALUE,
            ),
            says=PUBLISHING,
            records=Noted(current=2),
        ),
    ],
)
def test_a_value_in_memory_whose_claim_is_gone_is_not_published(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)
