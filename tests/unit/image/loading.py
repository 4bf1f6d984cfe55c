"""Run as a program: builds the operator, and prints of which distributions that has loaded modules.

Of kubernetes it gets kubernetes.aio alone, which is what it uses: without the synchronous client, which the package
imports as well, and with it whatever that one needs.
"""

import asyncio
import json
import os
import random
import sys
import tempfile
from importlib.metadata import packages_distributions
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from tests.unit.clients.raw_server import raw_server

ALLOWED = json.dumps({"status": {"allowed": True}})
ANSWER = f"HTTP/1.1 201 Created\r\nContent-Length: {len(ALLOWED)}\r\nConnection: close\r\n\r\n{ALLOWED}"


def without_its_own_imports(package: str) -> ModuleType:
    """Return a package whose modules can be imported, and that imports none by itself."""
    spec = find_spec(package)
    assert spec is not None
    bare = ModuleType(package)
    bare.__path__ = spec.submodule_search_locations or []
    return bare


async def build() -> None:
    """Build the operator as its process does, with a server that allows everything in place of all others."""
    async with raw_server(ANSWER.encode()) as server:
        os.environ["KUBECONFIG"] = kubeconfig(server.url)
        from mailtrap_operator import command, process  # noqa: PLC0415 - the library reads the variable when imported
        from mailtrap_operator.clients.cluster_access import ClusterAccess  # noqa: PLC0415 - as above
        from mailtrap_operator.clients.mailtrap_http import http_clients  # noqa: PLC0415 - as above
        from mailtrap_operator.clients.proxies import Proxies  # noqa: PLC0415 - as above
        from mailtrap_operator.runtime.leadership import Alone  # noqa: PLC0415 - as above
        from mailtrap_operator.settings import Settings  # noqa: PLC0415 - as above

        assert command.main(["crds"]) == 0
        settings = Settings(_cli_parse_args=[], installation="prod22")
        async with process._kubernetes(settings, ClusterAccess(random.SystemRandom(), Proxies({}))) as kube:
            operator = await process._operator(kube, settings, "holder", Alone(), Proxies({}))
            async with http_clients(Proxies({}))() as mailtrap:
                await mailtrap.get(server.url)
            await operator.accounts.close()


def kubeconfig(url: str) -> str:
    """Write a kubeconfig for a server; return its path."""
    config = {
        "current-context": "it",
        "clusters": [{"name": "it", "cluster": {"server": url}}],
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        "users": [{"name": "it", "user": {}}],
    }
    path = Path(tempfile.gettempdir(), "kubeconfig")
    path.write_text(json.dumps(config))
    return str(path)


if __name__ == "__main__":
    sys.modules["kubernetes"] = without_its_own_imports("kubernetes")
    asyncio.run(build())
    tops, owners = {name.partition(".")[0] for name in sys.modules}, packages_distributions()
    sys.stderr.write("".join(f"{owner}\n" for top in tops for owner in owners.get(top, ())))
