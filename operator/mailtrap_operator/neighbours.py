"""OBSERVE, the neighbours: which other ApiToken of the namespace owns the Secret that an ApiToken names.

Only what the watches have reported is used; nothing is read. A mark names no one whose digest it does not have.
"""

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.observation import Absent, Found, SecretState, Unknown
from mailtrap_operator.core.ownership import Neighbour, owner_in
from mailtrap_operator.core.references import former_secret_name, secret_name
from mailtrap_operator.runtime.cache import Cache

_LONGEST_RING = 16


class Neighbours:
    """Looks up who else a Secret belongs to."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def of(
        self, key: ApiTokenKey, api_token: ApiToken, secret: Found[SecretState] | Absent | Unknown
    ) -> Neighbour | None:
        """Return the other ApiToken of the namespace that a Secret of the desired name belongs to, if one lives."""
        owner = self._owner(key.namespace, secret.value.owner) if isinstance(secret, Found) else None
        if owner is None or owner == key or (neighbour := self._cache.api_token(owner)) is None:
            return None
        former, moves = former_secret_name(api_token), former_secret_name(neighbour) == secret_name(api_token)
        makes_room = moves and former is not None and self._ends_at(owner, former)
        return Neighbour(owner.name, secret_name(neighbour), moves=moves, makes_room=makes_room)

    def _ends_at(self, key: ApiTokenKey, former: str) -> bool:
        """Whether each ApiToken names the Secret of the next one, and the last one the `former` Secret of the first."""
        for _ in range(_LONGEST_RING):
            api_token = self._cache.api_token(key)
            if api_token is None or not _moves(api_token):
                return False
            desired = secret_name(api_token)
            if desired == former:
                return True
            following = self._owner(key.namespace, self._cache.known_owner(key.namespace, desired))
            if following is None or following == key:
                return False
            key = following
        return False

    def _owner(self, namespace: str, mark: str | None) -> ApiTokenKey | None:
        owner = self._cache.owner(owner_in(mark))
        return owner if owner and owner.namespace == namespace else None


def _moves(api_token: ApiToken) -> bool:
    """Whether an ApiToken leaves its Secret for another one, and can have a new value should it lose that."""
    is_served = api_token.metadata.deletion_timestamp is None and not api_token.spec.suspend
    return is_served and not api_token.unreadable and former_secret_name(api_token) is not None
