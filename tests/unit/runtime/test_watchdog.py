"""When a watch is deaf, and when it is not: histories of resyncs, and of what the watch tells between them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from mailtrap_operator.runtime.watchdog import ObjectName, Watchdog

BILLING: ObjectName = ("team", "billing")
DEFAULT: ObjectName = (None, "default")
INTERVAL = timedelta(minutes=10)
DEAF = "The watch of ApiTokens reports no changes."


@dataclass
class History:
    """What happens to one watchdog; every resync comes an interval after the one before."""

    now: float = 0.0
    watchdog: Watchdog = field(init=False)

    def __post_init__(self) -> None:
        self.watchdog = Watchdog(lambda: self.now)

    def resync(
        self, missed: str = "", *, listed: bool = True, kind: str = "ApiToken", after: timedelta = INTERVAL
    ) -> "History":
        """Resync; `missed` is the version in which the object was not reported."""
        self.now += after.total_seconds()
        name = BILLING if kind == "ApiToken" else DEFAULT
        self.watchdog.compare(kind, {name} if listed else set(), {name: missed} if missed else {})
        return self

    def tell(self, version: str, kind: str = "ApiToken") -> "History":
        """Have the watch report the object."""
        namespace, name = BILLING if kind == "ApiToken" else DEFAULT
        meta = {"name": name, "resourceVersion": version} | ({"namespace": namespace} if namespace else {})
        self.watchdog.heard({"kind": kind, "metadata": meta})
        return self

    def fail(self) -> "History":
        """Have a resync fail."""
        self.watchdog.forget()
        return self


HEARING: dict[str, Callable[[History], History]] = {
    "nothing was ever missed": lambda h: h.resync().resync().resync(),
    "a change was missed just now": lambda h: h.resync("5"),
    "a change was missed a resync ago": lambda h: h.resync("5").resync(),
    "a change was reported late": lambda h: h.resync("5").resync().tell("5").resync().resync(),
    "a later change was reported": lambda h: h.resync("5").tell("9").resync().resync(),
    "the object that was missed is gone": lambda h: h.resync("5").resync(listed=False).resync().resync(),
    "each resync finds another change, and the watch is slow": lambda h: (
        h.resync("5").tell("5").resync("6").tell("6").resync("7").tell("7")
    ),
    "an outage lies between": lambda h: h.resync("5").fail().resync().resync(),
    "an outage ends, and the watch comes back after the resync": lambda h: (
        h.resync("5").fail().fail().resync("7").resync().tell("7").resync()
    ),
    "resyncs follow one another so fast that no watch can keep up": lambda h: (
        h.resync("5")
        .resync(after=timedelta(seconds=1))
        .resync(after=timedelta(seconds=1))
        .resync(after=timedelta(seconds=1))
    ),
}

SILENT: dict[str, Callable[[History], History]] = {
    "two later resyncs, and never a word": lambda h: h.resync("5").resync().resync(),
    "an older version is reported": lambda h: h.resync("5").tell("4").resync().resync(),
    "another kind is reported": lambda h: h.resync("5").tell("9", "ClusterMailtrapAccount").resync().resync(),
    "it changes again and again": lambda h: h.resync("5").resync("6").resync("7"),
    "fast resyncs, for long": lambda h: (
        h.resync("5").resync(after=timedelta(minutes=3)).resync(after=timedelta(minutes=3))
    ),
    "it is reported when it is too late": lambda h: h.resync("5").resync().resync().tell("5"),
}


@pytest.mark.parametrize("happens", HEARING.values(), ids=HEARING)
def test_a_watch_that_hears_is_not_accused(happens: Callable[[History], History]) -> None:
    assert None is happens(History()).watchdog.unhealthy_reason()


@pytest.mark.parametrize("happens", SILENT.values(), ids=SILENT)
def test_a_deaf_watch_is_named(happens: Callable[[History], History]) -> None:
    assert DEAF == happens(History()).watchdog.unhealthy_reason()


def test_a_cluster_wide_object_is_known_by_its_name_alone() -> None:
    history = History().resync("5", kind="ClusterMailtrapAccount")
    history.tell("5", "ClusterMailtrapAccount").resync(kind="ClusterMailtrapAccount").resync(
        kind="ClusterMailtrapAccount"
    )

    assert None is history.watchdog.unhealthy_reason()


def test_all_deaf_kinds_are_named() -> None:
    history = History()
    for missed in ("5", "", ""):
        history.resync(missed).resync(missed, kind="ClusterMailtrapAccount", after=timedelta())

    assert (
        "The watch of ApiTokens, ClusterMailtrapAccounts reports no changes."
        == history.watchdog.unhealthy_reason()
    )
