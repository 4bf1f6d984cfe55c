"""The desired state: the token to issue and the Secret to publish it in."""

from collections.abc import Mapping

from mailtrap_operator.api.names import MANAGED_BY, MANAGED_BY_LABEL
from mailtrap_operator.api.v1alpha1 import CurrentToken, Issuance, OperationStatus
from mailtrap_operator.core import digests
from mailtrap_operator.core.actions import DesiredSecret, IssueToken
from mailtrap_operator.core.causes import Cause
from mailtrap_operator.core.credential import is_in_use
from mailtrap_operator.core.drift import access_has_drifted
from mailtrap_operator.core.expiry import wanted_expiry
from mailtrap_operator.core.history import conflicting_manager
from mailtrap_operator.core.limits import allowed_marks
from mailtrap_operator.core.observation import FormerValue, OwnerReference, SecretState
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.overlap import is_over
from mailtrap_operator.core.ownership import Tag, remote_name
from mailtrap_operator.core.policy import excess, limits_rights
from mailtrap_operator.core.templates import filled_for_account, filled_for_token

Form = tuple[
    Mapping[str, str],
    Mapping[str, str],
    Mapping[str, str],
    FormerValue | None,
    tuple[OwnerReference, ...],
]
"""Layout, labels, annotations, former value and owners of a Secret: all that a write of the operator gives it."""

_LONGEST_NAME_TO_RESET = 240
"""Each reset makes a name longer by the new id; a created token begins with a short one again."""


def issue(s: ObservedState, cause: Cause) -> IssueToken:
    """Return the action that issues what the spec asks for: a reset of the base where that can do it, else a create."""
    spec, account, resolution = s.api_token.spec, s.seen.account, s.resolution
    base = s.base if can_reset(s, cause) else None
    wanted = digests.access_digest(s.api_token, account.account_id, resolution.resources)
    operation = OperationStatus(
        type="Reset" if base else "Create",
        nonce=s.seen.fresh_nonce,
        base=base.id if base else None,
        started_at=s.now,
        holder=s.seen.identity.holder,
        account=account.ref,
        cause=cause.reason,
    )
    return IssueToken(
        reason=cause.reason,
        why=why(s, cause),
        priority=cause.priority,
        operation=operation,
        remote_name=remote_name(
            digests.display_name(s.api_token), Tag(s.seen.identity.installation, s.owner, s.seen.fresh_nonce)
        ),
        resources=resolution.resources,
        expires_at=wanted_expiry(spec.expiration, s.now),
        issuance=Issuance(
            issued_at=s.now,
            # A reset keeps the permissions, also while the desired ones are not known.
            access_digest=base.access_digest if base else wanted,
            expiration_digest=digests.expiration_digest(s.api_token),
            account=account.ref,
            # One that was answered before stays answered, also while the annotation is away.
            rotate_request=digests.rotate_request(s.api_token) or s.answered_request,
        ),
        secret=desired_secret(s),
        bound=resolution.bound,
        policy=account.tenancy.policy if account.tenancy else None,
    )


def can_reset(s: ObservedState, cause: Cause) -> bool:
    """Whether a reset of the base makes what the spec asks for, as far as that is known, and the policy allows it.

    More may be wrong than the cause: the first one is the cause, and any of the others may need another token. A reset keeps the permissions: they are judged as Mailtrap tells them, whatever the spec and the record say.
    """
    base = s.base
    return (
        cause.reset_is_enough
        and s.api_token.spec.rotation.strategy == "Reset"
        and base is not None
        and base.id in s.owned
        and s.owned[base.id].account == s.seen.account.ref
        and excess(s, s.owned[base.id].permissions) is None
        and not is_in_use(s, s.owned[base.id])
        and len(s.owned[base.id].name) <= _LONGEST_NAME_TO_RESET
        and not base.reset_refused
        and not s.has_successor(base.id)
        and _has_desired_access(s, base)
        and not access_has_drifted(s, base)
    )


def _has_desired_access(s: ObservedState, base: CurrentToken) -> bool:
    account, resolution = s.seen.account, s.resolution
    if resolution.trouble is not None:
        tenancy = account.tenancy
        return base.account == account.ref and not (tenancy and limits_rights(tenancy.policy))
    return base.access_digest == digests.access_digest(s.api_token, account.account_id, resolution.resources)


def why(s: ObservedState, cause: Cause) -> str:
    """Return why a token is issued, as the end of a sentence."""
    manager = conflicting_manager(s, cause)
    again = f", for the second time in a row: field manager {manager!r} rewrites it" if manager else ""
    return f"{cause.why}{again}"


def desired_secret(s: ObservedState, token: CurrentToken | None = None) -> DesiredSecret:
    """Return the Secret as the spec wants it for a token; None: one that is still to be issued."""
    meta, spec = s.api_token.metadata, s.api_token.spec
    template, limits = spec.secret_template, s.seen.identity.limits
    target = s.secret or s.overwritable_secret
    view = s.view(token.account if token else spec.account_ref)
    data = filled_for_account(template.data, view.account_id if view else None)
    if token:
        data = filled_for_token(data, token.id, token.expires_at)
    return DesiredSecret(
        namespace=meta.namespace or "",
        name=s.secret_name,
        owner=s.owner_mark,
        api_token_name=meta.name,
        api_token_uid=meta.uid,
        is_owned=spec.creation_policy == "Owner",
        labels={**allowed_marks(template.metadata.labels, limits), MANAGED_BY_LABEL: MANAGED_BY},
        annotations=allowed_marks(template.metadata.annotations, limits),
        data=data,
        former=_former_value(s, token),
        resource_version=target.resource_version if target else None,
    )


def _former_value(s: ObservedState, token: CurrentToken | None) -> FormerValue | None:
    """Return the value to keep beside that of a token: the one it replaces, or the one that is kept while it works."""
    key = s.api_token.spec.secret_template.previous_key
    if key is None:
        return None
    if token is None:
        return FormerValue(key, s.held.id) if s.held else None
    source = s.secret or s.former_secret
    kept = source.former if source else None
    is_terminating = kept is not None and any(
        p.id == kept.token_id and not is_over(s, p) for p in s.record.previous
    )
    return FormerValue(key, kept.token_id) if kept and is_terminating else None


def fulfils(secret: SecretState, desired: DesiredSecret) -> bool:
    """Whether a Secret already has the desired form."""
    return form_of(secret, desired.api_token_uid) == form_wanted(desired)


def form_of(secret: SecretState, uid: str) -> Form:
    """Return the form of a Secret for the ApiToken with that uid; what others added to it does not count."""
    owners = tuple(owner for owner in secret.owners if owner.uid == uid)
    return secret.layout, secret.labels, secret.annotations, secret.former, owners


def form_wanted(desired: DesiredSecret) -> Form:
    """Return the form that a Secret is to have."""
    layout = {key: digests.form_digest(text) for key, text in desired.data.items()}
    return layout, desired.labels, desired.annotations, desired.former, desired.owners


def form_digest(form: Form) -> str:
    """Digest the form of a Secret."""
    parts = [sorted(part.items()) if isinstance(part, Mapping) else part for part in form]
    return digests.form_digest(repr(parts))
