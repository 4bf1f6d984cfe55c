"""The chart as Helm renders it, for tests that look at the objects."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from local_cluster import Helm

Body = dict[str, Any]

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "mailtrap-operator"
CI = sorted((CHART / "ci").glob("*-values.yaml"))
DEFAULTS = CHART / "ci" / "default-values.yaml"
"""What has no default: the image."""
REPOSITORY = "registry.example.com/mailtrap-operator"
ADMISSION_POLICIES = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
NAMESPACE = "mailtrap-system"


def rendered(
    helm: Helm,
    values: Path | None = None,
    *settings: str,
    release: str = "mailtrap-operator",
    api_versions: str = "",
) -> list[Body]:
    """Return the objects of the chart, with a values file and with `--set` of each setting.

    The cluster has what every one has, and `api_versions`.
    """
    files = ("--values", str(DEFAULTS), *(("--values", str(values)) if values else ()))
    arguments = [*files, *_set(settings), "--api-versions", api_versions]
    text = helm.template(CHART, name=release, namespace=NAMESPACE, arguments=arguments)
    # The parser of libyaml: that in Python takes longer than Helm does.
    return [body for body in yaml.load_all(text, Loader=yaml.CSafeLoader) if body]


def of_kind(kind: str, objects: Iterable[Body]) -> list[Body]:
    """Return the objects of one kind."""
    return [body for body in objects if body["kind"] == kind]


def named(objects: Iterable[Body]) -> dict[str, Body]:
    """Return the objects by kind, namespace and name, each of which there may be once."""
    keyed = [("/".join(_name(body)), body) for body in objects]
    assert len(keyed) == len(dict(keyed))
    return dict(keyed)


def documented_blocks(language: str) -> list[str]:
    """Return what stands in the blocks of docs/install.md in a language."""
    text = (ROOT / "docs" / "install.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


def _name(body: Body) -> tuple[str, ...]:
    meta = body["metadata"]
    return (body["kind"], *([meta["namespace"]] if "namespace" in meta else []), meta["name"])


def _set(settings: Iterable[str]) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]
