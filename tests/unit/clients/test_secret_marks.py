import dataclasses
import json

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtrap_operator.clients import secret_marks
from mailtrap_operator.clients.secret_marks import Marks, find_value, fingerprint, read_marks
from tests.unit.clients.secrets_of_ours import ISSUANCE, OWNER, VALUE

MARKS = Marks(
    owner=OWNER,
    api_token="billing-token",
    token_id=7,
    nonce="abcdefgh",
    fingerprint=fingerprint(VALUE, 7, "abcdefgh"),
    issuance=ISSUANCE,
    keys=("password", "token"),
    labels=("app.kubernetes.io/managed-by",),
    annotations=("team",),
)
ALL = MARKS.as_annotations()
HUGE = "9" * 5000


def test_marks_read_back_as_they_were_written() -> None:
    assert MARKS == read_marks({**ALL, "somebody.else/mark": "x"})


def test_marks_are_six_annotations_of_which_none_holds_the_value() -> None:
    assert {"owner", "api-token", "token-id", "nonce", "fingerprint", "issuance"} == {
        name.removeprefix("mailtrap-operator.io/") for name in ALL
    }
    assert VALUE not in str(ALL)


@pytest.mark.parametrize("name", ALL)
def test_without_any_one_of_them_there_are_no_marks(name: str) -> None:
    assert None is read_marks({key: text for key, text in ALL.items() if key != name})


def with_issuance(**changes: object) -> str:
    parts = json.loads(ALL[secret_marks.ISSUANCE]) | changes
    return json.dumps({name: part for name, part in parts.items() if part != "missing"})


def with_wishes(**changes: object) -> str:
    wishes = json.loads(ALL[secret_marks.ISSUANCE])["wishes"] | changes
    return with_issuance(wishes={name: wish for name, wish in wishes.items() if wish != "missing"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (secret_marks.TOKEN_ID, ""),
        (secret_marks.TOKEN_ID, "seven"),
        (secret_marks.TOKEN_ID, "7.5"),
        (secret_marks.TOKEN_ID, "0"),
        (secret_marks.TOKEN_ID, "-7"),
        (secret_marks.TOKEN_ID, HUGE),
        (secret_marks.ISSUANCE, ""),
        (secret_marks.ISSUANCE, "null"),
        (secret_marks.ISSUANCE, "[]"),
        (secret_marks.ISSUANCE, ALL[secret_marks.ISSUANCE][:-9]),
        (secret_marks.ISSUANCE, with_wishes(issuedAt="missing")),
        (secret_marks.ISSUANCE, with_wishes(issuedAt=5)),
        (secret_marks.ISSUANCE, with_wishes(issuedAt="yesterday")),
        (secret_marks.ISSUANCE, with_wishes(accessDigest=None)),
        (secret_marks.ISSUANCE, with_wishes(accessDigest="x" * 5000)),
        (secret_marks.ISSUANCE, with_wishes(account="default")),
        (secret_marks.ISSUANCE, with_wishes(account={"kind": "Bank", "name": "x"})),
        (secret_marks.ISSUANCE, with_issuance(keys="token")),
        (secret_marks.ISSUANCE, with_issuance(keys=[5])),
        (secret_marks.ISSUANCE, with_issuance(keys="missing")),
        (secret_marks.ISSUANCE, with_issuance(labels={"a": "b"})),
    ],
)
def test_a_damaged_mark_is_none(name: str, text: str) -> None:
    assert None is read_marks({**ALL, name: text})


def test_marks_of_before_labels_and_annotations_were_noted_can_be_read() -> None:
    marks = read_marks({**ALL, secret_marks.ISSUANCE: with_issuance(labels="missing", annotations="missing")})

    assert dataclasses.replace(MARKS, labels=(), annotations=()) == marks


@pytest.mark.parametrize(
    "texts",
    [
        [VALUE],
        ["", "unrelated", VALUE],
        [f"smtp://api:{VALUE}@live.smtp.mailtrap.io:587"],
        [f"{VALUE}{VALUE}"],
        [VALUE[:-1], f"\N{SNOWMAN}{VALUE}\N{SNOWMAN}"],
    ],
)
def test_the_value_is_found_wherever_it_stands(texts: list[str]) -> None:
    assert VALUE == find_value(texts, MARKS)


@pytest.mark.parametrize(
    "texts", [[], [""], [VALUE[:-1]], [VALUE.upper()], [f"{VALUE[:16]} {VALUE[16:]}"], ["x" * 4096]]
)
def test_another_value_is_not_found(texts: list[str]) -> None:
    assert None is find_value(texts, MARKS)


def test_a_text_too_long_to_be_ours_is_not_searched() -> None:
    texts = [f"{VALUE}{'x' * 65_536}", f"{'x' * (65_536 - len(VALUE))}{VALUE}"]

    assert (None, VALUE) == (find_value(texts[:1], MARKS), find_value(texts, MARKS))


@pytest.mark.parametrize(("token_id", "nonce"), [(8, "abcdefgh"), (7, "abcdefgi"), (7, "")])
def test_the_value_counts_only_with_the_id_and_nonce_it_was_published_with(token_id: int, nonce: str) -> None:
    assert None is find_value([VALUE], dataclasses.replace(MARKS, token_id=token_id, nonce=nonce))


@pytest.mark.parametrize(
    "text", ["", ":", "0:", "-1:", "x:", "32", "32:", "31:abc", f"{HUGE}:x", "²:x", "٣٢:x", "032:x"]
)
def test_a_damaged_fingerprint_finds_nothing(text: str) -> None:
    assert None is find_value([VALUE, ""], dataclasses.replace(MARKS, fingerprint=text))


@settings(deadline=None)
@given(text=st.text(max_size=60), texts=st.lists(st.text(max_size=30)))
@example(text=fingerprint("a", 7, "abcdefgh"), texts=["banana"])
def test_no_fingerprint_whatever_finds_what_it_does_not_speak_of(text: str, texts: list[str]) -> None:
    found = find_value(texts, dataclasses.replace(MARKS, fingerprint=text))

    assert found is None or fingerprint(found, 7, "abcdefgh") == text


@settings(deadline=None)
@given(
    value=st.text(min_size=1, max_size=80),
    before=st.text(max_size=40),
    after=st.text(max_size=40),
    others=st.lists(st.text(max_size=40), max_size=3),
)
def test_every_value_is_found_again(value: str, before: str, after: str, others: list[str]) -> None:
    marks = dataclasses.replace(MARKS, fingerprint=fingerprint(value, 7, "abcdefgh"))

    assert value == find_value([*others, f"{before}{value}{after}"], marks)


@settings(deadline=None)
@given(annotations=st.dictionaries(st.sampled_from(list(ALL)), st.text(max_size=50)))
def test_no_text_whatever_in_a_mark_is_an_exception(annotations: dict[str, str]) -> None:
    marks = read_marks({**ALL, **annotations})

    assert marks is None or marks.token_id >= 1
