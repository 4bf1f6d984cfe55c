"""The one reader and the one writer of the Secrets that hold token values.

Reading yields a `SecretState`, in which digests stand for the data; the plaintext is seen inside this module only,
on its way from the remote API into a Secret, or from one Secret into its new form. It has some more lines than other files,
so that no other one handles a value.
"""

import asyncio
import base64
import binascii
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace

from pydantic import SecretStr

from mailtrap_operator.api.names import MANAGED_BY, MANAGED_BY_LABEL
from mailtrap_operator.api.v1alpha1 import GROUP, Issuance
from mailtrap_operator.clients.errors import Conflict, Failure, Missing, Terminal
from mailtrap_operator.clients.kube import Body, KubeClient, secrets_path
from mailtrap_operator.clients.mailtrap_bodies import is_sendable
from mailtrap_operator.clients.secret_contents import Work, read_contents
from mailtrap_operator.clients.secret_marks import (
    LONGEST_VALUE,
    SHORTEST_VALUE,
    Marks,
    fingerprint,
    made_for,
    managed,
    mark_former,
    read_hand_over,
    read_marks,
    read_owner,
)
from mailtrap_operator.clients.unpublished_values import IssuedValue
from mailtrap_operator.core.actions import DesiredSecret
from mailtrap_operator.core.digests import PLACEHOLDER
from mailtrap_operator.core.observation import Absent, FormerValue, Found, OwnerReference, SecretState
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction
from mailtrap_operator.core.reverts import changes_between, named
from mailtrap_operator.core.templates import filled_for_token

_STAND_IN = "0" * 32
"""Written in a dry run, where no value exists yet."""

_LENGTHS = range(SHORTEST_VALUE, LONGEST_VALUE + 1)
"""How long a text may be that is tried as the value of a token."""

_LONGEST_KEPT = 4097
"""An annotation of ours has one character less at most."""

_MOST_READ = 8
"""So many Secrets are read at once: each may take megabytes until it is reduced to what matters."""

_MOST_OWNERS = 16
"""So many owner references are kept in mind; ours is the only one of most Secrets."""


