"""What is counted. Labels are reasons and results alone: their number is small and fixed."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self, *, queued: Callable[[], int], running: Callable[[], int]) -> None:
        self._registry = CollectorRegistry()
        self.passes = Counter(
            "mailtrap_operator_passes", "Reconciles of ApiTokens", ["result"], registry=self._registry
        )
        self.issued = Counter(
            "mailtrap_operator_tokens_issued",
            "Tokens issued and published",
            ["reason"],
            registry=self._registry,
        )
        self.revoked = Counter("mailtrap_operator_tokens_revoked", "Tokens deleted", registry=self._registry)
        self.leading = Gauge(
            "mailtrap_operator_leading", "Whether this replica works", registry=self._registry
        )
        queue = Gauge("mailtrap_operator_queue_keys", "Keys that wait", registry=self._registry)
        queue.set_function(queued)
        busy = Gauge("mailtrap_operator_queue_running", "Reconciles that run", registry=self._registry)
        busy.set_function(running)

    def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self._registry)
