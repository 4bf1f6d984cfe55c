"""The Secrets of ours as far as they are known: as they were read, or that they are to be read.

A watch reports metadata alone. Until someone has read a Secret that it reported, only its version and its owner are known.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from mailtrap_operator.core.observation import SecretState
from mailtrap_operator.core.ownership import HeldToken
from mailtrap_operator.runtime.versions import is_newer

_MOST_GONE = 1000
"""So many objects that are gone are kept in mind: an answer may come late that reports them as they were."""


class _Unread(NamedTuple):
    """What a watch has reported about a Secret."""

    version: str
    owner: str | None
    held: frozenset[HeldToken]


class KnownSecrets:
    """The part of the store that is about Secrets."""

    def __init__(self) -> None:
        self._secrets: dict[tuple[str, str], SecretState] = {}
        self._unread_secrets: dict[tuple[str, str], _Unread] = {}
        self._gone_secrets: dict[tuple[str, str], str] = {}

    def put_secret(self, namespace: str, secret: SecretState) -> bool:
        """Remember a Secret of ours; return whether that is news."""
        place = (namespace, secret.name)
        known, unread = self._secrets.get(place), self._unread_secrets.get(place)
        if known and not is_newer(secret.resource_version, known.resource_version):
            return False
        if unread and is_newer(unread.version, secret.resource_version):
            return False
        self._unread_secrets.pop(place, None)
        self._secrets[place] = secret
        return unread is None or unread.version != secret.resource_version

    def outdate_secret(
        self,
        namespace: str,
        name: str,
        version: str,
        owner: str | None,
        held: frozenset[HeldToken] = frozenset(),
    ) -> bool:
        """Record that a Secret of ours has a version that is to be read; return whether that is news."""
        place = (namespace, name)
        if any(seen and not is_newer(version, seen) for seen in self._secret_versions_of(place)):
            return False
        self._secrets.pop(place, None)
        self._unread_secrets[place] = _Unread(version, owner, held)
        return True

    def is_unread_secret(self, namespace: str, name: str) -> bool:
        """Whether a Secret of ours was reported, and has not been read since."""
        return (namespace, name) in self._unread_secrets

    def known_owner(self, namespace: str, name: str) -> str | None:
        """Return whose a Secret was when it was last seen, or reported."""
        known, unread = self._secrets.get((namespace, name)), self._unread_secrets.get((namespace, name))
        return known.owner if known else unread and unread.owner

    def _secret_versions_of(self, place: tuple[str, str]) -> tuple[str | None, ...]:
        known, unread = self._secrets.get(place), self._unread_secrets.get(place)
        return (
            known.resource_version if known else None,
            unread.version if unread else None,
            self._gone_secrets.get(place),
        )

    def drop_secret(self, namespace: str, name: str, version: str | None = None) -> None:
        """Forget a Secret that is gone; `version` is that of its end, where a watch has reported it."""
        self._secrets.pop((namespace, name), None)
        self._unread_secrets.pop((namespace, name), None)
        if version is not None:
            self._gone_secrets[namespace, name] = version
        keep_last(self._gone_secrets)

    def knows_newer_secret(self, namespace: str, secret: SecretState) -> bool:
        """Whether a Secret was seen later, or gone, than in the version that was read."""
        versions = self._secret_versions_of((namespace, secret.name))
        return any(version and is_newer(version, secret.resource_version) for version in versions)

    def has_secret(self, namespace: str, name: str, version: str) -> bool:
        """Whether a Secret is known as it is in a resourceVersion, or as it became later, or that it is gone."""
        versions = self._secret_versions_of((namespace, name))
        return any(seen and not is_newer(version, seen) for seen in versions)

    def secret(self, namespace: str, name: str) -> SecretState | None:
        """Return a Secret as it was last seen."""
        return self._secrets.get((namespace, name))

    def held_tokens(self) -> frozenset[HeldToken]:
        """Return the tokens whose values Secrets of ours hold; of one that was not read yet, as its marks say."""
        return frozenset(chain.from_iterable(each.held for each in self._holders()))

    def _holders(self) -> Iterator[SecretState | _Unread]:
        yield from self._secrets.values()
        yield from self._unread_secrets.values()

    def secret_versions(self) -> dict[tuple[str | None, str], str]:
        """Return the resourceVersions of all Secrets of ours, by namespace and name."""
        read = ((place, secret.resource_version) for place, secret in self._secrets.items())
        unread = ((place, told.version) for place, told in self._unread_secrets.items())
        return dict(chain(read, unread))


def keep_last(gone: dict[Any, Any]) -> None:
    """Keep in mind the last of the objects that are gone."""
    while len(gone) > _MOST_GONE:
        del gone[next(iter(gone))]
