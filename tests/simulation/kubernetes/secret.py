"""Secrets of types that demand nothing of their data."""

import base64
import re
from typing import Any

from tests.simulation.kubernetes.frozen import Frozen
from tests.simulation.kubernetes.malformed import MalformedError
from tests.simulation.kubernetes.metadata import Parts, judge_metadata
from tests.simulation.kubernetes.refusals import Cause
from tests.simulation.kubernetes.resource import Resource

_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_KEY = re.compile(r"[-._a-zA-Z0-9]+")
_LONGEST_KEY = 253
_LARGEST_DATA = 1_048_576


class SecretKind:
    """Secrets of types that demand nothing of the data."""

    resource = Resource("", "v1", "secrets", "Secret", is_namespaced=True)

    def read(self, body: Parts) -> Parts:
        """Return type, data and whether both may change."""
        self.resource.check_type(body)
        data, type_, immutable = body.get("data"), body.get("type") or "Opaque", body.get("immutable")
        if not isinstance(type_, str) or not isinstance(immutable, bool | None):
            raise MalformedError("type must be a text, immutable true or false")
        if not isinstance(data, dict | None):
            raise MalformedError("data must be an object")
        if type_.startswith("kubernetes.io/") or body.get("stringData"):
            raise NotImplementedError("Secrets of special types and stringData are not simulated")
        parts: dict[str, Any] = {"type": type_}
        if data:
            parts["data"] = Frozen({key: _base64(text, key) for key, text in data.items()})
        return parts if immutable is None else parts | {"immutable": immutable}

    def judge(self, new: Frozen, old: Frozen | None) -> list[Cause]:
        """Return what is wrong."""
        causes = judge_metadata(new["metadata"])
        data = new.get("data", {})
        for key in data:
            if len(key) > _LONGEST_KEY or not _KEY.fullmatch(key) or key == "." or key.startswith(".."):
                words = "Invalid value: must be letters, digits, '-', '_' and '.'"
                causes.append(Cause(f"data[{key}]", "FieldValueInvalid", words))
        if sum(len(base64.b64decode(text)) for text in data.values()) > _LARGEST_DATA:
            words = f"Too long: may not be more than {_LARGEST_DATA} bytes"
            causes.append(Cause("data", "FieldValueTooLong", words))
        return causes + _judge_secret_change(new, old) if old else causes


def _judge_secret_change(new: Frozen, old: Frozen) -> list[Cause]:
    causes = []
    if new["type"] != old["type"]:
        causes.append(Cause("type", "FieldValueInvalid", "Invalid value: field is immutable"))
    if old.get("immutable"):
        words = "Forbidden: field is immutable when `immutable` is set"
        causes += [
            Cause(name, "FieldValueForbidden", words)
            for name in ("immutable", "data")
            if new.get(name) != old.get(name)
        ]
    return causes


def _base64(text: object, key: str) -> str:
    if text is None:
        return ""
    if not isinstance(text, str):
        raise MalformedError(f"data.{key} must be a text")
    # Line breaks are skipped, and what the last group holds too many bits of is forgotten.
    letters = text.replace("\n", "").replace("\r", "")
    if len(letters) % 4 or not _BASE64.fullmatch(letters):
        raise MalformedError(f"illegal base64 data in data.{key}")
    return base64.b64encode(base64.b64decode(letters)).decode()
