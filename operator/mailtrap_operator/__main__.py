"""The command `mailtrap-operator`: runs the operator, tells what it would do, prints its CustomResourceDefinitions."""

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import SettingsError

from mailtrap_operator.api import manifests
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.settings import PreviewSettings, Settings, complaints
from mailtrap_operator.telemetry import logs

SettingsT = TypeVar("SettingsT", bound=Settings)

_USAGE = """\
usage: mailtrap-operator COMMAND

  run     run the operator (run --help lists the settings)
  plan    print what it would do now, and do nothing (plan --help lists the settings)
  crds    print the CustomResourceDefinitions
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    command, *rest = [*(sys.argv[1:] if arguments is None else arguments), ""]
    match command:
        case "run":
            return _start(Settings, rest[:-1], _run)
        case "plan":
            return _start(PreviewSettings, rest[:-1], _plan)
        case "crds":
            sys.stdout.write(manifests.render())
            return 0
        case _:
            sys.stderr.write(_USAGE)
            return 0 if command in {"-h", "--help"} else 2


async def _run(settings: Settings) -> None:
    # The parts that talk to servers take half a second to load; a wrong setting need not wait for them.
    from mailtrap_operator.process import run  # noqa: PLC0415

    await run(settings)


async def _plan(settings: PreviewSettings) -> None:
    from mailtrap_operator.process import show_plan  # noqa: PLC0415

    sys.stdout.write(await show_plan(settings))


def _start(
    kind: type[SettingsT], arguments: Sequence[str], command: Callable[[SettingsT], Coroutine[Any, Any, None]]
) -> int:
    try:
        settings = kind(_cli_parse_args=list(arguments))
    except ValidationError as error:
        for complaint in complaints(error):
            sys.stderr.write(f"mailtrap-operator: {complaint}\n")
        return 2
    except SettingsError as error:
        sys.stderr.write(f"mailtrap-operator: {error}\n")
        return 2
    logs.configure(settings.log_level, settings.log_format)
    try:
        asyncio.run(command(settings))
    except (Failure, OSError) as error:
        sys.stderr.write(f"mailtrap-operator: {error}\n")
        return 1
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    return 0


if __name__ == "__main__":
    sys.exit(main())
