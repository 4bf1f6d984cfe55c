"""While a value is in memory, nothing of the operator shows it to anyone who prints an object or an exception."""

import gc
from typing import Any

import pytest

from tests.simulation.flows import FLOWS, Flow
from tests.simulation.network import Call
from tests.simulation.runs import play


def own_objects() -> list[Any]:
    """Return all objects in memory whose class is the operator's, and all exceptions."""
    return [
        thing
        for thing in gc.get_objects()
        if str(type(thing).__module__).startswith("mailtrap_operator") or isinstance(thing, BaseException)
    ]


@pytest.mark.parametrize(
    "flow", [flow for flow in FLOWS if flow.name in {"create", "reset", "replace"}], ids=str
)
def test_no_repr_shows_a_value(flow: Flow) -> None:
    shown: set[str] = set()

    async def look(_call: Call) -> None:
        shown.update(repr(thing) for thing in own_objects())

    values = play(flow, {}, before=look).values

    assert any(text.startswith("IssuedValue(") for text in shown)
    assert not [value for value in values if any(value in text for text in shown)]
