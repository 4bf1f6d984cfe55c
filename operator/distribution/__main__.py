"""`python -m distribution`: writes anew all that is generated of the chart and of `deploy/`."""

import tempfile
from pathlib import Path

from distribution import chart, deploy
from local_cluster import Helm
from local_cluster.build import HELM4

ROOT = Path(__file__).parents[2]


def main() -> None:
    """Write the files, those of the chart first: `deploy/` is made from it."""
    chart.write(ROOT)
    with tempfile.TemporaryDirectory(prefix="helm-") as folder:
        deploy.write(ROOT, Helm(HELM4, Path(folder)))


if __name__ == "__main__":
    main()
