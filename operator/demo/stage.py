"""Sets the stage: cluster, simulator and operator, started in this order and ended in the reverse.

Nothing that was started here outlives `set_up`, whatever happens meanwhile.
"""

import contextlib
import secrets
from collections.abc import Iterator
from pathlib import Path

from demo.operator_process import OperatorProcess
from demo.scene import Scene
from demo.terminal import Terminal
from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess

ACCOUNT = "deploy/samples/account.yaml"
NAMESPACE = "mailtrap-system"
OPERATOR_LOG = "operator.log"
SETTLE_SECONDS, REQUEST_SECONDS = 4, 1


@contextlib.contextmanager
def set_up(show: Terminal, folder: Path) -> Iterator[Scene]:
    """Start everything, with its files in `folder`, and end it when the scene is left.

    Raises:
        ClusterError: the cluster or kubectl failed.
        RuntimeError: the simulator did not start.
        OperatorError: the operator did not start.
    """
    credential = secrets.token_hex(16)
    with contextlib.ExitStack() as stack:
        cluster = stack.enter_context(Cluster.start(folder / "cluster"))
        show.say(f"Kubernetes API server   {cluster.url}")
        simulator = SimulatorProcess(credential)
        stack.callback(simulator.stop)  # before its start, so that an interrupted one leaves nothing either
        simulator.start()
        show.say(f"Mailtrap simulator      {simulator.url}")
        operator = OperatorProcess(
            cluster.kubeconfig, cluster.process_group, folder / OPERATOR_LOG, _settings(simulator.url)
        )
        stack.callback(operator.stop)
        scene = Scene(show, cluster, simulator, operator)
        _install(scene, credential)
        scene.start_operator()
        yield scene


def _settings(base_url: str) -> list[str]:
    return [
        f"--namespace={NAMESPACE}",
        f"--allowed-base-urls={base_url}",
        f"--settle-time={SETTLE_SECONDS}s",
        f"--request-timeout={REQUEST_SECONDS}s",
        "--leader-election=false",
    ]


def _install(scene: Scene, credential: str) -> None:
    scene.kubectl("apply", "--server-side", "-f", "crds")
    scene.cluster.kubectl("wait", "--for=condition=Established", "-f", "crds", "--timeout=120s")
    scene.kubectl("create", "namespace", NAMESPACE)
    scene.kubectl(
        *("create", "secret", "generic", "mailtrap-credentials"),
        *(f"--namespace={NAMESPACE}", "--from-file=token=/dev/stdin"),
        input=credential,
    )
    scene.apply_edited(ACCOUNT, "https://mailtrap.io", scene.simulator.url)
