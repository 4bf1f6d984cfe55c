import json
import logging
from collections.abc import Iterator
from datetime import datetime

import pytest

from mailtrap_operator.telemetry import logs

LOUD = ("httpx", "httpcore", "httpcore.http11", "aiohttp.access", "kubernetes", "kopf.objects", "asyncio")


@pytest.fixture(autouse=True)
def as_it_was() -> Iterator[None]:
    """Put the log of the test run back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {name: logging.getLogger(name).level for name in logging.root.manager.loggerDict}
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in logging.root.manager.loggerDict:
        logging.getLogger(name).setLevel(levels.get(name, logging.NOTSET))


def line(capsys: pytest.CaptureFixture[str]) -> str:
    out, err = capsys.readouterr()
    assert ("", 1) == (out, err.count("\n"))
    return err.rstrip("\n")


class APINotFoundError(Exception):
    """Named as kopf's own."""


@pytest.mark.parametrize(
    ("module", "error", "lines"),
    [
        ("kopf._core.reactor.running", APINotFoundError, 0),
        ("kopf._cogs.clients.api", AssertionError, 0),
        ("kopf._core.reactor.running", KeyError, 1),
        ("mailtrap_operator.process", APINotFoundError, 1),
    ],
)
def test_what_ends_the_watches_is_left_to_who_reports_it_in_one_line(
    capsys: pytest.CaptureFixture[str], module: str, error: type[Exception], lines: int
) -> None:
    logs.configure("debug", "json")

    try:
        exec("raise error", {"__name__": module, "error": error})  # noqa: S102 - raised by a module of that name
    except error:
        logging.getLogger("asyncio").exception("Watcher has failed")

    assert lines == capsys.readouterr().err.count("\n")


def test_json_is_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    logging.getLogger("some.part").warning(
        "it\nhappened %s", "twice", extra={"key": "team/billing", "fields": ["a"]}
    )

    entry = json.loads(line(capsys))
    time = datetime.fromisoformat(entry.pop("time"))
    assert time.tzinfo is not None
    assert {
        "level": "WARNING",
        "logger": "some.part",
        "message": "it\nhappened twice",
        "key": "team/billing",
        "fields": ["a"],
    } == entry


def test_json_holds_an_exception_in_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")

    logging.getLogger("some.part").error("it failed", exc_info=ZeroDivisionError("boom"))

    assert "ZeroDivisionError: boom" in json.loads(line(capsys))["exc_info"]


def test_text_is_read_by_people(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "text")

    logging.getLogger("some.part").info(
        "it happened %s",
        "twice",
        extra={"key": "team/billing", "count": 2, "fields": ["a"], "object": object()},
    )

    time, _, rest = line(capsys).partition(" ")
    assert len("12:00:00") == len(time)
    assert "INFO    it happened twice key=team/billing count=2 fields=['a']" == rest


@pytest.mark.parametrize(
    ("level", "shown"), [("debug", "diwe"), ("info", "iwe"), ("warning", "we"), ("error", "e")]
)
@pytest.mark.parametrize("form", ["json", "text"])
def test_only_what_reaches_the_level_is_logged(
    form: str, level: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(level, form)
    logger = logging.getLogger("some.part")

    for name, log in {"d": logger.debug, "i": logger.info, "w": logger.warning, "e": logger.error}.items():
        log(f"<{name}>")

    logged = capsys.readouterr().err
    assert shown == "".join(name for name in "diwe" if f"<{name}>" in logged)


@pytest.mark.parametrize("name", LOUD)
def test_libraries_that_could_quote_requests_stay_quiet(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure("debug", "json")
    logger = logging.getLogger(name)

    logger.debug("Api-Token: secret")
    logger.info("HTTP Request: GET")
    assert ("", "") == capsys.readouterr()
    logger.warning("they may warn")

    assert "they may warn" == json.loads(line(capsys))["message"]


def test_configuring_again_replaces_the_former_form(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("info", "json")
    logs.configure("error", "text")

    logging.getLogger("some.part").error("once")

    assert line(capsys).endswith("ERROR   once")
