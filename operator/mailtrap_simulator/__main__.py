"""The command `mailtrap-simulator`: reads flags, serves until SIGTERM. Builds everything, decides nothing."""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from ipaddress import ip_address
from pathlib import Path
from random import SystemRandom
from tempfile import TemporaryDirectory
from typing import TypeVar

from . import inventory
from .clock import Clock
from .payload import PayloadError
from .seed import RESOURCES
from .settings import OPTIONS, Settings
from .simulator import Simulator
from .tls import serve_with_own_authority
from .web import Frontend

CREDENTIAL_VARIABLE = "MAILTRAP_SIMULATOR_CREDENTIAL"
_T = TypeVar("_T")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the simulator; the exit status is 0 after SIGTERM or SIGINT."""
    parser = _parser()
    flags = parser.parse_args(arguments)
    simulator = Simulator(Clock(lambda: datetime.now(UTC)), SystemRandom(), _settings(flags))
    credential = flags.credential or os.environ.get(CREDENTIAL_VARIABLE)
    if not credential:
        parser.error(f"a credential is needed: give --credential or set {CREDENTIAL_VARIABLE}")
    try:
        resources = None if flags.any_resource else RESOURCES
        account = {"id": flags.account_id, "credential": credential, "resources": resources}
        inventory.add_account(simulator, account)
    except PayloadError as error:
        parser.error(str(error))
    try:
        asyncio.run(_serve(simulator, flags))
    except OSError as error:
        parser.error(f"cannot listen on {flags.host} port {flags.port}: {error.strerror or error}")
    return 0


async def _serve(simulator: Simulator, flags: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    with ExitStack() as files:
        context, ca_file = None, None
        if flags.tls:
            directory = flags.tls_dir or Path(files.enter_context(TemporaryDirectory()))
            context, ca_file = serve_with_own_authority(directory)
        frontend = Frontend(simulator, flags.host, flags.port, context)
        try:
            port = await frontend.start()
            host = f"[{flags.host}]" if ":" in flags.host else flags.host
            _say(f"listening on {'https' if flags.tls else 'http'}://{host}:{port}")
            if ca_file is not None:
                _say(f"certificate authority: {ca_file}")
            await stop.wait()
        finally:
            await frontend.stop()


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _settings(flags: argparse.Namespace) -> Settings:
    return Settings(**{name: getattr(flags, name) for name in OPTIONS})


def _parser() -> argparse.ArgumentParser:
    defaults = Settings()
    parser = argparse.ArgumentParser(
        "mailtrap-simulator", description="The Mailtrap token API on loopback, for tests and demonstrations."
    )
    add = parser.add_argument
    add("--host", type=_checked(_loopback), default="127.0.0.1", help="a loopback address")
    add("--port", type=int, default=0, help="0, the default, takes a free one and prints it")
    add("--account-id", type=int, default=3229, help="the account the credential belongs to")
    add("--credential", help=f"value of an account-admin credential; or set {CREDENTIAL_VARIABLE}")
    add("--any-resource", action="store_true", help="every resource exists, not only those of the README")
    for name, option in OPTIONS.items():
        usual = getattr(defaults, name)
        text = f"{option.help}; default: {option.write(usual)}"
        flag = "--" + name.replace("_", "-")
        add(flag, type=_checked(option.parse), default=usual, metavar=option.forms, help=text)
    add("--tls", action="store_true", help="serve HTTPS with a certificate authority made at the start")
    add("--tls-dir", type=Path, metavar="DIR", help="where to write ca.crt; default: a temporary directory")
    return parser


def _checked(parse: Callable[[str], _T]) -> Callable[[str], _T]:
    """Make the parser's message reach the user."""

    def convert(text: str) -> _T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return convert


def _loopback(text: str) -> str:
    host = "127.0.0.1" if text == "localhost" else text
    try:
        is_loopback = ip_address(host).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise ValueError(f"{text!r} is no loopback address; use 127.0.0.1 or ::1")
    return host


if __name__ == "__main__":
    sys.exit(main())
