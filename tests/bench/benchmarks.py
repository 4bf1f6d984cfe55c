"""The benchmarks: each takes a stage and returns its figures, named with their unit."""

import time
from collections.abc import Callable, Mapping

from tests.bench.accounts import many_accounts
from tests.bench.health import Prober
from tests.bench.load import MIB, ProcessLoad
from tests.bench.stage import Stage, used
from tests.bench.table import percentile
from tests.bench.users import Onlooker, create, delete
from tests.e2e.world import eventually

Figures = dict[str, float]

_IDLE = 60.0
_ONE_BY_ONE = 50
_SETTLED = 0.05
"""Of a core: an operator that uses less for a while has nothing more to do."""


def burst(stage: Stage) -> Figures:
    """Create all ApiTokens at once, then delete them all at once."""
    names = stage.names()
    with stage.operator() as operator:
        onlooker, begun, before = Onlooker(stage.world), time.monotonic(), used(operator)
        with Prober(operator.port) as prober:
            create(stage.world, names)
            ready = onlooker.wait_ready(names)
        after, calls = used(operator), stage.remote_calls()
        spare, kubernetes = stage.spare_tokens(), stage.kubernetes_calls()
        figures = {
            "new: s": ready - begun,
            "new: processor ms a token": 1000 * (after.processor - before.processor) / len(names),
            "new: remote calls a token": calls.total() / len(names),
            "new: Kubernetes calls a token": kubernetes.total() / len(names),
            "new: answers 429": calls["429"],
            "new: spare tokens": spare,
            "new: health p99 ms": 1000 * percentile(prober.seconds, 99),
            "new: health max ms": 1000 * max(prober.seconds),
            "memory MiB": after.memory / MIB,
        }
        begun = time.monotonic()
        delete(stage.world, names)
        gone, ended, more = onlooker.wait_gone(names), used(operator), stage.remote_calls() - calls
    return figures | {
        "deleted: s": gone - begun,
        "deleted: processor ms a token": 1000 * (ended.processor - after.processor) / len(names),
        "deleted: remote calls a token": more.total() / len(names),
        "deleted: LISTs": more["list"],
        "deleted: answers 429": more["429"],
    }


def single(stage: Stage) -> Figures:
    """Create ApiTokens one after the other; each is timed until its Secret holds a value."""
    seconds = []
    with stage.operator():
        create(stage.world, ["first"])
        stage.world.becomes_ready("first")
        for number in range(_ONE_BY_ONE):
            name, begun = f"single-{number}", time.perf_counter()
            create(stage.world, [name])
            while not stage.world.value(name):
                time.sleep(0.002)
            seconds.append(time.perf_counter() - begun)
    return {f"apply to Secret p{part} s": percentile(seconds, part) for part in (50, 99)}


def rest(stage: Stage) -> Figures:
    """Hold all ApiTokens: memory, an idle minute, and a start with them until nothing is left to do."""
    names = stage.names()
    stage.world.put_account(refreshInterval="60s")
    with stage.operator() as operator:
        empty = used(operator)
        onlooker = Onlooker(stage.world)
        create(stage.world, names)
        onlooker.wait_ready(names)
        _settle(operator.pid)
        full, calls, begun = used(operator), stage.kubernetes_calls(), time.monotonic()
        time.sleep(_IDLE)
        idle, asked = used(operator), stage.kubernetes_calls() - calls
        passed = time.monotonic() - begun
    before, begun = stage.kubernetes_calls(), time.monotonic()
    with stage.operator() as operator:
        create(stage.world, ["new"])
        eventually(lambda: stage.world.value("new"), "the new object has its Secret")
        first = time.monotonic() - begun
        _settle(operator.pid)
        started, more = used(operator), stage.kubernetes_calls() - before
    return {
        "memory MiB, no object": empty.memory / MIB,
        "memory MiB, all": full.memory / MIB,
        "memory MiB, all, after a restart": started.memory / MIB,
        "idle: percent of a core": 100 * (idle.processor - full.processor) / passed,
        "idle: writes": _writes(asked),
        "restart: s to the first new object": first,
        "restart: processor s": started.processor,
        "restart: writes": _writes(more),
    }


def _writes(calls: Mapping[str, int]) -> int:
    return sum(count for verb, count in calls.items() if verb not in {"get", "list", "watch"})


def _settle(pid: int) -> None:
    """Wait until a process has nothing more to do."""
    while True:
        before = ProcessLoad.of(pid).processor
        time.sleep(2)
        if ProcessLoad.of(pid).processor - before < 2 * _SETTLED:
            return


BENCHMARKS: Mapping[str, Callable[[Stage], Figures]] = {
    "burst": burst,
    "single": single,
    "rest": rest,
    "accounts": many_accounts,
}
