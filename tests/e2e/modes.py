"""The ways the chart installs the operator, and the core suite: the tests that hold in each of them.

In a mode the operator's process has the ServiceAccount, the rights, the arguments and the environment of a release of
the chart, and nothing of its own but a kubeconfig, a port and a test's own flags.
"""

from dataclasses import dataclass, field
from typing import Any

CORE = ("test_lifecycle", "test_deletion", "test_secret", "test_rotation", "test_accounts")
"""The files whose tests run once in each mode; the others run with an administrator's rights."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way of installation; `is_namespaced` installs the operator for the test's namespace alone."""

    name: str
    is_namespaced: bool = False
    values: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return how a test's name tells of it."""
        return self.name


CLUSTER = Mode("cluster")
NAMESPACED = Mode("namespaced", is_namespaced=True)
NO_SECRET_WATCH = Mode("no-secret-watch", values={"watchSecrets": False})
MODES = (CLUSTER, NAMESPACED, NO_SECRET_WATCH)

_ROLES_GO = (
    "Kubernetes deletes the operator's Role with the rest of the namespace: its ApiTokens have to go first"
)
NOT_IN = {
    "test_a_namespace_goes_without_a_trace_where_the_credential_is_elsewhere": {NAMESPACED.name: _ROLES_GO},
    "test_a_namespace_that_has_lost_its_credential_is_held_up_visibly_until_the_escape": {
        NAMESPACED.name: _ROLES_GO
    },
}
"""The tests of the core suite that cannot hold in some modes, and why."""


def modes_of(file: str, test: str) -> list[Mode]:
    """Return the modes that a test runs in; none is the administrator's rights."""
    return [mode for mode in MODES if mode.name not in NOT_IN.get(test, {})] if file in CORE else []
