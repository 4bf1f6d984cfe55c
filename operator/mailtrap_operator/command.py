"""The command `mailtrap-operator`: runs the operator, shows what it would do, prints its CustomResourceDefinitions."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from difflib import get_close_matches
from importlib.metadata import version
from typing import Any

import uvloop
from pydantic import ValidationError
from pydantic_settings import SettingsError

from mailtrap_operator.api import manifests
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.settings import PreviewSettings, Settings, SettingsT, parse, problems
from mailtrap_operator.telemetry import logs

_COMMANDS = ("run", "plan", "crds")
_USAGE = """\
usage: mailtrap-operator COMMAND

  run          run the operator (run --help lists the settings)
  plan         print what it would do now, and do nothing (plan --help lists the settings)
  crds         print the CustomResourceDefinitions

  --version    print the version
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    command, *rest = [*(sys.argv[1:] if arguments is None else arguments), ""]
    match command:
        case "run":
            return _start(Settings, rest[:-1], _run)
        case "plan":
            # Its exit status 2 means something else.
            return _start(PreviewSettings, rest[:-1], _plan, misuse=1)
        case "crds":
            sys.stdout.write(manifests.render())
        case "--version":
            sys.stdout.write(f"mailtrap-operator {version('mailtrap-operator')}\n")
        case "-h" | "--help":
            sys.stdout.write(_USAGE)
        case _:
            near = get_close_matches(command, _COMMANDS, n=1)
            advice = f"; did you mean {near[0]}?" if near else ""
            unknown = f"mailtrap-operator: unknown command {command}{advice}\n" if command else ""
            sys.stderr.write(f"{unknown}{_USAGE}")
            return 2
    return 0


def _run(settings: Settings) -> Coroutine[Any, Any, int]:
    # The parts that talk to servers take half a second to load; a wrong setting need not wait for them.
    from mailtrap_operator.process import run  # noqa: PLC0415

    async def work() -> int:
        await run(settings)
        return 0

    return work()


def _plan(settings: PreviewSettings) -> Coroutine[Any, Any, int]:
    from mailtrap_operator.process import show_plan  # noqa: PLC0415

    async def work() -> int:
        answer = await show_plan(settings, _say)
        sys.stdout.write(answer.text)
        return answer.status

    return work()


async def _until_signal(work: Coroutine[Any, Any, int]) -> int:
    """Return the exit status of the work, which SIGTERM and SIGINT cancel unless it handles them itself."""
    task, told = asyncio.current_task(), list[int]()

    def end(number: int) -> None:
        told.append(number)
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, end, number)
    try:
        return await work
    except asyncio.CancelledError:
        return 128 + (told or [signal.SIGTERM])[0]


def _say(words: str) -> None:
    sys.stderr.write(f"mailtrap-operator: {words}\n")


def _start(
    kind: type[SettingsT],
    arguments: Sequence[str],
    command: Callable[[SettingsT], Coroutine[Any, Any, int]],
    *,
    misuse: int = 2,
) -> int:
    try:
        settings = parse(kind, arguments)
    except ValidationError as error:
        for problem in problems(error):
            _say(problem)
        return misuse
    except SettingsError as error:
        _say(str(error))
        return misuse
    logs.configure(settings.log_level, settings.log_format)
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_until_signal(command(settings)))
    except (Failure, OSError) as error:
        _say(str(error))
        return 1
