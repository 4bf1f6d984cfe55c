import dataclasses
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailtrap_operator.api import names
from mailtrap_operator.clients.secret_marks import (
    Marks,
    fingerprint,
    made_for,
    mark_former,
    marked_id,
    read_marks,
    read_owner,
    tokens_marked_as_held,
)
from mailtrap_operator.core.observation import OwnerReference
from mailtrap_operator.core.ownership import MadeFor, owner_of
from tests.unit.clients.secrets_of_ours import INSTALLATION, ISSUANCE, OWNER, VALUE

MARKS = Marks(
    owner=OWNER,
    api_token="billing-token",
    token_id=7,
    nonce="abcdefgh",
    fingerprint=fingerprint(VALUE, 7, "abcdefgh"),
    issuance=ISSUANCE,
    keys=("password", "token"),
    places={"token": 0, "password": 65_535},
    labels=("app.kubernetes.io/managed-by",),
    annotations=("team",),
    former=mark_former("before", 6, VALUE),
    uid="uid-1",
)
ALL = MARKS.as_annotations()
HUGE = "9" * 5000


def test_marks_read_back_as_they_were_written() -> None:
    assert MARKS == read_marks({**ALL, "somebody.else/mark": "x"}, INSTALLATION)


def test_marks_are_six_annotations_of_which_none_holds_the_value() -> None:
    assert {"owner", "api-token", "token-id", "nonce", "fingerprint", "issuance"} == {
        name.removeprefix("mailtrap-operator.io/") for name in ALL
    }
    assert VALUE not in str(ALL)


@pytest.mark.parametrize("name", ALL)
def test_without_any_one_of_them_there_are_no_marks(name: str) -> None:
    assert None is read_marks({key: text for key, text in ALL.items() if key != name}, INSTALLATION)


@pytest.mark.parametrize(
    ("changes", "value", "told"),
    [
        pytest.param({}, VALUE, 7, id="they speak of it"),
        pytest.param({}, "f" * 32, None, id="another value"),
        pytest.param({"token-id": "8"}, VALUE, None, id="another id"),
        pytest.param({"token-id": HUGE}, VALUE, None, id="no id"),
        pytest.param({"nonce": ""}, VALUE, None, id="no nonce"),
        pytest.param({"fingerprint": ""}, VALUE, None, id="no fingerprint"),
    ],
)
def test_they_say_which_token_a_value_is(changes: dict[str, str], value: str, told: int | None) -> None:
    marks = ALL | {f"mailtrap-operator.io/{name}": text for name, text in changes.items()}

    assert told == marked_id(marks, value)


def with_issuance(**changes: object) -> str:
    parts = json.loads(ALL[names.ISSUANCE]) | changes
    return json.dumps({name: part for name, part in parts.items() if part != "missing"})


def with_former(**changes: object) -> str:
    return with_issuance(former=json.loads(ALL[names.ISSUANCE])["former"] | changes)


def with_desired(**changes: object) -> str:
    wishes = json.loads(ALL[names.ISSUANCE])["wishes"] | changes
    return with_issuance(wishes={name: wish for name, wish in wishes.items() if wish != "missing"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (names.TOKEN_ID, ""),
        (names.TOKEN_ID, "seven"),
        (names.TOKEN_ID, "7.5"),
        (names.TOKEN_ID, "0"),
        (names.TOKEN_ID, "-7"),
        (names.TOKEN_ID, HUGE),
        (names.TOKEN_ID, "07"),
        (names.TOKEN_ID, "٧"),
        (names.TOKEN_ID, str(2**63)),
        (names.OWNER, "abcdef"),
        (names.OWNER, "fedcba-abcdefghij"),
        (names.OWNER, f"{OWNER}k"),
        (names.API_TOKEN, ""),
        (names.API_TOKEN, "x" * 254),
        (names.NONCE, ""),
        (names.NONCE, "abcdefg"),
        (names.NONCE, "abcdefghi"),
        (names.NONCE, "abcdefg8"),
        (names.NONCE, "a" * 200_000),
        *(
            (names.FINGERPRINT, text)
            for text in (
                *("", ":", "0:", "-1:", "x:", "32", "32:", "31:abc", f"{HUGE}:x", "²:x", "٣٢:x", "032:x"),
                *(f"{length}:{'0' * 64}" for length in (0, 7, 4097, 9999, 10_000)),
                f"32:{'0' * 65}",
                f"32:{'g' * 64}",
            )
        ),
        (names.ISSUANCE, ""),
        (names.ISSUANCE, "null"),
        (names.ISSUANCE, "[]"),
        (names.ISSUANCE, ALL[names.ISSUANCE][:-9]),
        (names.ISSUANCE, with_desired(issuedAt="missing")),
        (names.ISSUANCE, with_desired(issuedAt=5)),
        (names.ISSUANCE, with_desired(issuedAt="yesterday")),
        (names.ISSUANCE, with_desired(accessDigest=None)),
        (names.ISSUANCE, with_desired(accessDigest="x" * 5000)),
        (names.ISSUANCE, with_desired(account="default")),
        (names.ISSUANCE, with_desired(account={"kind": "Bank", "name": "x"})),
        (names.ISSUANCE, with_issuance(keys="token")),
        (names.ISSUANCE, with_issuance(keys=[5])),
        (names.ISSUANCE, with_issuance(keys="missing")),
        (names.ISSUANCE, with_issuance(labels={"a": "b"})),
        (names.ISSUANCE, with_issuance(keys=["token", "token", "password"])),
        (names.ISSUANCE, with_issuance(keys=["token", "password", *map(str, range(32))])),
        (names.ISSUANCE, with_issuance(keys=["token", "password", "x" * 254])),
        (names.ISSUANCE, with_issuance(labels=[str(number) for number in range(34)])),
        (names.ISSUANCE, with_issuance(annotations=["team", "team"])),
        (names.ISSUANCE, with_issuance(annotations=["x" * 318])),
        (names.ISSUANCE, with_issuance(places={"other": 0})),
        (names.ISSUANCE, with_issuance(places={"token": -1})),
        (names.ISSUANCE, with_issuance(places={"token": 65_536})),
        (names.ISSUANCE, with_issuance(places={"token": "0"})),
        (names.ISSUANCE, with_issuance(places=["token"])),
        (names.ISSUANCE, with_former(token_id=0, tokenId=0)),
        (names.ISSUANCE, with_former(tokenId=2**63)),
        (names.ISSUANCE, with_former(key="x" * 254)),
        (names.ISSUANCE, with_former(fingerprint="32:0")),
        (names.ISSUANCE, ALL[names.ISSUANCE] + " " * 65_536),
    ],
)
def test_a_damaged_mark_is_none(name: str, text: str) -> None:
    assert None is read_marks({**ALL, name: text}, INSTALLATION)


