import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailtrap_operator.api import manifests

FOLDER = Path(__file__).parents[3] / "crds"
CRDS = {crd["spec"]["names"]["kind"]: crd for crd in manifests.crds()}
READY = '.status.conditions[?(@.type=="Ready")]'


def version(kind: str) -> dict[str, Any]:
    (only,) = CRDS[kind]["spec"]["versions"]
    return dict(only)


def properties(kind: str, part: str) -> dict[str, Any]:
    return dict(version(kind)["schema"]["openAPIV3Schema"]["properties"][part]["properties"])


def test_the_folder_crds_holds_what_is_generated() -> None:
    stored = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()}
    assert manifests.files() == stored, "run: python -m mailtrap_operator.api.manifests crds/"


def test_writing_the_folder_replaces_what_was_there_and_removes_what_is_no_more(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "crds"
    manifests.write(folder)
    (folder / "apitokens.yaml").write_text("edited by hand", encoding="utf-8")
    (folder / "formers.yaml").write_text("of a kind that is gone", encoding="utf-8")

    manifests.write(folder)

    assert manifests.files() == {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}


def test_the_folder_is_written_by_the_command_that_the_failing_test_names(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "mailtrap_operator.api.manifests"]
    environment = {"PYTHONPATH": str(FOLDER.parent / "operator")}

    subprocess.run([*command, tmp_path], env=environment, check=True, timeout=60)
    mistaken = subprocess.run(
        command, env=environment, check=False, timeout=60, capture_output=True, text=True
    )

    assert sorted(manifests.files()) == sorted(path.name for path in tmp_path.iterdir())
    assert "usage: python -m mailtrap_operator.api.manifests FOLDER\n" == mistaken.stderr
    assert 1 == mistaken.returncode


def test_the_yaml_stream_says_the_same_as_the_definitions() -> None:
    assert manifests.crds() == list(yaml.safe_load_all(manifests.render()))


@pytest.mark.parametrize(
    ("kind", "name", "short_name", "scope"),
    [
        ("ApiToken", "apitokens.mailtrap-operator.io", "mtat", "Namespaced"),
        ("MailtrapAccount", "mailtrapaccounts.mailtrap-operator.io", "mta", "Namespaced"),
        ("ClusterMailtrapAccount", "clustermailtrapaccounts.mailtrap-operator.io", "cmta", "Cluster"),
    ],
)
def test_each_kind_has_its_names_and_scope(kind: str, name: str, short_name: str, scope: str) -> None:
    crd = CRDS[kind]
    assert name == crd["metadata"]["name"]
    assert scope == crd["spec"]["scope"]
    assert [short_name] == crd["spec"]["names"]["shortNames"]
    assert ["mailtrap"] == crd["spec"]["names"]["categories"]


@pytest.mark.parametrize("kind", CRDS)
def test_each_kind_is_served_and_stored_with_a_status_subresource(kind: str) -> None:
    served = version(kind)
    assert ("v1alpha1", True, True) == (served["name"], served["served"], served["storage"])
    assert {"status": {}} == served["subresources"]
    status = served["schema"]["openAPIV3Schema"]["properties"]["status"]
    assert {"observedGeneration": -1} == status["default"]


def test_the_schema_has_exactly_the_fields_that_work() -> None:
    token = [
        *("accountRef", "displayName", "resources", "expiration", "rotation", "secretName"),
        *("secretTemplate", "rolloutRestartTargets"),
        *("creationPolicy", "deletionPolicy", "driftPolicy", "suspend"),
    ]
    account = ["accountId", "credentialsSecretRef", "baseUrl", "refreshInterval", "policy", "orphanPolicy"]
    assert token == list(properties("ApiToken", "spec"))
    assert account == list(properties("MailtrapAccount", "spec"))
    assert account == list(properties("ClusterMailtrapAccount", "spec"))


def test_the_columns_of_a_token() -> None:
    assert [
        {"name": "Ready", "type": "string", "jsonPath": f"{READY}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{READY}.reason"},
        {"name": "Secret", "type": "string", "jsonPath": ".status.secretName"},
        {"name": "Expires", "type": "string", "jsonPath": ".status.expires"},
        {"name": "Renewal", "type": "string", "jsonPath": ".status.renewalTime"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
        {"name": "Account", "type": "string", "jsonPath": ".spec.accountRef.name", "priority": 1},
        {"name": "Token-ID", "type": "integer", "jsonPath": ".status.tokenId", "priority": 1},
        {"name": "Last-Rotation", "type": "date", "jsonPath": ".status.lastRotation", "priority": 1},
    ] == version("ApiToken")["additionalPrinterColumns"]


@pytest.mark.parametrize("kind", ["MailtrapAccount", "ClusterMailtrapAccount"])
def test_the_columns_of_an_account(kind: str) -> None:
    assert [
        {"name": "Ready", "type": "string", "jsonPath": f"{READY}.status"},
        {"name": "Reason", "type": "string", "jsonPath": f"{READY}.reason"},
        {"name": "Account", "type": "integer", "jsonPath": ".spec.accountId"},
        {"name": "Credential-Expires", "type": "string", "jsonPath": ".status.credential.expiresAt"},
        {"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp"},
    ] == version(kind)["additionalPrinterColumns"]


def test_defaults_are_written_as_a_user_writes_them() -> None:
    assert {
        "policy": "Automatic",
        "strategy": "Reset",
        "overlap": "12h",
        "outsideWindows": "BeforeExpiry",
    } == properties("ApiToken", "spec")["rotation"]["default"]
    assert "1m" == properties("MailtrapAccount", "spec")["refreshInterval"]["default"]


def test_maps_have_no_default_for_users_keys_would_come_on_top_of_it() -> None:
    template = properties("ApiToken", "spec")["secretTemplate"]

    assert "default" not in template
    assert "default" not in template["properties"]["data"]
