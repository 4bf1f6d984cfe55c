"""Issued values that could not be written into their Secret yet.

They live in this process's memory alone, one for each object at most; a process that ends loses them, and their
tokens are then retired. This is why a failed Secret write never costs another token.
"""

from dataclasses import dataclass

from pydantic import SecretStr

from mailtrap_operator.api.v1alpha1 import Issuance
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import RemoteToken, UnpublishedToken


@dataclass(frozen=True, slots=True)
class IssuedValue:
    """A token with its value, on the way into the Secret."""

    nonce: str
    token: RemoteToken
    value: SecretStr
    issuance: Issuance


class UnpublishedValues:
    """The issued values that wait for their Secret."""

    def __init__(self) -> None:
        self._values: dict[ApiTokenKey, IssuedValue] = {}

    def keep(self, key: ApiTokenKey, issued: IssuedValue) -> None:
        """Keep a value until it is published or given up; it takes the place of an earlier one."""
        self._values[key] = issued

    def value_of(self, key: ApiTokenKey, unpublished: UnpublishedToken) -> IssuedValue:
        """Return the value of a token that `peek` reported in the same reconcile."""
        issued = self._values[key]
        if issued.nonce != unpublished.nonce:
            raise LookupError(f"the value of token {unpublished.token.id} is no longer kept")
        return issued

    def peek(self, key: ApiTokenKey) -> UnpublishedToken | None:
        """Return which token waits, without its value."""
        issued = self._values.get(key)
        return UnpublishedToken(issued.nonce, issued.token) if issued else None

    def drop(self, key: ApiTokenKey) -> None:
        """Give a value up, or be done with it."""
        self._values.pop(key, None)