class SecretClient:
    """Reads and writes the Secrets of one installation; every method raises a `Failure`."""

    def __init__(self, kube: KubeClient, installation: str) -> None:
        self._kube = kube
        self._installation = installation
        self._reading = asyncio.Semaphore(_MOST_READ)

    async def read(self, namespace: str, name: str) -> Found[SecretState] | Absent:
        """Return what matters of a Secret."""
        try:
            async with self._reading:
                return Found(self._parsed(await self._kube.get(f"{secrets_path(namespace)}/{name}")))
        except Missing:
            return Absent()

    async def read_value(self, namespace: str, name: str, key: str) -> SecretStr | None:
        """Return the text under a key of a Secret that may be a token's value; None where there is none."""
        try:
            data = (await self._kube.get(f"{secrets_path(namespace)}/{name}")).get("data") or {}
            text = base64.b64decode(data[key]).decode("ascii").strip()
        except (Missing, KeyError, binascii.Error, UnicodeDecodeError):
            return None
        value = SecretStr(text)
        return value if len(text) in _LENGTHS and is_sendable(value) else None

    async def try_publish(self, desired: DesiredSecret, issuance: Issuance) -> None:
        """Have the API server judge the write of a value that does not exist yet."""
        marks = _marks(desired, 0, "", _STAND_IN, issuance)
        await self._try(desired, _STAND_IN, marks, None, "No token is issued.")

    async def _try(
        self, desired: DesiredSecret, value: str, marks: Marks, origin: Body | None, outcome: str
    ) -> None:
        """Have the API server judge a write, and see that what it would store still holds a value; `outcome` is told else."""
        vital: set[tuple[str, ...]] = {("data",), ("metadata", "annotations")}
        vital |= {("data", key) for key in desired.data}
        vital |= {("metadata", "annotations", key) for key in marks.as_annotations()}
        _, changes = await self._write(desired, value, marks, origin=origin, dry_run=True)
        if lost := [path for path in changes if path in vital]:
            message = (
                f"Secret {desired.name} cannot hold a value: an admission policy or a webhook changes {named(lost)}. "
                f"{outcome} Have it leave the Secrets of this operator as they are written."
            )
            raise Terminal(Reason.SECRET_WRITE_REFUSED, message)

    async def publish(self, desired: DesiredSecret, issued: IssuedValue) -> SecretState:
        """Write a value, its token's id and the attempt's nonce in one request; return the Secret as it then is."""
        value, token = issued.value.get_secret_value(), issued.token
        desired = replace(desired, data=filled_for_token(desired.data, token.id, token.expires_at))
        marks = _marks(desired, issued.token.id, issued.nonce, value, issued.issuance)
        return self._stored(await self._write(desired, value, marks))

    async def rewrite(self, source: SecretState, desired: DesiredSecret) -> SecretState:
        """Write the value that `source` holds in the desired form and place; return the Secret as it then is."""
        body = await self._kube.get(f"{secrets_path(desired.namespace)}/{source.name}")
        former = self._marks_of(body)
        value = read_contents(body, former).value if former else None
        if former is None or value is None or body["metadata"]["resourceVersion"] != source.resource_version:
            raise _changed(source.name)
        marks = _marks(desired, former.token_id, former.nonce, value, former.issuance)
        await self._try(desired, value, marks, body, "The value stays as it is.")
        return self._stored(await self._write(desired, value, marks, origin=body))

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
    ) -> tuple[Body, list[tuple[str, ...]]]:
        """Write the Secret; a former value is taken from `origin`, by default from the Secret as it is.

        Returns the Secret as stored, and the paths of what is not as it was written.
        """
        path, body = secrets_path(desired.namespace), origin or {}
        kept, data = self._value_to_keep(body, desired.former), _data(desired, value)
        try:
            if desired.resource_version is None:
                filled = _fill({}, desired, data, marks, former=None, kept=kept)
                stored = await self._kube.create(path, filled, dry_run=dry_run)
                return stored, list(_changes(filled, stored))
            path = f"{path}/{desired.name}"
            body = await self._kube.get(path)
            if body["metadata"]["resourceVersion"] != desired.resource_version:
                raise _changed(desired.name)
            kept = kept or self._value_to_keep(body, desired.former)
            filled = _fill(body, desired, data, marks, former=self._marks_of(body), kept=kept)
            stored = await self._kube.replace(path, filled, dry_run=dry_run)
            return stored, list(_changes(filled, stored))
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

    def _value_to_keep(self, body: Body, desired: FormerValue | None) -> str | None:
        """Return the former value that is to stay, where a Secret holds it: as its value, or kept already."""
        marks = self._marks_of(body)
        if desired is None or marks is None:
            return None
        contents = read_contents(body, marks)
        if marks.token_id == desired.token_id:
            return contents.value
        return contents.former if marks.former and marks.former.token_id == desired.token_id else None

    def _marks_of(self, body: Body) -> Marks | None:
        return read_marks(_annotations(body), self._installation)

    def _stored(self, written: tuple[Body, list[tuple[str, ...]]]) -> SecretState:
        body, changes = written
        return replace(self._parsed(body), changed_at_admission=named(changes))

    def _parsed(self, body: Body) -> SecretState:
        return parse_secret(body, self._installation)


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
        places={key: text.index(PLACEHOLDER) for key, text in desired.data.items() if PLACEHOLDER in text},
        labels=tuple(sorted(desired.labels)),
        annotations=tuple(sorted(desired.annotations)),
        uid=desired.api_token_uid,
    )


def parse_secret(body: Body, installation: str, work: Work | None = None) -> SecretState:
    """Reduce a Secret to what matters; neither its data nor others' marks are kept.

    Of one that is not of this installation only whose it is gets looked at. `work` counts what reading takes.
    """
    meta, annotations = body["metadata"], _annotations(body)
    labels = meta.get("labels") or {}
    marks = read_marks(annotations, installation)
    if marks is None:
        return SecretState(
            name=meta["name"],
            uid=meta["uid"],
            resource_version=meta["resourceVersion"],
            owner=read_owner(annotations),
            token_id=None,
            nonce=None,
            issuance=None,
            layout={},
            labels=managed(labels, [MANAGED_BY_LABEL]),
            annotations={},
            owners=_owners(meta),
            handed_to=read_hand_over(annotations),
        )
    contents, former, owners = read_contents(body, marks, work), marks.former, _owners(meta)
    return SecretState(
        name=meta["name"],
        uid=meta["uid"],
        resource_version=meta["resourceVersion"],
        owner=marks.owner,
        token_id=marks.token_id,
        nonce=marks.nonce,
        issuance=marks.issuance,
        layout=contents.layout,
        labels=managed(labels, marks.labels),
        # A longer one is none of ours, and would be kept in memory.
        annotations={k: v[:_LONGEST_KEPT] for k, v in managed(annotations, marks.annotations).items()},
        owners=owners,
        made_for=made_for(marks, meta.get("namespace", ""), installation, owners),
        former=FormerValue(former.key, former.token_id) if former and contents.former is not None else None,
        editor=_editor(meta, [f"f:{key}" for key in marks.keys]),
    )


