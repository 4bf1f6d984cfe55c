"""What is known of the server behind an account: which form of paths it serves, and how its own answers are told.

It is learned from answers, and forgotten with the process. What something between here and the API answers teaches
nothing.
"""

from collections.abc import Callable
from datetime import datetime
from enum import Enum

from pydantic import SecretStr

from mailtrap_operator.clients.credential_values import digest_of
from mailtrap_operator.clients.mailtrap_http import Answer
from mailtrap_operator.clients.server_clock import ServerClock
from mailtrap_operator.core.resource_types import canonical_type

TOKENS = "/api_tokens"
RESOURCES = "/permissions/resources"

_VERSION = "X-Mailtrap-Version"


class PathForm(Enum):
    """The two forms of a path: one names the account, in the other one the credential stands for it."""

    ACCOUNT = "account"
    PLAIN = "plain"

    @property
    def other(self) -> "PathForm":
        """The other one of the two."""
        return PathForm.PLAIN if self is PathForm.ACCOUNT else PathForm.ACCOUNT


class KnownServer:
    """The server of one account object, for one `base_url` and `account_id`.

    `form` is that of the paths which answered last. The one that names the account comes first: it cannot mean another one.
    `clock` is the server's, beside the operator's, which is `now`.
    """

    def __init__(self, base_url: str, account_id: int, now: Callable[[], datetime]) -> None:
        self.base_url = base_url
        self.account_id = account_id
        self.form = PathForm.ACCOUNT
        self.clock = ServerClock(now)
        self._names_its_version = False
        self._opened_by: str | None = None
        self._spelling: dict[str, str] = {}

    @property
    def accounts_url(self) -> str:
        """Where the accounts of a credential are listed, in both forms."""
        return f"{self.base_url}/api/accounts"

    def url(self, form: PathForm, place: str) -> str:
        """Return where a place lies; it begins with `TOKENS` or `RESOURCES`."""
        root = (
            f"{self.accounts_url}/{self.account_id}" if form is PathForm.ACCOUNT else f"{self.base_url}/api"
        )
        return root + place

    def has_given(self, answer: Answer) -> bool:
        """Whether the API itself gave an answer, as far as it can be told from others' by its version."""
        is_named = _VERSION in answer.headers
        self._names_its_version = self._names_its_version or is_named
        return is_named or not self._names_its_version

    def is_opened_by(self, credential: SecretStr) -> bool:
        """Whether a credential was seen to open this account and no other one."""
        return self._opened_by == digest_of(credential)

    def note_opened_by(self, credential: SecretStr) -> None:
        """Record a credential that opens this account and no other one."""
        self._opened_by = digest_of(credential)

    def note_types(self, types: set[str]) -> None:
        """Record how this server spells the types of resources."""
        self._spelling |= {canonical_type(type_): type_ for type_ in sorted(types)}

    def spelled(self, type_: str) -> str:
        """Return a type as this server spells it; as it was given where that is not known."""
        return self._spelling.get(canonical_type(type_), type_)
