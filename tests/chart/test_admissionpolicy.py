"""The policy for admission: where it is made, and whom it takes for the operator. What it refuses is shown by the API server."""

import pytest
from kubernetes_validate import validate

from local_cluster import Helm
from tests.chart.rendering import ADMISSION_POLICIES, CHART, NAMESPACE, Body, of_kind, rendered

SINGLE = CHART / "ci" / "single-values.yaml"


def policies(objects: list[Body]) -> list[Body]:
    return [body for body in objects if body["kind"].startswith("ValidatingAdmissionPolicy")]


@pytest.mark.parametrize(
    ("api_versions", "settings", "is_made"),
    [
        (ADMISSION_POLICIES, (), True),
        (ADMISSION_POLICIES, ("rbac.create=false",), True),
        (ADMISSION_POLICIES, ("admissionPolicy.enabled=false",), False),
        # Who installs the operator for single namespaces need not have rights in the whole cluster.
        (ADMISSION_POLICIES, ("watchNamespaces={shop}",), False),
        ("admissionregistration.k8s.io/v1", (), False),
        ("admissionregistration.k8s.io/v1beta1/ValidatingAdmissionPolicy", (), False),
    ],
)
def test_it_is_made_for_the_whole_cluster_where_kubernetes_has_such_policies(
    helm: Helm, api_versions: str, settings: tuple[str, ...], *, is_made: bool
) -> None:
    made = policies(rendered(helm, None, *settings, api_versions=api_versions))

    kinds = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
    assert (kinds if is_made else []) == [body["kind"] for body in made]


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_it_is_one_that_kubernetes_knows(helm: Helm, version: str) -> None:
    for body in policies(rendered(helm, api_versions=ADMISSION_POLICIES)):
        validate(body, version, strict=True)
        assert "namespace" not in body["metadata"]
        assert "mailtrap-operator" == body["metadata"]["labels"]["app.kubernetes.io/instance"]


def test_the_binding_binds_the_policy_and_refuses(helm: Helm) -> None:
    policy, binding = policies(rendered(helm, None, "fullnameOverride=mo", api_versions=ADMISSION_POLICIES))

    assert {"policyName": policy["metadata"]["name"], "validationActions": ["Deny"]} == binding["spec"]
    assert "Fail" == policy["spec"]["failurePolicy"]
    for validation in policy["spec"]["validations"]:
        assert validation["message"].endswith("kubectl delete validatingadmissionpolicybinding mo")


@pytest.mark.parametrize("settings", [(), ("fullnameOverride=mo",), ("serviceAccount.name=robot",)])
def test_the_operator_is_the_account_that_its_pods_have(helm: Helm, settings: tuple[str, ...]) -> None:
    objects = rendered(helm, None, *settings, api_versions=ADMISSION_POLICIES)
    (policy,), (deployment,) = of_kind("ValidatingAdmissionPolicy", objects), of_kind("Deployment", objects)

    account = deployment["spec"]["template"]["spec"]["serviceAccountName"]
    others = policy["spec"]["matchConditions"][0]["expression"]
    assert f"request.userInfo.username != 'system:serviceaccount:{NAMESPACE}:{account}' &&" in others


def test_an_account_that_was_made_elsewhere_is_the_operator_too(helm: Helm) -> None:
    (policy,) = of_kind("ValidatingAdmissionPolicy", rendered(helm, SINGLE, api_versions=ADMISSION_POLICIES))

    assert f":{NAMESPACE}:mailtrap'" in policy["spec"]["matchConditions"][0]["expression"]
