"""The kinds that CRDs define."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.simulation.kubernetes.frozen import Frozen
from tests.simulation.kubernetes.malformed import MalformedError
from tests.simulation.kubernetes.metadata import Parts, judge_metadata
from tests.simulation.kubernetes.refusals import Cause, bad_request
from tests.simulation.kubernetes.resource import Resource
from tests.simulation.kubernetes.schema import Schema

_TYPE_META = ("apiVersion", "kind", "metadata")


@dataclass(frozen=True, slots=True)
class CustomKind:
    """A kind with the status subresource; `main` is the schema of everything but the status.

    Of custom objects the server counts generations, and it demands that every update names a resourceVersion.
    """

    resource: Resource
    main: Schema
    status: Schema

    def read(self, body: Parts) -> Parts:
        """Return the parts beside the status, which is not even looked at."""
        self._check_type(body)
        completed: Frozen = self.main.complete(self.main_parts(body))
        return completed

    def read_status(self, body: Parts) -> Parts:
        """Return the status alone."""
        self._check_type(body)
        completed: Frozen = self.status.complete({"status": body.get("status")})
        return completed

    def _check_type(self, body: Parts) -> None:
        if not isinstance(body, dict) or not body.get("kind"):
            raise bad_request("the object provided is unrecognized: Object 'Kind' is missing")
        if (version := body.get("apiVersion") or "") != self.resource.api_version:
            words = f"does not match the expected API version ({self.resource.api_version})"
            raise bad_request(f"the API version in the data ({version}) {words}")
        if not isinstance(body["kind"], str):
            raise MalformedError("kind must be a text")

    def newborn(self, meta: Parts, parts: Parts) -> tuple[Parts, Parts]:
        """Return the first generation, without the status that the body may hold."""
        return {**meta, "generation": 1}, {**parts, **self.status.complete({})}

    def judge(self, new: Frozen, old: Frozen | None) -> list[Cause]:
        """Return what is wrong beside the status; what an update leaves as it was is not judged again."""
        causes: list[Cause] = []
        if new["kind"] != self.resource.kind:
            causes.append(Cause("kind", "FieldValueInvalid", f"Invalid value: must be {self.resource.kind}"))
        causes += judge_metadata(new["metadata"], are_finalizers_qualified=False)
        former = Frozen(self.main_parts(old)) if old else None
        self.main.judge(Frozen(self.main_parts(new)), "", causes, former)
        return causes

    def judge_status(self, new: Frozen, old: Frozen) -> list[Cause]:
        """Return what is wrong with the status."""
        causes: list[Cause] = []
        self.status.judge(Frozen({"status": new["status"]}), "", causes, Frozen({"status": old["status"]}))
        return causes

    def main_parts(self, body: Parts) -> Parts:
        """Return the parts whose change makes another generation."""
        return {name: part for name, part in body.items() if name not in _TYPE_META and name != "status"}


def custom_kinds(folder: Path) -> tuple[CustomKind, ...]:
    """Return the kinds of the CRDs in a folder."""
    return tuple(_kind(yaml.safe_load(path.read_text())["spec"]) for path in sorted(folder.glob("*.yaml")))


def _kind(spec: Parts) -> CustomKind:
    (version,) = spec["versions"]
    if version["subresources"] != {"status": {}}:
        raise NotImplementedError(f"{spec['names']['kind']} must have the status subresource and no other")
    root = version["schema"]["openAPIV3Schema"]
    properties = {name: part for name, part in root["properties"].items() if name not in _TYPE_META}
    status = {"status": properties.pop("status")}
    names = spec["names"]
    return CustomKind(
        Resource(
            spec["group"], version["name"], names["plural"], names["kind"], spec["scope"] == "Namespaced"
        ),
        Schema({**root, "properties": properties}),
        Schema({"type": "object", "properties": status}),
    )
