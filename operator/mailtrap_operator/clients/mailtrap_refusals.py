"""What an answer of the remote API means that is no success, and what the user can do about it.

Nothing is quoted but what may be shown; what the API itself did not say is never a definite refusal.
"""

import httpx
from pydantic_core import from_json

from mailtrap_operator.clients.errors import (
    Failure,
    Misrouted,
    Missing,
    Retryable,
    Terminal,
    Unauthorized,
    Uncertain,
    quoted,
)
from mailtrap_operator.clients.mailtrap_http import Answer
from mailtrap_operator.clients.retry_after import retry_after
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.redaction import Redaction

# What a status means when the API itself gave it, and what the user can do about it.
_MEANING: dict[int, tuple[type[Failure], Reason, str]] = {
    401: (
        Unauthorized,
        Reason.CREDENTIAL_REFUSED,
        "Put a valid token into the credentials Secret of the account.",
    ),
    403: (
        Terminal,
        Reason.ACCESS_FORBIDDEN,
        "Check accountId, and that the credential has admin rights there.",
    ),
    404: (Missing, Reason.NOT_FOUND, "Check accountId and baseUrl of the account."),
    408: (Uncertain, Reason.REMOTE_UNAVAILABLE, "It is tried again."),
    429: (Retryable, Reason.RATE_LIMITED, "The calls pause."),
}
_REFUSED = (Terminal, Reason.REQUEST_REFUSED, "Correct the spec.")
_BROKEN = (Uncertain, Reason.REMOTE_UNAVAILABLE, "It is tried again.")


def failure_of(answer: Answer, redaction: Redaction, *, is_of_api: bool = True) -> Failure:
    """Read an answer that is not a success; `is_of_api` is whether the API itself may have given it."""
    words = _words_of(answer.content or b"", redaction) if is_of_api else None
    # A 429 never means that the call was executed, even if it came from a proxy.
    if words is None and answer.status != httpx.codes.TOO_MANY_REQUESTS:
        message = (
            f"Something other than the API answered {answer.status}, perhaps {answer.proxy or 'a proxy'}. "
            "It is tried again."
        )
        failure = Uncertain if httpx.codes.is_server_error(answer.status) else Misrouted
        return failure(Reason.REMOTE_UNAVAILABLE, message, retry_after(answer.headers))
    is_refusal = httpx.codes.is_client_error(answer.status)
    kind, reason, advice = _MEANING.get(answer.status, _REFUSED if is_refusal else _BROKEN)
    said = f'Mailtrap answered {answer.status}: "{words or "too many requests"}".'
    return kind(reason, f"{said} {advice}", retry_after(answer.headers), said=said)


def _words_of(content: bytes, redaction: Redaction) -> str | None:
    """Return the error in the API's own JSON form, or None when the body is something else."""
    try:
        # Unlike the one of the standard library, this parser answers for every body with a ValueError at worst.
        body = from_json(content)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    told = (body.get(key) for key in ("error", "errors"))
    match next((words for words in told if words is not None), None):
        case str() as text:
            return quoted(text, redaction)
        case list() as messages:
            return quoted(_joined(messages), redaction)
        case dict() as attributes:
            words = (f"{name}: {_joined(messages)}" for name, messages in attributes.items())
            return quoted("; ".join(words), redaction)
        case _:
            return None


def _joined(messages: object) -> str:
    return ", ".join(map(str, messages)) if isinstance(messages, list) else str(messages)
