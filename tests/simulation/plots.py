"""What is going to happen in a history, made of a seed: operators, clocks, deeds, faults; not what comes of it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from tests.simulation import accidents, deeds
from tests.simulation.accidents import random_skew
from tests.simulation.deeds import Deed, creation, random_spec
from tests.simulation.faults import Fault, random_fault
from tests.simulation.posts import Post

AFTER_AN_OVERLAP = timedelta(hours=1, minutes=10)
"""Long enough for the hourly list, and for what that leads to."""
AFTER_A_RESET = timedelta(hours=13)

_NAMES = ("billing", "mailer", "reports")

_WEIGHTS: dict[Callable[[Random, str], Deed], int] = {
    deeds.creation: 10,
    deeds.expiration: 18,
    deeds.access: 12,
    deeds.policies: 5,
    deeds.rotation_request: 8,
    deeds.secret_name: 8,
    deeds.secret_form: 5,
    deeds.suspension: 5,
    deeds.deletion: 12,
    accidents.loss_of_the_secret: 8,
    accidents.edit_of_the_secret: 5,
    accidents.loss_of_the_status: 5,
    accidents.jump_of_a_clock: 8,
    accidents.standstill: 6,
    accidents.rights_of_the_credential: 5,
    accidents.deletion_elsewhere: 3,
    accidents.reset_elsewhere: 3,
    accidents.permissions_elsewhere: 3,
    accidents.loss_of_the_namespace: 1,
}


@dataclass(frozen=True, slots=True)
class Step:
    """Something is done, faults follow it, and so many seconds pass."""

    deed: Deed
    faults: tuple[Fault, ...]
    wait: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A whole history.

    `specs` are the objects that there are from the beginning: name, strategy, deletion policy. `late_by` is when a late
    effect comes, in seconds. `end` is how long after the last fault and the last deed the end is looked at.
    """

    specs: tuple[tuple[str, str, str], ...]
    posts: tuple[Post, ...]
    remote_skew: timedelta
    late_by: float
    end: timedelta
    steps: tuple[Step, ...]

    @property
    def clock_error(self) -> timedelta:
        """By how much two clocks of operators differ at most."""
        skews = [
            timedelta(),
            *(post.skew for post in self.posts),
            *(step.deed.skew for step in self.steps),
        ]
        return max(skews) - min(skews)

    def simpler(self) -> Iterator["Plot"]:
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


def plot(seed: int) -> Plot:
    """Return the plot of a seed."""
    random = Random(seed)
    names = _NAMES[: random.choice([1, 1, 2, 3])]
    specs = tuple((name, *random_spec(random)) for name in names if random.random() < 0.7)
    posts = tuple(_post(random) for _ in range(random.choice([1, 2])))
    there = {name for name, *_ in specs}
    makers = random.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=random.randint(2, 4))
    done = [creation(random, name) for name in names if name not in there]
    done += [make(random, random.choice(names)) for make in makers]
    faults = [(random.randrange(len(done)), random_fault(random)) for _ in range(random.randint(3, 6))]
    steps = [
        Step(
            deed,
            tuple(fault for place, fault in faults if place == at),
            10 ** random.uniform(-2, 2.78),
        )
        for at, deed in enumerate(done)
    ]
    skew = random_skew(random) if random.random() < 0.5 else timedelta()
    end = AFTER_A_RESET if random.random() < 0.05 else AFTER_AN_OVERLAP
    return Plot(specs, posts, skew, random.uniform(0, 40), end, tuple(steps))


def _post(random: Random) -> Post:
    return Post(
        random_skew(random) if random.random() < 0.5 else timedelta(),
        watch_lag=random.choice([0.01, 0.05, 0.5, 5.0]),
        restart_after=random.choice([2.0, 2.0, 30.0, 90.0]),
    )
