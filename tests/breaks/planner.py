"""Breaks of what is decided: the planner in `core/`."""

from tests.breaks.breaking import Break

_CORE = "operator/mailtrap_operator/core"

PLANNER = (
    Break(
        name="the renewals of different objects are not spread",
        file=f"{_CORE}/expiry.py",
        text="spread = min(lead, lifetime - lead) * _JITTER * _fraction(uid)",
        replacement="spread = timedelta()",
        witnesses=("tests/unit/core/test_expiry.py",),
    ),
    Break(
        name="an overlap lasts a moment longer than it says",
        file=f"{_CORE}/overlap.py",
        text="return token.delete_after <= s.now and not waits",
        replacement="return token.delete_after < s.now and not waits",
        witnesses=("tests/unit/core/test_retiring.py",),
    ),
    Break(
        name="a replaced token goes before its consumers have moved",
        file=f"{_CORE}/overlap.py",
        text="return token.delete_after <= s.now and not waits",
        replacement="return token.delete_after <= s.now",
        witnesses=("tests/unit/core/test_consumers.py",),
    ),
    Break(
        name="a namespace gets one token more than the policy allows",
        file=f"{_CORE}/token_count.py",
        text="return count.others + count.reserved >= most",
        replacement="return count.others + count.reserved > most",
        witnesses=("tests/unit/core/test_token_count.py",),
    ),
    Break(
        name="a token is issued although the account gave no answer",
        file=f"{_CORE}/issuing.py",
        text="    _account_gives_no_answer,\n",
        replacement="",
        witnesses=("tests/unit/core/test_unknown.py",),
    ),
    Break(
        name="an account that is being deleted issues further tokens",
        file=f"{_CORE}/issuing.py",
        text="    _terminating_account_issues_no_token,\n",
        replacement="",
        witnesses=("tests/unit/core/test_protection.py",),
    ),
    Break(
        name="a suspended object is repaired, and any other is not",
        file=f"{_CORE}/bookkeeping.py",
        text="if not s.api_token.spec.suspend:",
        replacement="if s.api_token.spec.suspend:",
        witnesses=("tests/unit/core/test_standing_still.py",),
    ),
    Break(
        name="rotation by hand does not wait for the annotation",
        file=f"{_CORE}/rotation.py",
        text='if rotation.policy == "Manual":\n        message',
        replacement='if rotation.policy == "Manual" and rotation.windows:\n        message',
        witnesses=("tests/unit/core/test_rotation.py",),
    ),
    Break(
        name="a request for a rotation is answered again and again",
        file=f"{_CORE}/causes.py",
        text='digests.rotate_request(s.api_token) not in {"", s.base.rotate_request}',
        replacement='digests.rotate_request(s.api_token) != ""',
        witnesses=("tests/unit/core/test_rotation.py",),
    ),
    Break(
        name="one repair more than allowed within an hour",
        file=f"{_CORE}/history.py",
        text="if len(repairs) >= MOST_REPAIRS else None",
        replacement="if len(repairs) > MOST_REPAIRS else None",
        witnesses=("tests/unit/core/test_history.py",),
    ),
    Break(
        name="a token is adopted without a confirmation",
        file=f"{_CORE}/adoption.py",
        text="return s.unknown or _unconfirmed(s, seen.value.token) or seen.value.token",
        replacement="return s.unknown or seen.value.token",
        witnesses=("tests/unit/core/test_adoption.py",),
    ),
    Break(
        name="deletionPolicy Retain deletes the tokens",
        file=f"{_CORE}/deletion.py",
        text='is_retained = spec.deletion_policy == "Retain"',
        replacement="is_retained = False",
        witnesses=("tests/unit/core/test_release.py",),
    ),
    Break(
        name="a workload is restarted again for the same value",
        file=f"{_CORE}/consumers.py",
        text="return workload.restarted_for != token.id and not is_younger",
        replacement="return not is_younger",
        witnesses=("tests/unit/core/test_consumers.py",),
    ),
    Break(
        name="a window that is open already is missed",
        file=f"{_CORE}/windows.py",
        text="earliest = (moment - window.duration)",
        replacement="earliest = moment",
        witnesses=("tests/unit/core/test_windows.py",),
    ),
)
