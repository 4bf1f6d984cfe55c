"""An API server in memory: resourceVersions, preconditions, dry runs, finalizers, the status subresource, paged lists.

It takes the place of the client's connection, so that paths, bodies and the reading of errors are the client's own.
What users and other controllers do is `seed`, `edit` and `remove`; what goes wrong is scripted with `fail`.
"""

import copy
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mailtrap_operator.api.v1alpha1 import print_time
from mailtrap_operator.clients.errors import TooLarge, Uncertain
from mailtrap_operator.clients.kube import MERGE_PATCH, Body, KubeClient, _failure_of
from mailtrap_operator.core.reasons import Reason

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
_WITH_STATUS = ("apitokens", "mailtrapaccounts", "clustermailtrapaccounts")
_KEPT = ("uid", "creationTimestamp", "deletionTimestamp", "generation", "namespace", "name")

Key = tuple[str, str | None, str]
"""Resource, namespace and name."""


@dataclass(slots=True)
class _Fault:
    method: str
    part: str
    status: int | None
    message: str
    times: int
    commit: bool


@dataclass(frozen=True, slots=True)
class Call:
    """A call that reached the server."""

    method: str
    path: str
    query: Mapping[str, str]
    accept: str

    @property
    def is_write(self) -> bool:
        """Whether it was meant to change something."""
        return self.method != "GET" and "dryRun" not in self.query


