"""What the example trees for Flux and Argo CD give the chart."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from local_cluster import Helm
from tests.chart.rendering import ROOT, Body, of_kind, rendered

EXAMPLES = ROOT / "deploy" / "examples"
RELEASE = EXAMPLES / "flux" / "operator" / "release.yaml"
APPLICATION = EXAMPLES / "argocd" / "apps" / "operator.yaml"


def spec(path: Path) -> Body:
    body: Body = yaml.safe_load(path.read_text())["spec"]
    return body


@pytest.mark.parametrize(
    "values",
    [spec(RELEASE)["values"], spec(APPLICATION)["source"]["helm"]["valuesObject"]],
    ids=["flux", "argocd"],
)
def test_the_chart_takes_the_values_of_the_example(
    helm: Helm, tmp_path: Path, values: dict[str, Any]
) -> None:
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(values))
    objects = rendered(helm, tmp_path / "values.yaml")
    (deployment,) = of_kind("Deployment", objects)
    (container,) = deployment["spec"]["template"]["spec"]["containers"]

    assert container["image"].startswith(f"{values['image']['repository']}:")
    assert of_kind("PodDisruptionBudget", objects)


def test_both_examples_make_the_namespace_with_pod_security() -> None:
    flux = yaml.safe_load((EXAMPLES / "flux" / "operator" / "namespace.yaml").read_text())["metadata"][
        "labels"
    ]

    assert flux == spec(APPLICATION)["syncPolicy"]["managedNamespaceMetadata"]["labels"]
