"""The one reader and the one writer of the Secrets that hold token values.

Reading yields a `SecretState`, in which digests stand for the data; the plaintext is seen inside this module only,
on its way from the remote API into a Secret, or from one Secret into its new form.
"""

import base64
import binascii
from collections.abc import Collection, Mapping
from dataclasses import replace

from pydantic import SecretStr

from mailtrap_operator.api.v1alpha1 import Issuance
from mailtrap_operator.clients.errors import Conflict, Failure, Missing, Terminal
from mailtrap_operator.clients.issued_values import IssuedValue
from mailtrap_operator.clients.kube import Body, KubeClient, secrets_path
from mailtrap_operator.clients.secret_marks import (
    OWNER,
    Marks,
    find_value,
    fingerprint,
    is_former_value,
    managed,
    mark_former,
    read_marks,
)
from mailtrap_operator.core.actions import DesiredSecret
from mailtrap_operator.core.digests import PLACEHOLDER, form_digest
from mailtrap_operator.core.observation import Absent, FormerValue, Found, OwnerReference, SecretState
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction
from mailtrap_operator.core.templates import filled_for_token
from mailtrap_operator.core.wishes import MANAGED_BY

_STAND_IN = "0" * 32
"""Written in a dry run, where no value exists yet."""

_LENGTHS = range(8, 513)
"""How long a text may be that is tried as the value of a token."""


class SecretStore:
    """Reads and writes Secrets; every method raises a `Failure`."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def read(self, namespace: str, name: str) -> Found[SecretState] | Absent:
        """Return what matters of a Secret."""
        try:
            return Found(parse_secret(await self._kube.get(f"{secrets_path(namespace)}/{name}")))
        except Missing:
            return Absent()

    async def read_value(self, namespace: str, name: str, key: str) -> SecretStr | None:
        """Return the text under a key of a Secret that may be a token's value; None where there is none."""
        try:
            data = (await self._kube.get(f"{secrets_path(namespace)}/{name}")).get("data") or {}
            text = base64.b64decode(data[key]).decode("ascii").strip()
        except (Missing, KeyError, binascii.Error, UnicodeDecodeError):
            return None
        is_one = len(text) in _LENGTHS and text.isprintable() and " " not in text
        return SecretStr(text) if is_one else None

    async def try_publish(self, desired: DesiredSecret, issuance: Issuance) -> None:
        """Have the API server judge the write of a value that does not exist yet."""
        await self._write(desired, _STAND_IN, _marks(desired, 0, "", _STAND_IN, issuance), dry_run=True)

    async def publish(self, desired: DesiredSecret, issued: IssuedValue) -> SecretState:
        """Write a value, its token's id and the attempt's nonce in one request; return the Secret as it then is."""
        value, token = issued.value.get_secret_value(), issued.token
        desired = replace(desired, data=filled_for_token(desired.data, token.id, token.expires_at))
        marks = _marks(desired, issued.token.id, issued.nonce, value, issued.issuance)
        return parse_secret(await self._write(desired, value, marks))

    async def rewrite(self, source: SecretState, desired: DesiredSecret) -> SecretState:
        """Write the value that `source` holds in the desired form and place; return the Secret as it then is."""
        body = await self._kube.get(f"{secrets_path(desired.namespace)}/{source.name}")
        former = read_marks(_annotations(body))
        value = find_value(_texts(body).values(), former) if former else None
        if former is None or value is None or body["metadata"]["resourceVersion"] != source.resource_version:
            raise _changed(source.name)
        marks = _marks(desired, former.token_id, former.nonce, value, former.issuance)
        return parse_secret(await self._write(desired, value, marks, origin=body))

    async def delete(self, namespace: str, secret: SecretState) -> None:
        """Delete the very Secret that was read; one that is gone already counts as deleted."""
        path = f"{secrets_path(namespace)}/{secret.name}"
        try:
            await self._kube.delete(path, uid=secret.uid, resource_version=secret.resource_version)
        except Missing:
            return

    async def _write(
        self,
        desired: DesiredSecret,
        value: str,
        marks: Marks,
        *,
        origin: Body | None = None,
        dry_run: bool = False,
    ) -> Body:
        """Write the Secret; a former value is taken from `origin`, by default from the Secret as it is."""
        path, body = secrets_path(desired.namespace), origin or {}
        kept, data = _value_to_keep(body, desired.former), _data(desired, value)
        try:
            if desired.resource_version is None:
                return await self._kube.create(path, _fill({}, desired, data, marks, kept), dry_run=dry_run)
            path = f"{path}/{desired.name}"
            body = await self._kube.get(path)
            if body["metadata"]["resourceVersion"] != desired.resource_version:
                raise _changed(desired.name)
            kept = kept or _value_to_keep(body, desired.former)
            return await self._kube.replace(path, _fill(body, desired, data, marks, kept), dry_run=dry_run)
        except (Missing, Terminal) as failure:
            if isinstance(failure, Missing) and desired.resource_version is not None:
                raise _changed(desired.name) from None
            message = _harmless(failure.message, value, kept)
            raise Terminal(
                Reason.SECRET_WRITE_REFUSED, f"Secret {desired.name} cannot be written: {message}"
            ) from None
        except Failure as failure:
            message = _harmless(failure.message, value, kept)
            raise type(failure)(failure.reason, message, failure.retry_after) from None


def _changed(name: str) -> Conflict:
    return Conflict(Reason.KUBERNETES_UNAVAILABLE, f"Secret {name} changed meanwhile; it is looked at again.")


