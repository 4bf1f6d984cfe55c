import pytest

from tests.unit.simulator.bench import Bench


@pytest.fixture
def bench() -> Bench:
    return Bench()