def _owners(meta: Body) -> tuple[OwnerReference, ...]:
    references = (meta.get("ownerReferences") or ())[:_MOST_OWNERS]
    return tuple(OwnerReference(r["apiVersion"], r["kind"], r["name"], r["uid"]) for r in references)


def _editor(meta: Body, keys: Collection[str]) -> str | None:
    """Return the field manager that wrote one of our keys last, None if that was us; within one second another manager wins.

    A key that is gone has no owner any more: then it is who wrote to the Secret last.
    """
    entries = meta.get("managedFields") or ()
    owned = [entry.get("fieldsV1", {}).get("f:data", {}).keys() & keys for entry in entries]
    is_one_gone = len(set().union(*owned)) < len(keys)
    writes = [
        (entry.get("time", ""), entry.get("manager") != MANAGED_BY, entry.get("manager", ""))
        for entry, of_ours in zip(entries, owned, strict=True)
        if of_ours or is_one_gone
    ]
    _, is_foreign, manager = max(writes, default=("", False, ""))
    return manager if is_foreign else None


def _fill(
    body: Body,
    desired: DesiredSecret,
    data: Mapping[str, str],
    marks: Marks,
    *,
    former: Marks | None,
    kept: str | None,
) -> Body:
    """Return the Secret to write: what others put into `body` stays, what its `former` marks say is ours is removed."""
    old = body.get("metadata", {})
    if desired.former and kept is not None:
        marks = replace(marks, former=mark_former(*desired.former, kept))
        data = {**data, desired.former.key: _encoded(kept)}
    labels = _kept(old.get("labels"), former.labels if former else ()) | dict(desired.labels)
    annotations = _kept(old.get("annotations"), former.annotations if former else ()) | dict(
        desired.annotations
    )
    references = [r for r in old.get("ownerReferences") or () if not _is_to_go(r, desired, former)]
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


def _changes(written: Body, stored: Body) -> Iterator[tuple[str, ...]]:
    """Yield what the API server stored otherwise, but for what it counts itself."""
    yield from changes_between({"data": written["data"]}, stored)
    meta = written["metadata"]
    kept = {name: meta[name] for name in ("labels", "annotations", "ownerReferences")}
    yield from changes_between({"metadata": kept}, stored)


def _is_to_go(reference: Mapping[str, str], desired: DesiredSecret, former: Marks | None) -> bool:
    """Whether a reference is written again, or leads to an ApiToken from which the Secret is taken over."""
    is_taken_over = former is not None and former.owner != desired.owner
    is_api_tokens = (reference["kind"], reference["apiVersion"].partition("/")[0]) == ("ApiToken", GROUP)
    is_former = is_api_tokens and (is_taken_over or reference["name"] == desired.api_token_name)
    return is_former or reference["uid"] == desired.api_token_uid


def _as_reference(owner: OwnerReference) -> Mapping[str, object]:
    return {
        "apiVersion": owner.api_version,
        "kind": owner.kind,
        "name": owner.name,
        "uid": owner.uid,
        "controller": True,
    }


def _kept(present: Mapping[str, str] | None, ours: Collection[str]) -> dict[str, str]:
    gone = set(ours)
    return {name: text for name, text in (present or {}).items() if name not in gone}


def _annotations(body: Body) -> dict[str, str]:
    return body.get("metadata", {}).get("annotations") or {}


def _data(desired: DesiredSecret, value: str) -> dict[str, str]:
    return {key: _encoded(text.replace(PLACEHOLDER, value)) for key, text in desired.data.items()}


def _encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _harmless(message: str, *values: str | None) -> str:
    """Return the API server's message, unless it quotes a piece of a value that was to be written."""
    if Redaction(*values).is_quoted_in(message):
        return "the API server's message quotes the data of the Secret and is left out."
    return message
