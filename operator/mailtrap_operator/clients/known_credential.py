"""What is known of one account object's credential: what Mailtrap accepted, refused, or has not judged yet.

The credential itself is not kept, but its last four characters are, as Mailtrap lists them.
"""

from collections.abc import Iterator

from mailtrap_operator.core.credential import Credential
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import CredentialInUse


class KnownCredential:
    """The credential of one account object.

    `accepted` is the one that Mailtrap accepted last, None where it refused one since, or where there is none any more.
    `was_judged` says that Mailtrap accepted or refused one, or that there was none to judge.
    """

    def __init__(self, account: AccountKey) -> None:
        self._account = account
        self.accepted: Credential | None = None
        self.was_judged = False
        self._unjudged: str | None = None
        self._refused: str | None = None

    @property
    def is_known(self) -> bool:
        """Whether one was read, or judged."""
        return self.was_judged or self._unjudged is not None

    def read(self, last_four: str) -> None:
        """Record one that was read; it may be the one that was refused before."""
        self._unjudged = None if last_four == self._refused else last_four

    def accept(self, credential: Credential) -> None:
        """Record one that a LIST was answered for."""
        self._judge(credential, None)

    def refuse(self) -> None:
        """Record that Mailtrap refused the one that was read last."""
        self._judge(None, self._unjudged or (self.accepted.last_four if self.accepted else self._refused))

    def miss(self) -> None:
        """Record that there is none."""
        self._judge(None, None)

    def in_use(self) -> Iterator[CredentialInUse]:
        """Yield the one that was accepted, and one that was read and not judged yet.

        The latter counts of a ClusterMailtrapAccount alone: anyone may make up one for a MailtrapAccount.
        """
        accepted = self.accepted.last_four if self.accepted else None
        if self.accepted is not None:
            token = self.accepted.token
            yield CredentialInUse(self._account, self.accepted.last_four, token.token_id if token else None)
        if self._unjudged is not None and self._unjudged != accepted and self._account.namespace is None:
            yield CredentialInUse(self._account, self._unjudged)

    def _judge(self, accepted: Credential | None, refused: str | None) -> None:
        self.accepted, self._refused = accepted, refused
        self._unjudged, self.was_judged = None, True
