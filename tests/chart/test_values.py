"""Values: a wrong one is refused by its name, and each has an effect."""

import copy
import json
import re
from pathlib import Path

import pytest
import yaml

from local_cluster import Helm, HelmError
from local_cluster.build import HELM4
from mailtrap_operator.settings import Settings
from tests.chart.rendering import CHART, Body, rendered

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
FULL = yaml.safe_load((CHART / "ci" / "full-values.yaml").read_text())
ELSEWHERE = {
    "global",
    "nameOverride",
    "fullnameOverride",
    "crds",
    "rbac",
    "watchNamespaces",
    "watchSecrets",
    "leaderElection",
    "probes",
}
"""What the values file with everything leaves as it is."""

SWITCHED = [
    "nameOverride=mo",
    "fullnameOverride=mo",
    "image.tag=v9",
    "crds.enabled=false",
    "crds.keep=false",
    "rbac.create=false",
    "rbac.aggregateToView=false",
    "rbac.aggregateToEdit=false",
    "serviceAccount.name=robot",
    "watchNamespaces={shop}",
    "watchSecrets=false",
    "leaderElection.enabled=false,replicaCount=1",
    "podDisruptionBudget.enabled=true",
    "networkPolicy.enabled=true",
    *(
        f"probes.{probe}.{key}=99"
        for probe in ("liveness", "readiness")
        for key in ("initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold")
    ),
]


@pytest.fixture(scope="module")
def helm4(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Provide one Helm where the two cannot differ."""
    return Helm(HELM4, tmp_path_factory.mktemp("helm"))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("replicas=3", "replicas"),
        ("image=null", "'image'"),
        ("image.repository=null", "'repository'"),
        ("serviceAccount=null", "'serviceAccount'"),
        ("rbac=null", "'rbac'"),
        ("crds=null", "'crds'"),
        ("settings=null", "'settings'"),
        ("leaderElection.enabled=null", "'enabled'"),
        ("log.level=null", "'level'"),
        ("probes.liveness=null", "'liveness'"),
        ("podDisruptionBudget.enabled=true,podDisruptionBudget.maxUnavailable=null", "'maxUnavailable'"),
        ("extraEnv[0].name=MAILTRAP_OPERATOR_DRY_RUN,extraEnv[0].value=true", "/extraEnv/0/name"),
        ("image.name=mo", "name"),
        ("replicaCount=-1", "replicaCount"),
        ("replicaCount=many", "replicaCount"),
        ("image.digest=latest", "digest"),
        ("image.pullPolicy=Sometimes", "pullPolicy"),
        ("watchNamespaces=shop", "watchNamespaces"),
        ("watchNamespaces={Shop}", "watchNamespaces"),
        ("watchNamespaces={shop,shop}", "watchNamespaces"),
        ("watchSecrets=sometimes", "watchSecrets"),
        ("crds.install=true", "install"),
        ("rbac.enabled=true", "enabled"),
        ("log.level=loud", "level"),
        ("log.format=xml", "format"),
        ("settings.rateLimit=fast", "/settings/rateLimit"),
        ("settings.rateLimit=140/", "/settings/rateLimit"),
        ("settings.rateLimit=140/0s", "/settings/rateLimit"),
        ("settings.rateLimit=0/10s", "/settings/rateLimit"),
        ("settings.port=80", "port"),
        ("settings.installation=PROD", "installation"),
        ("settings.settleTime=60", "/settings/settleTime"),
        ("settings.settleTime=", "/settings/settleTime"),
        ("settings.resyncInterval=0s", "/settings/resyncInterval"),
        ("settings.requestTimeout=0h0m0s", "/settings/requestTimeout"),
        ("settings.requestTimeout=1234567890s", "/settings/requestTimeout"),
        (
            "settings.requestTimeout=16s",
            "settings.settleTime (1m) must be at least 4 times settings.requestTimeout (16s)",
        ),
        (
            "settings.settleTime=39s",
            "settings.settleTime (39s) must be at least 4 times settings.requestTimeout (10s)",
        ),
        ("settings.allowedBaseUrls={mailtrap.io}", "/settings/allowedBaseUrls/0"),
        ("settings.allowedBaseUrls={https://a.example\\,https://b.example}", "/settings/allowedBaseUrls/0"),
        ("settings.allowedBaseUrls={https://a.example\\,b.example}", "/settings/allowedBaseUrls/0"),
        ("probes.liveness.period=3", "period"),
        ("resources.limit.memory=1Gi", "limit"),
        ("leaderElection.enabled=false", "replicaCount: several replicas need leaderElection.enabled"),
        ("serviceAccount.create=false", "serviceAccount.name"),
        ("commonLabels.app\\.kubernetes\\.io/name=mine", "commonLabels/app.kubernetes.io~1name"),
    ],
)
def test_a_wrong_value_fails_with_a_message_that_names_the_key(helm: Helm, setting: str, words: str) -> None:
    with pytest.raises(HelmError) as refused:
        rendered(helm, None, setting)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    "settings",
    [
        {"requestTimeout": "15s"},
        {"settleTime": "40s"},
        {"requestTimeout": "1h30m5s", "settleTime": "6h20s"},
        {"rateLimit": "1/0h1m0s", "resyncInterval": "1s"},
    ],
)
def test_the_longest_and_the_shortest_that_the_operator_takes_are_not_refused(
    helm: Helm, settings: dict[str, str]
) -> None:
    snake = {re.sub("[A-Z]", r"_\g<0>", key).lower(): value for key, value in settings.items()}

    Settings.model_validate(snake)  # or it raises
    assert rendered(helm, None, *(f"settings.{key}={value}" for key, value in settings.items()))


def test_a_parent_chart_may_give_global_values(helm: Helm) -> None:
    assert rendered(helm) == rendered(helm, None, "global.registry=example.com")


@pytest.mark.parametrize("setting", SWITCHED)
def test_each_value_has_an_effect(helm4: Helm, setting: str) -> None:
    assert rendered(helm4) != rendered(helm4, None, setting)


def leaves(values: Body, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the paths of what the schema describes in a values file."""
    found = []
    for key, value in values.items():
        is_group = isinstance(value, dict) and key in {
            "image",
            "serviceAccount",
            "settings",
            "log",
            "resources",
            "podDisruptionBudget",
            "networkPolicy",
        }
        found += leaves(value, (*path, key)) if is_group else [(*path, key)]
    return found


@pytest.mark.parametrize("path", leaves(FULL), ids=".".join)
def test_each_value_of_the_file_with_everything_has_an_effect(
    helm4: Helm, tmp_path: Path, path: tuple[str, ...]
) -> None:
    fewer = copy.deepcopy(FULL)
    group = fewer
    for key in path[:-1]:
        group = group[key]
    del group[path[-1]]
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(fewer))

    assert rendered(helm4, CHART / "ci" / "full-values.yaml") != rendered(helm4, tmp_path / "values.yaml")


def test_the_file_with_everything_knows_every_value() -> None:
    assert SCHEMA["properties"].keys() == FULL.keys() | ELSEWHERE
