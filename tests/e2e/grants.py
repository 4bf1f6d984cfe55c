"""What operators ask of Kubernetes, read from the audit log, and what a role grants."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from local_cluster import Helm
from local_cluster.build import HELM4
from tests.chart.rendering import of_kind, rendered
from tests.e2e.kube import Body

EVERYBODYS = "selfsubjectaccessreviews"
"""What each user may create without a role of ours."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a resource; `resource` names a part of it too, as in `apitokens/status`."""

    verb: str
    group: str
    resource: str
    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Right:
    """One verb for one resource in a role; a ClusterRole's holds everywhere, a Role's in its namespace."""

    role: str
    namespace: str | None
    verb: str
    group: str
    resource: str
    names: tuple[str, ...]

    def allows(self, request: Request) -> bool:
        """Whether it suffices for a request."""
        same = (self.verb, self.group, self.resource) == (request.verb, request.group, request.resource)
        is_here = self.namespace in {None, request.namespace}
        return same and is_here and (not self.names or request.name in self.names)

    @property
    def rule(self) -> Body:
        """Return it as a rule of its role."""
        named = {"resourceNames": list(self.names)} if self.names else {}
        return {"apiGroups": [self.group], "resources": [self.resource], "verbs": [self.verb], **named}


def rights_of(role: Body, path: str = "") -> list[Right]:
    """Return what a ClusterRole or a Role grants; `path` is where it is changed."""
    return [
        Right(
            path,
            role["metadata"].get("namespace"),
            verb,
            group,
            resource,
            tuple(rule.get("resourceNames", ())),
        )
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    ]


def lines_of(audit_log: Path) -> list[str]:
    """Return the lines of the audit log, without one that is only half written."""
    whole, _, _ = audit_log.read_text().rpartition("\n")
    return whole.splitlines()


def requests_among(entries: Iterable[Body]) -> set[Request]:
    """Return what entries of the audit log ask for, apart from what everyone may."""
    found = set()
    for entry in entries:
        if "objectRef" in entry:
            asked = entry["objectRef"]
            resource = "/".join(filter(None, (asked["resource"], asked.get("subresource"))))
            names = (asked.get(key, "") for key in ("namespace", "name"))
            found.add(Request(entry["verb"], asked.get("apiGroup", ""), resource, *names))
    return {request for request in found if request.resource != EVERYBODYS}


def not_granted(audit_log: Path, user: str, folder: Path) -> set[Request]:
    """Return what a user has asked for that the chart as it is by default does not grant its operator."""
    lines = lines_of(audit_log)
    entries = (json.loads(line) for line in lines if f'"username":"{user}"' in line)
    granted = rights_bound(rendered(Helm(HELM4, folder)))
    return {
        request for request in requests_among(entries) if not any(right.allows(request) for right in granted)
    }


def rights_bound(objects: list[Body]) -> list[Right]:
    """Return what the roles that are bound to someone grant, among objects that are installed together."""
    bindings = [*of_kind("ClusterRoleBinding", objects), *of_kind("RoleBinding", objects)]
    bound = {(binding["roleRef"]["kind"], binding["roleRef"]["name"]) for binding in bindings}
    roles = [body for body in objects if (body["kind"], body["metadata"]["name"]) in bound]
    return [right for role in roles for right in rights_of(role)]
