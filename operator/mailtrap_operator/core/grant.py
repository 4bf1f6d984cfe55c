"""Whether Mailtrap granted the end that was asked for when the present token was issued.

A server may ignore the wish, or grant another date. That is told and causes nothing: asked again, it would answer the same.
"""

from datetime import timedelta

from mailtrap_operator.api.v1alpha1 import CurrentToken, Expiration, print_duration, print_time
from mailtrap_operator.core.digests import expiration_digest
from mailtrap_operator.core.situation import Situation

_ROUNDED = timedelta(minutes=1)
"""By so much a server may round a date."""


def other_end(s: Situation) -> str | None:
    """Return in which way the token that the Secret holds ends otherwise than the spec asks for, if it does."""
    held, wish = s.held, s.api_token.spec.expiration
    if held is None or not s.is_known(held) or held.expiration_digest != expiration_digest(s.api_token):
        return None
    if _is_granted(wish, held):
        return None
    end = "never expires" if held.expires_at is None else f"expires at {print_time(held.expires_at)}"
    advice = (
        "Set spec.rotation.every to have it replaced all the same."
        if held.expires_at is None
        else "Change spec.expiration to what Mailtrap grants."
    )
    asked = f"spec.expiration asks for a token that {_in_words(wish)}"
    return f"{asked}, and Mailtrap granted token {held.id}, which {end}. {advice}"


def _is_granted(wish: Expiration, token: CurrentToken) -> bool:
    end = token.expires_at
    if wish.policy == "ServerDefault" or end is None:
        return wish.policy in {"ServerDefault", "Never"}
    if wish.after is not None:
        return abs(end - token.issued_at - wish.after) <= _ROUNDED
    return wish.at is not None and abs(end - wish.at) <= _ROUNDED


def _in_words(wish: Expiration) -> str:
    if wish.after is not None:
        return f"lives for {print_duration(wish.after)}"
    return "never expires" if wish.at is None else f"expires at {print_time(wish.at)}"
