from mailtrap_operator.telemetry.metrics import Metrics


def values(metrics: Metrics) -> dict[str, float]:
    lines = metrics.exposition().decode().splitlines()
    pairs = (line.rpartition(" ") for line in lines if line and not line.startswith("#"))
    return {name: float(value) for name, _, value in pairs if "_created" not in name}


def test_the_queue_is_asked_at_each_exposition() -> None:
    queued, running = [3], [2]
    metrics = Metrics(queued=lambda: queued[0], running=lambda: running[0])
    assert (3, 2) == (
        values(metrics)["mailtrap_operator_queue_keys"],
        values(metrics)["mailtrap_operator_queue_running"],
    )

    queued[0], running[0] = 0, 5

    assert (0, 5) == (
        values(metrics)["mailtrap_operator_queue_keys"],
        values(metrics)["mailtrap_operator_queue_running"],
    )


def test_reconciles_issues_and_deletions_are_counted() -> None:
    metrics = Metrics(queued=lambda: 0, running=lambda: 0)

    for result in ("Done", "Done", "Failed"):
        metrics.passes.labels(result).inc()
    metrics.issued.labels("FirstToken").inc()
    metrics.revoked.inc()

    assert {
        'mailtrap_operator_passes_total{result="Done"}': 2,
        'mailtrap_operator_passes_total{result="Failed"}': 1,
        'mailtrap_operator_tokens_issued_total{reason="FirstToken"}': 1,
        "mailtrap_operator_tokens_revoked_total": 1,
        "mailtrap_operator_leading": 0,
        "mailtrap_operator_queue_keys": 0,
        "mailtrap_operator_queue_running": 0,
    } == values(metrics)


def test_two_operators_in_one_process_count_apart() -> None:
    first, second = (Metrics(queued=lambda: 0, running=lambda: 0) for _ in range(2))

    first.revoked.inc()

    assert 0 == values(second)["mailtrap_operator_tokens_revoked_total"]
