"""The contract of the Kubernetes API, kept by the server in memory."""

import pytest

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.in_memory import InMemory
from tests.contract.kubernetes.table import CASES, Case


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_the_server_in_memory_keeps_the_contract(case: Case) -> None:
    case(Api(InMemory()))
