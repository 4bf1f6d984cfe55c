"""The former value is kept beside the present one, bound to its token, and leaves no trace when it goes."""

import base64
from dataclasses import replace
from typing import Any

import pytest
from pydantic import SecretStr

from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import IssuedValue
from mailtrap_operator.core.observation import FormerValue, SecretState
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.secrets_of_ours import (
    AT,
    INSTALLATION,
    ISSUANCE,
    PATH,
    TOKEN,
    VALUE,
    data,
    desired,
    published,
    read,
)

NEXT_VALUE = "ffffffffffffffff0000000000000000"
NEXT = IssuedValue("nextnonc", replace(TOKEN, id=8), SecretStr(NEXT_VALUE), ISSUANCE)
BEFORE_7 = FormerValue("before", 7)


def texts(kube: FakeKube, path: str = AT) -> dict[str, str]:
    body = kube.object(path) or {}
    return {key: base64.b64decode(text).decode() for key, text in body["data"].items()}


async def rotated(kube: FakeKube) -> SecretState:
    """Publish a value and its successor, keeping the former one."""
    source = await published(kube)
    wanted = desired(version=source.resource_version, former=BEFORE_7)
    return await SecretClient(kube, INSTALLATION).publish(wanted, NEXT)


async def test_the_replaced_value_is_kept_beside_its_successor() -> None:
    kube = FakeKube()

    state = await rotated(kube)

    assert {"token": NEXT_VALUE, "before": VALUE} == texts(kube)
    assert BEFORE_7 == state.former
    assert state == await read(kube)


async def test_it_is_kept_when_the_secret_is_brought_into_another_form() -> None:
    kube = FakeKube()
    state = await rotated(kube)

    moved = await SecretClient(kube, INSTALLATION).rewrite(
        state,
        desired(
            {"PASSWORD": "${token}"},
            version=state.resource_version,
            former=FormerValue("older", 7),
        ),
    )

    assert {"PASSWORD": NEXT_VALUE, "older": VALUE} == texts(kube)
    assert FormerValue("older", 7) == moved.former


async def test_it_moves_to_another_place() -> None:
    kube = FakeKube()
    state = await rotated(kube)

    moved = await SecretClient(kube, INSTALLATION).rewrite(state, desired(name="mailer", former=BEFORE_7))

    assert {"token": NEXT_VALUE, "before": VALUE} == texts(kube, f"{PATH}/mailer")
    assert BEFORE_7 == moved.former


async def test_it_goes_when_it_is_desired_no_more() -> None:
    kube = FakeKube()
    state = await rotated(kube)

    left = await SecretClient(kube, INSTALLATION).rewrite(state, desired(version=state.resource_version))

    assert {"token": NEXT_VALUE} == texts(kube)
    assert left.former is None
    assert VALUE not in str(kube.object(AT))


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param(data(before="edited"), id="it was edited"),
        pytest.param(lambda body: body["data"].pop("before"), id="its key was removed"),
    ],
)
async def test_an_edited_one_counts_as_lost(edit: Any) -> None:
    kube = FakeKube()
    await rotated(kube)
    kube.edit(AT, edit)
    state = await read(kube)

    again = await SecretClient(kube, INSTALLATION).rewrite(
        state, desired(version=state.resource_version, former=BEFORE_7)
    )

    assert (None, None) == (state.former, again.former)
    assert {"token": NEXT_VALUE} == texts(kube)


async def test_a_value_that_the_secret_does_not_hold_is_not_kept() -> None:
    kube = FakeKube()
    source = await published(kube)
    wanted = desired(version=source.resource_version, former=FormerValue("before", 99))

    state = await SecretClient(kube, INSTALLATION).publish(wanted, NEXT)

    assert {"token": NEXT_VALUE} == texts(kube)
    assert state.former is None


async def test_no_message_quotes_it() -> None:
    kube = FakeKube()
    source = await published(kube)
    kube.fail("PUT", "/secrets/billing", 422, f"denied: {VALUE}")
    wanted = desired(version=source.resource_version, former=BEFORE_7)

    with pytest.raises(Failure) as caught:
        await SecretClient(kube, INSTALLATION).publish(wanted, NEXT)

    assert VALUE not in caught.value.message
