"""What a call can end in, named by what must happen next.

    Failure
    ├── Retryable      nothing has happened; the same call may succeed later
    │   ├── Conflict   someone else was faster; look again at once
    │   └── TooLarge   there is more than may be read at once; ask for less
    ├── Uncertain      it may have happened; look before acting again
    │   ├── Misrouted  something other than the API answered; look for it elsewhere
    │   └── Undefined  the API server does not serve this kind of object; its definition is missing
    ├── Unauthorized   the credential was refused; another one is needed
    ├── Missing        a positive answer that the thing is not there
    └── Terminal       refused; the same call is refused again until someone changes something

No message quotes a request, a credential or more than a little of a server's own words.
"""

from datetime import timedelta

from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction

LONGEST_QUOTE = 300
"""So many characters of a server's own words are shown at most."""

_BEGINNING = 120
_NOTHING_KNOWN = Redaction()


class Failure(Exception):  # noqa: N818 - its kinds are named by what must happen next
    """A call that did not give what was asked for; only its kinds are raised.

    `message` says the cause and the next step, `said` the cause alone.
    """

    def __init__(
        self, reason: Reason, message: str, retry_after: timedelta | None = None, *, said: str = ""
    ) -> None:
        super().__init__(message)
        self.said = said or message
        self.reason = reason
        self.message = message
        self.retry_after = retry_after

    def as_unknown(self) -> Unknown:
        """Return the failure as a value for the observation."""
        return Unknown(self.reason, self.message, self.retry_after)


class Retryable(Failure):
    """Nothing has happened; the same call may succeed later."""


class Conflict(Retryable):
    """Someone else was faster; look again at once."""


class TooLarge(Retryable):
    """There is more than may be read at once; ask for less."""


class Uncertain(Failure):
    """It may have happened; look before acting again."""


class Misrouted(Uncertain):
    """Something other than the API answered; the API may be found at another path, or later."""


class Undefined(Uncertain):
    """The API server does not serve this kind of object: no answer of it says that an object is gone."""


class Unauthorized(Failure):
    """The credential was refused."""


class Missing(Failure):
    """A positive answer that the thing is not there."""


class Terminal(Failure):
    """The same call is refused again until someone changes something."""


def quoted(text: str, redaction: Redaction = _NOTHING_KNOWN) -> str:
    """Return a server's words in one visible line without token values, cut to a length that suits a message.

    The middle is cut: servers begin with what is wrong, quote it at length, and end with why.
    """
    line = redaction.shown(" ".join(visible(text).split()))
    return (
        line
        if len(line) <= LONGEST_QUOTE
        else f"{line[:_BEGINNING]} … {line[_BEGINNING + 3 - LONGEST_QUOTE :]}"
    )


def visible(text: str) -> str:
    """Return a text with a blank in the place of each character that is not seen, such as one that turns the writing."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else " " for character in text)
