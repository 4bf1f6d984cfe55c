"""What another installation serves, or has made: it is said once, and left alone.

Another operator may serve the object in this cluster, the cluster may be a clone or have been restored elsewhere, or the
setting was changed. Neither tokens nor Secrets of another installation are touched. The Secret says whose an object is; where
there is none, the status does, which only concerns this one object anyone who wrote it.

Nothing tells whether the other operator lives but what it does: it answers each change of the spec, and it writes its own
words over a statement of ours. Once it did, nothing more is said.
"""

import re
from datetime import timedelta

from mailtrap_operator.api.names import ABANDON_ANNOTATION
from mailtrap_operator.api.v1alpha1 import ApiToken
from mailtrap_operator.core.observation import Found, Observation, RemoteToken, Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.references import own_secret, secret_name

PAUSE = timedelta(minutes=5)
"""How soon an object of another installation is looked at again, and for how long that one may leave a change of the spec unanswered."""

ANSWERED_WITHIN = timedelta(seconds=30)
"""Another operator that lives has written over a statement of ours by then."""

_MARK = re.compile("([a-z2-7]{6})-([a-z2-7]{10})")


def mismatch(seen: Observation) -> Unknown | None:
    """Return what to say of an object that another installation serves, or whose Secret it made; None where it does not."""
    if own_secret(seen.secret, seen.api_token, seen.identity.installation):
        return None
    return _mismatch_of_secret(seen) or mismatch_of_status(seen)


def mismatch_of_status(seen: Observation) -> Unknown | None:
    """Return what to say of an object that, as its status says, another installation serves; None where it does not."""
    if not is_foreign_by_status(seen):
        return None
    status = seen.api_token.status
    token = status.current or next(iter(status.previous), None)
    what = f"Token {token.id} is on record here and" if token else "This ApiToken"
    if token and isinstance(seen.secret, Unknown):
        # It cannot be read just now; most likely it will say the same.
        what = f"The token in Secret {secret_name(seen.api_token)}"
    return _mismatch(what, status.installation or "", seen.identity.installation)


def is_foreign_by_status(seen: Observation) -> bool:
    """Whether the status says that another installation serves the object."""
    return seen.api_token.status.installation not in {None, seen.identity.installation}


def mismatch_of_token(token: RemoteToken, ours: str) -> Unknown | None:
    """Return what to say of a token on record that has another installation's tag; None where it does not."""
    if token.tag is None or token.tag.installation == ours:
        return None
    return _mismatch(f"Token {token.id} is on record here and", token.tag.installation, ours)


def is_this_objects_elsewhere(seen: Observation) -> bool:
    """Whether the Secret of the desired name was made for this very object, by an operator of another installation."""
    mark, meta = _foreign_mark(seen), seen.api_token.metadata
    return mark is not None and mark[2] == owner_of(mark[1], meta.namespace or "", meta.name, meta.uid)


def is_answered(api_token: ApiToken) -> bool:
    """Whether someone who serves the object speaks of its present generation."""
    return api_token.status.observed_generation == api_token.metadata.generation and not _is_stated(api_token)


def may_speak(s: ObservedState) -> bool:
    """Whether to say, or to say again, that another installation serves the object.

    It is said once, and never in the midst of an operation; while that stands, it is kept up to date. Then it is said again
    only where a change of the spec or a deletion finds no one who answers it.
    """
    status, meta, ours = s.api_token.status, s.api_token.metadata, s.seen.identity.installation
    if ours not in status.contenders:
        return status.operation is None or s.settles_in <= timedelta()
    if _is_stated(s.api_token, by=ours):
        return True
    if status.observed_generation == meta.generation:
        return False
    return s.seen.unanswered_for >= PAUSE


def is_left_alone(s: ObservedState) -> bool:
    """Whether an object was reported to belong to another installation, and that got no answer."""
    status, meta = s.api_token.status, s.api_token.metadata
    is_stated = _is_stated(s.api_token) and status.observed_generation == meta.generation
    return is_stated and s.seen.unanswered_for >= ANSWERED_WITHIN


def _is_stated(api_token: ApiToken, by: str | None = None) -> bool:
    """Whether it stands there that another installation serves the object, written by anyone or by one of a name."""
    said = (c for c in api_token.status.conditions if c.type == "Ready")
    told = (c.message for c in said if c.reason == Reason.INSTALLATION_MISMATCH)
    return any(by is None or _signature(by) in message for message in told)


def _signature(ours: str) -> str:
    return f"this operator's is {ours}."


def _mismatch_of_secret(seen: Observation) -> Unknown | None:
    mark, ours = _foreign_mark(seen), seen.identity.installation
    if mark is None or not isinstance(seen.secret, Found):
        return None
    name, theirs = seen.secret.value.name, mark[1]
    if is_this_objects_elsewhere(seen):
        return _mismatch(f"The token in Secret {name}", theirs, ours)
    message = (
        f"Secret {name} belongs to another ApiToken of the installation {theirs}, and {_signature(ours)} If an "
        "operator of that installation serves this namespace, it continues and this one does nothing: assign each namespace to one installation only (watchNamespaces). Otherwise the Secret was copied or restored from another cluster: its "
        "token cannot be taken over, and nothing is touched. Choose another spec.secretName, or delete the Secret when "
        "no one uses its value."
    )
    return Unknown(Reason.INSTALLATION_MISMATCH, message)


def _foreign_mark(seen: Observation) -> re.Match[str] | None:
    owner = seen.secret.value.owner if isinstance(seen.secret, Found) else None
    mark = _MARK.fullmatch(owner or "")
    return mark if mark and mark[1] != seen.identity.installation else None


def _mismatch(what: str, theirs: str, ours: str) -> Unknown:
    message = (
        f"{what} belongs to the installation {theirs}, and {_signature(ours)} If an operator of that installation "
        "serves this namespace, it continues and this one does nothing: assign each namespace to one installation only "
        "(watchNamespaces). Otherwise this cluster is a clone or was restored elsewhere, or the setting was changed, and "
        "nothing is touched. To continue with these tokens, set the operator's settings.installation "
        f"(MAILTRAP_OPERATOR_INSTALLATION) to {theirs}, provided that no other operator continues with it. To have tokens of "
        f'its own here, set the annotation {ABANDON_ANNOTATION}: "true" on this ApiToken, delete it, and apply it again.'
    )
    return Unknown(Reason.INSTALLATION_MISMATCH, message)
