"""The lock files, as what they name."""

import re

from tests.image.dockerfile import ROOT


def pins(lock: str) -> dict[str, set[str]]:
    """Return what a lock file names, as in `kopf==1.45.2`, each with its hashes."""
    blocks = re.findall(r"^(\S+==\S+)((?: .*)?(?:\n .*)*)", (ROOT / lock).read_text(), re.MULTILINE)
    return {pin: set(re.findall(r"sha256:[0-9a-f]{64}", block)) for pin, block in blocks}
