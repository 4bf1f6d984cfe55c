"""The ways the chart installs the operator, the main line that holds in each of them, and the core suite.

In a mode the operator's process has the ServiceAccount, the rights, the arguments and the environment of a release of
the chart, and nothing of its own but a kubeconfig, a port and a test's own flags.
"""

from dataclasses import dataclass, field
from typing import Any

MAIN_LINE = ("test_lifecycle",)
"""The files whose tests run once in each mode."""

CORE = (*MAIN_LINE, "test_deletion", "test_secret", "test_rotation", "test_accounts")
"""The files whose operators are those of a release; the others run with an administrator's rights."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way of installation; `is_namespaced` installs the operator for the test's namespace alone."""

    name: str
    is_namespaced: bool = False
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return how a test's name reports it."""
        return self.name


CLUSTER = Mode("cluster")
NAMESPACED = Mode("namespaced", is_namespaced=True)
NO_SECRET_WATCH = Mode("no-secret-watch", values={"watchSecrets": False})
MODES = (CLUSTER, NAMESPACED, NO_SECRET_WATCH)


def modes_of(file: str) -> tuple[Mode, ...]:
    """Return the modes that the tests of a file run in; none is the administrator's rights."""
    if file in MAIN_LINE:
        return MODES
    return (CLUSTER,) if file in CORE else ()
