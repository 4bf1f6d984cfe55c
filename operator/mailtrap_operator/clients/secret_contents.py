"""What of a Secret's data is ours: the texts of our keys, the value in them, and the former value.

A value is looked for where the marks say that it stands. Marks and data may be anyone's, so all work is counted in
bytes, and a Secret that would take too much counts as damaged. Nothing here is kept.
"""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from mailtrap_operator.clients.kube import Body
from mailtrap_operator.clients.secret_marks import LONGEST_TEXT, FormerMark, Marks, fingerprint, length_in
from mailtrap_operator.core.digests import PLACEHOLDER, form_digest

_MOST_WORK = 2 * 1024 * 1024
"""More bytes than the largest Secret of ours takes."""

_MOST_TRIED = 8192
"""So many pieces of text are tried for a value whose place was not recorded."""

_LEAST_HASHED = 64
"""A shorter text takes as long to hash as one of so many bytes."""

_LONGEST_ENCODED = 4 * 4 * LONGEST_TEXT // 3 + 4
"""A character has four bytes at most, and three bytes are four characters of base64."""

_LONGEST_ESCAPE = 6
"""A digest is that of JSON, in which one byte may become so many."""


class TooMuchWorkError(Exception):
    """A Secret would take more work than any of ours."""


@dataclass(slots=True)
class Work:
    """Counts the bytes that are decoded, searched and hashed for one Secret."""

    most: int = _MOST_WORK
    done: int = 0

    def spend(self, size: int) -> None:
        """Count bytes before they are looked at; raises `TooMuchWorkError`."""
        if self.done + size > self.most:
            raise TooMuchWorkError
        self.done += size


@dataclass(frozen=True, slots=True)
class Contents:
    """The plaintext of what is ours in a Secret; its representation shows none of it."""

    value: str | None = field(default=None, repr=False)
    former: str | None = field(default=None, repr=False)
    layout: Mapping[str, str] = field(default_factory=dict)


def read_contents(body: Body, marks: Marks, work: Work | None = None) -> Contents:
    """Return what of a Secret's data is ours; nothing where it is damaged. `layout` is as in a `SecretState`."""
    try:
        return _read(body.get("data") or {}, marks, work or Work())
    except TooMuchWorkError:
        return Contents()


def _read(data: Mapping[str, str], marks: Marks, work: Work) -> Contents:
    texts = {key: text for key in marks.keys if (text := _text(data, key, work)) is not None}
    value = _find_value(texts, marks, work)
    former = _find_former(data, marks.former, work) if marks.former else None
    layout = {key: _form(text, value, work) for key, text in texts.items()} if value else {}
    return Contents(value, former, layout)


def _text(data: Mapping[str, str], key: str, work: Work) -> str | None:
    """Return the text of a key, None where it is gone, is no text, or is longer than any of ours."""
    encoded = data.get(key)
    if encoded is None or len(encoded) > _LONGEST_ENCODED:
        return None
    work.spend(len(encoded))
    try:
        text = base64.b64decode(encoded).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return text if len(text) <= LONGEST_TEXT else None


def _find_value(texts: Mapping[str, str], marks: Marks, work: Work) -> str | None:
    size = length_in(marks.fingerprint)
    found: Iterator[str]
    if marks.places is None:
        found = islice(_everywhere(texts, size), _MOST_TRIED)
    else:
        found = _in_their_places(texts, marks.places, size)
    return next((text for text in found if _is_marked(text, marks, work)), None)


def _in_their_places(texts: Mapping[str, str], places: Mapping[str, int], size: int) -> Iterator[str]:
    for key, start in places.items():
        if len(text := texts.get(key, "")[start : start + size]) == size:
            yield text


def _everywhere(texts: Mapping[str, str], size: int) -> Iterator[str]:
    """Yield all that may be a value, the shortest texts first: the key of the value alone is among them."""
    for text in sorted(texts.values(), key=len):
        for start in range(len(text) - size + 1):
            yield text[start : start + size]


def _is_marked(text: str, marks: Marks, work: Work) -> bool:
    work.spend(_hashed(text, marks.nonce))
    return fingerprint(text, marks.token_id, marks.nonce) == marks.fingerprint


def _find_former(data: Mapping[str, str], mark: FormerMark, work: Work) -> str | None:
    text = _text(data, mark.key, work)
    if text is None or len(text) != length_in(mark.fingerprint):
        return None
    work.spend(_hashed(text, mark.key))
    return text if fingerprint(text, mark.token_id, mark.key) == mark.fingerprint else None


def _form(text: str, value: str, work: Work) -> str:
    work.spend(len(text))
    form = text.replace(value, PLACEHOLDER)
    work.spend(max(_LEAST_HASHED, _LONGEST_ESCAPE * len(form)))
    return form_digest(form)


def _hashed(text: str, nonce: str) -> int:
    return max(_LEAST_HASHED, len(text.encode()) + len(nonce))
