"""What values.schema.json demands and says, and what is written from it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from distribution import chart
from distribution.values import values_table, values_yaml
from mailtrap_operator.api.v1alpha1 import print_duration
from mailtrap_operator.settings import Settings

SCHEMA = json.loads(
    (Path(__file__).parents[3] / chart.CHART / "values.schema.json").read_text(encoding="utf-8")
)

SMALL = {
    "properties": {
        "global": {"description": "Of a parent chart."},
        "size": {"default": 2, "description": "How many."},
        "log": {
            "description": "The log.",
            "properties": {
                "level": {"default": "info", "description": "Least | level."},
                "file": {"description": "Where to."},
            },
        },
        "settings": {"description": "Settings.", "properties": {"rate": {"description": "Calls."}}},
    }
}


def parts(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    for name, part in schema.get("properties", {}).items():
        yield f"{path}{name}", part
        yield from parts(part, f"{path}{name}.")


def test_values_yaml_has_defaults_with_their_descriptions_and_names_what_has_none() -> None:
    assert (
        "# Generated from values.schema.json by `make chart`. Do not edit.\n"
        "\n# How many.\nsize: 2\n"
        "\n# The log.\nlog:\n  # Least | level.\n  level: info\n  # Where to.\n  # file:\n"
        "\n# Settings.\nsettings: {}\n  # Calls.\n  # rate:\n"
    ) == values_yaml(SMALL)
    assert {"size": 2, "log": {"level": "info"}, "settings": {}} == yaml.safe_load(values_yaml(SMALL))


def test_the_table_has_a_row_for_each_value() -> None:
    assert [
        "| value | default | description |",
        "|---|---|---|",
        "| `size` | `2` | How many. |",
        '| `log.level` | `"info"` | Least \\| level. |',
        "| `log.file` |  | Where to. |",
        "| `settings.rate` |  | Calls. |",
    ] == values_table(SMALL).splitlines()


@pytest.mark.parametrize(("path", "part"), list(parts(SCHEMA)), ids=[path for path, _ in parts(SCHEMA)])
def test_every_value_has_a_type_and_what_the_chart_knows_has_no_unknown_keys(
    path: str, part: dict[str, Any]
) -> None:
    assert "type" in part
    assert "properties" not in part or part["additionalProperties"] is False
    assert path.startswith(("resources.", "affinity.")) or part["description"].endswith(".")


def test_the_settings_are_the_operators_and_their_defaults_are_told() -> None:
    defaults = Settings(_cli_parse_args=[])
    told = {
        "allowedBaseUrls": "by default https://mailtrap.io alone",
        **{
            key: f"by default {print_duration(value)}"
            for key, value in (
                ("requestTimeout", defaults.request_timeout),
                ("settleTime", defaults.settle_time),
                ("resyncInterval", defaults.resync_interval),
            )
        },
        "workers": f"by default {defaults.workers}",
        "allowedSecretMetadata": f"by default {','.join(defaults.allowed_secret_metadata)}",
        "rolloutRestarts": f"by default {str(defaults.rollout_restarts).lower()}",
        "dryRun": f"by default {str(defaults.dry_run).lower()}",
        "rateLimit": f"by default {defaults.rate_limit.limit}/{defaults.rate_limit.period.seconds}s",
        "installation": "by default made of the cluster's identity",
    }
    settings = SCHEMA["properties"]["settings"]["properties"]

    assert told.keys() == settings.keys()
    assert ("https://mailtrap.io",) == defaults.allowed_base_urls
    assert [key for key, words in told.items() if words not in settings[key]["description"]] == []


OF_ANOTHER_VALUE = {
    "namespace": "the release's",
    "watch_namespaces": "watchNamespaces",
    "watch_secrets": "watchSecrets",
    "leader_election": "leaderElection.enabled",
    "port": "the container's",
    "log_level": "log.level",
    "log_format": "log.format",
}
"""The settings that the chart sets otherwise than by its `settings`, and from what."""


def test_the_chart_has_a_value_for_every_setting() -> None:
    others = Settings.model_fields.keys() - OF_ANOTHER_VALUE.keys()

    assert {_in_camel_case(name) for name in others} == SCHEMA["properties"]["settings"]["properties"].keys()


def _in_camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))
