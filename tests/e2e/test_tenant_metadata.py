"""What an ApiToken makes others believe or do: tools that act on a Secret's metadata, readers of names in Mailtrap."""

import pytest

from tests.e2e.kube import Body, RefusedError
from tests.e2e.tenant import Scene

ACTING: dict[str, Body] = {
    "replicator": {"annotations": {"replicator.v1.mittwald.de/replicate-to": "*"}},
    "replicator-pattern": {"annotations": {"replicator.v1.mittwald.de/replicate-to-matching": "a=b"}},
    "reflector": {"annotations": {"reflector.v1.k8s.emberstack.com/reflection-auto-enabled": "true"}},
    "grafana": {"labels": {"grafana_datasource": "1"}},
    "grafana-annotation": {"annotations": {"grafana_folder": "x"}},
    "cert-manager": {"annotations": {"cert-manager.io/allow-direct-injection": "true"}},
    "sealed-secrets": {"annotations": {"sealedsecrets.bitnami.com/managed": "true"}},
    "unknown": {"labels": {"tool-of-tomorrow.example/do": "it"}},
    "service-account": {"annotations": {"kubernetes.io/service-account.name": "default"}},
}


def test_metadata_on_which_tools_act_is_refused_unless_the_operator_allows_it(scene: Scene) -> None:
    for name, metadata in ACTING.items():
        template = {"metadata": metadata, "data": {"datasource.yaml": "url: ${token}"}}
        scene.alice.put_api_token(name, secretTemplate=template)

    for name in ACTING:
        scene.alice.becomes(name, "SpecInvalid", "Stalled")

    unharmed: dict[str, tuple[list[Body], None]] = {name: ([], None) for name in ACTING}
    assert unharmed == {name: (scene.alice.tokens_of(name), scene.alice.secret(name)) for name in ACTING}


def test_a_display_name_takes_no_characters_that_turn_it_round(scene: Scene) -> None:
    for number, character in enumerate("\u202e\u2066\u200b\u200f\ufeff\u00ad"):
        with pytest.raises(RefusedError, match="422"):
            scene.alice.put_api_token(f"turned-{number}", displayName=f"mailer {character}gnillib")
    scene.alice.put_api_token("plain", displayName="Rechnungen für Zoë · 請求書")

    scene.alice.becomes_ready("plain")
