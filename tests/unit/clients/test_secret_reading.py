"""Reading a Secret, moving its value, and deleting it."""

import base64
from typing import Any

import pytest

from mailtrap_operator.api import names
from mailtrap_operator.clients.errors import Terminal, Uncertain
from mailtrap_operator.clients.kube import Body
from mailtrap_operator.clients.secret_client import SecretClient, parse_secret
from mailtrap_operator.core.desired_state import fulfils
from mailtrap_operator.core.digests import form_digest
from mailtrap_operator.core.observation import Absent, OwnerReference, SecretState
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.secrets_of_ours import (
    AT,
    INSTALLATION,
    ISSUED,
    LABEL,
    PATH,
    TEMPLATE,
    VALUE,
    Edit,
    data,
    desired,
    mark,
    published,
    read,
)


async def test_no_secret_is_a_positive_answer() -> None:
    assert Absent() == await SecretClient(FakeKube(), INSTALLATION).read("team", "billing")


async def test_a_secret_that_cannot_be_read_is_not_absent() -> None:
    kube = FakeKube()
    kube.fail("GET", "/secrets", 403)
    kube.fail("GET", "/secrets", None)

    with pytest.raises(Terminal):
        await SecretClient(kube, INSTALLATION).read("team", "billing")
    with pytest.raises(Uncertain):
        await SecretClient(kube, INSTALLATION).read("team", "billing")


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
        mark(names.TOKEN_ID, "8"),
        mark(names.TOKEN_ID, "x"),
        mark(names.NONCE, "abcdefgi"),
        mark(names.FINGERPRINT, "32:0"),
        mark(names.FINGERPRINT, "9" * 5000),
        mark(names.ISSUANCE, "{"),
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
    await SecretClient(kube, INSTALLATION).publish(
        desired(labels={"ours": "1", "gone": "1"}, annotations={"note": "1"}), ISSUED
    )

    def edit(body: dict[str, Any]) -> None:
        meta = body["metadata"]
        meta["labels"] = {**LABEL, "ours": "2", "foreign": "x"}
        meta["annotations"]["foreign"] = "x"
        meta["ownerReferences"].append(
            {"apiVersion": "apps/v1", "kind": "Deployment", "name": "other", "uid": "uid-other"}
        )

    kube.edit(AT, edit)

    state = await read(kube)
    assert {**LABEL, "ours": "2"} == state.labels
    assert {"note": "1"} == state.annotations
    assert (
        OwnerReference("mailtrap-operator.io/v1alpha1", "ApiToken", "billing-token", "uid-of-api-token"),
        OwnerReference("apps/v1", "Deployment", "other", "uid-other"),
    ) == state.owners


async def test_a_foreign_secret_has_no_marks() -> None:
    state = parse_secret({"metadata": {"name": "billing", "uid": "u", "resourceVersion": "5"}}, INSTALLATION)

    assert SecretState("billing", "u", "5", None, None, None, None, {}, {}, {}) == state


async def test_an_owner_mark_counts_even_when_the_others_are_damaged() -> None:
    kube = FakeKube()
    await published(kube)
    kube.edit(AT, mark(names.ISSUANCE, ""))

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


OUR_KEYS: Body = {"f:data": {f"f:{key}": {} for key in TEMPLATE}}
THEIR_KEY: Body = {"f:data": {"f:password": {}}}
LABELS: Body = {"f:metadata": {"f:labels": {"f:team": {}}}}
MARKS: Body = {"f:metadata": {"f:annotations": {}}}


