"""The design's table "What causes which change", field by field, and whether a transition keeps to it."""

from collections.abc import Mapping
from enum import Enum
from functools import cache
from itertools import product

from tests.simulation.invariants import ViolationError
from tests.simulation.persisted import named
from tests.simulation.transitions import Cost, Spec, Transition, cost_of, odd_transitions, right_transitions
from tests.simulation.troubles import FOREIGN_SECRET, NOTHING, REFUSALS, TROUBLES, Trouble


class Effect(Enum):
    """What a change leads to: tokens created, tokens reset, and whether the Secret is written.

    REWRITE gives the same value another form or place; nothing remote.
    """

    NOTHING = (0, 0, False)
    REWRITE = (0, 0, True)
    REPLACE = (1, 0, True)
    RESET = (0, 1, True)

    @property
    def tokens(self) -> tuple[int, int]:
        """The tokens created and reset."""
        created, reset, _ = self.value
        return created, reset

    @property
    def is_written(self) -> bool:
        """Whether the Secret is written."""
        return self.value[2]


EFFECTS: Mapping[str, Effect] = {
    "spec.accountRef.kind": Effect.REPLACE,
    "spec.accountRef.name": Effect.REPLACE,
    "spec.displayName": Effect.REPLACE,
    "spec.resources": Effect.REPLACE,
    "spec.resources[0].type": Effect.REPLACE,
    "spec.resources[0].id": Effect.REPLACE,
    "spec.resources[0].name": Effect.REPLACE,
    "spec.resources[0].accessLevel": Effect.REPLACE,
    "spec.expiration.policy": Effect.RESET,
    "spec.expiration.after": Effect.RESET,
    "spec.expiration.at": Effect.RESET,
    "spec.rotation.strategy": Effect.NOTHING,
    "spec.rotation.renewBefore": Effect.NOTHING,
    "spec.rotation.renewBeforePercentage": Effect.NOTHING,
    "spec.rotation.policy": Effect.NOTHING,
    "spec.rotation.every": Effect.NOTHING,
    "spec.rotation.overlap": Effect.NOTHING,
    "spec.rotation.windows": Effect.NOTHING,
    "spec.rotation.windows[0].schedule": Effect.NOTHING,
    "spec.rotation.windows[0].timezone": Effect.NOTHING,
    "spec.rotation.windows[0].duration": Effect.NOTHING,
    "spec.rotation.outsideWindows": Effect.NOTHING,
    "spec.rotation.maxOverlap": Effect.NOTHING,
    "spec.secretName": Effect.REWRITE,
    "spec.secretTemplate.metadata.labels": Effect.REWRITE,
    "spec.secretTemplate.metadata.annotations": Effect.REWRITE,
    "spec.secretTemplate.data": Effect.REWRITE,
    "spec.secretTemplate.previousKey": Effect.NOTHING,
    "spec.rolloutRestartTargets": Effect.NOTHING,
    "spec.rolloutRestartTargets[0].kind": Effect.NOTHING,
    "spec.rolloutRestartTargets[0].name": Effect.NOTHING,
    "spec.rolloutRestartTargets[0].selector.matchLabels": Effect.NOTHING,
    "spec.creationPolicy": Effect.REWRITE,
    "spec.deletionPolicy": Effect.NOTHING,
    "spec.driftPolicy": Effect.NOTHING,
    "spec.suspend": Effect.NOTHING,
}
"""A field that the CRD has and this table has not is a failing test."""

Trial = tuple[Transition, Trouble, bool]
"""A transition, the trouble in which it happens, and whether the object is born into that trouble."""


@cache
def trials() -> tuple[Trial, ...]:
    """Return every trial in a fixed order."""
    circumstances = [(NOTHING, False), *product(TROUBLES, (False, True))]
    transitions = (*right_transitions(), *odd_transitions())
    return tuple((transition, *around) for transition in transitions for around in circumstances)


def check(number: int) -> str | None:
    """Run the trial of a number; return what is wrong with it, if anything."""
    transition, trouble, is_new = trials()[number]
    wrong = wrong_with((transition, trouble, is_new))
    return f"{transition} in {trouble}{', born into it' if is_new else ''}: {wrong}" if wrong else None


def wrong_with(trial: Trial) -> str | None:
    """Return in what a trial does not keep to the table or breaks a promise, None where all is well."""
    transition, trouble, is_new = trial
    try:
        cost = cost_of(transition, trouble, is_new=is_new)
    except ViolationError as violation:
        return str(violation)
    if transition.odd is not None:
        return _wrong_with_odd(transition, cost) if trouble is NOTHING else None
    wanted = _born(transition, cost) if is_new else _changed(transition, trouble, cost)
    if wanted.tokens != (cost.created, cost.reset):
        return f"{cost} instead of {wanted}"
    if trouble is NOTHING and cost.is_same_value == any(wanted.tokens):
        return f"{cost}: the value does not follow the tokens"
    if trouble is NOTHING and cost.is_same_secret == wanted.is_written:
        return f"{cost}: the Secret does not follow the spec, or is written without a cause"
    return None


def _wrong_with_odd(transition: Transition, cost: Cost) -> str | None:
    """One that the API server refuses changes nothing; any other costs a change there and one back at most."""
    most = 2 * sum(_effect(transition, cost).tokens)
    return None if cost.created + cost.reset <= most else f"{cost} instead of {most} tokens at most"


def _effect(transition: Transition, cost: Cost) -> Effect:
    return EFFECTS[named("spec", transition.field)] if cost.is_change else Effect.NOTHING


def _born(transition: Transition, cost: Cost) -> Effect:
    return Effect.NOTHING if _spec(transition, cost).get("suspend") else Effect.REPLACE


def _changed(transition: Transition, trouble: Trouble, cost: Cost) -> Effect:
    effect, spec = _effect(transition, cost), _spec(transition, cost)
    if trouble is FOREIGN_SECRET and spec.get("suspend"):
        return Effect.NOTHING
    if trouble is FOREIGN_SECRET:
        # The Secret with the value is gone: one successor serves both that and the change.
        is_replaced = effect is Effect.REPLACE or spec.get("rotation", {}).get("strategy") == "Replace"
        return Effect.REPLACE if is_replaced else Effect.RESET
    # A token whose reset was refused is replaced.
    return Effect.REPLACE if trouble is REFUSALS and effect is Effect.RESET else effect


def _spec(transition: Transition, cost: Cost) -> Spec:
    return transition.after if cost.is_change else transition.before
