"""What is shown of a server's words: no known value in any dress, nothing that looks like a value, all the rest."""

import base64
import json
import random
from string import ascii_letters, digits

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailtrap_operator.core.redaction import LEFT_OUT, Redaction, without_tokens

VALUE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
TAG = "[k8s:abc234-owner23456-nonce234]"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


DRESSED = {
    "alone": VALUE,
    "in a sentence": f"token {VALUE} is not known",
    "in quotes": f"token='{VALUE}'",
    "in capitals": VALUE.upper(),
    "in halves": f"{VALUE[:16]} {VALUE[16:]}",
    "in fours": " ".join(VALUE[i : i + 4] for i in range(0, 32, 4)),
    "in quoted fours": "', '".join(VALUE[i : i + 4] for i in range(0, 32, 4)),
    "as a UUID": f"{VALUE[:8]}-{VALUE[8:12]}-{VALUE[12:16]}-{VALUE[16:20]}-{VALUE[20:]}",
    "by lines": f"{VALUE[:11]}\n{VALUE[11:]}",
    "with what is not seen": "\u200b".join((VALUE[:7], VALUE[7:16], VALUE[16:])),
    "in JSON in JSON": json.dumps(json.dumps({"token": VALUE})),
    "in base64": encoded(VALUE),
    "in base64 behind one byte": encoded(f"x{VALUE}"),
    "in base64 behind two bytes": encoded(f"xy{VALUE}"),
    "in hexadecimal digits": VALUE.encode().hex(),
}
KNOWN_ONLY = {
    "eight characters": VALUE[:8],
    "eight from the middle": f"it begins {VALUE[13:21]}",
    "one by one": " ".join(VALUE),
    "full width": "".join(chr(ord(character) + 0xFEE0) for character in VALUE),
    "a part in base64": encoded(VALUE)[8:16],
}


@pytest.mark.parametrize("text", [*DRESSED.values(), *KNOWN_ONLY.values()], ids=[*DRESSED, *KNOWN_ONLY])
def test_words_that_quote_a_known_value_are_left_out(text: str) -> None:
    redaction = Redaction("another", VALUE)

    assert redaction.is_quoted_in(text)
    assert LEFT_OUT == redaction.shown(text)


@pytest.mark.parametrize("text", DRESSED.values(), ids=DRESSED)
def test_what_looks_like_a_value_is_left_out(text: str) -> None:
    shown = without_tokens(text)

    assert LEFT_OUT in shown
    assert not [VALUE[i : i + 4] for i in range(29) if VALUE[i : i + 4] in shown.lower()]


def test_the_words_around_what_is_left_out_stay() -> None:
    assert f"token '{LEFT_OUT}' is not known" == without_tokens(f"token '{VALUE}' is not known")


@pytest.mark.parametrize("length", [7, 8])
def test_less_than_eight_characters_in_a_row_say_nothing(length: int) -> None:
    assert (length == 8) is Redaction("swordfish").is_quoted_in(f"a {'swordfish'[:length]}")


@pytest.mark.parametrize("known", [(), (None,), ("",), ("short",)])
def test_where_nothing_is_known_nothing_is_quoted(known: tuple[str | None, ...]) -> None:
    redaction = Redaction(*known)

    assert not redaction.is_quoted_in("short words, and some longer ones")
    assert "short" == redaction.shown("short")


def test_a_value_of_signs_alone_is_found_as_it_is() -> None:
    assert Redaction("!?-_!?-_!?").is_quoted_in("denied: ?-_!?-_!")


READABLE = [
    "base: No permissions selected. Please choose at least one.",
    "Token 9223372036854775807 of account 3229",
    "expires_at must be before 2031-03-01T12:00:00.000Z, not 2032-03-01T12:00:00+02:00",
    "https://api-2.eu-west-1.mailtrap.io:8443/api/accounts/3229/api_tokens/2498715",
    "ip-10-0-12-34.eu-west-1.compute.internal, 10.0.12.34, fe80::1ff:fe23:4567:890a",
    f"name '{TAG}' is taken, as is 'billing {TAG} 2498715 2498799'",
    'secrets "billing-7f9c8d6b5-x2v4q" is forbidden: User "system:serviceaccount:mailtrap-system:mailtrap-operator"',
    'cannot create resource "secrets" in API group "" in the namespace "preview-3f7b2d"',
    'admission webhook "validate.kyverno.svc-fail" denied the request: restrict-labels-v2: label team is missing',
    'no matches for kind "ApiToken" in version "mailtrap-operator.io/v1alpha1"',
    "ValidatingAdmissionPolicyBinding",
    "email_campaign_permission_scope",
    "Zugriff verweigert: für 3 Größen, 日本語",
]


@pytest.mark.parametrize("text", READABLE)
def test_ids_dates_hosts_names_and_tags_stay_readable(text: str) -> None:
    assert text == Redaction(VALUE).shown(text)


@pytest.mark.parametrize(
    "text",
    [
        "mt_live-Ab3dEfGh_JkLmN0pQrStUv",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0",
        "1" * 20,
        "aB3" + "x" * 17,
    ],
)
def test_other_values_than_those_of_today_are_known_by_their_looks(text: str) -> None:
    assert f"the {LEFT_OUT} one" == without_tokens(f"the {text} one")


def test_a_tag_is_no_cover_for_what_stands_beside_it() -> None:
    assert f"{LEFT_OUT}{TAG}{LEFT_OUT}" == without_tokens(f"{VALUE}{TAG}{VALUE}")


@pytest.mark.parametrize(
    ("alphabet", "most_missed"),
    [("0123456789abcdef", 0), (ascii_letters + digits, 20), (ascii_letters + digits + "_-", 20)],
    ids=["as Mailtrap's", "alphanumeric", "base64url"],
)
def test_nearly_every_random_value_is_left_out(alphabet: str, most_missed: int) -> None:
    rng = random.Random(7)
    values = ["".join(rng.choices(alphabet, k=32)) for _ in range(2000)]

    missed = [value for value in values if value in without_tokens(f"token {value}.")]

    # Letters alone may be a word.
    assert most_missed >= len(missed)


@given(st.text(), st.text(min_size=8, alphabet=st.characters(codec="ascii", categories=["L", "N"])))
def test_no_piece_of_a_known_value_is_ever_shown(around: str, value: str) -> None:
    shown = Redaction(value).shown(f"{around}{value}{around}")

    assert not [value[i : i + 8] for i in range(len(value) - 7) if value[i : i + 8] in shown]


@given(st.text())
def test_leaving_out_is_stable(text: str) -> None:
    once = without_tokens(text)

    assert once == without_tokens(once)


@pytest.mark.parametrize("unit", ["x1", "a", "a1 ", "-", "a g", "1" * 30 + " ", TAG])
def test_the_longest_refusal_is_judged_as_any_other(unit: str) -> None:
    text = unit * (65_536 // len(unit))

    assert len(text) >= len(Redaction(VALUE).shown(text))
