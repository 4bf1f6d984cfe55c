"""The command `mailtrap-operator`: `run` runs the operator, `crds` prints its CustomResourceDefinitions."""

import asyncio
import signal
import sys
from collections.abc import Sequence

from pydantic import ValidationError
from pydantic_settings import SettingsError

from mailtrap_operator.api import manifests
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.settings import Settings, complaints
from mailtrap_operator.telemetry import logs

_USAGE = """\
usage: mailtrap-operator COMMAND

  run     run the operator (run --help lists the settings)
  crds    print the CustomResourceDefinitions
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status."""
    command, *rest = [*(sys.argv[1:] if arguments is None else arguments), ""]
    match command:
        case "run":
            return _run(rest[:-1])
        case "crds":
            sys.stdout.write(manifests.render())
            return 0
        case _:
            sys.stderr.write(_USAGE)
            return 0 if command in {"-h", "--help"} else 2


def _run(arguments: Sequence[str]) -> int:
    try:
        settings = Settings(_cli_parse_args=list(arguments))
    except ValidationError as error:
        for complaint in complaints(error):
            sys.stderr.write(f"mailtrap-operator: {complaint}\n")
        return 2
    except SettingsError as error:
        sys.stderr.write(f"mailtrap-operator: {error}\n")
        return 2
    logs.configure(settings.log_level, settings.log_format)
    # The parts that talk to servers take half a second to load; a wrong setting need not wait for them.
    from mailtrap_operator.process import run  # noqa: PLC0415

    try:
        asyncio.run(run(settings))
    except (Failure, OSError) as error:
        sys.stderr.write(f"mailtrap-operator: {error}\n")
        return 1
    except asyncio.CancelledError:
        return 128 + signal.SIGTERM
    return 0


if __name__ == "__main__":
    sys.exit(main())
