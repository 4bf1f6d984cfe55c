"""What may be shown of words that a server chose: no part of a token value, whatever its source.

A server, or a proxy in front of it, may repeat what it was sent, also much later and in the name of something else.
Every text of a server passes here before it becomes part of a message; a text that is compared is compared as it is.
"""

import base64
import re
import unicodedata
from collections.abc import Iterator
from functools import cached_property

from mailtrap_operator.core.ownership import MARK

LEFT_OUT = "[left out]"

_PIECE = 8
"""So many characters of a known value in a row are never shown."""
_LOOKS_LIKE_A_TOKEN = 20
"""So many characters in which letters, digits and cases mix; an id of Mailtrap, a date or a host name has fewer."""

_INSIDE = "A-Za-z0-9_+/=-"
# One with a digit, or one that could be a part of a hexadecimal number: words stand between values and end them.
_GROUP = rf"(?:(?=[A-Za-z_+/=-]*[0-9])[{_INSIDE}]+|[A-Fa-f]+(?![{_INSIDE}]))"
# A value may be broken up by blanks, quotes or escapes.
_RUN = re.compile(rf"(?<![{_INSIDE}]){_GROUP}(?:[^{_INSIDE}]{{1,8}}{_GROUP})*")
_PART = re.compile("[A-Za-z0-9]+")
_STREWN = re.compile("[^a-z0-9]+")


class Redaction:
    """Leaves out of a server's words what quotes one of the known values, and what looks like any other.

    A known value is found plain, in base64 and in hexadecimal digits, in any case, and with anything but letters and
    digits strewn in.
    """

    def __init__(self, *known: str | None) -> None:
        self._known = tuple(value for value in known if value)

    # Most calls end without a word that is shown: the pieces, about 200 for a value, are made when there is one.
    @cached_property
    def _plain(self) -> frozenset[str]:
        return frozenset(piece for value in self._known for piece in _pieces(value))

    @cached_property
    def _folded(self) -> frozenset[str]:
        forms = (form for value in self._known for form in _forms(value))
        return frozenset(piece for form in forms for piece in _pieces(_folded(form)))

    def is_quoted_in(self, text: str) -> bool:
        """Whether a text contains a piece of a known value."""
        return not (self._plain.isdisjoint(_pieces(text)) and self._folded.isdisjoint(_pieces(_folded(text))))

    def shown(self, text: str) -> str:
        """Return a text as it may be shown."""
        return LEFT_OUT if self.is_quoted_in(text) else without_tokens(text)


def without_tokens(text: str) -> str:
    """Return a text without whatever looks like a token value; ids, dates, host names and tags stay."""
    shown, start = [], 0
    for mark in MARK.finditer(text):
        shown += [_RUN.sub(_judged, text[start : mark.start()]), mark[0]]
        start = mark.end()
    return "".join([*shown, _RUN.sub(_judged, text[start:])])


def _judged(run: re.Match[str]) -> str:
    mixed = sum(len(part) for part in _PART.findall(run[0]) if _is_mixed(part))
    return LEFT_OUT if mixed >= _LOOKS_LIKE_A_TOKEN else run[0]


def _is_mixed(part: str) -> bool:
    is_word = part.isalpha() and (part.islower() or part.isupper() or part.istitle())
    is_number = part.isdecimal() and len(part) < _LOOKS_LIKE_A_TOKEN
    return not is_word and not is_number


def _forms(value: str) -> Iterator[str]:
    encoded = value.encode(errors="replace")
    yield value
    yield encoded.hex()
    # Behind one or two other bytes the same bytes read differently in base64; what others have a part in is cut off.
    for before in range(3):
        text = base64.b64encode(bytes(before) + encoded).decode()
        yield text[-(-before * 8 // 6) : (before + len(encoded)) * 8 // 6]


def _folded(text: str) -> str:
    if text.isascii():
        return _STREWN.sub("", text.lower())
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold()))


def _pieces(text: str) -> Iterator[str]:
    return (text[start : start + _PIECE] for start in range(len(text) - _PIECE + 1))