def test_marks_of_before_labels_annotations_and_places_were_noted_can_be_read() -> None:
    older = with_issuance(labels="missing", annotations="missing", places="missing")

    marks = read_marks({**ALL, names.ISSUANCE: older}, INSTALLATION)

    assert dataclasses.replace(MARKS, labels=(), annotations=(), places=None) == marks


def test_the_longest_marks_that_are_written_read_back() -> None:
    names = tuple(f"{number:0317}" for number in range(33))
    marks = dataclasses.replace(
        MARKS,
        api_token="x" * 253,
        token_id=2**63 - 1,
        issuance=ISSUANCE.model_copy(update={"rotate_request": "\x00" * 256}),
        keys=tuple(name[-253:] for name in names),
        places={name[-253:]: 65_535 for name in names},
        labels=names,
        annotations=names,
    )

    assert marks == read_marks(marks.as_annotations(), INSTALLATION)


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        (OWNER, OWNER),
        ("fedcba-abcdefghij", "fedcba-abcdefghij"),
        ("", None),
        ("abcdef-abcdefghi1", None),
        (f"{OWNER}\n", None),
        (f"x{OWNER}", None),
        (HUGE, None),
    ],
)
def test_an_owner_counts_in_the_form_of_ours_alone(text: str, owner: str | None) -> None:
    assert owner == read_owner({names.OWNER: text})


@settings(deadline=None)
@given(annotations=st.dictionaries(st.sampled_from(list(ALL)), st.text(max_size=50)))
def test_no_text_whatever_in_a_mark_is_an_exception(annotations: dict[str, str]) -> None:
    marks = read_marks({**ALL, **annotations}, INSTALLATION)

    assert marks is None or marks.token_id >= 1


OF_SHOP = owner_of(INSTALLATION, "shop", "billing-token", "uid-1")
PROVEN = dataclasses.replace(MARKS, owner=f"{INSTALLATION}-{OF_SHOP}")
REFERENCE = OwnerReference("mailtrap-operator.io/v1alpha1", "ApiToken", "billing-token", "uid-1")


@pytest.mark.parametrize(
    ("marks", "namespace", "owners", "uid"),
    [
        pytest.param(PROVEN, "shop", (), "uid-1", id="the uid that was recorded fits the digest"),
        pytest.param(PROVEN, "copies", (), "", id="a copy in another namespace"),
        pytest.param(dataclasses.replace(PROVEN, uid="uid-2"), "shop", (), "", id="another uid"),
        pytest.param(dataclasses.replace(PROVEN, api_token="other"), "shop", (), "", id="another name"),
        pytest.param(dataclasses.replace(PROVEN, uid=""), "shop", (), "", id="none was recorded"),
        pytest.param(
            dataclasses.replace(PROVEN, uid=""),
            "shop",
            (REFERENCE,),
            "uid-1",
            id="its owner reference has it",
        ),
    ],
)
def test_marks_prove_for_whom_a_secret_was_made(
    marks: Marks, namespace: str, owners: tuple[OwnerReference, ...], uid: str
) -> None:
    assert MadeFor(marks.api_token, uid) == made_for(marks, namespace, INSTALLATION, owners)


def test_metadata_alone_tell_which_tokens_a_secret_holds() -> None:
    meta = {"namespace": "shop", "annotations": PROVEN.as_annotations()}
    without_former = dataclasses.replace(PROVEN, former=None).as_annotations()

    assert frozenset({(OF_SHOP, 7), (OF_SHOP, 6)}) == tokens_marked_as_held(meta, INSTALLATION)
    assert frozenset({(OF_SHOP, 7)}) == tokens_marked_as_held(
        meta | {"annotations": without_former}, INSTALLATION
    )
    assert frozenset() == tokens_marked_as_held(meta | {"namespace": "copies"}, INSTALLATION)
    assert frozenset() == tokens_marked_as_held({"namespace": "shop"}, INSTALLATION)
