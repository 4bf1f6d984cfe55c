"""All contract cases: the public functions of these modules that take an `Api`."""

from collections.abc import Callable
from types import FunctionType

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.cases import (
    admission,
    creating,
    deleting,
    listing,
    owning,
    secrets,
    statuses,
    updating,
    watching,
)

Case = Callable[[Api], None]

_MODULES = (creating, secrets, updating, statuses, deleting, listing, watching, admission, owning)
_HELPERS: set[object] = {statuses.write, listing.make}

CASES: tuple[Case, ...] = tuple(
    function
    for module in _MODULES
    for function in vars(module).values()
    if isinstance(function, FunctionType)
    and function.__module__ == module.__name__
    and function not in _HELPERS
)
