"""The scripts for Argo CD, by the test files that lie beside them in upstream's form, and run as upstream runs them."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from tests.status_conformance import argo
from tests.status_conformance.argo import CUSTOMIZATIONS

GROUP = "mailtrap-operator.io"
FOLDER = CUSTOMIZATIONS / GROUP
KINDS = ("ApiToken", "ClusterMailtrapAccount", "MailtrapAccount")


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def cases_in(kind: str, path: str, key: str) -> list[Any]:
    folder = (FOLDER / kind / path).parent
    return [
        pytest.param(folder, each, id=f"{kind}/{each['inputPath']}")
        for each in read(FOLDER / kind / path)[key]
    ]


@pytest.mark.parametrize(
    ("folder", "case"), [case for kind in KINDS for case in cases_in(kind, "health_test.yaml", "tests")]
)
def test_health_is_as_its_test_file_says(folder: Path, case: dict[str, Any]) -> None:
    status, message = argo.health(read(folder / case["inputPath"]))

    assert case["healthStatus"] == {"status": status, "message": message}


@pytest.mark.parametrize(
    ("folder", "case"), cases_in("ApiToken", "actions/action_test.yaml", "discoveryTests")
)
def test_actions_are_offered_as_their_test_file_says(folder: Path, case: dict[str, Any]) -> None:
    offered = argo.actions(read(folder / case["inputPath"]))

    assert case["result"] == [{"name": name, **action} for name, action in offered.items()]


@pytest.mark.parametrize(("folder", "case"), cases_in("ApiToken", "actions/action_test.yaml", "actionTests"))
def test_an_action_changes_what_its_test_file_says(folder: Path, case: dict[str, Any]) -> None:
    changed = argo.act(read(folder / case["inputPath"]), case["action"])

    assert read(folder / case["expectedOutputPath"]) == changed


def test_every_kind_has_its_health_and_every_test_object_is_used() -> None:
    assert set(KINDS) == {folder.name for folder in FOLDER.iterdir()}
    for kind in KINDS:
        used = {case["inputPath"] for case in read(FOLDER / kind / "health_test.yaml")["tests"]}
        assert used == {f"testdata/{path.name}" for path in (FOLDER / kind / "testdata").iterdir()}


@pytest.mark.parametrize(
    "path", sorted(FOLDER.rglob("testdata/*.yaml")), ids=lambda path: f"{path.parts[-3]}/{path.stem}"
)
def test_the_test_objects_are_objects_of_this_api(path: Path) -> None:
    body = read(path)
    body["metadata"] |= {"uid": "1", "resourceVersion": "1", "creationTimestamp": "2026-03-01T12:00:00Z"}
    model = ApiToken if body["kind"] == "ApiToken" else Account

    parsed = model.model_validate(body)

    shown = parsed.status.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    assert body["status"].keys() - {"observedGeneration"} <= shown.keys()


def test_both_kinds_of_account_are_judged_by_the_same_script() -> None:
    assert argo.script("MailtrapAccount", "health.lua") == argo.script("ClusterMailtrapAccount", "health.lua")


def test_the_config_map_holds_the_very_scripts() -> None:
    rotate = {"name": "rotate", "action.lua": argo.script("ApiToken", "actions/rotate/action.lua")}
    actions = {"discovery.lua": argo.script("ApiToken", "actions/discovery.lua"), "definitions": [rotate]}
    key = "resource.customizations.{}." + GROUP + "_{}"

    data = read(CUSTOMIZATIONS.parent / "argocd-cm.yaml")["data"]

    assert actions == yaml.safe_load(data.pop(key.format("actions", "ApiToken")))
    assert {key.format("health", kind): argo.script(kind, "health.lua") for kind in KINDS} == data


def test_a_script_finds_the_libraries_of_argo_cd_and_no_others() -> None:
    text = """
    local found = {}
    for _, name in ipairs({ "coroutine", "debug", "io", "math", "os", "package", "python", "string", "table" }) do
      if _G[name] ~= nil or pcall(require, name) then table.insert(found, name) end
    end
    return found
    """

    assert ["os", "package", "table"] == argo.run(text, {})