class FakeKube(KubeClient):
    """The objects of one cluster."""

    def __init__(self, clock: Callable[[], datetime] = lambda: START) -> None:
        self.objects: dict[Key, Body] = {}
        self.calls: list[Call] = []
        self._clock = clock
        self._versions = itertools.count(1)
        self._faults: list[_Fault] = []

    async def close(self) -> None:
        """There is nothing to close."""

    def seed(self, path: str, body: Body) -> Body:
        """Create an object as a user would."""
        return self._create(_key(path), path, copy.deepcopy(body))

    def edit(self, path: str, change: Callable[[Body], object]) -> Body:
        """Change an object, or its status, as a user would: `change` gets the body and alters it."""
        body = copy.deepcopy(self.objects[_key(path)])
        change(body)
        return self._replace(_key(path), path, body)

    def remove(self, path: str) -> None:
        """Delete an object as a user would: one with finalizers stays, with a deletionTimestamp."""
        self._delete(_key(path))

    def object(self, path: str) -> Body | None:
        """Return an object, or None."""
        return copy.deepcopy(self.objects.get(_key(path)))

    def fail(
        self,
        method: str,
        part: str,
        status: int | None,
        message: str = "refused by the test",
        *,
        times: int = 1,
        commit: bool = False,
    ) -> None:
        """Let calls whose path contains `part` fail; `status` None loses the answer, `commit` carries the call out."""
        self._faults.append(_Fault(method, part, status, message, times, commit))

    @property
    def writes(self) -> list[Call]:
        """The calls that were meant to change something."""
        return [call for call in self.calls if call.is_write]

    async def _call(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        query: Mapping[str, str] | None = None,
        content_type: str = "application/json",
        accept: str = "application/json",
        is_page: bool = False,
    ) -> Body:
        query = dict(query or {})
        self.calls.append(Call(method, path, query, accept))
        # What is not JSON could not be sent.
        sent: Body = json.loads(json.dumps(body or {}))
        if (method == "PATCH") != (content_type == MERGE_PATCH):
            raise _refusal(415, f"{content_type} does not suit {method}")
        fault = next((f for f in self._faults if f.times and f.method == method and f.part in path), None)
        if fault is None:
            answer = self._handle(method, path, sent, query)
            answer = _metadata_alone(answer) if "as=PartialObjectMetadataList" in accept else answer
            if is_page and len(json.dumps(answer)) > 4 * 1024 * 1024 and query.get("limit") != "1":
                raise TooLarge(Reason.KUBERNETES_UNAVAILABLE, "too large")
            return answer
        fault.times -= 1
        if fault.commit:
            self._handle(method, path, sent, query)
        if fault.status is None:
            raise Uncertain(Reason.KUBERNETES_UNAVAILABLE, fault.message)
        raise _refusal(fault.status, fault.message)

    def _handle(self, method: str, path: str, body: Body, query: Mapping[str, str]) -> Body:
        key, is_dry = _key(path), "dryRun" in query
        match method:
            case "GET" if not key[2]:
                return self._list(key, query)
            case "GET":
                return copy.deepcopy(self._existing(key))
            case "POST":
                return self._create(key, path, body, is_dry=is_dry)
            case "PUT":
                return self._replace(key, path, body, is_dry=is_dry)
            case "PATCH":
                return self._replace(key, path, _merged(self._existing(key), body), is_dry=is_dry)
            case _:
                self._delete(key, body["preconditions"])
                return {"kind": "Status", "status": "Success"}

    def _existing(self, key: Key) -> Body:
        if key not in self.objects:
            raise _refusal(404, f'{key[0]} "{key[2]}" not found')
        return self.objects[key]

    def _list(self, key: Key, query: Mapping[str, str]) -> Body:
        wanted = {tuple(term.split("=")) for term in query.get("labelSelector", "").split(",") if term}
        found = [
            {name: part for name, part in body.items() if name not in {"kind", "apiVersion"}}
            for (resource, namespace, _), body in sorted(self.objects.items(), key=lambda item: str(item[0]))
            if resource == key[0]
            and key[1] in {None, namespace}
            and wanted <= (body["metadata"].get("labels") or {}).items()
        ]
        first = int(query.get("continue", "0"))
        following = first + int(query.get("limit", "0")) if "limit" in query else len(found)
        meta = {"continue": str(following)} if following < len(found) else {}
        return {"metadata": meta, "items": copy.deepcopy(found[first:following])}

    def _create(self, key: Key, path: str, body: Body, *, is_dry: bool = False) -> Body:
        number = next(self._versions)
        meta = body.setdefault("metadata", {})
        name = key[2] or meta.get("name") or f"{meta['generateName']}{number}"
        key = (key[0], key[1], name)
        if key in self.objects:
            raise _refusal(409, f'{path}: "{name}" already exists')
        meta |= {"name": name, "uid": f"uid-{number}", "generation": 1}
        meta |= {"namespace": key[1]} if key[1] else {}
        meta["creationTimestamp"] = print_time(self._clock())
        if key[0] in _WITH_STATUS:
            body.setdefault("status", {"observedGeneration": -1})
        return body if is_dry else self._store(key, body)

    def _replace(self, key: Key, path: str, body: Body, *, is_dry: bool = False) -> Body:
        known = copy.deepcopy(self._existing(key))
        old, meta = known["metadata"], body["metadata"]
        if meta.get("resourceVersion", old["resourceVersion"]) != old["resourceVersion"]:
            raise _refusal(409, f'"{key[2]}": the object has been modified')
        if path.endswith("/status"):
            body = known | {"status": body.get("status", {})}
        else:
            kept = {name: old[name] for name in _KEPT if name in old}
            if body.get("spec") != known.get("spec"):
                kept["generation"] += 1
            body["metadata"] = meta | kept
            if key[0] in _WITH_STATUS:
                body["status"] = known["status"]
        return body if is_dry else self._store(key, body)

    def _delete(self, key: Key, preconditions: Mapping[str, str] | None = None) -> None:
        body = copy.deepcopy(self._existing(key))
        meta = body["metadata"]
        if any(meta[name] != wanted for name, wanted in (preconditions or {}).items()):
            raise _refusal(409, f'"{key[2]}": the precondition failed')
        meta["deletionTimestamp"] = print_time(self._clock())
        self._store(key, body)

    def _store(self, key: Key, body: Body) -> Body:
        body["metadata"]["resourceVersion"] = str(next(self._versions))
        self.objects[key] = body
        if "deletionTimestamp" in body["metadata"] and not body["metadata"].get("finalizers"):
            del self.objects[key]
        return copy.deepcopy(body)


def _metadata_alone(page: Body) -> Body:
    items = [{"kind": "PartialObjectMetadata", "metadata": item["metadata"]} for item in page["items"]]
    return page | {"kind": "PartialObjectMetadataList", "items": items}


def _refusal(status: int, message: str) -> Exception:
    body = {"kind": "Status", "message": message, "code": status}
    return _failure_of(status, json.dumps(body).encode(), "")


def _key(path: str) -> Key:
    parts = path.removesuffix("/status").strip("/").split("/")
    parts = parts[2:] if parts[0] == "api" else parts[3:]
    namespace = None
    if parts[0] == "namespaces" and len(parts) > 2:
        namespace, parts = parts[1], parts[2:]
    return parts[0], namespace, parts[1] if len(parts) > 1 else ""


def _merged(target: Any, patch: Any) -> Any:
    if not isinstance(patch, dict):
        return copy.deepcopy(patch)
    result = copy.deepcopy(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = _merged(result.get(name), value)
    return result
