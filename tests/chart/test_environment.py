"""The container's environment: every variable is a setting that the operator knows, and means what the value said."""

from datetime import timedelta
from pathlib import Path

import pytest

from local_cluster import Helm
from mailtrap_operator.settings import RateLimit, Settings
from tests.chart.rendering import CI, of_kind, rendered

FULL, NAMESPACED = (
    next(path for path in CI if path.stem == f"{name}-values") for name in ("full", "namespaced")
)


def settings(helm: Helm, folder: Path, values: Path | None) -> Settings:
    """Return the settings that the operator reads; a variable that it does not know is an error."""
    (deployment,) = of_kind("Deployment", rendered(helm, values))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    given = {entry["name"]: entry["value"] for entry in container["env"] if "value" in entry}
    ours = {name: value for name, value in given.items() if name.startswith("MAILTRAP_OPERATOR_")}
    file = folder / "environment"
    file.write_text("".join(f"{name}='{value}'\n" for name, value in ours.items()))
    return Settings(_env_file=file, _cli_parse_args=[])


def test_the_defaults_of_the_chart_are_those_of_the_operator(helm: Helm, tmp_path: Path) -> None:
    assert Settings(_cli_parse_args=[]) == settings(helm, tmp_path, None)


def test_every_setting_arrives(helm: Helm, tmp_path: Path) -> None:
    seen = settings(helm, tmp_path, FULL)

    assert ("https://mailtrap.io", "https://mailtrap.example.com") == seen.allowed_base_urls
    assert ("prod22", 8) == (seen.installation, seen.workers)
    assert RateLimit(100, timedelta(seconds=10)) == seen.rate_limit
    assert (5, 45, 3600) == (
        seen.request_timeout.seconds,
        seen.settle_time.seconds,
        seen.resync_interval.seconds,
    )
    assert (("app.kubernetes.io/name", "example.com/*"), False) == (
        seen.allowed_secret_metadata,
        seen.rollout_restarts,
    )
    assert ("debug", "text", False) == (seen.log_level, seen.log_format, seen.dry_run)


def test_the_namespaces_to_watch_arrive(helm: Helm, tmp_path: Path) -> None:
    assert ("shop", "billing") == settings(helm, tmp_path, NAMESPACED).watch_namespaces


@pytest.mark.parametrize("name", ["watchSecrets", "leaderElection.enabled"])
def test_what_is_switched_off_is_told(helm: Helm, name: str) -> None:
    variable = {"watchSecrets": "WATCH_SECRETS", "leaderElection.enabled": "LEADER_ELECTION"}[name]
    (deployment,) = of_kind("Deployment", rendered(helm, None, f"{name}=false", "replicaCount=1"))
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert {"name": f"MAILTRAP_OPERATOR_{variable}", "value": "false"} in container["env"]
