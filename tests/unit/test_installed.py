"""The settings that `plan` takes from the operator's Deployment, as the chart makes it."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.clients.kube import Body
from mailtrap_operator.installed import as_installed
from mailtrap_operator.settings import PreviewSettings, parse
from tests.unit.clients.fake_kube import FakeKube

NAMESPACE = "mailtrap-system"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
MANIFEST = Path(__file__).parents[2] / "deploy" / "install.yaml"
PREFIX = "MAILTRAP_OPERATOR_"


def by_the_chart() -> Body:
    """Return the Deployment as the chart makes it by default."""
    bodies: list[Body] = list(yaml.safe_load_all(MANIFEST.read_text()))
    (found,) = (body for body in bodies if body["kind"] == "Deployment")
    return found


def with_settings(*arguments: str, name: str = "mailtrap-operator", **texts: str) -> Body:
    body = by_the_chart()
    body["metadata"]["name"] = name
    (container,) = body["spec"]["template"]["spec"]["containers"]
    container["args"] = ["run", *arguments]
    container["env"] += [{"name": f"{PREFIX}{name.upper()}", "value": text} for name, text in texts.items()]
    return body


async def told(kube: FakeKube, *flags: str) -> tuple[PreviewSettings, str]:
    """Return the settings that count, and the line that says where they come from."""
    lines: list[str] = []
    settings = await as_installed(parse(PreviewSettings, flags), kube, lines.append)
    (line,) = lines
    return settings, line


async def test_the_settings_of_the_deployment_count() -> None:
    kube = FakeKube()
    kube.seed(
        DEPLOYMENTS,
        with_settings(
            "--rollout-restarts",
            "false",
            "--rate-limit=20/1m",
            allowed_base_urls="https://mail.test",
            rate_limit="1/1s",
            port="9",
            unheard_of="x",
        ),
    )

    settings, line = await told(kube, "--log-level", "error")

    assert (("https://mail.test",), False, 20, 8080, "error") == (
        settings.allowed_base_urls,
        settings.rollout_restarts,
        settings.rate_limit.limit,
        settings.port,
        settings.log_level,
    )
    assert (
        "settings of Deployment mailtrap-system/mailtrap-operator: allowed-base-urls=https://mail.test, "
        "namespace=mailtrap-system, rate-limit=20/1m, rollout-restarts=false, watch-secrets=true"
    ) == line


async def test_what_is_given_to_plan_goes_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{PREFIX}INSTALLATION", "prod22")
    kube = FakeKube()
    kube.seed(DEPLOYMENTS, with_settings(installation="other2", settle_time="2m"))

    settings, line = await told(kube, "--settle-time", "3m")

    assert ("prod22", 180) == (settings.installation, settings.settle_time.total_seconds())
    assert "installation" not in line
    assert "settle" not in line


async def test_a_setting_that_stands_in_another_object_is_told_as_not_read() -> None:
    kube, body = FakeKube(), by_the_chart()
    source = {"configMapKeyRef": {"name": "more", "key": "installation"}}
    body["spec"]["template"]["spec"]["containers"][0]["env"].append(
        {"name": f"{PREFIX}INSTALLATION", "valueFrom": source}
    )
    kube.seed(DEPLOYMENTS, body)

    settings, line = await told(kube)

    assert "" == settings.installation
    assert "installation (not read: another object holds it)" in line


async def test_a_setting_that_no_operator_would_start_with_is_refused_in_one_line() -> None:
    kube = FakeKube()
    kube.seed(DEPLOYMENTS, with_settings(allowed_base_urls="mailtrap.io\n"))

    with pytest.raises(Terminal) as refusal:
        await told(kube)

    message = refusal.value.message
    assert message.startswith(
        "Deployment mailtrap-system/mailtrap-operator is set up wrongly: --allowed-base-urls / "
    )
    assert message.isprintable()


def _none(_kube: FakeKube) -> None:
    """Install nothing."""


def _two(kube: FakeKube) -> None:
    kube.seed(DEPLOYMENTS, with_settings(name="a", installation="other2"))
    kube.seed(DEPLOYMENTS, with_settings(name="b", installation="other2"))


def _refused(kube: FakeKube) -> None:
    kube.seed(DEPLOYMENTS, with_settings(installation="other2"))
    kube.fail("GET", "/deployments", 403, "deployments is forbidden")


@pytest.mark.parametrize(
    ("install", "words"),
    [
        pytest.param(_none, "namespace mailtrap-system has no Deployments of the operator", id="none"),
        pytest.param(_two, "namespace mailtrap-system has 2 Deployments of the operator", id="two"),
        pytest.param(
            _refused,
            "the Deployments of namespace mailtrap-system cannot be read, own settings",
            id="refused",
        ),
    ],
)
async def test_without_one_deployment_that_can_be_read_the_own_settings_count(
    install: Callable[[FakeKube], None], words: str
) -> None:
    kube = FakeKube()
    install(kube)

    settings, line = await told(kube)

    assert settings == PreviewSettings()
    assert line.startswith(words)


async def test_it_is_looked_for_by_its_labels_in_the_operators_namespace() -> None:
    kube = FakeKube()
    kube.seed(DEPLOYMENTS, with_settings(installation="other2"))

    settings, _ = await told(kube, "--namespace", "elsewhere")

    assert "" == settings.installation
    (call,) = kube.calls
    labels: Mapping[str, Any] = by_the_chart()["metadata"]["labels"]
    key, _, value = call.query["labelSelector"].partition("=")
    assert labels[key] == value