def _marks(desired: DesiredSecret, token_id: int, nonce: str, value: str, issuance: Issuance) -> Marks:
    return Marks(
        owner=desired.owner,
        api_token=desired.api_token_name,
        token_id=token_id,
        nonce=nonce,
        fingerprint=fingerprint(value, token_id, nonce),
        issuance=issuance,
        keys=tuple(sorted(desired.data)),
        labels=tuple(sorted(desired.labels)),
        annotations=tuple(sorted(desired.annotations)),
    )


def parse_secret(body: Body) -> SecretState:
    """Reduce a Secret to what matters; neither its data nor others' marks are kept."""
    meta, annotations = body["metadata"], _annotations(body)
    marks = read_marks(annotations)
    texts = _texts(body)
    value = find_value((texts[key] for key in marks.keys if key in texts), marks) if marks else None
    layout: dict[str, str] = {}
    if marks and value:
        layout = {
            key: form_digest(texts[key].replace(value, PLACEHOLDER)) for key in marks.keys if key in texts
        }
    former = marks.former if marks else None
    is_kept = former is not None and is_former_value(texts.get(former.key, ""), former)
    return SecretState(
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        owner=annotations.get(OWNER),
        token_id=marks.token_id if marks else None,
        nonce=marks.nonce if marks else None,
        issuance=marks.issuance if marks else None,
        layout=layout,
        labels=managed(meta.get("labels") or {}, marks.labels if marks else ()),
        annotations=managed(annotations, marks.annotations if marks else ()),
        owners=tuple(
            OwnerReference(reference["apiVersion"], reference["kind"], reference["name"], reference["uid"])
            for reference in meta.get("ownerReferences") or ()
        ),
        former=FormerValue(former.key, former.token_id) if former and is_kept else None,
        editor=_editor(meta, [f"f:{key}" for key in marks.keys] if marks else []),
    )


def _editor(meta: Body, keys: Collection[str]) -> str | None:
    """Return who wrote one of our keys last, None where that is us; of those of one second it is another one.

    A key that is gone has no owner any more: then it is who wrote to the Secret last.
    """
    entries = meta.get("managedFields") or ()
    owned = [entry.get("fieldsV1", {}).get("f:data", {}).keys() & keys for entry in entries]
    is_one_gone = len(set().union(*owned)) < len(keys)
    writes = [
        (entry.get("time", ""), entry["manager"] != MANAGED_BY, entry["manager"])
        for entry, of_ours in zip(entries, owned, strict=True)
        if of_ours or is_one_gone
    ]
    _, is_anothers, manager = max(writes, default=("", False, ""))
    return manager if is_anothers else None


def _value_to_keep(body: Body, wish: FormerValue | None) -> str | None:
    """Return the former value that is to stay, where a Secret holds it: as its value, or kept already."""
    marks = read_marks(_annotations(body))
    if wish is None or marks is None:
        return None
    texts = _texts(body)
    if marks.token_id == wish.token_id:
        return find_value(texts.values(), marks)
    mark = marks.former
    is_kept = mark is not None and mark.token_id == wish.token_id
    text = texts.get(mark.key, "") if mark and is_kept else ""
    return text if mark and is_former_value(text, mark) else None


def _fill(
    body: Body, desired: DesiredSecret, data: Mapping[str, str], marks: Marks, kept: str | None
) -> Body:
    """Return the Secret to write: what others put into `body` stays, what we put there before goes."""
    old = body.get("metadata", {})
    former = read_marks(_annotations(body))
    if desired.former and kept is not None:
        marks = replace(marks, former=mark_former(*desired.former, kept))
        data = {**data, desired.former.key: _encoded(kept)}
    labels = _kept(old.get("labels"), former.labels if former else ()) | dict(desired.labels)
    annotations = _kept(old.get("annotations"), former.annotations if former else ()) | dict(
        desired.annotations
    )
    references = [r for r in old.get("ownerReferences") or () if r["uid"] != desired.api_token_uid]
    references += map(_as_reference, desired.owners)
    version = {"resourceVersion": desired.resource_version} if desired.resource_version else {}
    return {
        **body,
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            **old,
            **version,
            "name": desired.name,
            "labels": labels,
            "annotations": annotations | marks.as_annotations(),
            "ownerReferences": references,
        },
        "data": {**_kept(body.get("data"), former.all_keys if former else ()), **data},
    }


def _as_reference(owner: OwnerReference) -> Mapping[str, object]:
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
    }


def _kept(present: Mapping[str, str] | None, ours: tuple[str, ...]) -> dict[str, str]:
    return {name: text for name, text in (present or {}).items() if name not in ours}


def _annotations(body: Body) -> dict[str, str]:
    return body.get("metadata", {}).get("annotations") or {}


def _texts(body: Body) -> dict[str, str]:
    """Return the data that is text."""
    texts = {}
    for key, encoded in (body.get("data") or {}).items():
        try:
            texts[key] = base64.b64decode(encoded).decode()
        except (binascii.Error, UnicodeDecodeError):
            continue
    return texts


def _data(desired: DesiredSecret, value: str) -> dict[str, str]:
    return {key: _encoded(text.replace(PLACEHOLDER, value)) for key, text in desired.data.items()}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _harmless(message: str, *values: str | None) -> str:
    """Return the API server's message, unless it quotes a piece of a value that was to be written."""
    if Redaction(*values).is_quoted_in(message):
        return "the API server's message quotes the data of the Secret and is left out."
    return message
