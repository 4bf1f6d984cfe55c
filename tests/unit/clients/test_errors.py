from datetime import timedelta

import pytest

from mailtrap_operator.clients import errors
from mailtrap_operator.clients.errors import Conflict, Failure, Retryable, quoted
from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction

KINDS = [
    errors.Retryable,
    errors.Conflict,
    errors.Uncertain,
    errors.Unauthorized,
    errors.Missing,
    errors.Terminal,
]


@pytest.mark.parametrize("kind", KINDS)
def test_every_failure_becomes_the_same_unknown(kind: type[Failure]) -> None:
    failure = kind(Reason.RATE_LIMITED, "too fast", timedelta(seconds=5))

    assert Unknown(Reason.RATE_LIMITED, "too fast", timedelta(seconds=5)) == failure.as_unknown()
    assert "too fast" == str(failure)


def test_the_cause_alone_is_the_message_unless_it_is_said() -> None:
    assert "too fast" == Retryable(Reason.RATE_LIMITED, "too fast").said
    assert "too fast" == Retryable(Reason.RATE_LIMITED, "too fast; it pauses", said="too fast").said


def test_a_conflict_is_retryable_and_all_others_stand_apart() -> None:
    assert issubclass(Conflict, Retryable)
    apart = [kind for kind in KINDS if kind is not Conflict]
    assert [(kind,) for kind in apart] == [
        tuple(other for other in apart if issubclass(kind, other)) for kind in apart
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("  two\n\t lines ", "two lines"),
        ("x" * 300, "x" * 300),
        ("b" * 120 + "x" * 4 + "e" * 177, "b" * 120 + " … " + "e" * 177),
        ("a\u202egnp\u200b.exe \x1b[31m", "a gnp .exe [31m"),
        ("token 0f1e2d3c4b5a69788796a5b4c3d2e1f0 is bad", "token [left out] is bad"),
        (
            "x" * 115 + " 0f1e2d3c4b5a69788796a5b4c3d2e1f0 " + "y" * 200,
            "x" * 115 + " [lef … " + "y" * 177,
        ),
    ],
)
def test_a_servers_words_are_one_line_of_bounded_length(text: str, shown: str) -> None:
    assert shown == quoted(text)


def test_words_that_quote_what_is_known_are_left_out_before_they_are_cut() -> None:
    assert "[left out]" == quoted("x" * 295 + " correct horse", Redaction("correct horse"))
