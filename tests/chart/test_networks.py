"""What docs/install.md says of networks, as the chart renders it."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cluster import Helm
from tests.chart.rendering import documented_blocks, of_kind, rendered


def pod_of(objects: list[dict[str, Any]]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the spec of the pods, and that of their container."""
    (deployment,) = of_kind("Deployment", objects)
    pod = deployment["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


def policy_of(objects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the policy for the operator; there is another one for the pod of `helm test`."""
    (deployment,) = of_kind("Deployment", objects)
    name = deployment["metadata"]["name"]
    return next(each for each in of_kind("NetworkPolicy", objects) if each["metadata"]["name"] == name)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE"])
def test_the_documented_values_give_the_operator_its_variables(
    variable: str, helm: Helm, tmp_path: Path
) -> None:
    (block,) = [text for text in documented_blocks("yaml") if f"name: {variable}," in text]
    (tmp_path / "values.yaml").write_text(block)
    given = {entry["name"]: entry["value"] for entry in yaml.safe_load(block)["extraEnv"]}

    pod, container = pod_of(rendered(helm, tmp_path / "values.yaml"))

    seen = {entry["name"]: entry.get("value") for entry in container["env"]}
    assert given[variable] == seen[variable]
    # A file that is named is one that is mounted.
    mounted = [mount["mountPath"] for mount in container.get("volumeMounts", [])]
    assert [] == [
        path
        for path in given.values()
        if path.startswith("/") and Path(path).parent.as_posix() not in mounted
    ]
    assert {volume["name"] for volume in pod.get("volumes", [])} == {
        mount["name"] for mount in container.get("volumeMounts", [])
    }


def test_the_rules_of_the_chart_name_ports_and_so_hold_for_both_families(helm: Helm) -> None:
    policy = policy_of(rendered(helm, None, "networkPolicy.enabled=true"))
    rules = [*policy["spec"]["ingress"], *policy["spec"]["egress"]]

    assert rules
    assert [{"ports"}] * len(rules) == [set(rule) for rule in rules]


def test_a_rule_of_ones_own_may_be_of_either_family(helm: Helm, tmp_path: Path) -> None:
    blocks = [{"ipBlock": {"cidr": cidr}} for cidr in ("10.0.0.0/8", "fd00::/8")]
    egress = [{"to": blocks, "ports": [{"port": 3128, "protocol": "TCP"}]}]
    values = {"networkPolicy": {"enabled": True, "egress": egress}}
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))

    policy = policy_of(rendered(helm, tmp_path / "values.yaml"))

    assert egress == policy["spec"]["egress"]


def test_a_base_url_may_be_an_ipv6_address(helm: Helm, tmp_path: Path) -> None:
    url = "http://[fd00::7]:8080"
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"settings": {"allowedBaseUrls": [url]}}))

    _, container = pod_of(rendered(helm, tmp_path / "values.yaml"))

    assert url in [entry.get("value") for entry in container["env"]]
