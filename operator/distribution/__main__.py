"""`python -m distribution`: writes again all that is generated of the chart, `deploy/` and docs/reference.md."""

import tempfile
from pathlib import Path

from distribution import chart, deploy, reference
from local_cluster import Helm
from local_cluster.build import HELM4

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write the files, those of the chart first: `deploy/` is made from it."""
    chart.write(ROOT)
    reference.write(ROOT)
    with tempfile.TemporaryDirectory(prefix="helm-") as folder:
        deploy.write(ROOT, Helm(HELM4, Path(folder)))


if __name__ == "__main__":
    main()
