"""The ApiTokens of each namespace, as far as the count of their tokens needs them: no look at the objects themselves."""

from collections import defaultdict
from collections.abc import Collection

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.keys import ApiTokenKey, account_key
from mailtrap_operator.core.token_count import Member


class Members:
    """Those that are known; an object names the account in its spec."""

    def __init__(self) -> None:
        self._members: dict[str, dict[str, Member]] = defaultdict(dict)

    def put(self, key: ApiTokenKey, api_token: ApiToken, owner: str) -> None:
        """Take an ApiToken as it is now; `owner` is its part of its tokens' tag."""
        meta, operation = api_token.metadata, api_token.status.operation
        self._members[key.namespace][key.name] = Member(
            name=key.name,
            owner=owner,
            created_at=meta.creation_timestamp,
            account=account_key(api_token.spec.account_ref, key.namespace),
            is_terminating=meta.deletion_timestamp is not None,
            claim=operation if operation and operation.type != "Delete" else None,
        )

    def drop(self, key: ApiTokenKey) -> None:
        """Forget an ApiToken."""
        members = self._members.get(key.namespace, {})
        members.pop(key.name, None)
        if not members:
            self._members.pop(key.namespace, None)

    def of(self, namespace: str) -> Collection[Member]:
        """Return the ApiTokens of a namespace."""
        return self._members.get(namespace, {}).values()
