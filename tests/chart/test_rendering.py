"""Every values file under the chart's `ci/` makes objects that the oldest and the newest Kubernetes know."""

import re
from pathlib import Path

import pytest
import yaml
from kubernetes_validate import ValidationError, validate

from local_cluster import Helm, HelmError
from mailtrap_operator.api import manifests
from mailtrap_operator.settings import Settings
from tests.chart.rendering import (
    CHART,
    CI,
    DEFAULTS,
    NAMESPACE,
    REPOSITORY,
    ROOT,
    Body,
    named,
    of_kind,
    rendered,
)

VERSIONS = ("1.29", "1.37")
every_values_file = pytest.mark.parametrize("values", CI, ids=[p.stem for p in CI])


def checked(body: Body, version: str) -> None:
    """Validate an object; a field that this version of Kubernetes does not know is an error."""
    validate(body, version, strict=True)


@every_values_file
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_one_that_the_oldest_and_the_newest_kubernetes_know(
    helm: Helm, values: Path, version: str
) -> None:
    for body in rendered(helm, values):
        checked(body, version)


def test_the_validation_finds_a_field_that_does_not_exist(helm: Helm) -> None:
    (deployment,) = of_kind("Deployment", rendered(helm))
    deployment["spec"]["template"]["spec"]["containers"][0]["imagePullPolice"] = "Always"

    with pytest.raises(ValidationError, match="imagePullPolice"):
        checked(deployment, VERSIONS[0])


@every_values_file
def test_the_linter_has_nothing_to_say(helm: Helm, values: Path) -> None:
    assert "0 chart(s) failed" in helm.run("lint", "--strict", str(CHART), "--values", str(values))


@every_values_file
def test_every_object_stands_in_a_namespace_that_was_named_and_has_the_labels(
    helm: Helm, values: Path
) -> None:
    given = yaml.safe_load(values.read_text())
    namespaces = {NAMESPACE, *given.get("watchNamespaces", ())}

    for key, body in named(rendered(helm, values)).items():
        meta = body["metadata"]
        if body["kind"] == "ConfigMap":  # one of the extra objects, which are the user's own
            continue
        is_cluster_wide = body["kind"].startswith(("Cluster", "CustomResource"))
        assert is_cluster_wide or meta["namespace"] in namespaces, key
        assert is_cluster_wide == ("namespace" not in meta), key
        assert "mailtrap-operator" == meta["labels"]["app.kubernetes.io/instance"], key
        assert given.get("commonLabels", {}).items() <= meta["labels"].items(), key


def test_the_crds_are_those_of_the_operator_and_are_kept(helm: Helm) -> None:
    crds = of_kind("CustomResourceDefinition", rendered(helm))

    assert [{"helm.sh/resource-policy": "keep"}] * 3 == [crd["metadata"].pop("annotations") for crd in crds]
    for crd in crds:
        del crd["metadata"]["labels"]
    assert sorted(manifests.crds(), key=str) == sorted(crds, key=str)


def test_crds_can_be_left_out_and_given_up(helm: Helm) -> None:
    given_up = of_kind("CustomResourceDefinition", rendered(helm, None, "crds.keep=false"))

    assert [] == of_kind("CustomResourceDefinition", rendered(helm, None, "crds.enabled=false"))
    assert [False] * 3 == ["annotations" in crd["metadata"] for crd in given_up]


def test_a_kubernetes_that_lacks_what_the_crds_need_is_refused(helm: Helm) -> None:
    chart = ["template", str(CHART), "--values", str(DEFAULTS)]

    with pytest.raises(HelmError, match=r"kubeVersion: >=1\.29\.0-0"):
        helm.run(*chart, "--kube-version", "1.28.15")

    assert helm.run(*chart, "--kube-version", "1.29.0-eks-1")


def test_extra_objects_may_be_templates(helm: Helm) -> None:
    objects = of_kind("ConfigMap", rendered(helm, CHART / "ci" / "full-values.yaml"))

    assert ["mailtrap-operator-extra", "mailtrap-operator-text"] == [o["metadata"]["name"] for o in objects]
    assert {"release": "mailtrap-operator"} == objects[0]["data"]


def test_the_documented_extra_objects_are_rendered_and_keep_braces_of_their_own(
    helm: Helm, tmp_path: Path
) -> None:
    blocks = re.findall(
        r"```yaml\n(extraObjects:.*?)```", (ROOT / "docs" / "install.md").read_text(), re.DOTALL
    )
    extra = [body for block in blocks for body in yaml.safe_load(block)["extraObjects"]]
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"extraObjects": extra}))

    objects = rendered(helm, tmp_path / "values.yaml")

    assert of_kind("ServiceMonitor", extra) == of_kind("ServiceMonitor", objects)
    (rule,) = of_kind("PrometheusRule", objects)
    (alert,) = rule["spec"]["groups"][0]["rules"]
    assert {"summary": "In {{ $labels.namespace }} no replica works"} == alert["annotations"]


def test_the_probes_and_the_service_ask_the_port_that_the_operator_listens_on(helm: Helm) -> None:
    objects = rendered(helm)
    port = Settings(_cli_parse_args=[]).port
    (deployment,), (service,) = of_kind("Deployment", objects), of_kind("Service", objects)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert [{"name": "http", "containerPort": port}] == container["ports"]
    assert [{"name": "http", "port": port, "targetPort": "http"}] == service["spec"]["ports"]
    assert (
        "http"
        == container["livenessProbe"]["httpGet"]["port"]
        == container["readinessProbe"]["httpGet"]["port"]
    )


