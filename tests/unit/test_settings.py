"""The settings as a user writes them, and what `mailtrap-operator run` says when one is wrong."""

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from mailtrap_operator import settings as module
from mailtrap_operator.command import main
from mailtrap_operator.settings import PreviewSettings, RateLimit, Settings, is_in_pod, parse

MINUTE, SECOND = timedelta(minutes=1), timedelta(seconds=1)


@pytest.fixture(autouse=True)
def no_settings_around(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("MAILTRAP_OPERATOR_"):
            monkeypatch.delenv(name)


def from_flags(*flags: str) -> Settings:
    return parse(Settings, flags)


def run(*arguments: str) -> tuple[int, str, str]:
    """Return exit status, standard output and standard error of the command."""
    with redirect_stdout(io.StringIO()) as out, redirect_stderr(io.StringIO()) as err:
        status = main(arguments)
    return status, out.getvalue(), err.getvalue()


def test_without_any_setting_the_defaults_of_the_design_hold() -> None:
    assert {
        "namespace": "mailtrap-system",
        "watch_namespaces": (),
        "allowed_base_urls": ("https://mailtrap.io",),
        "installation": "",
        "request_timeout": 10 * SECOND,
        "settle_time": 60 * SECOND,
        "rate_limit": RateLimit(145, 10 * SECOND),
        "workers": 32,
        "resync_interval": 10 * MINUTE,
        "watch_secrets": True,
        "leader_election": True,
        "allowed_secret_metadata": (
            "app.kubernetes.io/name",
            "app.kubernetes.io/component",
            "app.kubernetes.io/part-of",
            "app.kubernetes.io/version",
        ),
        "rollout_restarts": True,
        "dry_run": False,
        "port": 8080,
        "log_level": "info",
        "log_format": "json",
    } == Settings().model_dump()


VALUES = [
    ("namespace", "operators", "operators"),
    ("watch_namespaces", "a, b,c ,", ("a", "b", "c")),
    ("watch_namespaces", "", ()),
    (
        "allowed_base_urls",
        "https://mailtrap.io/,http://127.0.0.1:8025",
        ("https://mailtrap.io", "http://127.0.0.1:8025"),
    ),
    ("allowed_base_urls", "https://MailTrap.io", ("https://mailtrap.io",)),
    ("installation", "prod22", "prod22"),
    ("installation", "", ""),
    ("request_timeout", "1s", SECOND),
    ("settle_time", "1h30m", 90 * MINUTE),
    ("rate_limit", "20/1m", RateLimit(20, MINUTE)),
    ("rate_limit", "1/1s", RateLimit(1, SECOND)),
    ("workers", "256", 256),
    ("resync_interval", "1s", SECOND),
    ("watch_secrets", "false", False),
    ("allowed_secret_metadata", "", ()),
    (
        "allowed_secret_metadata",
        "app.kubernetes.io/name, example.com/*,team_*,*",
        ("app.kubernetes.io/name", "example.com/*", "team_*", "*"),
    ),
    ("rollout_restarts", "false", False),
    ("port", "0", 0),
    ("log_level", "debug", "debug"),
    ("log_format", "text", "text"),
]


@pytest.mark.parametrize(("name", "text", "value"), VALUES)
def test_a_setting_is_read_from_the_environment_and_from_a_flag(
    name: str, text: str, value: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag = f"--{name.replace('_', '-')}={text}"
    assert value == getattr(from_flags(flag), name)

    monkeypatch.setenv(f"MAILTRAP_OPERATOR_{name.upper()}", text)

    assert value == getattr(Settings(), name)


def test_a_flag_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTRAP_OPERATOR_PORT", "1000")
    monkeypatch.setenv("MAILTRAP_OPERATOR_WORKERS", "7")

    settings = from_flags("--port", "2000")

    assert (2000, 7) == (settings.port, settings.workers)


def test_variables_of_others_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PORT", "NAMESPACE", "WORKERS", "MAILTRAP_PORT", "MAILTRAP_OPERATOR_SERVICE_HOST"):
        monkeypatch.setenv(name, "nonsense")

    assert (8080, "mailtrap-system", 32) == (Settings().port, Settings().namespace, Settings().workers)


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().port = 5  # type: ignore[misc]  # that is what is refused


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "namespace"
    path.write_text("operators\n")
    monkeypatch.setattr(module, "_POD_NAMESPACE", path)


def test_in_a_pod_the_namespace_is_the_pods_own(pod: None) -> None:
    assert is_in_pod()
    assert "operators" == Settings().namespace
    assert "elsewhere" == from_flags("--namespace", "elsewhere").namespace


WRONG = [
    ("namespace", "", "'' is no name of a namespace"),
    ("namespace", "Team_A", "'Team_A' is no name of a namespace"),
    ("namespace", "a" * 64, "is no name of a namespace"),
    ("watch_namespaces", "a,B c", "'B c' is no name of a namespace"),
    ("allowed_secret_metadata", "a,b c", "'b c' is no key of labels or annotations, and no beginning"),
    ("allowed_secret_metadata", "*/name", "'*/name' is no key"),
    ("rollout_restarts", "sometimes", "'sometimes'"),
    ("allowed_base_urls", "", "name at least one, such as https://mailtrap.io"),
    ("allowed_base_urls", " , ", "name at least one, such as https://mailtrap.io"),
    ("allowed_base_urls", "mailtrap.io", "'mailtrap.io' is no base URL; write scheme and host alone"),
    ("allowed_base_urls", "ftp://mailtrap.io", "is no base URL"),
    ("allowed_base_urls", "https://mailtrap.io/api", "is no base URL"),
    ("allowed_base_urls", "https://me@mailtrap.io", "is no base URL"),
    ("allowed_base_urls", "https://mailtrap.io?a=b", "is no base URL"),
    ("allowed_base_urls", "https://mailtrap.io,x", "'x' is no base URL"),
    ("installation", "abc", "'abc' is no installation; write 6 characters of a-z and 2-7"),
    ("installation", "PROD22", "'PROD22' is no installation"),
    ("request_timeout", "10", "'10' is not a duration; write it like 90d, 1h30m or 60s"),
    ("request_timeout", "0s", "'0s' is too short; it must be at least 1s"),
    ("request_timeout", "1500ms", "'1500ms' is not a duration"),
    ("settle_time", "", "'' is not a duration"),
    ("settle_time", "soon", "'soon' is not a duration"),
    ("resync_interval", "0m", "too short; it must be at least 1s"),
    ("rate_limit", "140", "'140' is no rate; write calls per period, at least 1 per 1s, such as 145/10s"),
    ("rate_limit", "0/10s", "'0/10s' is no rate"),
    ("rate_limit", "-1/10s", "'-1/10s' is no rate"),
    ("rate_limit", "140/0s", "'140/0s' is no rate"),
    ("rate_limit", "140/10", "'140/10' is no rate"),
    ("rate_limit", "140/10x", "'140/10x' is no rate"),
    ("rate_limit", "many/10s", "'many/10s' is no rate"),
    ("rate_limit", "9" * 5000 + "/10s", "is no rate"),
    ("workers", "0", "'0': input should be greater than or equal to 1"),
    ("workers", "257", "'257': input should be less than or equal to 256"),
    ("workers", "many", "'many': input should be a valid integer"),
    ("port", "-1", "'-1': input should be greater than or equal to 0"),
    ("port", "65536", "'65536': input should be less than or equal to 65535"),
    ("log_level", "loud", "'loud': input should be 'debug', 'info', 'warning' or 'error'"),
    ("log_format", "xml", "'xml': input should be 'json' or 'text'"),
]


@pytest.mark.parametrize(("name", "text", "words"), WRONG)
def test_a_wrong_setting_stops_the_start_with_one_line_that_names_it(
    name: str, text: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    flag, variable = f"--{name.replace('_', '-')}", f"MAILTRAP_OPERATOR_{name.upper()}"
    by_flag = run("run", f"{flag}={text}")
    monkeypatch.setenv(variable, text)
    by_variable = run("run")

    assert by_flag == by_variable
    status, out, err = by_flag
    assert (2, "", 1) == (status, out, err.count("\n"))
    assert err.startswith(f"mailtrap-operator: {flag} / {variable}: ")
    assert words in err


def test_a_settle_time_too_short_for_the_request_timeout_is_refused() -> None:
    status, _, err = run("run", "--settle-time", "39s")

    assert (2, 1) == (status, err.count("\n"))
    assert (
        "--settle-time / MAILTRAP_OPERATOR_SETTLE_TIME (39s) must be at least 4 times --request-timeout"
        in err
    )
    assert 40 * SECOND == from_flags("--settle-time", "40s").settle_time


def test_each_wrong_setting_has_a_line_of_its_own() -> None:
    status, _, err = run("run", "--port", "x", "--workers", "y", "--rate-limit", "z")

    assert (2, 3) == (status, err.count("\n"))


@pytest.mark.parametrize("arguments", [("--bogus", "3"), ("extra",), ("--port",), ("-x",)])
def test_what_is_no_setting_is_refused_in_one_line(arguments: tuple[str, ...]) -> None:
    status, out, err = run("run", *arguments)

    assert (2, "", 1) == (status, out, err.count("\n"))
    assert arguments[0] in err


def test_a_settings_object_made_by_a_program_is_checked_too() -> None:
    with pytest.raises(ValidationError):
        Settings(rate_limit=None)
    with pytest.raises(ValidationError):
        Settings(request_timeout=timedelta())


def test_help_shows_every_setting_with_its_variable_and_default(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["run", "--help"])

    text = " ".join(capsys.readouterr().out.split())
    assert 0 == exit_.value.code
    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in text
        assert f"[env: MAILTRAP_OPERATOR_{name.upper()}]" in text
    for default in ("10s", "60s", "145/10s", "10m", "https://mailtrap.io"):
        assert f"(default: {default})" in text


def test_help_names_types_as_a_user_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["plan", "--help"])

    out = capsys.readouterr().out
    assert "--request-timeout duration" in out
    assert "--watch-namespaces list" in out
    assert [] == [word for word in ("tuple[", "timedelta", "_own_namespace", "--port") if word in out]
    for status in ("0 all is as asked for", "2 something is to be done", "1 that could not be told"):
        assert status in out


@pytest.mark.parametrize("arguments", [("-h",), ("--help",)])
def test_who_asks_for_the_usage_gets_it_on_standard_output(arguments: tuple[str, ...]) -> None:
    status, out, err = run(*arguments)

    assert (0, "") == (status, err)
    assert out.startswith("usage: mailtrap-operator COMMAND")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "usage: mailtrap-operator COMMAND"),
        (("rnu",), "mailtrap-operator: unknown command rnu; did you mean run?\nusage: "),
        (("bogus",), "mailtrap-operator: unknown command bogus\nusage: "),
    ],
)
def test_without_a_command_that_there_is_the_usage_goes_to_standard_error(
    arguments: tuple[str, ...], words: str
) -> None:
    status, out, err = run(*arguments)

    assert (2, "") == (status, out)
    assert err.startswith(words)


