"""All breaks, by area. Those of the protocol are `tests/simulation/mutants.py`: the simulation must notice them."""

from collections.abc import Mapping

from tests.breaks.account_side import ACCOUNT_SIDE
from tests.breaks.breaking import Break
from tests.breaks.clients import CLIENTS
from tests.breaks.field_cases import FIELD_CASES
from tests.breaks.installing import CHART, CRD, RBAC
from tests.breaks.planner import PLANNER
from tests.breaks.runtime import RUNTIME

TABLE: Mapping[str, tuple[Break, ...]] = {
    "planner": PLANNER,
    "account side": ACCOUNT_SIDE,
    "clients": CLIENTS,
    "runtime": RUNTIME,
    "chart": CHART,
    "RBAC": RBAC,
    "CRD": CRD,
    **{f"field case {number}: {name}": rows for number, (name, rows) in enumerate(FIELD_CASES.items(), 1)},
}
