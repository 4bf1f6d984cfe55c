"""Accounts on a virtual clock: a fake API server with the credentials, the simulator, and account objects."""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from mailtrap_operator.api.v1alpha1 import Account, AccountRef, AccountSpec, Metadata, SecretKeyRef
from mailtrap_operator.clients.account_access import AccountAccess, RemoteLimits
from mailtrap_operator.clients.remote_account import Tokens
from mailtrap_operator.clients.remote_accounts import RemoteAccounts
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import RemoteToken
from mailtrap_operator.core.ownership import Tag
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.remote import ACCOUNT, CREDENTIAL, Remote, server_time

KEY = AccountKey("ClusterMailtrapAccount", None, "default")
OTHER = AccountKey("ClusterMailtrapAccount", None, "other")
NAMESPACED = AccountKey("MailtrapAccount", "team", "default")
TAG = Tag("abcdef", "abcdefghij", "abcdefgh")
OWNER = (TAG.installation, TAG.owner)
NAME = f"billing {TAG}"
URL = "https://mailtrap.test"
BASE = "/api/v1/namespaces/{}/secrets"


def account(key: AccountKey = KEY, *, base_url: str = URL, entry: str = "token") -> Account:
    """Return an account object; its credential is in Secret `credentials`."""
    meta = Metadata.model_validate(
        {
            "name": key.name,
            "namespace": key.namespace,
            "uid": "u",
            "resourceVersion": "1",
            "generation": 1,
            "creationTimestamp": "2026-03-01T12:00:00Z",
        }
    )
    ref = SecretKeyRef(name="credentials", key=entry)
    spec = AccountSpec(account_id=ACCOUNT, credentials_secret_ref=ref, base_url=base_url)
    return Account(kind=key.kind, metadata=meta, spec=spec)


def token(token_id: int, tag: Tag | None = TAG) -> RemoteToken:
    """Return a token as this process would have issued it."""
    return RemoteToken(token_id, f"billing {tag}", "beef", None, AccountRef(name="default"), tag)


def credentials(value: str | bytes, key: str = "token") -> dict[str, Any]:
    """Return a Secret with a credential."""
    encoded = base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
    return {"metadata": {"name": "credentials"}, "data": {key: encoded}}


@dataclass
class AccountBench:
    """Two cluster-wide accounts with one credential, and one of a namespace; `siblings` tells which stand for one account."""

    remote: Remote = field(default_factory=Remote.with_account)
    kube: FakeKube = field(default_factory=FakeKube)
    objects: dict[AccountKey, Account] = field(
        default_factory=lambda: {key: account(key) for key in (KEY, OTHER, NAMESPACED)}
    )
    changes: list[tuple[AccountKey, Tokens, Tokens]] = field(default_factory=list)
    calls: int = 140
    sees_cluster_accounts: bool = True
    siblings: dict[AccountKey, tuple[AccountKey, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Put the credential where it is looked for."""
        self.kube.seed(BASE.format("mailtrap-system"), credentials(CREDENTIAL))
        self.find: Callable[[AccountKey], Account | None] = self.objects.get
        access = AccountAccess(
            self.kube,
            self._found,
            operator_namespace="mailtrap-system",
            limits=RemoteLimits((URL,), timedelta(seconds=10), self.calls, timedelta(seconds=10)),
            new_http=self.remote.client,
            clock=server_time,
            sees_cluster_accounts=self.sees_cluster_accounts,
        )
        self.accounts = RemoteAccounts(
            access,
            siblings=lambda key: self.siblings.get(key, ()),
            on_change=lambda *change: self.changes.append(change),
        )

    def _found(self, key: AccountKey) -> Account | None:
        return self.find(key)

    def put_credential(
        self, value: str | bytes, key: str = "token", namespace: str = "mailtrap-system"
    ) -> None:
        """Put another credential into the Secret."""
        wanted = credentials(value, key)["data"]
        self.kube.edit(f"{BASE.format(namespace)}/credentials", lambda body: body.update(data=wanted))

    def lists(self) -> int:
        """Return how many LISTs the server has seen."""
        entries = self.remote.control("GET", "journal")["entries"]
        return sum(entry["operation"] == "list" for entry in entries)
