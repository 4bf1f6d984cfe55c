"""What `plan` tells is what the operator does: the reconciles that follow do it and nothing else, or say why not.

Histories of edits, troubles among them, run against the operator's own parts and the simulated servers. Then the operator
is gone, more is edited, `plan` tells, and a new operator has its reconciles of the object until it comes to rest.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.preview import NOTHING_TO_DO, SOMETHING_TO_DO, preview
from mailtrap_operator.runtime.listing import list_all
from mailtrap_operator.settings import PreviewSettings
from tests.simulation.accounts import add_accounts
from tests.simulation.network import Network
from tests.simulation.operator_instance import OperatorInstance
from tests.simulation.outcomes import Kind
from tests.simulation.test_policies import ACCOUNT, MANY_WORKERS, NAMES, STEPS, WAITS, History, Step, Timed
from tests.simulation.troubles import NOTHING, TROUBLES, Trouble
from tests.simulation.world import NAMESPACE, Body, World, api_token_path, secret_path
from tests.unit.clock import run_virtual

MOST_PASSES = 30


@dataclass(frozen=True, slots=True)
class Effect:
    """What happened to the remote tokens: how many were made, of which others were reset, which were deleted."""

    created: int = 0
    reset: frozenset[int] = frozenset()
    deleted: frozenset[int] = frozenset()

    def is_within(self, other: "Effect") -> bool:
        return self.created <= other.created and self.reset <= other.reset and self.deleted <= other.deleted


NO_EFFECT = Effect()


def told_in(would: list[str], before: Mapping[int, Any]) -> Effect:
    """Return what steps come to that are not for later; a token may be gone already, which only its DELETE tells."""
    ids = {step: frozenset(map(int, re.findall(r"\d+", step))) for step in would}
    reset = [each for step, each in ids.items() if step.startswith("reset token")]
    deleted = [
        each for step, each in ids.items() if step.startswith("delete token") and not step.endswith("later")
    ]
    gone = frozenset().union(*deleted) & before.keys()
    return Effect(would.count("create a token"), frozenset().union(*reset), gone)


def effect(world: World, before: dict[int, Any]) -> Effect:
    """Return what has become of the remote tokens."""
    after = world.remote_tokens()
    new = [token for id_, token in after.items() if id_ not in before]
    bases = {
        id_
        for token in new
        for id_, old in before.items()
        if re.fullmatch(rf"{re.escape(old.name)} \d+", token.name)
    }
    gone = frozenset(before) - frozenset(after)
    return Effect(len(new) - len(bases), frozenset(bases), gone)


async def told(world: World, name: str) -> tuple[int, Body]:
    """Return what `plan` answers of an ApiToken: the exit status and its row."""
    planner = world.add_operator()
    asked = PreviewSettings(names=(name,), in_namespace=NAMESPACE, output="json")
    answer = await preview(planner.operator, planner._kube, asked)
    planner.life.is_alive = False
    (row,) = json.loads(answer.text)["apiTokens"]
    return answer.status, row


async def work(operator: OperatorInstance, name: str) -> bool:
    """Have an operator's reconciles of an ApiToken until it comes to rest; return whether one failed."""
    parts = operator.operator
    for number in range(MOST_PASSES):
        await list_all(operator._kube, parts.informer.listings(parts.scope))
        if number == 0:
            # The reconciles of the accounts do so at the start.
            for key in parts.cache.account_keys():
                await parts.accounts.at(key).list_tokens()
        result = await parts._work(ApiTokenKey(NAMESPACE, name))
        if result.is_failed or result.requeue_after != timedelta():
            return result.is_failed
    raise AssertionError("it does not come to rest")


def reasons(world: World, name: str) -> set[str]:
    status = (world.read(api_token_path(name)) or {}).get("status", {})
    return {condition["reason"] for condition in status.get("conditions", ())}


