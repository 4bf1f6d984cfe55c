"""One run's stage: an API server that stays, a simulator and a namespace of their own, an operator of one checkout."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.bench.load import ProcessLoad
from tests.e2e.kube import Kube
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.world import CREDENTIAL, INSTALLATION, OPERATOR_NAMESPACE, World

UNLIMITED = "1000000/10s"


@dataclass(frozen=True, slots=True)
class Options:
    """What a run is made with.

    `number` is how many ApiTokens there are, `latency` what the simulator adds to each call, as `50ms`. Without `is_limited`
    neither the simulator nor the operator keeps to a rate. `source` is the checkout whose operator runs.
    """

    number: int
    latency: str
    is_limited: bool
    source: Path


@dataclass(frozen=True, slots=True)
class Stage:
    """What a benchmark works with."""

    world: World
    options: Options

    @contextmanager
    def operator(self, *arguments: str) -> Iterator[OperatorProcess]:
        """Run an operator with the product's own settings, and `arguments`."""
        world = self.world
        limit = () if self.options.is_limited else ("--rate-limit", UNLIMITED)
        environment = {
            "MAILTRAP_OPERATOR_WATCH_NAMESPACES": world.namespace,
            "MAILTRAP_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE,
            "MAILTRAP_OPERATOR_INSTALLATION": INSTALLATION,
        }
        process = OperatorProcess(
            world.cluster.kubeconfig_for("operator", ["system:masters"]),
            world.simulator.url,
            world.folder / "operator.log",
            *("--log-level", "info", *limit, *arguments),
            environment=environment,
            source=self.options.source,
        )
        with process:
            yield process

    def names(self, prefix: str = "token") -> list[str]:
        """Return the names of as many ApiTokens as there are to be."""
        return [f"{prefix}-{number:05}" for number in range(self.options.number)]

    def remote_calls(self) -> Counter[str]:
        """Count the remote calls so far by operation; `429` counts those that were refused."""
        calls = self.world.calls()
        refused = sum(call["status"] == 429 for call in calls)
        return Counter(call["operation"] for call in calls) + Counter({"429": refused})

    def kubernetes_calls(self) -> Counter[str]:
        """Count the operator's calls of Kubernetes so far by verb."""
        return Counter(str(entry["verb"]) for entry in self.world.requests())

    def spare_tokens(self) -> int:
        """Count the living tokens whose value no Secret holds and no status knows."""
        api_tokens = self.world.kube.get(self.world.api_token_path("").rstrip("/")) or {}
        known: set[int] = set()
        for body in api_tokens.get("items", []):
            status = body.get("status", {})
            known |= {
                status.get("current", {}).get("id"),
                *(each["id"] for each in status.get("previous", [])),
            }
        return sum(token["id"] not in known for token in self.world.living())


@contextmanager
def stage(cluster: Cluster, folder: Path, options: Options) -> Iterator[Stage]:
    """Yield a stage with an account and no operator."""
    rate = () if options.is_limited else ("--rate-limit", UNLIMITED)
    kube = Kube(cluster.kubeconfig)
    with SimulatorProcess(CREDENTIAL, arguments=("--latency", options.latency, *rate)) as simulator:
        world = World(cluster, kube, simulator, folder)
        world.put_account(refreshInterval="1h")
        yield Stage(world, options)
        kube.delete(f"/api/v1/namespaces/{world.namespace}")
    kube.close()


def used(process: OperatorProcess) -> ProcessLoad:
    """Return what the operator has used so far."""
    return ProcessLoad.of(process.pid)
