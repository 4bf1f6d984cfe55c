"""Takes an account's credential out of its Secret, or says what is wrong there; the credential is kept nowhere here."""

import base64
import binascii
import hashlib

from pydantic import SecretStr

from mailtrap_operator.clients import secret_marks
from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.clients.kube import Body
from mailtrap_operator.clients.mailtrap_bodies import is_sendable
from mailtrap_operator.core.reasons import Reason


def credential_in(secret: Body, key: str, place: str) -> SecretStr:
    """Return what a key of a Secret holds, without blanks around it; `place` is how messages name the Secret.

    Raises:
        Terminal: There is nothing under the key that could be a credential.
    """
    try:
        value = base64.b64decode((secret.get("data") or {})[key]).decode("ascii").strip()
    except KeyError:
        raise _missing(f"{place} has no key {key!r}.") from None
    except (binascii.Error, UnicodeDecodeError):
        raise _missing(f"Key {key!r} of {place} holds no text that could be a token.") from None
    credential = SecretStr(value)
    if not is_sendable(credential):
        raise _missing(f"Key {key!r} of {place} is empty or holds blanks.")
    return credential


def marked_id(secret: Body, credential: SecretStr) -> int | None:
    """Return which token a credential is, where the operator has written it into its Secret itself."""
    annotations = secret["metadata"].get("annotations") or {}
    return secret_marks.marked_id(annotations, credential.get_secret_value())


def digest_of(credential: SecretStr) -> str:
    """Return what tells a credential from another one without holding it."""
    return hashlib.sha256(credential.get_secret_value().encode()).hexdigest()


def _missing(cause: str) -> Terminal:
    return Terminal(Reason.CREDENTIAL_MISSING, f"{cause} Put the credential there.")
