"""Writing a value: into nothing, into a Secret that others use too, in another form, and when the API server refuses."""

import base64
from typing import Any

from mailtrap_operator.clients.secret_client import SecretClient, parse_secret
from mailtrap_operator.core.actions import DesiredSecret
from mailtrap_operator.core.desired_state import fulfils
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.secrets_of_ours import (
    FOREIGN,
    INSTALLATION,
    ISSUANCE,
    ISSUED,
    LABEL,
    OWNER,
    PATH,
    VALUE,
    desired,
    version_of,
)


def texts_of(body: dict[str, Any] | None) -> dict[str, str]:
    assert body is not None
    return {key: base64.b64decode(text).decode("latin-1") for key, text in body["data"].items()}


async def publish(kube: FakeKube, wanted: DesiredSecret) -> dict[str, Any]:
    await SecretClient(kube, INSTALLATION).publish(wanted, ISSUED)
    body = kube.object(f"{PATH}/{wanted.name}")
    assert body is not None
    return body


async def test_a_value_is_published_into_nothing() -> None:
    kube = FakeKube()

    body = await publish(kube, desired(annotations={"example.com/a": "b"}, labels={"team": "x"}))

    assert {"token": VALUE} == texts_of(body)
    assert ("v1", "Secret", "Opaque") == (body["apiVersion"], body["kind"], body["type"])
    assert {**LABEL, "team": "x"} == body["metadata"]["labels"]
    marks = {
        name.removeprefix("mailtrap-operator.io/"): text
        for name, text in body["metadata"]["annotations"].items()
    }
    assert (OWNER, "billing-token", "7", "abcdefgh", "b") == (
        marks["owner"],
        marks["api-token"],
        marks["token-id"],
        marks["nonce"],
        marks["example.com/a"],
    )
    assert [
        {
            "apiVersion": "mailtrap-operator.io/v1alpha1",
            "kind": "ApiToken",
            "name": "billing-token",
            "uid": "uid-of-api-token",
            "controller": True,
        }
    ] == body["metadata"]["ownerReferences"]


async def test_published_secret_is_the_desired_secret() -> None:
    kube, wanted = (
        FakeKube(),
        desired({"a": "${token}", "b": "x"}, labels={"team": "x"}, annotations={"n": "o"}),
    )

    state = await SecretClient(kube, INSTALLATION).publish(wanted, ISSUED)

    assert fulfils(state, wanted)
    assert state.is_intact
    assert (7, "abcdefgh", ISSUANCE, OWNER) == (state.token_id, state.nonce, state.issuance, state.owner)
    assert state == parse_secret(kube.object(f"{PATH}/billing") or {}, INSTALLATION)


async def test_placeholders_are_replaced_wherever_they_stand() -> None:
    template = {
        "twice": "${token}-${token}",
        "url": "smtp://api:${token}@live.smtp.mailtrap.io:587",
        "plain": "api",
        "dollar": "$token ${other} $${token}",
    }

    body = await publish(FakeKube(), desired(template))

    assert {
        "twice": f"{VALUE}-{VALUE}",
        "url": f"smtp://api:{VALUE}@live.smtp.mailtrap.io:587",
        "plain": "api",
        "dollar": f"$token ${{other}} ${VALUE}",
    } == texts_of(body)


async def test_what_others_put_into_a_secret_survives() -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN))

    body = await publish(kube, desired(version=version))

    meta = body["metadata"]
    assert {"other": "keep me", "binary": "\xff", "token": VALUE} == texts_of(body)
    assert {"team": "billing", **LABEL} == meta["labels"]
    assert "keep me" == meta["annotations"]["example.com/note"]
    assert ["uid-other", "uid-of-api-token"] == [owner["uid"] for owner in meta["ownerReferences"]]


async def test_unwanted_keys_are_removed() -> None:
    kube = FakeKube()
    kube.seed(PATH, FOREIGN)
    before = kube.object(f"{PATH}/billing")
    first = desired(
        {"old": "${token}", "kept": "${token}"},
        labels={"l-old": "1", "l-kept": "1"},
        annotations={"a-old": "1", "a-kept": "1"},
        version=version_of(before),
    )
    first_body = await publish(kube, first)

    body = await publish(
        kube,
        desired(
            {"kept": "${token}!", "new": "x"},
            labels={"l-kept": "2"},
            annotations={"a-kept": "2"},
            version=version_of(first_body),
            is_owned=False,
        ),
    )

    meta = body["metadata"]
    assert {"other", "binary", "kept", "new"} == body["data"].keys()
    assert {"team": "billing", **LABEL, "l-kept": "2"} == meta["labels"]
    assert {"example.com/note": "keep me", "a-kept": "2"} == {
        name: text
        for name, text in meta["annotations"].items()
        if not name.startswith("mailtrap-operator.io/")
    }
    assert ["uid-other"] == [owner["uid"] for owner in meta["ownerReferences"]]


async def test_being_owned_again_makes_no_second_reference() -> None:
    kube = FakeKube()
    first = await publish(kube, desired())

    body = await publish(kube, desired(version=version_of(first)))

    assert ["uid-of-api-token"] == [owner["uid"] for owner in body["metadata"]["ownerReferences"]]


async def test_a_secret_whose_marks_are_damaged_is_taken_over_with_all_its_keys() -> None:
    kube = FakeKube()
    await publish(kube, desired({"old": "${token}"}))
    kube.edit(f"{PATH}/billing", lambda body: body["metadata"].update(annotations=None))

    body = await publish(
        kube, desired({"new": "${token}"}, version=version_of(kube.object(f"{PATH}/billing")))
    )

    assert {"old", "new"} == body["data"].keys()
