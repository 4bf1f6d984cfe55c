"""Helm as the tests use it: nothing of the person's own settings counts."""

from pathlib import Path

import pytest

from local_cluster import Helm, HelmError
from local_cluster.build import HELM3, HELM4, Bundle


@pytest.mark.parametrize(("bundle", "version"), [(HELM3, "v3."), (HELM4, "v4.")])
def test_each_is_the_helm_it_says_it_is(bundle: Bundle, version: str, tmp_path: Path) -> None:
    assert Helm(bundle, tmp_path).run("version", "--template", "{{ .Version }}").startswith(version)


def test_the_settings_of_the_person_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELM_NAMESPACE", "production")
    monkeypatch.setenv("KUBECONFIG", "/home/person/.kube/config")

    shown = Helm(HELM4, tmp_path).run("env")

    assert 'HELM_NAMESPACE="default"' in shown
    assert f'HELM_CONFIG_HOME="{tmp_path}/config"' in shown


def test_a_failure_says_what_helm_said(helm: Helm) -> None:
    with pytest.raises(HelmError, match="no-such-chart"):
        helm.run("template", "no-such-chart")
