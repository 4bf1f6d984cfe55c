"""Which annotations under the operator's prefix mean nothing, and what was meant by them."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from mailtrap_operator.api.names import (
    ABANDON_ANNOTATION,
    ADOPT_ANNOTATION,
    CONFIRM_ANNOTATION,
    PROOF_ANNOTATION,
    ROTATE_ANNOTATION,
)
from mailtrap_operator.api.v1alpha1 import GROUP
from mailtrap_operator.core.text import join_limited

_PREFIX = f"{GROUP}/"
_MOST_NAMED = 5
_LONGEST_NAMED = 80

_OF_API_TOKENS = tuple(
    name.removeprefix(_PREFIX)
    for name in (
        ROTATE_ANNOTATION,
        ADOPT_ANNOTATION,
        CONFIRM_ANNOTATION,
        PROOF_ANNOTATION,
        ABANDON_ANNOTATION,
    )
)


def unknown_annotations(kind: str, annotations: Mapping[str, str]) -> dict[str, str]:
    """Return those under the operator's prefix that it does not know on an object of a kind."""
    known = _OF_API_TOKENS if kind == "ApiToken" else ()
    return {
        name: value
        for name, value in annotations.items()
        if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) not in known
    }


def words_on_unknown(kind: str, unknown: Mapping[str, str]) -> str:
    """Return that annotations have no effect, and what to do."""
    names = sorted(name.removeprefix(_PREFIX) for name in unknown)
    told = join_limited([f"{_PREFIX}{name[:_LONGEST_NAMED]}" for name in names], _MOST_NAMED)
    words = f"Not known on this {kind}, and without effect: {told}."
    if kind != "ApiToken":
        return f"{words} It has no annotations of the operator's: remove them."
    nearest = dict.fromkeys(near for name in names for near in get_close_matches(name, _OF_API_TOKENS, n=1))
    if not nearest:
        return f"{words} Remove them; known are {_in_full(_OF_API_TOKENS)}."
    return f"{words} Correct or remove them; the nearest that are known are {_in_full(nearest)}."


def _in_full(names: Iterable[str]) -> str:
    return ", ".join(f"{_PREFIX}{name}" for name in names)
