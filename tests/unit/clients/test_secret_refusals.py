"""Writes that are tried only, and writes that the API server refuses."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from mailtrap_operator.clients.errors import Conflict, Failure, Retryable, Terminal, Uncertain
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.core.reasons import Reason
from tests.simulation.kubernetes import Mutation, Rules
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.secrets_of_ours import (
    FOREIGN,
    INSTALLATION,
    ISSUANCE,
    ISSUED,
    PATH,
    VALUE,
    desired,
    version_of,
)


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_dry_run_has_the_server_judge_and_writes_nothing(*, is_there: bool) -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN)) if is_there else None
    before = kube.object(f"{PATH}/billing")

    await SecretClient(kube, INSTALLATION).try_publish(desired(version=version), ISSUANCE)

    assert before == kube.object(f"{PATH}/billing")
    assert [] == kube.writes
    assert {"dryRun": "All"} == kube.calls[-1].query


@pytest.mark.parametrize("is_there", [False, True])
async def test_a_dry_run_meets_the_same_refusal_as_the_write(*, is_there: bool) -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN)) if is_there else None
    kube.fail("PUT" if is_there else "POST", "/secrets", 403, "exceeded quota: secrets")

    with pytest.raises(Terminal, match=r"Secret billing cannot be written: .*exceeded quota") as caught:
        await SecretClient(kube, INSTALLATION).try_publish(desired(version=version), ISSUANCE)

    assert Reason.SECRET_WRITE_REFUSED is caught.value.reason


async def test_a_secret_that_appeared_meanwhile_is_a_conflict() -> None:
    kube = FakeKube()
    kube.seed(PATH, FOREIGN)

    with pytest.raises(Conflict):
        await SecretClient(kube, INSTALLATION).publish(desired(), ISSUED)

    assert FOREIGN["data"] == (kube.object(f"{PATH}/billing") or {})["data"]


async def test_a_secret_that_changed_meanwhile_is_a_conflict_and_stays_as_it_is() -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN))
    changed = kube.edit(f"{PATH}/billing", lambda body: body["data"].update(other="eA=="))

    with pytest.raises(Conflict, match="Secret billing changed meanwhile"):
        await SecretClient(kube, INSTALLATION).publish(desired(version=version), ISSUED)

    assert changed == kube.object(f"{PATH}/billing")


@pytest.mark.parametrize("moment", ["GET", "PUT"])
async def test_a_secret_that_vanished_meanwhile_is_a_conflict(moment: str) -> None:
    kube = FakeKube()
    version = version_of(kube.seed(PATH, FOREIGN))
    kube.fail(moment, "/secrets/billing", 404, "not found")

    with pytest.raises(Conflict, match="Secret billing changed meanwhile"):
        await SecretClient(kube, INSTALLATION).publish(desired(version=version), ISSUED)


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
        await SecretClient(kube, INSTALLATION).publish(desired(), ISSUED)

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
        await SecretClient(kube, INSTALLATION).publish(
            desired({"token": "${token}", "template": "x${token}"}), ISSUED
        )

    message = caught.value.message
    assert "left out" in message
    for secret in (VALUE, base64.b64encode(VALUE.encode()).decode(), SHIFTED):
        assert not [secret[i : i + 8] for i in range(len(secret) - 7) if secret[i : i + 8] in message]


@pytest.mark.parametrize("value", ["Zz!pq-Xy.wv", "correct horse battery"])
async def test_a_value_that_looks_like_words_is_not_quoted_either(value: str) -> None:
    kube = FakeKube()
    kube.fail("POST", "/secrets", 403, f"denied: {value.upper()}")

    with pytest.raises(Terminal, match="quotes the data of the Secret and is left out"):
        await SecretClient(kube, INSTALLATION).publish(desired(), replace(ISSUED, value=SecretStr(value)))


async def test_a_refusal_keeps_the_time_that_the_server_asked_for() -> None:
    class Busy(FakeKube):
        async def create(self, *_: Any, **__: Any) -> Any:
            raise Retryable(Reason.KUBERNETES_UNAVAILABLE, "busy", timedelta(seconds=7))

    with pytest.raises(Retryable) as caught:
        await SecretClient(Busy(), INSTALLATION).publish(desired(), ISSUED)

    assert timedelta(seconds=7) == caught.value.retry_after


def meddling(change: Callable[[dict[str, Any]], None]) -> FakeKube:
    """Return an API server that changes the Secrets that are written to it."""
    kube = FakeKube()
    kube.server.rules = Rules(mutations=(Mutation("secrets", change),))
    return kube


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda body: body["data"].update(token="eA=="), "data.token"),
        (lambda body: body["data"].clear(), "data.token"),
        (lambda body: body.pop("data"), "data"),
        (
            lambda body: body["metadata"]["annotations"].pop("mailtrap-operator.io/nonce"),
            "metadata.annotations.mailtrap-operator.io/nonce",
        ),
    ],
)
async def test_a_secret_that_could_not_hold_a_value_is_refused_in_the_dry_run(
    change: Callable[[dict[str, Any]], None], named: str
) -> None:
    with pytest.raises(Terminal, match=r"Secret billing cannot hold a value: .*No token is issued") as caught:
        await SecretClient(meddling(change), INSTALLATION).try_publish(desired(), ISSUANCE)

    assert Reason.SECRET_WRITE_REFUSED is caught.value.reason
    assert f" changes {named}. " in caught.value.message


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda body: body["metadata"]["labels"].update(added="x"), ""),
        (lambda body: body["data"].update(added="eA=="), ""),
        (
            lambda body: body["metadata"]["labels"].clear(),
            "metadata.labels.app.kubernetes.io/managed-by",
        ),
        (lambda body: body["metadata"].pop("ownerReferences"), "metadata.ownerReferences"),
    ],
)
async def test_what_does_not_harm_a_value_is_named_with_the_secret_as_stored(
    change: Callable[[dict[str, Any]], None], changed: str
) -> None:
    client = SecretClient(meddling(change), INSTALLATION)
    await client.try_publish(desired(), ISSUANCE)

    assert changed == (await client.publish(desired(), ISSUED)).changed_at_admission


async def test_a_value_moves_to_no_secret_that_could_not_hold_it() -> None:
    kube = meddling(
        lambda body: body["metadata"].pop("annotations") if body["metadata"]["name"] == "mailer" else None
    )
    client = SecretClient(kube, INSTALLATION)
    source = await client.publish(desired(), ISSUED)

    with pytest.raises(Terminal, match=r"Secret mailer cannot hold a value: .*The value stays as it is"):
        await client.rewrite(source, desired(name="mailer"))

    assert None is kube.object(f"{PATH}/mailer")
