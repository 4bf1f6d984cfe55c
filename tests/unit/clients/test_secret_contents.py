"""Where the value is looked for, and how much work a Secret can make: as much as it has bytes, anyone who wrote it."""

import base64
import dataclasses
import json
import tracemalloc
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailtrap_operator.api import names
from mailtrap_operator.clients.secret_client import parse_secret
from mailtrap_operator.clients.secret_contents import Contents, Work, read_contents
from mailtrap_operator.clients.secret_marks import Marks, fingerprint, mark_former
from tests.unit.clients.secrets_of_ours import INSTALLATION, ISSUANCE, OWNER, VALUE

MARKS = Marks(
    owner=OWNER,
    api_token="billing-token",
    token_id=7,
    nonce="abcdefgh",
    fingerprint=fingerprint(VALUE, 7, "abcdefgh"),
    issuance=ISSUANCE,
    keys=("token", "url", "about"),
    places={"token": 0, "url": 11},
)
TEXTS = {"token": VALUE, "url": f"smtp://api:{VALUE}@host", "about": "a token"}
MOST = 2 * 1024 * 1024


def body(texts: Mapping[str, str | bytes], marks: Marks = MARKS, **annotations: str) -> dict[str, Any]:
    encoded = {
        key: base64.b64encode(text.encode() if isinstance(text, str) else text).decode()
        for key, text in texts.items()
    }
    changed = {f"mailtrap-operator.io/{name.replace('_', '-')}": text for name, text in annotations.items()}
    meta: dict[str, Any] = {"name": "billing", "uid": "u", "resourceVersion": "5"}
    return {"metadata": meta | {"annotations": marks.as_annotations() | changed}, "data": encoded}


def value_in(texts: Mapping[str, str | bytes], marks: Marks = MARKS) -> str | None:
    return read_contents(body(texts, marks), marks).value


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"token": "x"},
        {"token": "x" * 32},
        {"token": b"\xff"},
        {"url": "x"},
        {"about": "edited"},
        {"token": f"{VALUE}\n"},
        {"token": "x" * 70_000},
    ],
)
def test_the_value_is_found_in_the_first_place_that_still_holds_it(edit: Mapping[str, str | bytes]) -> None:
    assert VALUE == value_in({**TEXTS, **edit})


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"about": VALUE, "foreign": VALUE},
        {"token": f" {VALUE}", "url": f"smtps://api:{VALUE}@host"},
        {"token": VALUE[:-1]},
        {"token": VALUE.upper()},
        {"token": f"{VALUE}{'x' * 65_536}"},
    ],
    ids=["no data", "other keys", "another place", "a piece", "another value", "a text too long to be ours"],
)
def test_it_is_looked_for_nowhere_else(texts: Mapping[str, str]) -> None:
    assert None is value_in(texts)


@pytest.mark.parametrize(("token_id", "nonce"), [(8, "abcdefgh"), (7, "abcdefgi")])
def test_the_value_counts_only_with_the_id_and_nonce_it_was_published_with(token_id: int, nonce: str) -> None:
    assert None is value_in(TEXTS, dataclasses.replace(MARKS, token_id=token_id, nonce=nonce))


OLDER = dataclasses.replace(MARKS, places=None)
CONFIG = "# a comment in a file of settings\n" * 100


@pytest.mark.parametrize(
    "texts",
    [
        TEXTS,
        {"about": f"{VALUE}{VALUE}"},
        {"token": VALUE[:-1], "url": f"\N{SNOWMAN}{VALUE}\N{SNOWMAN}"},
        {"about": CONFIG, "url": f"{CONFIG}{VALUE}"},
        {"about": "x" * 65_536, "url": f"x{VALUE}"},
    ],
)
def test_where_no_places_were_recorded_all_of_our_keys_are_searched(texts: Mapping[str, str]) -> None:
    assert VALUE == value_in(texts, OLDER)


@pytest.mark.parametrize(
    "texts", [{}, {"foreign": VALUE}, {"token": VALUE[:-1]}, {"token": "x" * 20_000 + VALUE}]
)
def test_that_search_ends_somewhere(texts: Mapping[str, str]) -> None:
    assert None is value_in(texts, OLDER)


@settings(deadline=None)
@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=80),
    before=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    after=st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    is_older=st.booleans(),
)
@example(value="aaaaaaaab", before="aaaa", after="aaaa", is_older=True)
def test_every_value_is_found_again(*, value: str, before: str, after: str, is_older: bool) -> None:
    marks = dataclasses.replace(
        MARKS,
        fingerprint=fingerprint(value, 7, "abcdefgh"),
        places=None if is_older else {"token": len(before)},
    )

    assert value == value_in({"token": f"{before}{value}{after}"}, marks)


def test_contents_show_nothing_of_the_value() -> None:
    assert VALUE not in repr(Contents(VALUE, VALUE))


KEYS = tuple(f"key-{number}" for number in range(33))
LONG = "x" * 65_000
SHORT_VALUE = "aaaaaaab"
OF_MANY_KEYS = dataclasses.replace(MARKS, keys=KEYS, places=dict.fromkeys(KEYS, 0))
OF_ONE_KEY = dataclasses.replace(MARKS, keys=("token",), places={"token": 0})


