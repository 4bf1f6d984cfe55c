"""Writing a value: into nothing, into a Secret that others use too, in another form, and when the API server refuses."""

import base64
from datetime import timedelta
from typing import Any

import pytest

from mailtrap_operator.clients.errors import Conflict, Failure, Retryable, Terminal, Uncertain
from mailtrap_operator.clients.secret_store import SecretStore, parse_secret
from mailtrap_operator.core.actions import DesiredSecret
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.wishes import fulfils
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.secrets_of_ours import (
    ISSUANCE,
    ISSUED,
    LABEL,
    OWNER,
    PATH,
    VALUE,
    desired,
    version_of,
)

FOREIGN: dict[str, Any] = {
    "metadata": {
        "name": "billing",
        "labels": {"team": "billing", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"example.com/note": "keep me"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "uid-other"}],
    },
    "type": "Opaque",
    "data": {"other": "a2VlcCBtZQ==", "binary": "/w=="},
}


def texts_of(body: dict[str, Any] | None) -> dict[str, str]:
    assert body is not None
    return {key: base64.b64decode(text).decode("latin-1") for key, text in body["data"].items()}


async def publish(kube: FakeKube, wish: DesiredSecret) -> dict[str, Any]:
    await SecretStore(kube).publish(wish, ISSUED)
    body = kube.object(f"{PATH}/{wish.name}")
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


async def test_what_is_published_is_what_was_wished() -> None:
    kube, wish = (
        FakeKube(),
        desired({"a": "${token}", "b": "x"}, labels={"team": "x"}, annotations={"n": "o"}),
    )

    state = await SecretStore(kube).publish(wish, ISSUED)

    assert fulfils(state, wish)
    assert state.is_intact
    assert (7, "abcdefgh", ISSUANCE, OWNER) == (state.token_id, state.nonce, state.issuance, state.owner)
    assert state == parse_secret(kube.object(f"{PATH}/billing") or {})


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


async def test_what_we_no_longer_want_goes() -> None:
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


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_dry_run_has_the_server_judge_and_writes_nothing(*, is_there: bool) -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN)) if is_there else None
    before = kube.object(f"{PATH}/billing")

    await SecretStore(kube).try_publish(desired(version=version), ISSUANCE)

    assert before == kube.object(f"{PATH}/billing")
    assert [] == kube.writes
    assert {"dryRun": "All"} == kube.calls[-1].query


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_dry_run_meets_the_same_refusal_as_the_write(*, is_there: bool) -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN)) if is_there else None
    kube.fail("PUT" if is_there else "POST", "/secrets", 403, "exceeded quota: secrets")

    with pytest.raises(Terminal, match=r"Secret billing cannot be written: .*exceeded quota") as caught:
        await SecretStore(kube).try_publish(desired(version=version), ISSUANCE)

    assert Reason.SECRET_WRITE_REFUSED is caught.value.reason


async def test_a_secret_that_appeared_meanwhile_is_a_conflict() -> None:
    kube = FakeKube()
    kube.seed(PATH, FOREIGN)

    with pytest.raises(Conflict):
        await SecretStore(kube).publish(desired(), ISSUED)

    assert FOREIGN["data"] == (kube.object(f"{PATH}/billing") or {})["data"]


async def test_a_secret_that_changed_meanwhile_is_a_conflict_and_stays_as_it_is() -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN))
    changed = kube.edit(f"{PATH}/billing", lambda body: body["data"].update(other="eA=="))

    with pytest.raises(Conflict, match="Secret billing changed meanwhile"):
        await SecretStore(kube).publish(desired(version=version), ISSUED)

    assert changed == kube.object(f"{PATH}/billing")


@pytest.mark.parametrize("moment", ["GET", "PUT"])
async def test_a_secret_that_vanished_meanwhile_is_a_conflict(moment: str) -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN))
    kube.fail(moment, "/secrets/billing", 404, "not found")

    with pytest.raises(Conflict, match="Secret billing changed meanwhile"):
        await SecretStore(kube).publish(desired(version=version), ISSUED)


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (403, Terminal, Reason.SECRET_WRITE_REFUSED),
        (404, Terminal, Reason.SECRET_WRITE_REFUSED),
        (413, Terminal, Reason.SECRET_WRITE_REFUSED),
        (422, Terminal, Reason.SECRET_WRITE_REFUSED),
        (409, Conflict, Reason.KUBERNETES_UNAVAILABLE),
        (429, Retryable, Reason.KUBERNETES_UNAVAILABLE),
        (500, Uncertain, Reason.KUBERNETES_UNAVAILABLE),
        (None, Uncertain, Reason.KUBERNETES_UNAVAILABLE),
    ],
)
async def test_why_a_value_is_not_published(status: int | None, kind: type[Failure], reason: Reason) -> None:
    kube = FakeKube()
    kube.fail("POST", "/secrets", status, "said the server")

    with pytest.raises(Failure, match="said the server") as caught:
        await SecretStore(kube).publish(desired(), ISSUED)

    assert (kind, reason) == (type(caught.value), caught.value.reason)


SHIFTED = base64.b64encode(f"x{VALUE}".encode()).decode()


@pytest.mark.parametrize(
    "said",
    [
        VALUE,
        f"denied: token={VALUE}!",
        f"denied: {base64.b64encode(VALUE.encode()).decode()}",
        f"denied: {SHIFTED}",
        "words " * 47 + VALUE,
        "words " * 46 + base64.b64encode(VALUE.encode()).decode(),
        "words " * 47 + SHIFTED,
    ],
    ids=[
        "alone",
        "plain",
        "encoded",
        "encoded in a template",
        "cut",
        "encoded and cut",
        "in a template and cut",
    ],
)
@pytest.mark.parametrize("status", [403, 409, 500])
async def test_a_server_that_quotes_the_value_is_not_quoted(status: int, said: str) -> None:
    kube = FakeKube()
    kube.fail("POST", "/secrets", status, said)

    with pytest.raises(Failure) as caught:
        await SecretStore(kube).publish(desired({"token": "${token}", "template": "x${token}"}), ISSUED)

    message = caught.value.message
    assert "quotes the data" in message
    for secret in (VALUE, base64.b64encode(VALUE.encode()).decode(), SHIFTED):
        assert not [secret[i : i + 8] for i in range(len(secret) - 7) if secret[i : i + 8] in message]


async def test_a_refusal_keeps_the_time_that_the_server_asked_for() -> None:
    class Busy(FakeKube):
        async def create(self, *_: Any, **__: Any) -> Any:
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, "busy", timedelta(seconds=7))

    with pytest.raises(Retryable) as caught:
        await SecretStore(Busy()).publish(desired(), ISSUED)

    assert timedelta(seconds=7) == caught.value.retry_after
