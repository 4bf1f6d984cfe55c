"""What anyone who takes the operator over, or runs beside it, gets from the chart: nothing that it does not need."""

from typing import Any

from local_cluster import Helm
from tests.chart.rendering import Body, of_kind, rendered


def rules_of(objects: list[Body]) -> list[Body]:
    roles = [*of_kind("ClusterRole", objects), *of_kind("Role", objects)]
    own = [role for role in roles if not role["metadata"]["name"].endswith(("-view", "-edit"))]
    return [rule for role in own for rule in role["rules"]]


def test_the_pod_is_confined_and_the_rights_lead_to_no_others(helm: Helm) -> None:
    """Tried: the chart, by reading it: token, Pod Security, Lease, and rights on roles and pods."""
    objects = rendered(helm)
    (deployment,), (account,) = of_kind("Deployment", objects), of_kind("ServiceAccount", objects)
    pod: Any = deployment["spec"]["template"]["spec"]
    (container,) = pod["containers"]

    assert (False, True) == (account["automountServiceAccountToken"], pod["automountServiceAccountToken"])
    assert pod["securityContext"]["runAsNonRoot"]
    assert {"type": "RuntimeDefault"} == pod["securityContext"]["seccompProfile"]
    assert {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }.items() <= container["securityContext"].items()
    assert [] == [key for key in ("hostNetwork", "hostPID", "hostIPC") if pod.get(key)]

    rules = rules_of(objects)
    resources = {resource for rule in rules for resource in rule["resources"]}
    dangerous = {
        "roles",
        "clusterroles",
        "rolebindings",
        "clusterrolebindings",
        "pods",
        "pods/exec",
        "pods/log",
    }
    dangerous |= {
        "serviceaccounts",
        "serviceaccounts/token",
        "nodes",
        "nodes/proxy",
        "certificatesigningrequests",
    }
    assert set() == resources & dangerous
    assert set() == {
        word for rule in rules for word in (*rule["verbs"], *rule["resources"], *rule["apiGroups"])
    } & {"*", "escalate", "bind", "impersonate"}
    leases = [rule for rule in rules if "leases" in rule["resources"]]
    assert leases
    assert [] == [rule for rule in leases if rule["verbs"] != ["create"] and not rule.get("resourceNames")]