def test_a_pod_that_hangs_is_given_less_time_to_end_than_one_that_drains(helm: Helm) -> None:
    (deployment,) = of_kind("Deployment", rendered(helm))
    pod = deployment["spec"]["template"]["spec"]
    liveness, readiness = (pod["containers"][0][f"{name}Probe"] for name in ("liveness", "readiness"))

    assert 15 == liveness["terminationGracePeriodSeconds"]
    assert 60 == pod["terminationGracePeriodSeconds"]
    # Before its port is open a probe would leave a warning.
    assert (10, 3) == (liveness["initialDelaySeconds"], readiness["initialDelaySeconds"])


def test_the_variables_of_services_are_not_taken_for_settings(helm: Helm) -> None:
    (deployment,) = of_kind("Deployment", rendered(helm))

    assert False is deployment["spec"]["template"]["spec"]["enableServiceLinks"]


def test_the_service_selects_the_pods_of_the_deployment_and_not_the_test(helm: Helm) -> None:
    objects = rendered(helm)
    (deployment,), (service,) = of_kind("Deployment", objects), of_kind("Service", objects)
    (test,) = of_kind("Pod", objects)
    selector = service["spec"]["selector"]

    assert selector == deployment["spec"]["selector"]["matchLabels"]
    assert selector.items() <= deployment["spec"]["template"]["metadata"]["labels"].items()
    assert not selector.items() <= test["metadata"]["labels"].items()


@pytest.mark.parametrize(
    ("settings", "image"),
    [
        ((), f"{REPOSITORY}:0.1.0"),
        (("image.tag=v9",), f"{REPOSITORY}:v9"),
        (("image.repository=mirror/mo", "image.tag=v9"), "mirror/mo:v9"),
        (
            (f"image.digest=sha256:{'0' * 64}", "image.tag=v9"),
            f"{REPOSITORY}@sha256:{'0' * 64}",
        ),
    ],
)
def test_the_image_is_named_by_tag_or_digest(helm: Helm, settings: tuple[str, ...], image: str) -> None:
    objects = rendered(helm, None, *settings)
    (deployment,), (test,) = of_kind("Deployment", objects), of_kind("Pod", objects)

    assert image == deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    assert image == test["spec"]["containers"][0]["image"]


@pytest.mark.parametrize("setting", [(), ("--set", "image.repository=")], ids=["nothing", "an empty text"])
def test_an_image_is_never_guessed(helm: Helm, setting: tuple[str, ...]) -> None:
    with pytest.raises(
        HelmError, match=r"image\.repository: name the repository that you have pushed the image to"
    ):
        helm.template(CHART, name="mailtrap-operator", namespace=NAMESPACE, arguments=setting)


@pytest.mark.parametrize(
    ("settings", "strategy"),
    [
        ((), {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}}),
        (("leaderElection.enabled=false", "replicaCount=1"), {"type": "Recreate"}),
    ],
)
def test_the_strategy_is_written_whole_so_that_helm_can_take_it_away(
    helm: Helm, settings: tuple[str, ...], strategy: Body
) -> None:
    (deployment,) = of_kind("Deployment", rendered(helm, None, *settings))

    assert strategy == deployment["spec"]["strategy"]


@pytest.mark.parametrize(
    ("release", "settings"),
    [
        ("a" * 53, ()),
        (f"mailtrap-operator-{'a' * 35}", ()),
        ("short", (f"fullnameOverride={'a' * 63}", f"nameOverride={'b' * 63}")),
    ],
)
def test_every_name_and_label_has_63_characters_at_most(
    helm: Helm, release: str, settings: tuple[str, ...]
) -> None:
    objects = rendered(helm, None, "watchNamespaces={shop}", *settings, release=release)

    names = [body["metadata"]["name"] for body in objects if body["kind"] != "CustomResourceDefinition"]
    labels = [label for body in objects for label in body["metadata"]["labels"].values()]
    assert [] == [text for text in names + labels if len(text) > 63]


def test_a_release_may_have_a_number_for_a_name(helm: Helm) -> None:
    objects = rendered(helm, None, release="123")

    assert {"123"} == {body["metadata"]["labels"]["app.kubernetes.io/instance"] for body in objects}
    for body in objects:
        checked(body, VERSIONS[0])


def test_a_budget_of_pods_that_stay_takes_the_place_of_one_that_may_go(helm: Helm) -> None:
    given = ("enabled=true", "maxUnavailable=null", "minAvailable=1")
    objects = rendered(helm, None, *(f"podDisruptionBudget.{part}" for part in given))
    (budget,) = of_kind("PodDisruptionBudget", objects)

    assert {"selector", "minAvailable"} == budget["spec"].keys()


def test_the_network_policy_admits_one_port_and_lets_out_to_dns_mailtrap_and_the_api_server(
    helm: Helm,
) -> None:
    objects = rendered(helm, None, "networkPolicy.enabled=true")
    policies = {body["metadata"]["name"]: body["spec"] for body in of_kind("NetworkPolicy", objects)}
    policy, (deployment,) = policies["mailtrap-operator"], of_kind("Deployment", objects)
    ports = {
        way: [port["port"] for rule in policy[way] for port in rule["ports"]] for way in ("ingress", "egress")
    }

    assert deployment["spec"]["selector"] == policy["podSelector"]
    assert {"Ingress", "Egress"} == set(policy["policyTypes"])
    assert {"ingress": [8080], "egress": [53, 53, 443, 6443]} == ports
