"""What the installation's tests stand on: a Deployment's pod is a real process with the pod's own identity."""

import json
from pathlib import Path

import pytest

from tests.e2e import sandbox
from tests.e2e.kube import Body
from tests.e2e.kubelet import Kubelet
from tests.e2e.world import INSTALLATION, OPERATOR_NAMESPACE, World, eventually


@pytest.fixture(autouse=True)
def _nodes(nodes: None) -> None:
    """Have pods scheduled."""


def deployment(world: World, node: str, **variables: str) -> Body:
    given = {
        "ALLOWED_BASE_URLS": world.simulator.url,
        "INSTALLATION": INSTALLATION,
        "NAMESPACE": OPERATOR_NAMESPACE,
        "WATCH_NAMESPACES": world.namespace,
        "LEADER_ELECTION": "false",
    }
    env: list[Body] = [
        {"name": f"MAILTRAP_OPERATOR_{key}", "value": text} for key, text in (given | variables).items()
    ]
    container = {
        "name": "operator",
        "image": "mailtrap-operator",
        "args": ["run"],
        "env": env,
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/readyz", "port": "http"}},
        "livenessProbe": {"httpGet": {"path": "/livez", "port": "http"}},
    }
    pod = {"containers": [container], "nodeSelector": {"kubernetes.io/hostname": node}}
    spec = {
        "selector": {"matchLabels": {"app": "operator"}},
        "template": {"metadata": {"labels": {"app": "operator"}}, "spec": pod},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "operator"}, "spec": spec}


@pytest.mark.parametrize("in_sandbox", [True, False], ids=["in a sandbox", "on this machine"])
def test_a_pod_is_ready_when_its_process_is_and_goes_when_that_has_ended(
    world: World, tmp_path: Path, *, in_sandbox: bool
) -> None:
    if in_sandbox and not sandbox.is_possible():
        pytest.skip("this machine lets no one make namespaces")
    subject = f"--serviceaccount={world.namespace}:default"
    world.cluster.kubectl(
        "create", "clusterrolebinding", world.namespace, "--clusterrole=cluster-admin", subject
    )
    node = f"node-{world.namespace}"
    with Kubelet(world.cluster, node, tmp_path, [world.simulator.url], in_sandbox=in_sandbox) as kubelet:
        body = deployment(world, node)
        in_namespace = ("--namespace", world.namespace)
        world.cluster.kubectl(*in_namespace, "apply", "-f", "-", input=json.dumps(body))
        world.cluster.kubectl(*in_namespace, "rollout", "status", "deployment/operator", "--timeout=600s")
        world.put_api_token("one")
        world.becomes_ready("one")

        world.cluster.kubectl(*in_namespace, "delete", "deployment/operator")

        path = f"/api/v1/namespaces/{world.namespace}/pods"
        eventually(lambda: not (world.kube.get(path) or {})["items"], "the pod goes")
        assert [0] == kubelet.exits
