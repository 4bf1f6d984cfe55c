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
    "admissionPolicy",
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
    "rbac.aggregateAccountsToEdit=false",
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
    "probes.liveness.terminationGracePeriodSeconds=9",
]


@pytest.fixture(scope="module")
def helm4(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Provide one Helm where the two cannot differ."""
    return Helm(HELM4, tmp_path_factory.mktemp("helm"))


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("replicas=3", "at '': additional properties 'replicas'"),
        ("image=null", "at '': missing property 'image'"),
        ("image.repository=null", "at '/image/repository'"),
        ("serviceAccount=null", "at '': missing property 'serviceAccount'"),
        ("rbac=null", "at '': missing property 'rbac'"),
        ("rbac.aggregateAccountsToEdit=null", "at '/rbac': missing property 'aggregateAccountsToEdit'"),
        ("admissionPolicy=null", "at '': missing property 'admissionPolicy'"),
        ("admissionPolicy.enabled=null", "at '/admissionPolicy': missing property 'enabled'"),
        ("crds=null", "at '': missing property 'crds'"),
        ("settings=null", "at '': missing property 'settings'"),
        ("leaderElection.enabled=null", "at '/leaderElection': missing property 'enabled'"),
        ("log.level=null", "at '/log': missing property 'level'"),
        ("probes.liveness=null", "at '/probes': missing property 'liveness'"),
        (
            "podDisruptionBudget.enabled=true,podDisruptionBudget.maxUnavailable=null",
            "at '/podDisruptionBudget': missing property 'maxUnavailable'",
        ),
        ("extraEnv[0].name=MAILTRAP_OPERATOR_DRY_RUN,extraEnv[0].value=true", "at '/extraEnv/0/name'"),
        ("image.name=mo", "at '/image': additional properties 'name'"),
        ("replicaCount=-1", "at '/replicaCount'"),
        ("replicaCount=many", "at '/replicaCount'"),
        ("image.digest=latest", "at '/image/digest'"),
        ("image.pullPolicy=Sometimes", "at '/image/pullPolicy'"),
        ("watchNamespaces=shop", "at '/watchNamespaces'"),
        ("watchNamespaces={Shop}", "at '/watchNamespaces/0'"),
        ("watchNamespaces={shop,shop}", "at '/watchNamespaces'"),
        ("watchSecrets=sometimes", "at '/watchSecrets'"),
        ("crds.install=true", "at '/crds': additional properties 'install'"),
        ("rbac.enabled=true", "at '/rbac': additional properties 'enabled'"),
        ("log.level=loud", "at '/log/level'"),
        ("log.format=xml", "at '/log/format'"),
        ("settings.rateLimit=fast", "at '/settings/rateLimit'"),
        ("settings.rateLimit=140/", "at '/settings/rateLimit'"),
        ("settings.rateLimit=140/0s", "at '/settings/rateLimit'"),
        ("settings.rateLimit=0/10s", "at '/settings/rateLimit'"),
        ("settings.port=80", "at '/settings': additional properties 'port'"),
        ("settings.installation=PROD", "at '/settings/installation'"),
        ("settings.settleTime=60", "at '/settings/settleTime'"),
        ("settings.settleTime=", "at '/settings/settleTime'"),
        ("settings.resyncInterval=0s", "at '/settings/resyncInterval'"),
        ("settings.requestTimeout=0h0m0s", "at '/settings/requestTimeout'"),
        ("settings.requestTimeout=1234567890s", "at '/settings/requestTimeout'"),
        (
            "settings.requestTimeout=16s",
            "settings.settleTime (1m) must be at least 4 times settings.requestTimeout (16s)",
        ),
        (
            "settings.settleTime=39s",
            "settings.settleTime (39s) must be at least 4 times settings.requestTimeout (10s)",
        ),
        ("settings.allowedBaseUrls={mailtrap.io}", "at '/settings/allowedBaseUrls/0'"),
        (
            "settings.allowedBaseUrls={https://a.example\\,https://b.example}",
            "at '/settings/allowedBaseUrls/0'",
        ),
        ("settings.allowedBaseUrls={https://a.example\\,b.example}", "at '/settings/allowedBaseUrls/0'"),
        ("probes.liveness.period=3", "at '/probes/liveness': additional properties 'period'"),
        ("probes.liveness.terminationGracePeriodSeconds=0", "at '/probes/liveness/terminationGracePeriodSec"),
        (
            "probes.readiness.terminationGracePeriodSeconds=9",
            "at '/probes/readiness': additional properties 'terminationGracePeriodSeconds'",
        ),
        ("resources.limit.memory=1Gi", "at '/resources': additional properties 'limit'"),
        ("leaderElection.enabled=false", "replicaCount: several replicas need leaderElection.enabled"),
        ("serviceAccount.create=false", "serviceAccount.name: name the ServiceAccount"),
        ("commonLabels.app\\.kubernetes\\.io/name=mine", "at '/commonLabels/app.kubernetes.io~1name'"),
        ("image.repository=reg.example.com/Mail", "at '/image/repository'"),
        ("image.repository=reg/mo:1.0", "at '/image/repository'"),
        ("image.tag=a/b", "at '/image/tag'"),
        ("nameOverride=Mo", "at '/nameOverride'"),
        ("fullnameOverride=my_mo", "at '/fullnameOverride'"),
        ("fullnameOverride=mo-", "at '/fullnameOverride'"),
        ("serviceAccount.name=My", "at '/serviceAccount/name'"),
        ("priorityClassName=a b", "at '/priorityClassName'"),
        ("imagePullSecrets[0].secret=x", "at '/imagePullSecrets/0': additional properties 'secret'"),
        ("resources.limits.memory=lots", "at '/resources/limits/memory'"),
        ("resources.requests.cpu=true", "at '/resources/requests/cpu'"),
        ("tolerations[0].keys=x", "at '/tolerations/0': additional properties 'keys'"),
        ("tolerations[0].effect=Never", "at '/tolerations/0/effect'"),
        ("affinity.nodeAffinity.required=x", "at '/affinity/nodeAffinity': additional properties 'required'"),
        (
            "affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].x=y",
            "at '/affinity/podAffinity/requiredDuringSchedulingIgnoredDuringExecution/0': missing property 'topologyKey'",
        ),
        (
            "topologySpreadConstraints[0].maxSkew=1",
            "at '/topologySpreadConstraints/0': missing properties 'topologyKey', 'whenUnsatisfiable'",
        ),
        ("networkPolicy.ingress[0].to=x", "at '/networkPolicy/ingress/0': additional properties 'to'"),
        ("networkPolicy.egress[0].ports[0].port=70000", "at '/networkPolicy/egress/0/ports/0/port'"),
        ("networkPolicy.egress[0].ports[0].protocol=tcp", "at '/networkPolicy/egress/0/ports/0/protocol'"),
        (
            "networkPolicy.egress[0].to[0].ipBlock.except={10.0.0.0/8}",
            "at '/networkPolicy/egress/0/to/0/ipBlock': missing property 'cidr'",
        ),
        ("extraEnv[0].value=x", "at '/extraEnv/0': missing property 'name'"),
        ("extraEnv[0].valueFrom.secret=x", "at '/extraEnv/0/valueFrom': additional properties 'secret'"),
        ("extraVolumes[0].emptyDir.x=y", "at '/extraVolumes/0': missing property 'name'"),
        ("extraVolumeMounts[0].name=x", "at '/extraVolumeMounts/0': missing property 'mountPath'"),
        ("extraVolumeMounts[0].path=x", "at '/extraVolumeMounts/0': additional properties 'path'"),
        ("extraObjects[0]=1", "at '/extraObjects/0'"),
    ],
)
def test_a_wrong_value_fails_with_a_message_that_names_the_key(helm: Helm, setting: str, words: str) -> None:
    with pytest.raises(HelmError) as refused:
        rendered(helm, None, setting)

    assert words in str(refused.value)


@pytest.mark.parametrize(
    "repository",
    [
        "mailtrap-operator",
        "localhost:5000/mailtrap-operator",
        "Registry.example.com/a__b/c-d.e",
    ],
)
def test_an_image_may_lie_in_any_registry(helm4: Helm, repository: str) -> None:
    assert rendered(helm4, None, f"image.repository={repository}")


def undescribed(schema: Body, path: str = "") -> list[str]:
    """Return the values of a schema, however deep, that lack a type or a description."""
    parts = {f"{path}.{name}": part for name, part in schema.get("properties", {}).items()}
    lacking = [name for name, part in parts.items() if not {"type", "description"} <= part.keys()]
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            parts[f"{path}[]"] = schema[key]
    return lacking + [name for deeper, part in parts.items() for name in undescribed(part, deeper)]


def test_every_value_has_a_type_and_a_description() -> None:
    assert [] == undescribed(SCHEMA)


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


@pytest.fixture(scope="module")
def default(helm4: Helm) -> list[Body]:
    """Provide what the chart makes of its defaults."""
    return rendered(helm4)


@pytest.fixture(scope="module")
def full(helm4: Helm) -> list[Body]:
    """Provide what the chart makes of the file with everything."""
    return rendered(helm4, CHART / "ci" / "full-values.yaml")


@pytest.mark.parametrize("setting", SWITCHED)
def test_each_value_has_an_effect(helm4: Helm, default: list[Body], setting: str) -> None:
    assert default != rendered(helm4, None, setting)


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
    helm4: Helm, full: list[Body], tmp_path: Path, path: tuple[str, ...]
) -> None:
    fewer = copy.deepcopy(FULL)
    group = fewer
    for key in path[:-1]:
        group = group[key]
    del group[path[-1]]
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(fewer))

    assert full != rendered(helm4, tmp_path / "values.yaml")


def test_the_file_with_everything_knows_every_value() -> None:
    assert SCHEMA["properties"].keys() == FULL.keys() | ELSEWHERE
