"""Who came first: the ApiTokens of a namespace that use an account, the oldest first."""

from bisect import bisect_left, insort
from collections import defaultdict
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, account_key

_Age = tuple[datetime, str]
"""When an object was created, and its name: of two that are equally old, the name decides."""


class Seniority:
    """The order of those that are known; an object uses the account that its spec names."""

    def __init__(self) -> None:
        self._ages: dict[tuple[AccountKey, str], list[_Age]] = defaultdict(list)
        self._places: dict[ApiTokenKey, tuple[AccountKey, _Age]] = {}

    def put(self, key: ApiTokenKey, api_token: ApiToken) -> None:
        """Take an ApiToken as it is now."""
        place = (account_key(api_token.spec.account_ref, key.namespace), _age_of(api_token))
        if self._places.get(key) == place:
            return
        self.drop(key)
        self._places[key] = place
        insort(self._ages[place[0], key.namespace], place[1])

    def drop(self, key: ApiTokenKey) -> None:
        """Forget an ApiToken."""
        if key not in self._places:
            return
        account, age = self._places.pop(key)
        ages = self._ages[account, key.namespace]
        del ages[bisect_left(ages, age)]
        if not ages:
            del self._ages[account, key.namespace]

    def seniors_of(self, api_token: ApiToken) -> int:
        """Return how many ApiTokens of its namespace use the account that it names, and are older."""
        namespace = api_token.metadata.namespace or ""
        account = account_key(api_token.spec.account_ref, namespace)
        return bisect_left(self._ages.get((account, namespace), []), _age_of(api_token))


def _age_of(api_token: ApiToken) -> _Age:
    return api_token.metadata.creation_timestamp, api_token.metadata.name
