"""Writes the manifests in `deploy/` from the chart, for those who install without Helm.

The text is what Helm renders, comments too, without the two labels that name Helm.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from distribution.chart import CHART
from local_cluster import Helm

DEPLOY = Path("deploy")
NAMESPACE = "mailtrap-system"
_HEADER = "# Generated from the chart by `make chart`. Do not edit.\n"
_SEPARATOR = "---\n"
_OF_HELM = re.compile(r"^ +(helm\.sh/chart|app\.kubernetes\.io/managed-by): .*\n", re.MULTILINE)
_DOCUMENT = re.compile(r"# Source: mailtrap-operator/templates/(\S+)\n(.*)", re.DOTALL)
_IMAGE = "registry.invalid/mailtrap-operator"
"""What stands for the image until someone names theirs; nothing can be pulled from a name that ends so (RFC 2606)."""
_POLICY = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
_OMITTED = ("crds.yaml", "tests/ready.yaml")
"""The CRDs stand in a folder of their own; a test of a release needs Helm."""


def files(root: Path, helm: Helm) -> Mapping[Path, str]:
    """Return the text of each generated file by its path below the root of the tree."""
    crds = {path.name: path.read_text(encoding="utf-8") for path in sorted((root / "crds").iterdir())}
    base = _rendered(root, helm)
    namespaced = _rendered(root, helm, f"watchNamespaces={{{NAMESPACE}}}")
    network = _rendered(root, helm, "networkPolicy.enabled=true")
    admission = _rendered(root, helm, api_versions=_POLICY)
    namespace = (root / DEPLOY / "base" / "namespace.yaml").read_text(encoding="utf-8")
    components = DEPLOY / "components"
    return {
        **{DEPLOY / "crds" / name: text for name, text in crds.items()},
        **{DEPLOY / "base" / name: _HEADER + text for name, text in base.items()},
        components / "namespaced" / "role-watched.yaml": _HEADER + namespaced["role-watched.yaml"],
        components / "namespaced" / "role-own.yaml": _HEADER + namespaced["role-own.yaml"],
        components / "admissionpolicy" / "admissionpolicy.yaml": _HEADER + admission["admissionpolicy.yaml"],
        components / "networkpolicy" / "networkpolicy.yaml": _HEADER + network["networkpolicy.yaml"],
        DEPLOY / "install.yaml": _HEADER + _SEPARATOR.join([namespace, *crds.values(), *base.values()]),
    }


def write(root: Path, helm: Helm) -> None:
    """Write the files."""
    for path, text in files(root, helm).items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")


def _rendered(root: Path, helm: Helm, *settings: str, api_versions: str = "") -> Mapping[str, str]:
    """Return what each template of the chart makes, by the template's name.

    Without a cluster Helm knows no kinds but those in `api_versions`.
    """
    given = (f"image.repository={_IMAGE}", *settings)
    arguments = [*(part for setting in given for part in ("--set", setting)), "--api-versions", api_versions]
    text = helm.template(root / CHART, name="mailtrap-operator", namespace=NAMESPACE, arguments=arguments)
    return _by_template(_OF_HELM.sub("", text).split(_SEPARATOR))


def _by_template(documents: Iterable[str]) -> Mapping[str, str]:
    texts: dict[str, list[str]] = {}
    for document in documents:
        found = _DOCUMENT.search(document)
        if found and found.group(1) not in _OMITTED:
            texts.setdefault(found.group(1), []).append(found.group(2).rstrip("\n") + "\n")
    return {name: _SEPARATOR.join(parts) for name, parts in sorted(texts.items())}
