"""What another installation has made: this cluster is a clone, or was restored elsewhere, or the setting was changed.

Neither tokens nor Secrets of another installation are touched. Which of the two is to go on, only people can say.
"""

import re

from mailtrap_operator.core.observation import Found, Observation, RemoteToken, Unknown
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.reasons import Reason

_MARK = re.compile("([a-z2-7]{6})-([a-z2-7]{10})")


def mismatch_of_token(token: RemoteToken, ours: str) -> Unknown | None:
    """Return what to say of a token on record that bears another installation's tag; None where it does not."""
    if token.tag is None or token.tag.installation == ours:
        return None
    return _mismatch(f"Token {token.id} is on record here and", token.tag.installation, ours)


def mismatch_of_secret(seen: Observation) -> Unknown | None:
    """Return what to say of a Secret of the wished name that another installation made; None where it did not."""
    mark, ours = _foreign_mark(seen), seen.identity.installation
    if mark is None or not isinstance(seen.secret, Found):
        return None
    name, theirs = seen.secret.value.name, mark[1]
    if is_this_objects_elsewhere(seen):
        return _mismatch(f"The token in Secret {name}", theirs, ours)
    message = (
        f"Secret {name} belongs to another ApiToken of the installation {theirs}, and this operator's is {ours}: it was "
        "copied or restored from another cluster, and nothing is touched. Its token cannot be taken over. Delete the "
        "Secret, and this ApiToken gets a token of its own."
    )
    return Unknown(Reason.INSTALLATION_MISMATCH, message)


def is_this_objects_elsewhere(seen: Observation) -> bool:
    """Whether the Secret of the wished name was made for this very object, by an operator of another installation."""
    mark, meta = _foreign_mark(seen), seen.api_token.metadata
    return mark is not None and mark[2] == owner_of(mark[1], meta.namespace or "", meta.name, meta.uid)


def _foreign_mark(seen: Observation) -> re.Match[str] | None:
    owner = seen.secret.value.owner if isinstance(seen.secret, Found) else None
    mark = _MARK.fullmatch(owner or "")
    return mark if mark and mark[1] != seen.identity.installation else None


def _mismatch(what: str, theirs: str, ours: str) -> Unknown:
    message = (
        f"{what} belongs to the installation {theirs}, and this operator's is {ours}: this cluster is a clone or was "
        "restored elsewhere, or the setting was changed. Nothing is touched. To go on with the tokens, set the "
        f"operator's settings.installation (MAILTRAP_OPERATOR_INSTALLATION) to {theirs}, provided that no other cluster "
        "goes on with it. To have tokens of its own here, delete the Secret and clear the status of this ApiToken."
    )
    return Unknown(Reason.INSTALLATION_MISMATCH, message)
