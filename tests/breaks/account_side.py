"""Breaks of the account side: what becomes of accounts, their credentials, orphans and policies."""

from tests.breaks.breaking import Break

_PACKAGE = "operator/mailtrap_operator"
_CORE = f"{_PACKAGE}/core"

ACCOUNT_SIDE = (
    Break(
        name="an orphan is deleted as soon as it is seen",
        file=f"{_CORE}/orphans.py",
        text="for orphan in record if is_over(orphan, now)]",
        replacement="for orphan in record]",
        witnesses=("tests/unit/core/test_orphans.py",),
    ),
    Break(
        name="a list of ApiTokens proves for ever that a token is an orphan",
        file=f"{_PACKAGE}/orphan_sweep.py",
        text="if _now() - listed_at >= _PROVES_FOR:",
        replacement="if False:",
        witnesses=("tests/unit/test_orphan_sweep.py",),
    ),
    Break(
        name="one orphan that may not be deleted keeps all others",
        file=f"{_PACKAGE}/orphan_sweep.py",
        text="refusals[token.id] = refusal\n                    continue",
        replacement="refusals[token.id] = refusal\n                    break",
        witnesses=("tests/unit/test_orphan_sweep.py",),
    ),
    Break(
        name="an operator that only plans deletes orphans",
        file=f"{_CORE}/account_plan.py",
        text='account.spec.orphan_policy == "Delete" and seen.reach.may_write',
        replacement='account.spec.orphan_policy == "Delete"',
        witnesses=("tests/unit/core/test_account_plan.py",),
    ),
    Break(
        name="an operator that sees some namespaces takes the tokens of others for orphans",
        file=f"{_CORE}/account_plan.py",
        text="if not seen.reach.sees_all:",
        replacement="if False:",
        witnesses=("tests/unit/test_orphan_sweep.py",),
    ),
    Break(
        name="the finalizer of an account goes while it is in use",
        file=f"{_CORE}/account_plan.py",
        text='if not is_used:\n        return "remove"',
        replacement='if is_used:\n        return "remove"',
        witnesses=("tests/unit/core/test_account_plan.py",),
    ),
    Break(
        name="the finalizer of a credential goes while another account uses it",
        file=f"{_CORE}/account_plan.py",
        text="releasable_secrets(seen) if name not in seen.shared_secrets)",
        replacement="releasable_secrets(seen))",
        witnesses=("tests/unit/core/test_account_plan.py",),
    ),
    Break(
        name="an account is listed once and never again",
        file=f"{_CORE}/account_plan.py",
        text="trouble.retry_after if trouble else account.spec.refresh_interval",
        replacement="trouble.retry_after if trouble else None",
        witnesses=("tests/unit/core/test_account_plan.py",),
    ),
    Break(
        name="the users of an account are not woken when it works again",
        file=f"{_CORE}/account_plan.py",
        text="return is_usable_again or seen.remembered.terms != seen.terms",
        replacement="return seen.remembered.terms != seen.terms",
        witnesses=("tests/unit/core/test_account_plan.py",),
    ),
    Break(
        name="the end of a credential comes without a warning",
        file=f"{_CORE}/credential.py",
        text="if end is None or end - now > _SOON:",
        replacement="if end is None or end - now < _SOON:",
        witnesses=("tests/unit/core/test_credential.py",),
    ),
    Break(
        name="a tenant's account object speaks for the tokens of another namespace",
        file=f"{_CORE}/tenants.py",
        text="return other.namespace is None or other.namespace == namespace",
        replacement="return True",
        witnesses=("tests/unit/core/test_tenants.py",),
    ),
    Break(
        name="a policy refuses the longest lifetime that it allows",
        file=f"{_CORE}/policy.py",
        text="desired.after is not None and desired.after > longest",
        replacement="desired.after is not None and desired.after >= longest",
        witnesses=("tests/unit/core/test_policy.py",),
    ),
    Break(
        name="a shared account gives its administration away without a list",
        file=f"{_CORE}/policy.py",
        text="    _account_is_not_given_away,\n",
        replacement="",
        witnesses=("tests/unit/core/test_policy.py",),
    ),
)
