"""Breaks of the runtime: queue, cache, resync, election, health pages, the end of the process."""

from tests.breaks.breaking import Break

_PACKAGE = "operator/mailtrap_operator"
_RUNTIME = f"{_PACKAGE}/runtime"

RUNTIME = (
    Break(
        name="the echo of an own write wakes its object",
        file=f"{_RUNTIME}/workqueue.py",
        text="if version and version in self._echoes.get(key, ()):",
        replacement="if False:",
        witnesses=("tests/unit/runtime/test_workqueue.py",),
    ),
    Break(
        name="the backoff has no jitter",
        file=f"{_RUNTIME}/workqueue.py",
        text="return ceiling * self._rng.uniform(0.75, 1.25)",
        replacement="return ceiling",
        witnesses=("tests/unit/runtime/test_workqueue_backoff.py",),
    ),
    Break(
        name="an immediate requeue counts as a success",
        file=f"{_RUNTIME}/workqueue.py",
        text="elif after != 0.0:",
        replacement="else:",
        witnesses=("tests/unit/runtime/test_workqueue_backoff.py",),
    ),
    Break(
        name="the requeue is lost",
        file=f"{_RUNTIME}/workqueue.py",
        text="if after is not None and not self._is_draining:",
        replacement="if after is None and not self._is_draining:",
        witnesses=("tests/unit/runtime/test_workqueue_backoff.py",),
    ),
    Break(
        name="the Lease counts from the answer to its renewal",
        file=f"{_RUNTIME}/elector.py",
        text="self._leads_until = sent + RENEWAL_DEADLINE.total_seconds()",
        replacement="self._leads_until = _now() + RENEWAL_DEADLINE.total_seconds()",
        witnesses=("tests/unit/runtime/test_elector.py",),
    ),
    Break(
        name="a leader that ends does not release the Lease",
        file=f"{_RUNTIME}/elector.py",
        text='replace(own, holder="", renewed_at=self._clock())',
        replacement="replace(own, renewed_at=self._clock())",
        witnesses=("tests/unit/runtime/test_elector.py",),
    ),
    Break(
        name="the watches end before the running reconciles",
        file=f"{_RUNTIME}/shutdown.py",
        text="    await on_stop()\n    stop.set()\n",
        replacement="    stop.set()\n    await on_stop()\n",
        witnesses=("tests/unit/runtime/test_shutdown.py",),
    ),
    Break(
        name="a connection may send for ever in small parts",
        file=f"{_RUNTIME}/connections.py",
        text="if self._received > MOST_BYTES:",
        replacement="if len(data) > MOST_BYTES:",
        witnesses=("tests/unit/runtime/test_connections.py",),
    ),
    Break(
        name="an older version replaces a newer one in the cache",
        file=f"{_RUNTIME}/cache.py",
        text="return uid in self._gone_uids or (known is not None and not is_newer(version, known))",
        replacement="return uid in self._gone_uids",
        witnesses=("tests/unit/runtime/test_cache.py",),
    ),
    Break(
        name="one resync makes a watch deaf",
        file=f"{_RUNTIME}/watchdog.py",
        text="_RESYNCS = 2",
        replacement="_RESYNCS = 1",
        witnesses=("tests/unit/runtime/test_watchdog.py",),
    ),
    Break(
        name="what became known during a list counts as gone",
        file=f"{_RUNTIME}/listing.py",
        text="if name not in listed and now.get(name) == version:",
        replacement="if name not in listed:",
        witnesses=("tests/unit/runtime/test_verify.py",),
    ),
    Break(
        name="a list ends with its first page",
        file=f"{_RUNTIME}/listing.py",
        text='query["continue"] = following',
        replacement="return",
        witnesses=("tests/unit/runtime/test_listing.py",),
    ),
    Break(
        name="a warning that many objects share fills the log",
        file=f"{_PACKAGE}/telemetry/repetitions.py",
        text="if now - since < _INTERVAL:\n            self._known[cause] = (since, left_out + 1)\n            return False",
        replacement="if now - since < _INTERVAL:\n            self._known[cause] = (since, left_out + 1)",
        witnesses=("tests/unit/telemetry/test_repetitions.py",),
    ),
    Break(
        name="a deleted ApiToken does not go before the others",
        file=f"{_PACKAGE}/informer.py",
        text='if "deletionTimestamp" in meta:\n        return Priority.URGENT\n',
        replacement='if "deletionTimestamp" in meta:\n        return Priority.CHANGE\n',
        witnesses=("tests/unit/test_informer.py",),
    ),
)
