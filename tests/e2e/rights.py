"""ServiceAccounts with the rights that a test grants them in single namespaces, and no right in the whole cluster."""

import json
from collections.abc import Sequence
from pathlib import Path

from tests.e2e.grants import lines_of
from tests.e2e.kube import Body
from tests.e2e.world import OPERATOR_NAMESPACE, World

GROUP = "mailtrap-operator.io"
SERVE: tuple[Body, ...] = (
    {"apiGroups": [GROUP], "resources": ["apitokens", "mailtrapaccounts"], "verbs": ["get", "list", "watch", "patch"]},
    {"apiGroups": [GROUP], "resources": ["apitokens/status", "mailtrapaccounts/status"], "verbs": ["update"]},
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "update", "patch", "delete"]},
    {"apiGroups": [""], "resources": ["events"], "verbs": ["create", "get", "patch"]},
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "list", "patch"]},
)  # fmt: skip
"""What serving a namespace takes without a watch on Secrets."""

WATCH_SECRETS: Body = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list", "watch"]}

OF_ITS_OWN: tuple[Body, ...] = (
    {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["get"]},
    {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]},
)
"""What the operator's own namespace takes."""


def service_account(world: World, name: str, rules: Sequence[Body], *, secret: str = "") -> Path:
    """Make a ServiceAccount in the operator's namespace that has `rules` in a world's; return its kubeconfig.

    Its token dies with a `secret` in the operator's namespace.
    """
    unique = f"{world.namespace}-{name}"
    meta = {"name": unique, "namespace": OPERATOR_NAMESPACE}
    objects = [{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta}]
    objects += _granted(unique, world.namespace, rules) + _granted(unique, OPERATOR_NAMESPACE, OF_ITS_OWN)
    listed = {"apiVersion": "v1", "kind": "List", "items": objects}
    world.cluster.kubectl("apply", "--server-side", "-f", "-", input=json.dumps(listed))
    return world.cluster.kubeconfig_for_service_account(OPERATOR_NAMESPACE, unique, secret=secret)


def user_of(world: World, name: str) -> str:
    """Return by what name the audit log knows a ServiceAccount."""
    return f"system:serviceaccount:{OPERATOR_NAMESPACE}:{world.namespace}-{name}"


def requests_of(world: World, name: str) -> list[Body]:
    """Return all that a ServiceAccount has asked of Kubernetes, discovery apart, as the audit log tells."""
    lines = lines_of(world.cluster.audit_log)
    entries = [json.loads(line) for line in lines if user_of(world, name) in line]
    return [entry for entry in entries if "objectRef" in entry and entry["stage"] == "ResponseComplete"]


def _granted(name: str, namespace: str, rules: Sequence[Body]) -> list[Body]:
    api_version, meta = "rbac.authorization.k8s.io/v1", {"name": name, "namespace": namespace}
    subject = {"kind": "ServiceAccount", "name": name, "namespace": OPERATOR_NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return [
        {"apiVersion": api_version, "kind": "Role", "metadata": meta, "rules": list(rules)},
        {"apiVersion": api_version, "kind": "RoleBinding", "metadata": meta, "subjects": [subject], "roleRef": role},
    ]  # fmt: skip
