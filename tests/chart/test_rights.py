"""What the chart lets the operator do, in each mode. That it is enough, and nothing is too much, is shown by its requests."""

import pytest

from local_cluster import Helm
from tests.chart.rendering import NAMESPACE, Body, of_kind, rendered

Right = tuple[str, str]
"""Verb, and resource with its group."""

GROUP = "mailtrap-operator.io"
SERVING = {
    (f"apitokens.{GROUP}", "get list watch patch"),
    (f"apitokens/status.{GROUP}", "update"),
    (f"mailtrapaccounts.{GROUP}", "get list watch patch"),
    (f"mailtrapaccounts/status.{GROUP}", "update"),
    ("secrets", "get list watch create update patch delete"),
    ("events", "create get patch"),
    ("deployments.apps", "get list patch"),
    ("statefulsets.apps", "get list patch"),
    ("daemonsets.apps", "get list patch"),
}
CLUSTER = {
    (f"clustermailtrapaccounts.{GROUP}", "get list watch patch"),
    (f"clustermailtrapaccounts/status.{GROUP}", "update"),
    ("namespaces", "get"),
}
ELECTING = {
    ("leases.coordination.k8s.io", "create"),
    ("leases.coordination.k8s.io mailtrap-operator", "get patch"),
}


def operators(objects: list[Body]) -> dict[str, set[Right]]:
    """Return the rights bound to the operator's account, by namespace; "" is the whole cluster."""
    roles = {
        (body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]): body["rules"]
        for kind in ("Role", "ClusterRole")
        for body in of_kind(kind, objects)
    }
    rights: dict[str, set[Right]] = {}
    for binding in (*of_kind("RoleBinding", objects), *of_kind("ClusterRoleBinding", objects)):
        (subject,) = binding["subjects"]
        assert ("ServiceAccount", "mailtrap-operator", NAMESPACE) == (
            subject["kind"],
            subject["name"],
            subject["namespace"],
        )
        where, role = binding["metadata"].get("namespace", ""), binding["roleRef"]
        for rule in roles[role["kind"], where, role["name"]]:
            rights.setdefault(where, set()).update(_rights(rule))
    return rights


def _rights(rule: Body) -> set[Right]:
    (group,) = rule["apiGroups"]
    names = " ".join(["", *rule.get("resourceNames", [])])
    suffix = f".{group}" if group else ""
    return {(f"{resource}{suffix}{names}", " ".join(rule["verbs"])) for resource in rule["resources"]}


def without_secret_watch(rights: set[Right]) -> set[Right]:
    return rights - {("secrets", "get list watch create update patch delete")} | {
        ("secrets", "get create update patch delete")
    }


IN_TWO = "watchNamespaces={shop,billing}"
IDENTITY = {("namespaces", "get")}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), {"": SERVING | CLUSTER, NAMESPACE: ELECTING}),
        (("watchSecrets=false",), {"": without_secret_watch(SERVING | CLUSTER), NAMESPACE: ELECTING}),
        (("leaderElection.enabled=false", "replicaCount=1"), {"": SERVING | CLUSTER}),
        ((IN_TWO,), {"shop": SERVING, "billing": SERVING, NAMESPACE: ELECTING | IDENTITY}),
        (
            (IN_TWO, "watchSecrets=false", "settings.installation=prod22"),
            {
                "shop": without_secret_watch(SERVING),
                "billing": without_secret_watch(SERVING),
                NAMESPACE: ELECTING,
            },
        ),
        ((f"watchNamespaces={{{NAMESPACE}}}",), {NAMESPACE: SERVING | ELECTING | IDENTITY}),
        (("rbac.create=false",), {}),
    ],
)
def test_the_operator_may_do_what_its_mode_needs(
    helm: Helm, settings: tuple[str, ...], expected: dict[str, set[Right]]
) -> None:
    assert expected == operators(rendered(helm, None, *settings))


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ((), {"mailtrap-operator", "mailtrap-operator-view", "mailtrap-operator-edit"}),
        ((IN_TWO,), {"mailtrap-operator-view", "mailtrap-operator-edit"}),
        ((IN_TWO, "rbac.aggregateToView=false", "rbac.aggregateToEdit=false"), set()),
        (("rbac.create=false",), set()),
    ],
)
def test_there_are_cluster_roles_only_for_the_whole_cluster_and_for_users(
    helm: Helm, settings: tuple[str, ...], names: set[str]
) -> None:
    assert names == {
        body["metadata"]["name"] for body in of_kind("ClusterRole", rendered(helm, None, *settings))
    }


def test_users_who_view_may_read_and_users_who_edit_may_write_what_lies_in_their_namespace(
    helm: Helm,
) -> None:
    roles = {body["metadata"]["name"]: body for body in of_kind("ClusterRole", rendered(helm))}
    view, edit = roles["mailtrap-operator-view"], roles["mailtrap-operator-edit"]

    assert {"view", "edit", "admin"} == aggregated_to(view)
    assert {"edit", "admin"} == aggregated_to(edit)
    assert {verb for rule in view["rules"] for verb in rule["verbs"]} == {"get", "list", "watch"}
    assert [["apitokens", "mailtrapaccounts"]] == [rule["resources"] for rule in edit["rules"]]


def test_accounts_can_be_left_to_administrators(helm: Helm) -> None:
    roles = {
        body["metadata"]["name"]: body["rules"]
        for body in of_kind("ClusterRole", rendered(helm, None, "rbac.aggregateAccountsToEdit=false"))
    }

    assert [["apitokens"]] == [rule["resources"] for rule in roles["mailtrap-operator-edit"]]
    assert "mailtrapaccounts" in roles["mailtrap-operator-view"][0]["resources"]


def aggregated_to(role: Body) -> set[str]:
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    return {label.removeprefix(prefix) for label in role["metadata"]["labels"] if label.startswith(prefix)}
