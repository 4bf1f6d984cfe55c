"""The names by which the queue and the store know objects."""

from typing import NamedTuple

from mailtrap_operator.api.v1alpha1 import AccountKind, AccountRef


class ApiTokenKey(NamedTuple):
    """An ApiToken."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class AccountKey(NamedTuple):
    """An account; a ClusterMailtrapAccount has no namespace."""

    kind: AccountKind
    namespace: str | None
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"

    @property
    def ref(self) -> AccountRef:
        """How objects of its namespace refer to it."""
        return AccountRef(kind=self.kind, name=self.name)


Key = ApiTokenKey | AccountKey


def account_key(ref: AccountRef, namespace: str) -> AccountKey:
    """Return the account that an object in `namespace` means."""
    return AccountKey(ref.kind, namespace if ref.kind == "MailtrapAccount" else None, ref.name)
