"""Mailtrap's official SDKs, unchanged, pointed at a simulator; one vocabulary of calls for all of them.

An SDK is bound to one host without a port and speaks the paths that name the account. What is changed is the address
that its own HTTP client calls, and for the plain form the path: bodies, headers and readers are the SDK's.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from mailtrap import MailtrapClient
from mailtrap.api.general import GeneralApi
from mailtrap.exceptions import APIError
from mailtrap.http import HttpClient
from mailtrap.models.api_tokens import ApiTokenResource, CreateApiTokenParams, ResetApiTokenParams
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

NODE = Path(__file__).parent / "node"


class Refused(Exception):  # noqa: N818 - an answer, not a failure
    """An SDK raised its error for an answer; `words` are what it read in it."""

    def __init__(self, status: int | None, words: str) -> None:
        super().__init__(status, words)
        self.status = status
        self.words = words


@dataclass(frozen=True, slots=True)
class Target:
    """Where the calls go: the simulator, the account, and the form of the paths, `account` or `plain`."""

    url: str
    account: int
    form: str


class Sdk(Protocol):
    """One SDK and its target.

    Calls: `accounts`, `list`, `get` (id), `create` (params), `reset` (id, params or nothing), `delete` (id); Python's
    has `resources` too. Values are JSON.
    """

    target: Target

    def call(self, credential: str, name: str, *args: Any) -> Any:
        """Make a call.

        Raises:
            Refused: the SDK raised its error.
        """


class _PlainPaths(HTTPAdapter):
    """Sends each request to the plain form of its path."""

    def send(self, request: PreparedRequest, *args: Any, **kwargs: Any) -> Response:
        request.url = re.sub(r"/api/accounts/\d+/", "/api/", request.url or "")
        return super().send(request, *args, **kwargs)


_PYTHON: Mapping[str, Callable[..., Any]] = {
    "accounts": lambda api, _: [asdict(account) for account in api.accounts.get_list()],
    "list": lambda api, account: [asdict(token) for token in api.api_tokens.get_list(account)],
    "get": lambda api, account, id_: asdict(api.api_tokens.get_by_id(account, id_)),
    "create": lambda api, account, params: asdict(api.api_tokens.create(account, _create_params(**params))),
    "reset": lambda api, account, id_, *params: asdict(
        api.api_tokens.reset(account, id_, *(ResetApiTokenParams(**given) for given in params))
    ),
    "delete": lambda api, account, id_: asdict(api.api_tokens.delete(account, id_)),
    "resources": lambda api, account: [asdict(node) for node in api.permissions.get_resources(account)],
}


def _create_params(resources: list[dict[str, Any]], **params: Any) -> CreateApiTokenParams:
    return CreateApiTokenParams(resources=[ApiTokenResource(**resource) for resource in resources], **params)


class PythonSdk:
    """The SDK of PyPI, put together as `MailtrapClient.general_api` does it, with another host."""

    def __init__(self, target: Target) -> None:
        self.target = target

    def call(self, credential: str, name: str, *args: Any) -> Any:
        """Make a call."""
        headers = MailtrapClient(token=credential).headers
        http = HttpClient(host=urlsplit(self.target.url).netloc, headers=headers)
        if self.target.form == "plain":
            http._session.mount("https://", _PlainPaths())
        with http._session:
            try:
                return _PYTHON[name](GeneralApi(client=http), self.target.account, *args)
            except APIError as error:
                raise Refused(error.status, ", ".join(error.errors)) from error


class NodeDriver:
    """The process in which the SDK of npm runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def call(self, target: Target, credential: str, name: str, args: tuple[Any, ...]) -> Any:
        """Make a call; a driver that ended shows as an error of the JSON reader."""
        if self._process.stdin is None or self._process.stdout is None:
            raise AssertionError("the driver is started with pipes")
        asked = {**asdict(target), "credential": credential, "name": name, "args": args}
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        ended = json.loads(self._process.stdout.readline())
        if "message" in ended:
            raise Refused(ended["status"], ended["message"])
        return ended.get("value")


class NodeSdk:
    """The SDK of npm, with an interceptor for the address."""

    def __init__(self, target: Target, driver: NodeDriver) -> None:
        self.target = target
        self._driver = driver

    def call(self, credential: str, name: str, *args: Any) -> Any:
        """Make a call."""
        return self._driver.call(self.target, credential, name, args)


@contextmanager
def node_driver(ca_file: Path) -> Iterator[NodeDriver]:
    """Run the driver; it trusts the authority in the file."""
    environment = {**os.environ, "NODE_EXTRA_CA_CERTS": str(ca_file), "NO_PROXY": "127.0.0.1"}
    command = ["node", "drive.js"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=NODE, env=environment, stdin=pipe, stdout=pipe, text=True) as process:
        yield NodeDriver(process)