def test_the_version_can_be_printed() -> None:
    assert (0, f"mailtrap-operator {version('mailtrap-operator')}\n", "") == run("--version")


@pytest.mark.parametrize("arguments", [("--bogus", "3"), ("--rate-limit", "x"), ("-n", "Team_A")])
def test_a_wrong_setting_of_plan_is_no_answer(arguments: tuple[str, ...]) -> None:
    status, out, err = run("plan", *arguments)

    assert (1, "", 1) == (status, out, err.count("\n"))


@pytest.mark.parametrize(
    "arguments",
    [("billing", "mailer", "-n", "shop", "-o", "json"), ("-n=shop", "billing", "--output=json", "mailer")],
)
def test_what_plan_reports_is_named_as_for_kubectl(arguments: tuple[str, ...]) -> None:
    settings = parse(PreviewSettings, arguments)

    assert (("billing", "mailer"), "shop", "json") == (
        settings.names,
        settings.in_namespace,
        settings.output,
    )


def test_settings_of_others_count_where_none_was_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAILTRAP_OPERATOR_INSTALLATION", "prod22")
    given = parse(PreviewSettings, ["--rate-limit", "20/1m", "billing"])

    settings = given.over({"installation": "other2", "rate_limit": "1/1s", "rollout_restarts": "false"})

    assert ("prod22", RateLimit(20, MINUTE), False) == (
        settings.installation,
        settings.rate_limit,
        settings.rollout_restarts,
    )
    assert ("billing",) == settings.names
    with pytest.raises(ValidationError):
        given.over({"settle_time": "soon"})


def test_the_custom_resource_definitions_can_be_printed() -> None:
    status, out, err = run("crds")

    assert (0, "") == (status, err)
    assert ["CustomResourceDefinition"] * 3 == [crd["kind"] for crd in yaml.safe_load_all(out)]


def test_a_start_without_a_cluster_says_so_and_what_to_do(tmp_path: Path) -> None:
    dependencies = {name: text for name, text in os.environ.items() if name != "KUBERNETES_SERVICE_HOST"}

    ended = subprocess.run(
        [sys.executable, "-m", "mailtrap_operator", "run", "--port", "0"],
        env=dependencies | {"KUBECONFIG": str(tmp_path / "none")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    last = ended.stderr.splitlines()[-1]
    assert (1, "") == (ended.returncode, ended.stdout)
    assert last.startswith("mailtrap-operator: No cluster to work on")
    assert "Traceback" not in ended.stderr
