"""The placeholders of a Secret's data: filled with all but the token value, which is seen by the Secret's writer alone."""

from collections.abc import Mapping
from datetime import datetime

from mailtrap_operator.api.v1alpha1 import print_time

_SERVERS = {
    "${smtpUser}": "api",
    "${smtpHost}": "live.smtp.mailtrap.io",
    "${smtpPort}": "587",
    "${bulkSmtpHost}": "bulk.smtp.mailtrap.io",
    "${bulkSmtpPort}": "587",
}


def filled_for_account(data: Mapping[str, str], account_id: int | None) -> dict[str, str]:
    """Fill in what is known before there is a token; an account that is not known yet stays open."""
    account = {} if account_id is None else {"${accountId}": str(account_id)}
    return _filled(data, _SERVERS | account)


def filled_for_token(data: Mapping[str, str], token_id: int, expires_at: datetime | None) -> dict[str, str]:
    """Fill in what is known of a token once it is issued."""
    end = print_time(expires_at) if expires_at else "never"
    return _filled(data, {"${tokenId}": str(token_id), "${expiresAt}": end})


def _filled(data: Mapping[str, str], values: Mapping[str, str]) -> dict[str, str]:
    return {key: _replaced(text, values) for key, text in data.items()}


def _replaced(text: str, values: Mapping[str, str]) -> str:
    for placeholder, value in values.items():
        text = text.replace(placeholder, value)
    return text
