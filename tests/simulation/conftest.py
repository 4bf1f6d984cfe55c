"""A failure is told with the seed of its samples, which makes the same ones again."""

from collections.abc import Generator

import pytest

from tests.simulation.seed import VARIABLE, seed


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say which command runs the very same test again."""
    report = yield
    if report.failed:
        again = f"{VARIABLE}={seed()} .venv/bin/pytest '{item.nodeid}'"
        report.sections.append(("the same samples again", again))
    return report
