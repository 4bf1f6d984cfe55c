"""What the tests of the Secrets are made of: one ApiToken's wishes, one token, one namespace."""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr

from mailtrap_operator.api.names import MANAGED_BY_LABEL
from mailtrap_operator.api.v1alpha1 import AccountRef, Issuance
from mailtrap_operator.clients.secret_client import SecretClient
from mailtrap_operator.clients.unpublished_values import IssuedValue
from mailtrap_operator.core.actions import DesiredSecret
from mailtrap_operator.core.observation import FormerValue, Found, RemoteToken, SecretState
from mailtrap_operator.core.ownership import Tag
from tests.unit.clients.fake_kube import FakeKube

VALUE = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
INSTALLATION = "abcdef"
OWNER = f"{INSTALLATION}-abcdefghij"
REF = AccountRef(name="default")
ISSUANCE = Issuance(
    issued_at=datetime(2026, 3, 1, 12, tzinfo=UTC),
    access_digest="access",
    expiration_digest="expiration",
    account=REF,
)
TOKEN = RemoteToken(7, "billing", VALUE[-4:], None, REF, Tag(INSTALLATION, "abcdefghij", "abcdefgh"))
ISSUED = IssuedValue("abcdefgh", TOKEN, SecretStr(VALUE), ISSUANCE)
PATH = "/api/v1/namespaces/team/secrets"
LABEL = {MANAGED_BY_LABEL: "mailtrap-operator"}


def desired(
    data: Mapping[str, str] | None = None,
    *,
    labels: Mapping[str, str] | None = None,
    annotations: Mapping[str, str] | None = None,
    name: str = "billing",
    version: str | None = None,
    is_owned: bool = True,
    former: FormerValue | None = None,
) -> DesiredSecret:
    """Return a desired Secret; `version` is that of the one which was read."""
    return DesiredSecret(
        namespace="team",
        name=name,
        owner=OWNER,
        api_token_name="billing-token",
        api_token_uid="uid-of-api-token",
        is_owned=is_owned,
        labels=LABEL if labels is None else {**LABEL, **labels},
        annotations=annotations or {},
        data=data or {"token": "${token}"},
        former=former,
        resource_version=version,
    )


def version_of(body: Mapping[str, Any] | None) -> str:
    """Return an object's resourceVersion."""
    assert body is not None
    return str(body["metadata"]["resourceVersion"])


FOREIGN: dict[str, Any] = {
    "metadata": {
        "name": "billing",
        "labels": {"team": "billing", "app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"example.com/note": "keep me"},
        "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "other", "uid": "uid-other"}],
    },
    "type": "Opaque",
    "data": {"other": "a2VlcCBtZQ==", "binary": "/w=="},
}


TEMPLATE = {"token": "${token}", "url": "smtp://api:${token}@host"}
AT = f"{PATH}/billing"
Edit = Callable[[dict[str, Any]], object]


async def published(kube: FakeKube) -> SecretState:
    return await SecretClient(kube, INSTALLATION).publish(desired(TEMPLATE), ISSUED)


async def read(kube: FakeKube) -> SecretState:
    match await SecretClient(kube, INSTALLATION).read("team", "billing"):
        case Found(state):
            return state
    raise AssertionError("the Secret is gone")


def data(**texts: str | bytes) -> Edit:
    encoded = {
        key: base64.b64encode(text.encode() if isinstance(text, str) else text).decode()
        for key, text in texts.items()
    }
    return lambda body: body["data"].update(encoded)


def mark(name: str, text: str) -> Edit:
    return lambda body: body["metadata"]["annotations"].update({name: text})
