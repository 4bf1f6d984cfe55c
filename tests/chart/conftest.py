"""Fixtures of the tests that render the chart: both Helms, without a cluster."""

import pytest

from local_cluster import Helm
from local_cluster.build import HELM3, HELM4


@pytest.fixture(scope="session", params=[HELM3, HELM4], ids=["helm3", "helm4"])
def helm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Provide each of the two Helms."""
    return Helm(request.param, tmp_path_factory.mktemp("helm"))
