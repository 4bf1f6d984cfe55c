"""The same value in another form or place, and Secrets that are deleted."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from mailtrap_operator.api import names
from mailtrap_operator.clients.errors import Conflict, Missing
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import IssuedValue
from mailtrap_operator.core.desired_state import fulfils
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.secrets_of_ours import (
    AT,
    INSTALLATION,
    ISSUANCE,
    PATH,
    TEMPLATE,
    TOKEN,
    VALUE,
    Edit,
    data,
    desired,
    mark,
    published,
    read,
    version_of,
)
from tests.unit.clock import run_virtual


async def test_the_same_value_moves_into_another_form() -> None:
    kube = FakeKube()
    source = await published(kube)
    wanted = desired({"PASSWORD": "${token}"}, labels={"team": "x"}, version=source.resource_version)

    state = await SecretClient(kube, INSTALLATION).rewrite(source, wanted)

    body = kube.object(AT) or {}
    assert {"PASSWORD": base64.b64encode(VALUE.encode()).decode()} == body["data"]
    assert fulfils(state, wanted)
    assert (7, "abcdefgh", ISSUANCE) == (state.token_id, state.nonce, state.issuance)


async def test_the_same_value_moves_to_another_place() -> None:
    kube = FakeKube()
    source = await published(kube)
    wanted = desired({"PASSWORD": "${token}"}, name="mailer")

    state = await SecretClient(kube, INSTALLATION).rewrite(source, wanted)

    body = kube.object(f"{PATH}/mailer") or {}
    assert base64.b64encode(VALUE.encode()).decode() == body["data"]["PASSWORD"]
    assert ("mailer", True, True) == (state.name, state.is_intact, fulfils(state, wanted))
    assert source == await read(kube)


async def test_a_value_is_moved_from_where_it_still_stands() -> None:
    kube = FakeKube()
    await published(kube)
    kube.edit(AT, data(token="x"))
    source = await read(kube)

    await SecretClient(kube, INSTALLATION).rewrite(source, desired(TEMPLATE, version=source.resource_version))

    assert fulfils(await read(kube), desired(TEMPLATE))


def places_of(body: dict[str, Any] | None) -> dict[str, int] | None:
    annotations = (body or {})["metadata"]["annotations"]
    places: dict[str, int] | None = json.loads(annotations[names.ISSUANCE]).get("places")
    return places


def lose_places(body: dict[str, Any]) -> None:
    annotations = body["metadata"]["annotations"]
    issuance = json.loads(annotations[names.ISSUANCE])
    del issuance["places"]
    annotations[names.ISSUANCE] = json.dumps(issuance)


async def test_a_secret_of_before_places_were_recorded_is_intact_and_gets_them_with_the_next_write() -> None:
    kube = FakeKube()
    await published(kube)
    kube.edit(AT, lose_places)
    source = await read(kube)
    assert (True, True) == (source.is_intact, fulfils(source, desired(TEMPLATE)))

    wanted = desired(TEMPLATE | {"new": "x${token}"}, version=source.resource_version)
    await SecretClient(kube, INSTALLATION).rewrite(source, wanted)

    assert {"token": 0, "url": 11, "new": 1} == places_of(kube.object(AT))
    assert fulfils(await read(kube), wanted)


@pytest.mark.parametrize("edit", [data(foreign="x"), data(token="x", url="x"), mark(names.ISSUANCE, "")])
@pytest.mark.parametrize("name", ["billing", "mailer"])
async def test_nothing_moves_out_of_a_secret_that_changed_meanwhile(edit: Edit, name: str) -> None:
    kube = FakeKube()
    source = await published(kube)
    changed = kube.edit(AT, edit)
    version = source.resource_version if name == "billing" else None

    with pytest.raises(Conflict, match="Secret billing changed meanwhile"):
        await SecretClient(kube, INSTALLATION).rewrite(source, desired(name=name, version=version))

    assert changed == kube.object(AT)
    assert None is kube.object(f"{PATH}/mailer")


async def test_nothing_moves_out_of_a_secret_that_is_gone() -> None:
    kube = FakeKube()
    source = await published(kube)
    kube.remove(AT)

    with pytest.raises(Missing):
        await SecretClient(kube, INSTALLATION).rewrite(source, desired(version=source.resource_version))


async def test_the_very_secret_that_was_read_is_deleted() -> None:
    kube = FakeKube()
    state = await published(kube)

    await SecretClient(kube, INSTALLATION).delete("team", state)
    await SecretClient(kube, INSTALLATION).delete("team", state)

    assert None is kube.object(AT)


async def test_another_secret_of_that_name_is_not_deleted() -> None:
    kube = FakeKube()
    state = await published(kube)
    kube.remove(AT)
    kube.seed(PATH, {"metadata": {"name": "billing"}})

    with pytest.raises(Conflict):
        await SecretClient(kube, INSTALLATION).delete("team", state)

    assert None is not kube.object(AT)


async def test_a_secret_that_changed_since_is_not_deleted() -> None:
    kube = FakeKube()
    state = await published(kube)
    kube.edit(AT, data(foreign="x"))

    with pytest.raises(Conflict):
        await SecretClient(kube, INSTALLATION).delete("team", state)

    assert version_of(kube.object(AT)) != state.resource_version


@settings(deadline=None)
@given(
    value=st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=64).filter(
        lambda v: "${" not in v
    ),
    template=st.dictionaries(
        st.sampled_from(["a", "b", "c"]),
        st.lists(st.sampled_from(["${token}", "text", "é", "$", "{token}"]), max_size=5).map("".join),
        min_size=1,
    ).filter(lambda template: any("${token}" in text for text in template.values())),
)
def test_whatever_is_published_is_found_again_in_the_desired_form(
    value: str, template: dict[str, str]
) -> None:
    wanted = desired(template)
    issued = IssuedValue("abcdefgh", TOKEN, SecretStr(value), ISSUANCE)

    state = run_virtual(SecretClient(FakeKube(), INSTALLATION).publish(wanted, issued))

    assert state.is_intact
    assert state.layout.keys() == template.keys()
