"""A client of the simulated provider, every call it can make, and what each kind of answer means."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from mailtrap_operator.api.v1alpha1 import AccountRef, Resource
from mailtrap_operator.clients.errors import Failure, Misrouted, Retryable, Terminal, Unauthorized, Uncertain
from mailtrap_operator.clients.known_server import KnownServer
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.core.actions import ServerDefault
from mailtrap_operator.core.ownership import Tag
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.remote import CREDENTIAL, Remote, known_server

REF = AccountRef(name="default")
ADMIN_OF_DOMAIN = Resource(type="domain", id=7, access_level="Admin")
NAME = "billing mailer [k8s:abcdef-abcdefghij-abcdefgh]"
TAG = Tag("abcdef", "abcdefghij", "abcdefgh")
JANUARY = datetime(2027, 1, 31, 12, tzinfo=UTC)
LEFT_OUT = ServerDefault.LEFT_OUT


def client_of(
    remote: Remote,
    *,
    credential: str = CREDENTIAL,
    pacer: Pacer | None = None,
    server: KnownServer | None = None,
    before_mutation: Callable[[], None] = lambda: None,
) -> MailtrapClient:
    return MailtrapClient(
        remote.client(),
        account=REF,
        server=server or known_server(),
        credential=SecretStr(credential),
        pacer=pacer or Pacer(140, timedelta(seconds=10)),
        request_timeout=timedelta(seconds=10),
        before_mutation=before_mutation,
    )


Call = Callable[[MailtrapClient, int], Awaitable[object]]
Kind = tuple[type[Failure], Reason]

READS: dict[str, Call] = {
    "list": lambda client, _: client.list_tokens(),
    "get": lambda client, token_id: client.get_token(token_id),
    "resources": lambda client, _: client.list_resources(),
}
ISSUES: dict[str, Call] = {
    "create": lambda client, _: client.create_token(NAME, (ADMIN_OF_DOMAIN,), LEFT_OUT),
    "reset": lambda client, token_id: client.reset_token(token_id, LEFT_OUT),
}
DELETE: dict[str, Call] = {"delete": lambda client, token_id: client.delete_token(token_id)}
MUTATIONS = ISSUES | DELETE
EVERY_CALL = READS | MUTATIONS

REFUSED = (Unauthorized, Reason.CREDENTIAL_REFUSED)
FORBIDDEN = (Terminal, Reason.ACCESS_FORBIDDEN)
INVALID = (Terminal, Reason.REQUEST_REFUSED)
NOT_DELETED = (Terminal, Reason.DELETION_REFUSED)
LIMITED = (Retryable, Reason.RATE_LIMITED)
NOT_SENT = (Retryable, Reason.REMOTE_UNAVAILABLE)
NOT_KNOWN = (Uncertain, Reason.REMOTE_UNAVAILABLE)
ANOTHER_SERVER = (Misrouted, Reason.REMOTE_UNAVAILABLE)
UNREADABLE = (Retryable, Reason.REMOTE_ANSWER_UNUSABLE)
VALUE_LOST = (Uncertain, Reason.REMOTE_ANSWER_UNUSABLE)

# What the API says in its own JSON is definite, for a mutation too; everything else leaves it open.
ANSWERS: list[tuple[str, dict[str, Any], Kind]] = [
    ("status", {"status": 401}, REFUSED),
    ("status", {"status": 403}, FORBIDDEN),
    ("status", {"status": 403, "body": {"errors": "Account access forbidden"}}, FORBIDDEN),
    ("status", {"status": 400, "body": {"error": "Bad Request"}}, INVALID),
    ("status", {"status": 422}, INVALID),
    ("status", {"status": 429}, LIMITED),
    ("status", {"status": 429, "body": "<html>slow down</html>", "content_type": "text/html"}, LIMITED),
    ("status", {"status": 422, "body": {"errors": ["is invalid", "is too long"]}}, INVALID),
    ("status", {"status": 422, "body": {"error": None, "errors": {"base": ["no"]}}}, INVALID),
    ("status", {"status": 422, "body": {"error": "no", "errors": None}}, INVALID),
    ("status", {"status": 408, "body": {"error": "Request Timeout"}}, NOT_KNOWN),
    ("status", {"status": 500}, NOT_KNOWN),
    ("status", {"status": 500, "commit": True}, NOT_KNOWN),
    ("status", {"status": 503}, NOT_KNOWN),
    ("status", {"status": 418, "body": {"error": None}}, ANOTHER_SERVER),
    ("status", {"status": 401, "body": ["Incorrect API token"]}, ANOTHER_SERVER),
    ("status", {"status": 422, "body": {}}, ANOTHER_SERVER),
    ("status", {"status": 404, "body": "no such page"}, ANOTHER_SERVER),
    ("status", {"status": 403, "body": ""}, ANOTHER_SERVER),
    ("html", {"status": 401}, ANOTHER_SERVER),
    ("html", {"status": 403}, ANOTHER_SERVER),
    ("html", {"status": 404}, ANOTHER_SERVER),
    ("html", {"status": 422}, ANOTHER_SERVER),
    ("html", {"status": 502}, NOT_KNOWN),
    ("html", {"status": 502, "commit": True}, NOT_KNOWN),
    ("redirect", {}, ANOTHER_SERVER),
    ("truncated", {}, NOT_KNOWN),
    ("lost-before-commit", {}, NOT_KNOWN),
    ("lost-after-commit", {}, NOT_KNOWN),
    ("late-commit", {"delay": 5}, NOT_KNOWN),
    ("reset-connection", {"commit": True}, NOT_KNOWN),
    ("hang", {"commit": False}, NOT_KNOWN),
    ("hang", {}, NOT_KNOWN),
    ("slow", {"delay": 11}, NOT_KNOWN),
]


async def failure_of(call: Call, remote: Remote, token_id: int) -> Failure:
    with pytest.raises(Failure) as caught:
        await call(client_of(remote), token_id)
    return caught.value


def kind_of(failure: Failure) -> Kind:
    return type(failure), failure.reason
