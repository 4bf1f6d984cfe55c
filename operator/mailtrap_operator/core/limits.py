"""Whether the form that a spec asks for is one that the operator's settings let it have.

An ApiToken makes a Secret and restarts workloads with the operator's rights. What other tools take from a Secret's
metadata, such as where to copy it, is for anyone who runs the operator to allow.
"""

from collections.abc import Collection, Iterable, Mapping

from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.observation import Limits
from mailtrap_operator.core.observed_state import ObservedState

_WITHOUT_DOMAIN = ("grafana_",)
"""How keys begin that tools act upon although they have no domain."""


def excessive_form(s: ObservedState) -> str | None:
    """Return what the spec asks for beyond the settings, and what to do; None: nothing."""
    limits, spec = s.seen.identity.limits, s.api_token.spec
    metadata = spec.secret_template.metadata
    for field, marks in (("labels", metadata.labels), ("annotations", metadata.annotations)):
        for key in sorted(marks):
            if not _may_be_set(key, limits):
                return (
                    f"spec.secretTemplate.metadata.{field} has the key {key!r}. Tools may act upon such a key, so the "
                    "operator's settings.allowedSecretMetadata (MAILTRAP_OPERATOR_ALLOWED_SECRET_METADATA) must list it, "
                    f"which is {','.join(limits.secret_metadata) or 'empty'}. Remove the key, or have it listed."
                )
    if spec.rollout_restart_targets and not limits.rollout_restarts:
        return (
            "spec.rolloutRestartTargets is set, and the operator's settings.rolloutRestarts "
            "(MAILTRAP_OPERATOR_ROLLOUT_RESTARTS) is false. Remove the targets, or have the setting changed."
        )
    return None


def refused_base_url(base_url: str, account: AccountKey, allowed: Collection[str]) -> str | None:
    """Return that an account's server is not one that the settings allow, and what to do; None: it is one."""
    if base_url.lower() in allowed:
        return None
    return (
        f"baseUrl {base_url} of {account} is not among the operator's allowed base URLs ({', '.join(sorted(allowed))}). Use "
        "one of them in spec.baseUrl, or have it added to the operator's settings.allowedBaseUrls "
        "(MAILTRAP_OPERATOR_ALLOWED_BASE_URLS)."
    )


def allowed_marks(marks: Mapping[str, str], limits: Limits) -> dict[str, str]:
    """Return the labels or annotations that a Secret may have."""
    return {key: value for key, value in marks.items() if _may_be_set(key, limits)}


def _may_be_set(key: str, limits: Limits) -> bool:
    is_free = "/" not in key and not key.lower().startswith(_WITHOUT_DOMAIN)
    return is_free or _is_listed(key, limits.secret_metadata)


def _is_listed(key: str, allowed: Iterable[str]) -> bool:
    return any(
        key.startswith(each.removesuffix("*")) if each.endswith("*") else key == each for each in allowed
    )