@pytest.mark.parametrize(
    ("managers", "expected"),
    [
        pytest.param((), None, id="no one is named"),
        pytest.param((("mailtrap-operator", 2, OUR_KEYS),), None, id="an operator"),
        pytest.param(
            (("vault-sync", 1, OUR_KEYS), ("mailtrap-operator", 2, OUR_KEYS)),
            None,
            id="an operator, after someone else",
        ),
        pytest.param(
            (("mailtrap-operator", 1, OUR_KEYS), ("vault-sync", 2, OUR_KEYS)),
            "vault-sync",
            id="someone else, after an operator",
        ),
        pytest.param(
            (("argocd-controller", 1, OUR_KEYS), ("mailtrap-operator", 1, OUR_KEYS)),
            "argocd-controller",
            id="someone else and an operator within one second",
        ),
        pytest.param(
            (("mailtrap-operator", 1, MARKS), ("vault-sync", 2, OUR_KEYS), ("labeller", 3, LABELS)),
            "vault-sync",
            id="someone else, before one who wrote labels alone",
        ),
        pytest.param(
            (("mailtrap-operator", 1, OUR_KEYS), ("labeller", 3, LABELS), ("vault-sync", 4, THEIR_KEY)),
            None,
            id="an operator, before those who wrote no key of ours",
        ),
        pytest.param(
            (("mailtrap-operator", 1, MARKS), ("vault-sync", 2, LABELS)),
            "vault-sync",
            id="the last one, where the key is gone",
        ),
    ],
)
async def test_last_field_manager_is_read(
    managers: tuple[tuple[str, int, Body], ...], expected: str | None
) -> None:
    kube = FakeKube()
    await published(kube)
    body = kube.object(AT) or {}
    fields = [
        {"manager": name, "time": f"2030-01-31T12:00:0{second}Z", "fieldsV1": written}
        for name, second, written in managers
    ]

    assert (
        expected
        == parse_secret(
            {**body, "metadata": {**body["metadata"], "managedFields": fields}}, INSTALLATION
        ).editor
    )


@pytest.mark.parametrize(
    ("text", "key", "value"),
    [
        pytest.param(f" {VALUE}\n", "token", VALUE, id="a value with blanks around it"),
        pytest.param(VALUE, "other", None, id="another key"),
        pytest.param("", "token", None, id="nothing"),
        pytest.param("short", "token", None, id="too short"),
        pytest.param("x" * 4097, "token", None, id="too long"),
        pytest.param("two words of it", "token", None, id="blanks"),
        pytest.param("line\nbreak", "token", None, id="a line break"),
        pytest.param("ключ-ключ", "token", None, id="other letters"),
    ],
)
async def test_a_value_is_read_that_someone_put_under_a_key(text: str, key: str, value: str | None) -> None:
    kube = FakeKube()
    encoded = base64.b64encode(text.encode()).decode()
    kube.seed(PATH, {"metadata": {"name": "mine"}, "data": {"token": encoded}})

    found = await SecretClient(kube, INSTALLATION).read_value("team", "mine", key)

    assert value == (found and found.get_secret_value())
    assert value is None or value not in repr(found)


async def test_a_value_that_cannot_be_read_is_not_absent() -> None:
    kube = FakeKube()
    kube.seed(PATH, {"metadata": {"name": "bare"}})
    kube.fail("GET", "/mine", 403)

    with pytest.raises(Terminal):
        await SecretClient(kube, INSTALLATION).read_value("team", "mine", "token")
    assert None is await SecretClient(kube, INSTALLATION).read_value("team", "nowhere", "token")
    assert None is await SecretClient(kube, INSTALLATION).read_value("team", "bare", "token")


@pytest.mark.parametrize(
    ("annotations", "handed_to"),
    [
        pytest.param({"mailtrap-operator.io/hand-over-to": "billing"}, "billing", id="it names an ApiToken"),
        pytest.param({}, None, id="it names none"),
        pytest.param({"mailtrap-operator.io/hand-over-to": ""}, None, id="it names nothing"),
        pytest.param(
            {"mailtrap-operator.io/hand-over-to": "billing", "mailtrap-operator.io/owner": "damaged"},
            None,
            id="it has an owner",
        ),
    ],
)
def test_a_secret_without_an_owner_says_whom_it_is_handed_over_to(
    annotations: dict[str, str], handed_to: str | None
) -> None:
    kube = FakeKube()
    kube.seed(
        PATH, {"metadata": {"name": "billing", "annotations": annotations}, "data": {"token": "aGFuZA=="}}
    )

    state = parse_secret(kube.object(AT) or {}, INSTALLATION)

    assert handed_to == state.handed_to
    assert (False, None, {}) == (state.is_intact, state.token_id, state.layout)
