"""The jobs of the longer proofs reach the processes that run them."""

import argparse
import pickle

import pytest

from tests.simulation.__main__ import LAYERS

QUICK = ("faults", "preemptions", "corruption", "forgeries", "admissions", "transitions")
"""The jobs of the others take a run of each flow to be found."""


@pytest.mark.parametrize("name", QUICK)
def test_every_job_of_a_layer_can_be_sent_to_another_process(name: str) -> None:
    jobs = list(LAYERS[name].jobs(argparse.Namespace()))

    assert jobs
    assert jobs == pickle.loads(pickle.dumps(jobs))  # noqa: S301 - our own
