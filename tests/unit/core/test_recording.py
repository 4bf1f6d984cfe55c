"""The Secret is the commit record: what it holds becomes current, and what was current is retired."""

import pytest

from mailtrap_operator.api.v1alpha1 import Rotation
from mailtrap_operator.core.actions import State
from mailtrap_operator.core.observation import Observation
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ACCOUNT,
    ANOTHER_OPERATOR,
    DAY,
    FRESH,
    HOUR,
    MINUTE,
    NOW,
    OLD_NONCE,
    OTHER_ACCOUNT,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_issuance,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

PUBLISHING = (State.PROGRESSING, Reason.PUBLISHING)
LOST = (State.PROGRESSING, Reason.UNTRACKED)
HOLDING_2 = a_secret(2, nonce=FRESH)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Cut after the Secret write of a first token.",
            seen(
                an_api_token(
                    status=a_status(operation=an_operation(nonce=FRESH), current=None, secret_name=None)
                ),
                secret=HOLDING_2,
                listed=(a_remote_token(2, nonce=FRESH),),
            ),
            says=PUBLISHING,
            records=Noted(current=2),
        ),
        row(
            "Cut after the Secret write of a replacement: the old token has the overlap of the spec.",
            seen(
                an_api_token(
                    status=a_status(operation=an_operation(nonce=FRESH)), rotation=Rotation(overlap=HOUR)
                ),
                secret=HOLDING_2,
                listed=(TOKEN_1, a_remote_token(2, nonce=FRESH)),
            ),
            says=PUBLISHING,
            records=Noted(current=2, previous=(Leaving(1, HOUR),)),
        ),
        row(
            "Cut after the Secret write of a reset: the old token has the server's twelve hours.",
            seen(
                an_api_token(
                    status=a_status(operation=an_operation("Reset", nonce=FRESH, base=1)),
                    rotation=Rotation(overlap=HOUR),
                ),
                secret=HOLDING_2,
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            says=PUBLISHING,
            records=Noted(current=2, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "Cut after the Secret write, and the old token is gone since, or out of sight.",
            seen(
                an_api_token(status=a_status(operation=an_operation(nonce=FRESH))),
                secret=HOLDING_2,
                listed=(a_remote_token(2, nonce=FRESH),),
            ),
            says=PUBLISHING,
            records=Noted(current=2, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "Cut after the Secret write in the new account, and the former one does not answer.",
            seen(
                an_api_token(
                    account_ref=OTHER_ACCOUNT,
                    status=a_status(operation=an_operation(nonce=FRESH, account=OTHER_ACCOUNT)),
                ),
                secret=a_secret(2, nonce=FRESH, issuance=an_issuance(account=OTHER_ACCOUNT)),
                listed=(a_remote_token(2, nonce=FRESH, account=OTHER_ACCOUNT),),
                listed_elsewhere=TIMEOUT,
            ),
            says=PUBLISHING,
            records=Noted(current=2, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "The status was wiped: what the Secret holds is attached again.",
            seen(an_api_token(status=WIPED)),
            says=PUBLISHING,
            records=Noted(),
        ),
        row(
            "Someone restored an older Secret whose token still lives: it becomes current again.",
            seen(
                an_api_token(status=a_status(current=a_current(2), previous=(a_previous(1), a_previous(3)))),
                listed=(TOKEN_1, a_remote_token(2), a_remote_token(3)),
            ),
            says=PUBLISHING,
            records=Noted(previous=(Leaving(3, HOUR), Leaving(2, 12 * HOUR))),
        ),
        row(
            "A token stands on record twice: once is enough, and it gets its whole overlap.",
            seen(
                an_api_token(status=a_status(previous=(a_previous(1),))),
                secret=HOLDING_2,
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            says=PUBLISHING,
            records=Noted(current=2, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "The Secret shows an earlier attempt: the operation in progress stays on record.",
            seen(
                an_api_token(
                    status=a_status(operation=an_operation("Reset", base=1, holder=ANOTHER_OPERATOR)),
                    rotation=Rotation(overlap=HOUR),
                ),
                secret=HOLDING_2,
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            says=PUBLISHING,
            records=Noted("Reset lostaaaa", current=2, previous=(Leaving(1, HOUR),)),
        ),
        row(
            "A suspended object's publication is put on record, too.",
            seen(an_api_token(status=WIPED, suspend=True)),
            says=PUBLISHING,
            records=Noted(),
        ),
    ],
)
def test_what_the_secret_holds_becomes_current_and_the_former_token_is_retired(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)


def test_a_token_attached_again_is_known_by_the_secrets_marks_and_the_list() -> None:
    listed = a_remote_token(expires_at=NOW + 60 * DAY)

    recorded = plan(seen(an_api_token(status=WIPED), listed=(listed,)), NOW).record.current

    assert a_current(expires_at=NOW + 60 * DAY) == recorded


READY = (State.READY, Reason.TOKEN_PUBLISHED)


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "Cut after the Secret write of a reset, and the account does not answer: the operation is kept.",
            seen(
                an_api_token(status=a_status(operation=an_operation("Reset", nonce=FRESH, base=1))),
                secret=HOLDING_2,
                listed=TIMEOUT,
            ),
            says=READY,
            again=MINUTE,
        ),
        row(
            "The same, and tokens that no one knows turn up in another account: the operation is kept.",
            seen(
                an_api_token(
                    account_ref=OTHER_ACCOUNT,
                    status=a_status(
                        operation=an_operation("Reset", nonce=FRESH, base=1, account=OTHER_ACCOUNT)
                    ),
                ),
                secret=a_secret(2, nonce=FRESH, issuance=an_issuance(account=OTHER_ACCOUNT)),
                listed=TIMEOUT,
                listed_elsewhere=(TOKEN_1, a_remote_token(5, nonce=OLD_NONCE)),
            ),
            says=LOST,
            records=Noted("Reset freshaaa", previous=(Leaving(5, 12 * HOUR),)),
        ),
        row(
            "The status was wiped and the account does not answer: the value continues working.",
            seen(an_api_token(status=WIPED), listed=TIMEOUT),
            says=(State.PROGRESSING, Reason.SECRET_OUTDATED),
            records=Noted(current=None),
        ),
    ],
)
def test_a_publication_is_recorded_only_when_the_list_confirms_its_token(
    world: Observation, expected: Decision
) -> None:
    assert expected == decision(world)


def test_a_token_on_record_is_in_the_account_whose_list_shows_it() -> None:
    wrong = a_status(
        current=a_current(account=OTHER_ACCOUNT), previous=(a_previous(2, account=OTHER_ACCOUNT),)
    )
    world = seen(an_api_token(status=wrong), listed=(TOKEN_1, a_remote_token(2)), listed_elsewhere=())

    record = plan(world, NOW).record
    assert record.current is not None
    assert {ACCOUNT} == {record.current.account, record.previous[0].account}


def test_a_promise_that_is_made_within_a_second_counts_from_its_end() -> None:
    world = seen(
        an_api_token(status=a_status(operation=an_operation(nonce=FRESH)), rotation=Rotation(overlap=HOUR)),
        secret=HOLDING_2,
        listed=(TOKEN_1, a_remote_token(2, nonce=FRESH)),
    )

    (former,) = plan(world, NOW + SECOND / 4).record.previous

    assert (NOW + SECOND, NOW + SECOND + HOUR) == (former.retired_at, former.delete_after)
