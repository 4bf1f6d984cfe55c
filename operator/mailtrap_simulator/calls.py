"""Tells from method, path and headers what a call is about: operation, account, token, credential.

Every path but `/api/accounts` has two forms: one names the account, in the plain one the credential stands for it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from .messages import Request
from .settings import Paths

Operation = Literal["list", "create", "get", "delete", "reset", "accounts", "resources", "other"]
OPERATIONS: tuple[Operation, ...] = get_args(Operation)

_ACCOUNT = r"/api(?:/accounts/(?P<account>\d{1,18}))?"
_TOKEN = _ACCOUNT + r"/api_tokens/(?P<token>\d{1,18})"
_ROUTES: tuple[tuple[str, re.Pattern[str], Operation], ...] = (
    ("GET", re.compile(r"/api/accounts"), "accounts"),
    ("GET", re.compile(_ACCOUNT + r"/permissions/resources"), "resources"),
    ("GET", re.compile(_ACCOUNT + r"/api_tokens"), "list"),
    ("POST", re.compile(_ACCOUNT + r"/api_tokens"), "create"),
    ("GET", re.compile(_TOKEN), "get"),
    ("DELETE", re.compile(_TOKEN), "delete"),
    ("POST", re.compile(_TOKEN + r"/reset"), "reset"),
)


@dataclass(frozen=True, slots=True)
class Call:
    """A classified request. `account_id` is the path's, None in the plain form; `credential` is empty when none was sent."""

    operation: Operation
    account_id: int | None = None
    token_id: int | None = None
    credential: str = field(default="", repr=False)
    has_two_credentials: bool = False

    @property
    def last_four(self) -> str:
        """All that may be shown of the credential."""
        return self.credential[-4:]


def classify(request: Request, paths: Paths) -> Call:
    """What this request asks for; operation `other` for what the API does not know, or not in this form."""
    credential, has_two = _credential(request.headers)
    for method, pattern, operation in _ROUTES:
        match = pattern.fullmatch(request.path)
        if match and method == request.method:
            ids = match.groupdict()
            account_id = int(ids["account"]) if ids.get("account") else None
            token_id = int(ids["token"]) if ids.get("token") else None
            form = "plain" if account_id is None else "account"
            if operation == "accounts" or paths in ("both", form):
                return Call(operation, account_id, token_id, credential, has_two)
    return Call("other", credential=credential, has_two_credentials=has_two)


def _credential(headers: Mapping[str, str]) -> tuple[str, bool]:
    api_token = headers.get("api-token", "")
    scheme, _, bearer = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        bearer = ""
    return api_token or bearer.strip(), "api-token" in headers and "authorization" in headers
