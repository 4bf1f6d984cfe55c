"""Reading a Secret, moving its value, and deleting it."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from mailtrap_operator.clients import secret_marks
from mailtrap_operator.clients.errors import Conflict, Missing, Terminal, Uncertain
from mailtrap_operator.clients.issued_values import IssuedValue
from mailtrap_operator.clients.secret_store import SecretStore, parse_secret
from mailtrap_operator.core.digests import form_digest
from mailtrap_operator.core.observation import Absent, Found, SecretState
from mailtrap_operator.core.wishes import fulfils
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.secrets_of_ours import (
    ISSUANCE,
    ISSUED,
    LABEL,
    PATH,
    TOKEN,
    VALUE,
    desired,
    version_of,
)
from tests.unit.clock import run_virtual

TEMPLATE = {"token": "${token}", "url": "smtp://api:${token}@host"}
AT = f"{PATH}/billing"
Edit = Callable[[dict[str, Any]], object]


async def published(kube: FakeKube) -> SecretState:
    return await SecretStore(kube).publish(desired(TEMPLATE), ISSUED)


async def read(kube: FakeKube) -> SecretState:
    match await SecretStore(kube).read("team", "billing"):
        case Found(state):
            return state
    raise AssertionError("the Secret is gone")


def data(**texts: str | bytes) -> Edit:
    encoded = {
        key: base64.b64encode(text.encode() if isinstance(text, str) else text).decode()
        for key, text in texts.items()
    }
    return lambda body: body["data"].update(encoded)


def mark(name: str, text: str) -> Edit:
    return lambda body: body["metadata"]["annotations"].update({name: text})


async def test_no_secret_is_a_positive_answer() -> None:
    assert Absent() == await SecretStore(FakeKube()).read("team", "billing")


async def test_a_secret_that_cannot_be_read_is_not_absent() -> None:
    kube = FakeKube()
    kube.fail("GET", "/secrets", 403)
    kube.fail("GET", "/secrets", None)

    with pytest.raises(Terminal):
        await SecretStore(kube).read("team", "billing")
    with pytest.raises(Uncertain):
        await SecretStore(kube).read("team", "billing")


async def test_a_secret_reads_as_it_was_published() -> None:
    kube = FakeKube()

    assert await published(kube) == await read(kube)


@pytest.mark.parametrize(
    "edit",
    [
        data(token="x" * 32, url=f"smtp://api:{'x' * 32}@host"),
        data(token="", url=""),
        data(token=b"\xff\xfe", url=b"\xff"),
        lambda body: body.update(data=None),
        lambda body: body.pop("data"),
        lambda body: body["metadata"].update(annotations=None),
        mark(secret_marks.TOKEN_ID, "8"),
        mark(secret_marks.TOKEN_ID, "x"),
        mark(secret_marks.NONCE, "abcdefgi"),
        mark(secret_marks.FINGERPRINT, "32:0"),
        mark(secret_marks.FINGERPRINT, "9" * 5000),
        mark(secret_marks.ISSUANCE, "{"),
    ],
    ids=[
        "another value",
        "no value",
        "binary data",
        "no data",
        "no data at all",
        "no annotations",
        "another id",
        "no id",
        "another nonce",
        "another fingerprint",
        "a broken fingerprint",
        "a broken issuance",
    ],
)
async def test_an_edited_secret_is_no_longer_intact(edit: Edit) -> None:
    kube = FakeKube()
    await published(kube)

    kube.edit(AT, edit)

    state = await read(kube)
    assert not state.is_intact
    assert not fulfils(state, desired(TEMPLATE))


@pytest.mark.parametrize(
    ("edit", "layout"),
    [
        (lambda _: None, {"token": "${token}", "url": "smtp://api:${token}@host"}),
        (lambda body: body["data"].pop("token"), {"url": "smtp://api:${token}@host"}),
        (data(token="x"), {"token": "x", "url": "smtp://api:${token}@host"}),
        (data(url=b"\xff"), {"token": "${token}"}),
        (data(url=f"{VALUE}{VALUE}"), {"token": "${token}", "url": "${token}${token}"}),
        (data(foreign=VALUE, binary=b"\xff"), {"token": "${token}", "url": "smtp://api:${token}@host"}),
    ],
    ids=["untouched", "a key lost", "a key edited", "a key made binary", "another text", "foreign keys"],
)
async def test_the_layout_says_what_form_the_value_has_in_our_keys(
    edit: Edit, layout: dict[str, str]
) -> None:
    kube = FakeKube()
    await published(kube)

    kube.edit(AT, edit)

    state = await read(kube)
    assert {key: form_digest(text) for key, text in layout.items()} == state.layout
    assert state.is_intact


async def test_only_labels_annotations_and_owners_that_matter_are_kept() -> None:
    kube = FakeKube()
    await SecretStore(kube).publish(
        desired(labels={"ours": "1", "gone": "1"}, annotations={"note": "1"}), ISSUED
    )

    def edit(body: dict[str, Any]) -> None:
        meta = body["metadata"]
        meta["labels"] = {**LABEL, "ours": "2", "foreign": "x"}
        meta["annotations"]["foreign"] = "x"
        meta["ownerReferences"].append({"uid": "uid-other"})

    kube.edit(AT, edit)

    state = await read(kube)
    assert {**LABEL, "ours": "2"} == state.labels
    assert {"note": "1"} == state.annotations
    assert ("uid-of-api-token", "uid-other") == state.owner_uids


async def test_a_foreign_secret_has_no_marks() -> None:
    state = parse_secret({"metadata": {"name": "billing", "uid": "u", "resourceVersion": "5"}})

    assert SecretState("billing", "u", "5", None, None, None, None, {}, {}, {}) == state


async def test_an_owner_mark_counts_even_when_the_others_are_damaged() -> None:
    kube = FakeKube()
    await published(kube)
    kube.edit(AT, mark(secret_marks.ISSUANCE, ""))

    state = await read(kube)

    assert ("abcdef-abcdefghij", None, None, None) == (
        state.owner,
        state.token_id,
        state.nonce,
        state.issuance,
    )


async def test_the_state_of_a_secret_shows_nothing_of_its_data() -> None:
    kube = FakeKube()
    await published(kube)
    kube.edit(AT, data(foreign="somebody's password"))

    shown = repr(await read(kube))

    for text in (VALUE, "somebody's password", "smtp://api", *(kube.object(AT) or {})["data"].values()):
        assert text not in shown


async def test_the_same_value_moves_into_another_form() -> None:
    kube = FakeKube()
    source = await published(kube)
    wish = desired({"PASSWORD": "${token}"}, labels={"team": "x"}, version=source.resource_version)

    state = await SecretStore(kube).rewrite(source, wish)

    body = kube.object(AT) or {}
    assert {"PASSWORD": base64.b64encode(VALUE.encode()).decode()} == body["data"]
    assert fulfils(state, wish)
    assert (7, "abcdefgh", ISSUANCE) == (state.token_id, state.nonce, state.issuance)


async def test_the_same_value_moves_to_another_place() -> None:
    kube = FakeKube()
    source = await published(kube)
    wish = desired({"PASSWORD": "${token}"}, name="mailer")

    state = await SecretStore(kube).rewrite(source, wish)

    body = kube.object(f"{PATH}/mailer") or {}
    assert base64.b64encode(VALUE.encode()).decode() == body["data"]["PASSWORD"]
    assert ("mailer", True, True) == (state.name, state.is_intact, fulfils(state, wish))
    assert source == await read(kube)


async def test_a_value_is_moved_from_where_it_still_stands() -> None:
    kube = FakeKube()
    await published(kube)
    kube.edit(AT, data(token="x"))
    source = await read(kube)

    await SecretStore(kube).rewrite(source, desired(TEMPLATE, version=source.resource_version))

    assert fulfils(await read(kube), desired(TEMPLATE))


@pytest.mark.parametrize(
    "edit", [data(foreign="x"), data(token="x", url="x"), mark(secret_marks.ISSUANCE, "")]
)
@pytest.mark.parametrize("name", ["billing", "mailer"])
async def test_nothing_moves_out_of_a_secret_that_changed_meanwhile(edit: Edit, name: str) -> None:
    kube = FakeKube()
    source = await published(kube)
    changed = kube.edit(AT, edit)
    version = source.resource_version if name == "billing" else None

    with pytest.raises(Conflict, match="Secret billing changed meanwhile"):
        await SecretStore(kube).rewrite(source, desired(name=name, version=version))

    assert changed == kube.object(AT)
    assert None is kube.object(f"{PATH}/mailer")


async def test_nothing_moves_out_of_a_secret_that_is_gone() -> None:
    kube = FakeKube()
    source = await published(kube)
    kube.remove(AT)

    with pytest.raises(Missing):
        await SecretStore(kube).rewrite(source, desired(version=source.resource_version))


async def test_the_very_secret_that_was_read_is_deleted() -> None:
    kube = FakeKube()
    state = await published(kube)

    await SecretStore(kube).delete("team", state)
    await SecretStore(kube).delete("team", state)

    assert None is kube.object(AT)


async def test_another_secret_of_that_name_is_not_deleted() -> None:
    kube = FakeKube()
    state = await published(kube)
    kube.remove(AT)
    kube.seed(PATH, {"metadata": {"name": "billing"}})

    with pytest.raises(Conflict):
        await SecretStore(kube).delete("team", state)

    assert None is not kube.object(AT)


async def test_a_secret_that_changed_since_is_not_deleted() -> None:
    kube = FakeKube()
    state = await published(kube)
    kube.edit(AT, data(foreign="x"))

    with pytest.raises(Conflict):
        await SecretStore(kube).delete("team", state)

    assert version_of(kube.object(AT)) != state.resource_version


@settings(deadline=None)
@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=4, max_size=64).filter(
        lambda v: "${" not in v
    ),
    template=st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.lists(st.sampled_from(["${token}", "text", "é", "$", "{token}"]), max_size=5).map("".join),
        min_size=1,
    ).filter(lambda template: any("${token}" in text for text in template.values())),
)
def test_whatever_is_published_is_found_again_in_the_wished_form(
    value: str, template: dict[str, str]
) -> None:
    wish = desired(template)
    issued = IssuedValue("abcdefgh", TOKEN, SecretStr(value), ISSUANCE)

    state = run_virtual(SecretStore(FakeKube()).publish(wish, issued))

    assert state.is_intact
    assert state.layout.keys() == template.keys()
