"""What Mailtrap's answer to an id says of a token on record that a LIST lacks."""

from dataclasses import replace

import pytest

from mailtrap_operator.api.names import ADOPT_ANNOTATION, CONFIRM_ANNOTATION
from mailtrap_operator.core.missing_tokens import verified
from mailtrap_operator.core.observation import Absent, Found, Unknown
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    ACCOUNT,
    FOREIGN_TAG,
    INSTALLATION,
    OTHER_ACCOUNT,
    OURS,
    SIBLINGS_TAG,
    TIMEOUT,
    a_previous,
    a_remote_token,
    a_status,
    an_api_token,
    seen,
)

ADOPTED = {ADOPT_ANNOTATION: "2", CONFIRM_ANNOTATION: "2"}
FOREIGN, NOTHING = frozenset({2}), frozenset[int]()


@pytest.mark.parametrize(
    ("tag", "is_recorded", "annotations", "expected"),
    [
        pytest.param(None, True, ADOPTED, NOTHING, id="an adopted token has no tag: the LIST is right"),
        pytest.param(None, True, {}, FOREIGN, id="its adoption was taken back"),
        pytest.param(SIBLINGS_TAG, True, ADOPTED, FOREIGN, id="another object's was never adopted"),
        pytest.param(FOREIGN_TAG, True, ADOPTED, FOREIGN, id="nor was another installation's"),
        pytest.param(SIBLINGS_TAG, False, {}, FOREIGN, id="another object's token"),
        pytest.param(FOREIGN_TAG, False, {}, Reason.INSTALLATION_MISMATCH, id="another installation's token"),
        pytest.param(OURS, False, {}, Reason.LIST_INCOMPLETE, id="this object's own token"),
        pytest.param(
            OURS, True, ADOPTED, Reason.LIST_INCOMPLETE, id="also where the record calls it adopted"
        ),
        pytest.param(None, False, {}, Reason.LIST_INCOMPLETE, id="a token that lost its tag"),
    ],
)
def test_a_token_that_a_list_lacks_is_judged_by_its_tag(
    tag: Tag | None, *, is_recorded: bool, annotations: dict[str, str], expected: frozenset[int] | Reason
) -> None:
    previous = a_previous(2, reason=Reason.ADOPTED if is_recorded else Reason.SUPERSEDED)
    api_token = an_api_token(annotations=annotations, status=a_status(previous=(previous,)))
    token = Found(a_remote_token(2, tag=tag, name=f"x {tag}"))

    view = verified(seen(api_token).account, api_token, INSTALLATION, {(ACCOUNT, 2): token})

    told = view.tokens.reason if isinstance(view.tokens, Unknown) else view.foreign_ids
    assert expected == told


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(Absent(), None, id="it is gone"),
        pytest.param(TIMEOUT, TIMEOUT, id="while that is not known, the LIST is worthless"),
    ],
)
def test_an_answer_without_a_token(answer: Absent | Unknown, expected: Unknown | None) -> None:
    view = seen().account

    found = verified(view, an_api_token(), INSTALLATION, {(ACCOUNT, 2): answer})

    assert (expected or view.tokens) == found.tokens


def test_only_answers_of_the_account_itself_count() -> None:
    view = seen().account
    answers = {(OTHER_ACCOUNT, 2): TIMEOUT}

    assert replace(view) == verified(view, an_api_token(), INSTALLATION, answers)
