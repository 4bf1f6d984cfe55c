"""What the demo says of a step that did not come out as told."""

import io
from pathlib import Path

from demo.__main__ import _explain
from demo.scene import StepFailed
from demo.terminal import Terminal

EXPLAINED = """\
FAILED  Secret billing-mailtrap
          expected  a new value
          seen      still …abcd

The end of the operator's log
  12:00:01 at work
  12:00:02 at rest
"""


def test_a_failed_step_says_what_was_expected_and_seen_and_what_the_operator_said(tmp_path: Path) -> None:
    out, log = io.StringIO(), tmp_path / "operator.log"
    log.write_text("12:00:01 at work\n12:00:02 at rest\n")
    failure = StepFailed("Secret billing-mailtrap", expected="a new value", seen="still …abcd")

    _explain(Terminal(out, is_coloured=False), failure, log)

    assert EXPLAINED == out.getvalue().lstrip()


def test_before_there_is_an_operator_the_failure_alone_is_told(tmp_path: Path) -> None:
    out = io.StringIO()

    _explain(Terminal(out, is_coloured=False), RuntimeError("no changes today"), tmp_path / "operator.log")

    assert "FAILED  no changes today\n" == out.getvalue().lstrip()
