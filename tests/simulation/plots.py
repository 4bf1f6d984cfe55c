"""What is going to happen in a history, made of a seed: operators, clocks, deeds, faults; not what comes of it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random

from tests.simulation.deeds import Deed, creation, random_deed, random_skew, random_spec
from tests.simulation.faults import Fault, random_fault
from tests.simulation.posts import Post

NAMES = ("billing", "mailer", "reports")


@dataclass(frozen=True, slots=True)
class Step:
    """Something is done, faults follow it, and so many seconds pass."""

    deed: Deed
    faults: tuple[Fault, ...]
    wait: float


@dataclass(frozen=True, slots=True)
class Plot:
    """A whole history.

    `specs` are the objects that there are from the beginning, by name and in words; `late_by` is when a late effect
    comes, in seconds.
    """

    specs: tuple[tuple[str, str, str], ...]
    posts: tuple[Post, ...]
    remote_skew: timedelta
    late_by: float
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
    names = NAMES[: random.choice([1, 1, 2, 3])]
    specs = tuple((name, *random_spec(random)) for name in names if random.random() < 0.7)
    posts = tuple(_post(random) for _ in range(random.choice([1, 2])))
    there = {name for name, *_ in specs}
    deeds = [creation(random, name) for name in names if name not in there]
    deeds += [random_deed(random, names, len(posts)) for _ in range(random.randint(2, 4))]
    faults = [(random.randrange(len(deeds)), random_fault(random)) for _ in range(random.randint(3, 6))]
    steps = [
        Step(
            deed,
            tuple(fault for place, fault in faults if place == at),
            10 ** random.uniform(-2, 2.78),
        )
        for at, deed in enumerate(deeds)
    ]
    skew = random_skew(random) if random.random() < 0.5 else timedelta()
    return Plot(specs, posts, skew, random.uniform(0, 40), tuple(steps))


def _post(random: Random) -> Post:
    return Post(
        random_skew(random) if random.random() < 0.5 else timedelta(),
        watch_lag=random.choice([0.01, 0.05, 0.5, 5.0]),
        restart_after=random.choice([2.0, 2.0, 30.0, 90.0]),
    )
