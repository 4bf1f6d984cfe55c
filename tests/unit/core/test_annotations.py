"""What is said of annotations under the operator's prefix that it does not know."""

import pytest

from mailtrap_operator.core.annotations import unknown_annotations, words_on_unknown

PREFIX = "mailtrap-operator.io/"
KNOWN = ("rotate", "adopt-token-id", "adopt-confirm", "adopt-proof", "abandon-remote-tokens")


def under_prefix(*names: str) -> dict[str, str]:
    return {f"{PREFIX}{name}": "x" for name in names}


def test_what_is_known_on_an_api_token_is_not_known_on_an_account() -> None:
    annotations = under_prefix(*KNOWN)

    assert {} == unknown_annotations("ApiToken", annotations)
    assert annotations == unknown_annotations("MailtrapAccount", annotations)


def test_annotations_of_others_do_not_matter() -> None:
    annotations = {"rotate": "x", "example.com/rotat": "x", "mailtrap-operator.io.evil/rotat": "x"}

    assert {} == unknown_annotations("ApiToken", annotations)


@pytest.mark.parametrize(
    ("kind", "names", "expected"),
    [
        pytest.param(
            "ApiToken",
            ("rotat",),
            "Not known on this ApiToken, and without effect: mailtrap-operator.io/rotat. Correct or remove them; the nearest "
            "that are known are mailtrap-operator.io/rotate.",
            id="one is mistyped",
        ),
        pytest.param(
            "ApiToken",
            ("adopt-tokenid", "abandon"),
            "Not known on this ApiToken, and without effect: mailtrap-operator.io/abandon, mailtrap-operator.io/adopt-tokenid. "
            "Correct or remove them; the nearest that are known are mailtrap-operator.io/adopt-token-id.",
            id="one is mistyped, and one is not near to any",
        ),
        pytest.param(
            "ApiToken",
            ("xyz",),
            "Not known on this ApiToken, and without effect: mailtrap-operator.io/xyz. Remove them; known are "
            + ", ".join(f"{PREFIX}{name}" for name in KNOWN)
            + ".",
            id="none is near: all that are known are named",
        ),
        pytest.param(
            "MailtrapAccount",
            ("rotate",),
            "Not known on this MailtrapAccount, and without effect: mailtrap-operator.io/rotate. It has no annotations of the "
            "operator's: remove them.",
            id="an account",
        ),
    ],
)
def test_the_nearest_that_are_known_are_named(kind: str, names: tuple[str, ...], expected: str) -> None:
    assert expected == words_on_unknown(kind, under_prefix(*names))


def test_many_and_long_names_leave_the_message_short() -> None:
    words = words_on_unknown("ApiToken", under_prefix(*(f"{i}{'a' * 250}" for i in range(100))))

    assert " and 95 more." in words
    assert len(words) < 1024