def issuance(**changes: object) -> str:
    return json.dumps(json.loads(MARKS.as_annotations()[names.ISSUANCE]) | changes)


def of_value(value: str, marks: Marks = OF_MANY_KEYS) -> Marks:
    return dataclasses.replace(marks, fingerprint=fingerprint(value, 7, "abcdefgh"))


WORST = {
    "60,000 keys named": body({}, issuance=issuance(keys=["token"] * 60_000)),
    "60,000 keys there": body({f"key-{number}": "" for number in range(60_000)} | TEXTS),
    "a long nonce": body({"token": LONG}, nonce="a" * 200_000),
    "a length of 1": body({"token": LONG}, fingerprint=f"1:{'0' * 64}"),
    "the shortest length": body(
        {"token": LONG}, dataclasses.replace(OF_ONE_KEY, fingerprint=f"8:{'0' * 64}", places=None)
    ),
    "a huge length": body({"token": LONG}, fingerprint=f"9999:{'0' * 64}"),
    "the longest length, searched": body(
        dict.fromkeys(KEYS, LONG[:31_000]),
        dataclasses.replace(OF_MANY_KEYS, fingerprint=f"4096:{'0' * 64}", places=None),
    ),
    "the longest length, in all places": body(
        dict.fromkeys(KEYS, LONG[:31_000]), dataclasses.replace(OF_MANY_KEYS, fingerprint=f"4096:{'0' * 64}")
    ),
    "four bytes a character": body(
        dict.fromkeys(KEYS, "\N{GRINNING FACE}" * 7900),
        dataclasses.replace(OF_MANY_KEYS, fingerprint=f"4096:{'0' * 64}"),
    ),
    "places of one key over and over": body(
        {"token": LONG}, issuance=issuance().replace('"places": {', f'"places": {{{"token: 0, " * 9999}')
    ),
    "one huge text": body({"token": "x" * 1_000_000}),
    "33 huge texts around a value": body(
        dict.fromkeys(KEYS, SHORT_VALUE + "\x01" * 31000), of_value(SHORT_VALUE)
    ),
    "a value everywhere": body(dict.fromkeys(KEYS, SHORT_VALUE * 3900), of_value(SHORT_VALUE)),
    "a huge former value": body(
        {"before": "x" * 1_000_000},
        dataclasses.replace(MARKS, former=mark_former("before", 6, VALUE)),
    ),
    "a former value as long as may be": body(
        TEXTS | {"before": "x" * 9999},
        dataclasses.replace(MARKS, former=mark_former("before", 6, "y" * 9999)),
    ),
    "long offsets": body(
        dict.fromkeys(KEYS, LONG[:31_000]),
        dataclasses.replace(OF_MANY_KEYS, places=dict.fromkeys(KEYS, 65_535)),
    ),
    "offsets beyond bounds": body({"token": LONG}, issuance=issuance(places={"token": 10**15})),
    "an issuance as long as annotations may be": body(TEXTS, issuance=issuance(x="[" * 200_000)),
}


@pytest.mark.parametrize("name", WORST)
@pytest.mark.parametrize(
    ("most", "done"), [(MOST, MOST), (10**12, 24 * MOST)], ids=["counted", "bounds alone"]
)
def test_the_worst_secret_makes_little_more_work_than_it_has_bytes(name: str, most: int, done: int) -> None:
    work = Work(most)

    parse_secret(WORST[name], INSTALLATION, work)

    assert done >= work.done


def test_unless_told_otherwise_that_much_is_the_bound() -> None:
    assert MOST == Work().most


def test_work_beyond_the_bound_leaves_a_secret_damaged() -> None:
    state = parse_secret(body(TEXTS), INSTALLATION, Work(most=100))

    assert (False, OWNER, 7) == (state.is_intact, state.owner, state.token_id)


def test_an_ordinary_secret_takes_less_than_a_kilobyte() -> None:
    work = Work()

    assert parse_secret(body(TEXTS), INSTALLATION, work).is_intact
    assert 1024 > work.done


@pytest.mark.parametrize(
    "name", ["60,000 keys there", "60,000 keys named", "33 huge texts around a value", "a value everywhere"]
)
def test_of_the_worst_secret_little_is_kept(name: str) -> None:
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        state = parse_secret(WORST[name], INSTALLATION)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert "billing" == state.name
    assert 64 * 1024 > after - before


def test_of_another_installations_secret_nothing_is_computed() -> None:
    work = Work()
    another = body(TEXTS, owner="fedcba-abcdefghij")

    state = parse_secret(another, INSTALLATION, work)

    assert ("fedcba-abcdefghij", None, {}, None) == (state.owner, state.token_id, state.layout, state.editor)
    assert 0 == work.done


def test_of_many_owners_and_long_annotations_few_are_kept() -> None:
    marks = dataclasses.replace(MARKS, annotations=("note",))
    worst = body(TEXTS, marks)
    worst["metadata"]["annotations"]["note"] = "x" * 100_000
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "uid"}
    worst["metadata"]["ownerReferences"] = [reference] * 5000

    state = parse_secret(worst, INSTALLATION)

    assert (16, 4097) == (len(state.owners), len(state.annotations["note"]))
