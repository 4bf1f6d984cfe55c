import pytest

from tests.unit.simulator.harness import Harness


@pytest.fixture
def harness() -> Harness:
    return Harness()
