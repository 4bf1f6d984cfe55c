"""Whether Mailtrap granted the end that was asked for when the present token was issued.

A server may ignore the request, or grant another date. That is reported and causes nothing: the answer would be the same again.
"""

from datetime import timedelta

from mailtrap_operator.api.v1alpha1 import CurrentToken, Expiration, print_duration, print_time
from mailtrap_operator.core.digests import expiration_digest
from mailtrap_operator.core.observed_state import ObservedState

_ROUNDED = timedelta(minutes=1)
"""By so much a server may round a date."""


def other_end(s: ObservedState) -> str | None:
    """Return in which way the token that the Secret holds ends otherwise than the spec asks for, if it does."""
    held, desired = s.held, s.api_token.spec.expiration
    if held is None or not s.is_known(held) or held.expiration_digest != expiration_digest(s.api_token):
        return None
    if _is_granted(desired, held):
        return None
    end = "never expires" if held.expires_at is None else f"expires at {print_time(held.expires_at)}"
    advice = (
        "Set spec.rotation.every to have it replaced all the same."
        if held.expires_at is None
        else "Change spec.expiration to what Mailtrap grants."
    )
    asked = f"spec.expiration asks for a token that {_in_words(desired)}"
    return f"{asked}, and Mailtrap granted token {held.id}, which {end}. {advice}"


def _is_granted(desired: Expiration, token: CurrentToken) -> bool:
    end = token.expires_at
    if desired.policy == "ServerDefault" or end is None:
        return desired.policy in {"ServerDefault", "Never"}
    if desired.after is not None:
        return abs(end - token.issued_at - desired.after) <= _ROUNDED
    return desired.at is not None and abs(end - desired.at) <= _ROUNDED


def _in_words(desired: Expiration) -> str:
    if desired.after is not None:
        return f"lives for {print_duration(desired.after)}"
    return "never expires" if desired.at is None else f"expires at {print_time(desired.at)}"
