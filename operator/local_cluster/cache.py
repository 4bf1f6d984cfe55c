"""The user's cache folder, and how several processes share it without treading on each other."""

import contextlib
import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from local_cluster.errors import ClusterError
from local_cluster.progress import say

LOCK_TIMEOUT = 3600.0  # seconds; as long as the build that another process may be at
LOCK_INTERVAL = 0.5


def cache_folder() -> Path:
    """Return the folder, which may not exist yet."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "mailtrap-operator"


@contextlib.contextmanager
def exclusive(lock: Path) -> Iterator[None]:
    """Hold the lock file `lock`, which is freed by the system when its holder dies.

    Raises:
        ClusterError: another process held it for an hour.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + LOCK_TIMEOUT
    with lock.open("wb") as handle:
        waits = False
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ClusterError(f"another process has held {lock} for an hour; end it") from None
            else:
                break
            if not waits:
                say("another process is building; waiting for it")
            waits = True
            time.sleep(LOCK_INTERVAL)
        yield


@contextlib.contextmanager
def published(target: Path) -> Iterator[Path]:
    """Give a temporary folder that becomes `target` when the block ends well, and vanishes when it does not.

    The caller holds the lock: other temporary folders for the same target were left by a killed process.
    """
    for stale in target.parent.glob(f".{target.name}-*"):
        shutil.rmtree(stale)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as temporary:
        content = Path(temporary) / "content"
        content.mkdir()
        yield content
        content.rename(target)
