"""How long a write waits that did not last, and when it is forgotten."""

from datetime import UTC, datetime, timedelta

import pytest

from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.reverts import STATUS_TARGET
from mailtrap_operator.runtime.reverts import Attempt, Reverts

BILLING, MAILER = ApiTokenKey("shop", "billing"), ApiTokenKey("shop", "mailer")
CHANGED = Attempt("Secret billing", "wanted", "before", "changed", "metadata.labels.team")
LASTING = Attempt("Secret billing", "wanted", "before", "wanted", editor="kyverno")
MINUTE = timedelta(minutes=1)


class Harness:
    """A registry by a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, tzinfo=UTC)
        self.reverts = Reverts(lambda: self.now)

    def pauses(self, attempt: Attempt, times: int, every: timedelta = timedelta()) -> list[float]:
        """Return for how many minutes a write waits after each time it was made."""
        found = []
        for _ in range(times):
            self.reverts.note(BILLING, attempt)
            noted = self.reverts.of(BILLING)
            found.append((noted[0].retry_at - self.now) / MINUTE if noted else 0.0)
            self.now += every
        return found


def test_a_write_that_is_changed_at_admission_waits_longer_each_time() -> None:
    assert [1, 2, 4, 8, 16, 32, 60, 60] == Harness().pauses(CHANGED, 8)


def test_one_that_is_changed_otherwise_is_another_one() -> None:
    harness = Harness()
    harness.pauses(CHANGED, 3)

    assert [1] == harness.pauses(Attempt("Secret billing", "wanted", "before", "otherwise"), 1)


def test_one_that_another_client_undoes_waits_after_some_repetitions() -> None:
    assert [0, 0, 0, 0, 1, 2, 4, 5, 5] == Harness().pauses(LASTING, 9)


def test_one_that_is_undone_now_and_then_never_waits() -> None:
    assert [0] * 9 == Harness().pauses(LASTING, 9, every=11 * MINUTE)


def test_statuses_that_are_changed_all_the_same_wait_although_each_is_another_one() -> None:
    harness = Harness()
    for number in range(7):
        harness.reverts.note(BILLING, Attempt(STATUS_TARGET, f"{number}", "before", f"changed {number}"))

    (noted,) = harness.reverts.of(BILLING)
    assert (True, 4 * MINUTE) == (noted.holds_all, noted.retry_at - harness.now)


def test_no_status_waits_for_longer_than_ten_minutes() -> None:
    changed = Attempt(STATUS_TARGET, "wanted", "before", "changed")

    assert [1, 2, 4, 8, 1, 2, 4, 8, 10, 10] == Harness().pauses(changed, 10)


def test_a_write_that_lasts_ends_it() -> None:
    harness = Harness()
    harness.pauses(CHANGED, 3)

    assert [0] == harness.pauses(LASTING, 1)
    assert () == harness.reverts.of(BILLING)


def test_each_object_has_its_own() -> None:
    harness = Harness()
    harness.pauses(CHANGED, 1)

    assert () == harness.reverts.of(MAILER)


def test_reverted_write_is_refused_until_its_retry() -> None:
    harness = Harness()
    with pytest.raises(Terminal, match=r"metadata\.labels\.team"):
        harness.reverts.must_last(BILLING, CHANGED)
    with pytest.raises(Terminal, match="Secret billing"):
        harness.reverts.check(BILLING, "Secret billing", "wanted", "changed")

    harness.reverts.check(BILLING, "Secret billing", "wanted", "another form")
    harness.now += MINUTE
    harness.reverts.check(BILLING, "Secret billing", "wanted", "changed")
    harness.reverts.must_last(BILLING, LASTING)


def test_what_is_long_past_takes_no_memory() -> None:
    harness = Harness()
    for number in range(20):
        harness.reverts.note(ApiTokenKey("shop", f"{number}"), LASTING)
    harness.now += 11 * MINUTE
    for _ in range(20):
        harness.reverts.note(BILLING, LASTING)

    assert [BILLING] == list(harness.reverts._latest)
