"""A pod's sandbox: a process in namespaces of its own, with the network, host name and service account of a pod.

In it `127.0.0.1` is the pod's own, so that a server there may listen on every address and on the port that its
manifest names, and no one else's machine can reach it. What the pod may reach of this machine's loopback, and what
of the pod is reached from here, goes through relays: a Unix socket each in the sandbox's folder.

`python -m tests.e2e.sandbox outside CONFIG` opens the relays and starts itself as `inside`, which starts the command.
The command is asked to end when `outside` is, or is gone, and its exit status is passed on.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

LOOPBACK = "127.0.0.1"
API_HOST, API_PORT = "kubernetes.default.svc", 443
ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
NAMESPACES = ("unshare", "--user", "--map-root-user", "--mount", "--net", "--uts", "--fork", "--kill-child")

_SET_FLAGS, _UP = 0x8914, 0x1  # SIOCSIFFLAGS, IFF_UP
_CHUNK = 1 << 16

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True, slots=True)
class Sandbox:
    """What runs where: `api_server` and `reaches` are ports of this machine, `serves` ports of the pod.

    `folder` holds the relays and is short, as paths of sockets must be; `account` holds the service account's files.
    The API server is reached under its own name, and as `environment` says; `services` are others that are reached by
    name and port, such as `shop.default.svc:80`, each with the Unix socket that leads to it.
    """

    folder: str
    host_name: str
    account: str
    api_server: int
    reaches: Sequence[int]
    serves: Sequence[int]
    services: Mapping[str, str]
    command: Sequence[str]
    environment: Mapping[str, str]

    @property
    def routes(self) -> dict[int, int]:
        """Return the ports of this machine by those under which the pod reaches them."""
        return {API_PORT: self.api_server, **{port: port for port in self.reaches}}

    @property
    def addresses(self) -> dict[str, str]:
        """Return an address of the pod's own loopback for each of the services, by the service's name."""
        names = sorted({service.partition(":")[0] for service in self.services})
        return {name: f"127.0.1.{number}" for number, name in enumerate(names, 1)}

    def process(self) -> list[str]:
        """Return the command line that runs it."""
        return [sys.executable, "-m", __name__, "outside", json.dumps(asdict(self))]

    def entrance(self, port: int) -> str:
        """Return the Unix socket through which a port of the pod is reached."""
        return f"{self.folder}/in-{port}"

    def exit(self, port: int) -> str:
        """Return the Unix socket that leads a port of the pod's out of it."""
        return f"{self.folder}/out-{port}"


def is_possible() -> bool:
    """Whether this machine lets its users make namespaces."""
    with contextlib.suppress(FileNotFoundError):
        return subprocess.run([*NAMESPACES, "true"], capture_output=True, check=False).returncode == 0
    return False


async def _outside(sandbox: Sandbox) -> int:
    for port, there in sandbox.routes.items():
        connect = partial(asyncio.open_connection, LOOPBACK, there)
        await asyncio.start_unix_server(partial(_relay, connect), sandbox.exit(port))
    inside = [*NAMESPACES, sys.executable, "-m", "tests.e2e.sandbox", "inside", json.dumps(asdict(sandbox))]
    process = await asyncio.create_subprocess_exec(*inside, stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, process.stdin.close)
    return await process.wait()


async def _inside(sandbox: Sandbox) -> int:
    _prepare(sandbox)
    for port in sandbox.routes:
        connect = partial(asyncio.open_unix_connection, sandbox.exit(port))
        await asyncio.start_server(partial(_relay, connect), LOOPBACK, port)
    for port in sandbox.serves:
        connect = partial(asyncio.open_connection, LOOPBACK, port)
        await asyncio.start_unix_server(partial(_relay, connect), sandbox.entrance(port))
    for service, entrance in sandbox.services.items():
        name, _, number = service.partition(":")
        connect = partial(asyncio.open_unix_connection, entrance)
        await asyncio.start_server(partial(_relay, connect), sandbox.addresses[name], int(number))
    process = await asyncio.create_subprocess_exec(
        *sandbox.command, stdin=asyncio.subprocess.DEVNULL, env=sandbox.environment, cwd="/"
    )
    asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _ask_to_end, process)
    return await process.wait()


def _ask_to_end(process: asyncio.subprocess.Process) -> None:
    """Nothing is ever written to us: what is to be read is the end of the pipe."""
    asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
    with contextlib.suppress(ProcessLookupError):
        process.terminate()


def _prepare(sandbox: Sandbox) -> None:
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))
    socket.sethostname(sandbox.host_name)
    run = str(ACCOUNT.parents[2].resolve())
    subprocess.run(["mount", "-t", "tmpfs", "tmpfs", run], check=True)  # noqa: S607 - as `unshare`: from PATH
    ACCOUNT.mkdir(parents=True)
    hosts = ACCOUNT.parents[1] / "hosts"
    services = "".join(f"{address} {name}\n" for name, address in sandbox.addresses.items())
    hosts.write_text(f"{LOOPBACK} localhost {sandbox.host_name} {API_HOST}\n{services}")
    for source, target in ((sandbox.account, ACCOUNT), (hosts, "/etc/hosts")):
        subprocess.run(["mount", "--bind", source, target], check=True)  # noqa: S607 - as above


async def _relay(
    connect: Callable[[], Awaitable[Streams]], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    with contextlib.suppress(OSError), contextlib.closing(writer):
        far_reader, far_writer = await connect()
        with contextlib.closing(far_writer):
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Pass on until the end; the other way ends with it, as no one here continues after half a close."""
    try:
        while chunk := await reader.read(_CHUNK):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()


def main() -> int:
    """Play one of the two parts."""
    part, config = sys.argv[1:]
    sandbox = Sandbox(**json.loads(config))
    code = asyncio.run({"outside": _outside, "inside": _inside}[part](sandbox))
    return 128 - code if code < 0 else code


if __name__ == "__main__":
    os.chdir(Path(__file__).parents[2])  # the modules are found from here
    sys.exit(main())