class Judge:
    """Holds what was reported an ApiToken against what the operator then does."""

    def __init__(self, world: World, name: str) -> None:
        self._world = world
        self._name = name

    async def violations(self) -> list[str]:
        world, name = self._world, self._name
        status, row = await told(world, name)
        before, secret = world.remote_tokens(), world.read(secret_path(name))
        operator = world.add_operator()
        world.network.calls.clear()
        has_failed = await work(operator, name)
        writes = [call.what for call in world.network.calls if call.kind is Kind.KUBERNETES_WRITE]
        operator.life.is_alive = False
        event(f"{row['prospect']}{': ' + row['reason'] if row['prospect'] != 'change' else ''}")
        did = effect(world, before)
        found = list(self._wrong_with(row, status, before, did, has_failed=has_failed))
        is_written = any(not what.startswith("PUT apitokens/status") for what in writes)
        if row["prospect"] != "change" and (is_written or secret != world.read(secret_path(name))):
            found.append(f"Kubernetes is written to: {writes}")
        if "Stalled" in self._conditions() and has_failed:
            # What was only found out by trying is told from then on.
            _, row = await told(world, name)
            reason = self._conditions()["Stalled"]["reason"]
            # A status does not tell whether a token was refused or the deletion of an old one, which goes in turn.
            is_in_turn = row["reason"] == "Revoking"
            if (row["prospect"], row["reason"]) != ("blocked", reason) and not is_in_turn:
                found.append(f"refused for {reason}, and told is {row}")
        return [f"{name}, told {row}: {wrong}" for wrong in found]

    def _conditions(self) -> dict[str, Body]:
        status = (self._world.read(api_token_path(self._name)) or {}).get("status", {})
        return {condition["type"]: condition for condition in status.get("conditions", ())}

    def _wrong_with(
        self, row: Body, status: int, before: Mapping[int, Any], did: Effect, *, has_failed: bool
    ) -> Iterator[str]:
        promised = told_in(row["would"], before)
        if row["prospect"] != "change":
            if did != NO_EFFECT:
                yield f"it did {did}"
        elif not did.is_within(promised) or (not has_failed and did != promised):
            yield f"it did {did}, not {promised}"
        if row["prospect"] in {"blocked", "unknown"} and row["reason"] not in reasons(
            self._world, self._name
        ):
            yield f"the status says {reasons(self._world, self._name)}"
        if (status == NOTHING_TO_DO) != (row["prospect"] == "nothing") and status in {
            NOTHING_TO_DO,
            SOMETHING_TO_DO,
        }:
            yield f"exit status {status}"


class Past(History):
    """A history in which the account may be gone."""

    def edit_policy(self, rules: Mapping[str, Any]) -> None:
        if self.world.read(ACCOUNT):
            super().edit_policy(rules)


async def _wrongs(steps: Timed, trouble: Trouble, at: int, edits: list[Step]) -> list[str]:
    world = World(Network(), setup=MANY_WORKERS)
    add_accounts(world)
    history = Past(world)
    world.network.is_counting = True
    world.network.script = history.outcome
    await world.start_operator()
    found: list[str] = []
    with ExitStack() as stack:
        for number, (do, wait) in enumerate(steps):
            if number == at:
                stack.enter_context(trouble.over(world, NAMES[0]))
            do(history)
            await asyncio.sleep(wait)
        await world.stop_operators()
        for do in edits:
            do(history)
        await asyncio.sleep(1)
        for name in NAMES:
            if world.read(api_token_path(name)):
                found += await Judge(world, name).violations()
    return found


@settings(
    max_examples=100,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    st.lists(st.tuples(STEPS, WAITS), min_size=2, max_size=8),
    st.sampled_from([NOTHING, NOTHING, *TROUBLES]),
    st.integers(0, 6),
    st.lists(STEPS, max_size=2),
)
def test_the_operator_does_what_plan_tells_and_nothing_else(
    steps: Timed, trouble: Trouble, at: int, edits: list[Step]
) -> None:
    assert [] == run_virtual(_wrongs(steps, trouble, at, edits))


async def _told_of_a_forged_status() -> str:
    world = World(Network())
    world.put_api_token("a")
    forged = {
        "type": "Stalled",
        "status": "True",
        "observedGeneration": 1,
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "reason": "RequestRefused",
        "message": "gone\x1b[2J\nteam   b   do nothing",
    }
    status = {"observedGeneration": 1, "conditions": [forged]}
    world.write("PATCH", f"{api_token_path('a')}/status", {"status": status})
    planner = world.add_operator()
    return (await preview(planner.operator, planner._kube, PreviewSettings())).text


def test_a_status_that_someone_wrote_stays_in_its_row() -> None:
    _, line, *_ = run_virtual(_told_of_a_forged_status()).splitlines()

    assert ["team", "a", "blocked", "gone"] == line.split()[:4]
    assert line.isprintable()
