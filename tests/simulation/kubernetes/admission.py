"""What may stand against a right object: its namespace, a policy, a quota. All of it is judged in dry runs too."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.simulation.kubernetes.frozen import Frozen, freeze
from tests.simulation.kubernetes.kinds import NAMESPACES, Kind
from tests.simulation.kubernetes.refusals import denied, forbidden, no_namespace
from tests.simulation.kubernetes.storage import Storage


@dataclass(frozen=True, slots=True)
class Denial:
    """A policy that refuses each create and update of one resource, as a ValidatingAdmissionPolicy and its binding do."""

    name: str
    message: str
    resource: str = "secrets"
    reason: Literal["Invalid", "Forbidden"] = "Invalid"
    in_dry_run: bool = True


@dataclass(frozen=True, slots=True)
class Mutation:
    """A policy that changes each create and update of one resource, as a MutatingAdmissionPolicy and its binding do.

    `resource` is a qualified name, with `/status` behind it for the status alone. `change` gets a copy that it may change.
    """

    resource: str
    change: Callable[[dict[str, Any]], None]
    in_dry_run: bool = True


@dataclass(frozen=True, slots=True)
class Quota:
    """A ResourceQuota for `count/secrets`."""

    name: str
    secrets: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What an administrator has set up; quotas by namespace."""

    denials: tuple[Denial, ...] = ()
    mutations: tuple[Mutation, ...] = ()
    quotas: Mapping[str, Quota] = field(default_factory=dict)

    def mutated(self, kind: Kind, body: Frozen, *, is_status: bool, dry: bool) -> Frozen:
        """Return an object as the policies have it stored."""
        resource = f"{kind.resource.qualified}{'/status' if is_status else ''}"
        for mutation in self.mutations:
            if mutation.resource == resource and (mutation.in_dry_run or not dry):
                changed = deepcopy(body)
                mutation.change(changed)
                body = freeze(changed)
        return body

    def judge_create(self, storage: Storage, kind: Kind, namespace: str, name: str, *, dry: bool) -> None:
        """Raise `RefusedError` where the rules forbid a new object."""
        self.judge_write(kind, name, dry=dry)
        quota = self.quotas.get(namespace)
        if quota is None or kind.resource.qualified != "secrets":
            return
        used = sum(1 for entry in storage.all() if entry.kind is kind and entry.namespace == namespace)
        if used >= quota.secrets:
            counts = {"requested": 1, "used": used, "limited": quota.secrets}
            words = ", ".join(f"{word}: count/secrets={count}" for word, count in counts.items())
            raise forbidden(kind.resource, name, f"exceeded quota: {quota.name}, {words}")

    def judge_write(self, kind: Kind, name: str, *, dry: bool) -> None:
        """Raise `RefusedError` where a policy forbids a write."""
        for denial in self.denials:
            if denial.resource == kind.resource.qualified and (denial.in_dry_run or not dry):
                policy = f"ValidatingAdmissionPolicy '{denial.name}' with binding '{denial.name}'"
                words = f"{policy} denied request: {denial.message}"
                raise denied(kind.resource, name, words, denial.reason)


def judge_namespace(storage: Storage, kind: Kind, namespace: str, name: str) -> None:
    """Raise `RefusedError` where a namespace takes no new objects."""
    found = storage.find(NAMESPACES, "", namespace)
    if found is None:
        raise no_namespace(namespace)
    if found.is_terminating:
        words = f"unable to create new content in namespace {namespace} because it is being terminated"
        cause = {
            "reason": "NamespaceTerminating",
            "message": f"namespace {namespace} is being terminated",
            "field": "metadata.namespace",
        }
        raise forbidden(kind.resource, name or "Unknown", words, [cause])
