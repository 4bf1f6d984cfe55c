"""Commands of the documents, typed into one shell as a reader does."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tests.documents import ROOT

_TIMEOUT = 600
"""Seconds; bounds a failure."""

_END = re.compile(r"^-- end of \d+: (\d+)$", re.MULTILINE)


class Answer(NamedTuple):
    """What a command printed, and whether it succeeded."""

    text: str
    is_success: bool


def typed(
    commands: Sequence[str], folder: Path = ROOT, environment: Mapping[str, str] | None = None
) -> list[Answer]:
    """Type commands one after the other into one shell, which keeps their variables; return their answers."""
    marked = [
        f"{text}\nstatus=$?; echo; echo -- end of {number}: $status\n" for number, text in enumerate(commands)
    ]
    done = subprocess.run(
        ["/bin/sh", "-c", "exec 2>&1\n" + "".join(marked)],
        cwd=folder,
        env=os.environ | dict(environment or {}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT,
        check=False,
    )
    parts = _END.split(done.stdout)
    return [
        Answer(text.strip(), status == "0") for text, status in zip(parts[::2], parts[1::2], strict=False)
    ]
