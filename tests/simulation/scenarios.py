"""What is going to happen in a history, made of a seed: operators, clocks, user actions, faults; not their outcome."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from tests.simulation import disturbances, user_actions
from tests.simulation.disturbances import random_skew
from tests.simulation.faults import Fault, random_fault
from tests.simulation.replica_slots import ReplicaSlot
from tests.simulation.user_actions import UserAction, creation, random_spec

AFTER_AN_OVERLAP = timedelta(hours=1, minutes=10)
"""Long enough for the hourly list, and for what that leads to."""
AFTER_A_RESET = timedelta(hours=13)

_NAMES = ("billing", "mailer", "reports")

_WEIGHTS: dict[Callable[[Random, str], UserAction], int] = {
    user_actions.creation: 10,
    user_actions.expiration: 18,
    user_actions.access: 12,
    user_actions.policies: 5,
    user_actions.rotation_request: 8,
    user_actions.secret_name: 8,
    user_actions.secret_form: 5,
    user_actions.suspension: 5,
    user_actions.deletion: 12,
    disturbances.loss_of_the_secret: 8,
    disturbances.edit_of_the_secret: 5,
    disturbances.loss_of_the_status: 5,
    disturbances.jump_of_a_clock: 8,
    disturbances.standstill: 6,
    disturbances.rights_of_the_credential: 5,
    disturbances.deletion_elsewhere: 3,
    disturbances.reset_elsewhere: 3,
    disturbances.permissions_elsewhere: 3,
    disturbances.loss_of_the_namespace: 1,
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something is done, faults follow it, and so many seconds pass."""

    action: UserAction
    faults: tuple[Fault, ...]
    wait: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole history.

    `specs` are the objects that there are from the beginning: name, strategy, deletion policy. `late_by` is when a late
    effect comes, in seconds. `end` is how long after the last fault and the last deed the end is looked at.
    """

    specs: tuple[tuple[str, str, str], ...]
    slots: tuple[ReplicaSlot, ...]
    remote_skew: timedelta
    late_by: float
    end: timedelta
    steps: tuple[Step, ...]

    @property
    def clock_error(self) -> timedelta:
        """By how much two clocks of operators differ at most."""
        skews = [
            timedelta(),
            *(slot.skew for slot in self.slots),
            *(step.action.skew for step in self.steps),
        ]
        return max(skews) - min(skews)

    def simpler(self) -> Iterator["Scenario"]:
        """Yield the plots that lack one step or one fault."""
        for at, step in enumerate(self.steps):
            before, after = self.steps[:at], self.steps[at + 1 :]
            yield replace(self, steps=before + after)
            for fault in step.faults:
                less = replace(
                    step,
                    faults=tuple(other for other in step.faults if other is not fault),
                )
                yield replace(self, steps=(*before, less, *after))


def scenario(seed: int) -> Scenario:
    """Return the plot of a seed."""
    random = Random(seed)
    names = _NAMES[: random.choice([1, 1, 2, 3])]
    specs = tuple((name, *random_spec(random)) for name in names if random.random() < 0.7)
    slots = tuple(_post(random) for _ in range(random.choice([1, 2])))
    there = {name for name, *_ in specs}
    makers = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=random.randint(2, 4))
    done = [creation(random, name) for name in names if name not in there]
    done += [make(random, random.choice(names)) for make in makers]
    faults = [(random.randrange(len(done)), random_fault(random)) for _ in range(random.randint(3, 6))]
    steps = [
        Step(
            action,
            tuple(fault for place, fault in faults if place == at),
            10 ** random.uniform(-2, 2.78),
        )
        for at, action in enumerate(done)
    ]
    skew = random_skew(random) if random.random() < 0.5 else timedelta()
    end = AFTER_A_RESET if random.random() < 0.05 else AFTER_AN_OVERLAP
    return Scenario(specs, slots, skew, random.uniform(0, 40), end, tuple(steps))


def _post(random: Random) -> ReplicaSlot:
    return ReplicaSlot(
        random_skew(random) if random.random() < 0.5 else timedelta(),
        watch_lag=random.choice([0.01, 0.05, 0.5, 5.0]),
        restart_after=random.choice([2.0, 2.0, 30.0, 90.0]),
    )
