"""What the settings do not let a spec ask for: nothing is done for it, and what there is stays as it is."""

from dataclasses import replace
from typing import Any

import pytest

from mailtrap_operator.api.names import MANAGED_BY_LABEL
from mailtrap_operator.api.v1alpha1 import ApiToken, RestartTarget, SecretTemplate
from mailtrap_operator.core.actions import PublishToken, State
from mailtrap_operator.core.keys import AccountKey
from mailtrap_operator.core.limits import excessive_form, refused_base_url
from mailtrap_operator.core.observation import Limits, Observation
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from tests.unit.core.builders import (
    HOUR,
    LOST_NONCE,
    NOW,
    SECRET_1,
    TOKEN_1,
    WIPED,
    a_current,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    a_value_in_memory,
    an_api_token,
    an_operation,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

DEFAULT = Limits(("app.kubernetes.io/name", "example.com/*"))
REPLICATED = {"replicator.v1.mittwald.de/replicate-to": "other"}
INVALID = (State.STALLED, Reason.SPEC_INVALID)


def marked(
    labels: dict[str, str] | None = None, annotations: dict[str, str] | None = None, **parts: Any
) -> ApiToken:
    template = {"metadata": {"labels": labels or {}, "annotations": annotations or {}}}
    return an_api_token(secret_template=SecretTemplate.model_validate(template), **parts)


def limited(world: Observation, limits: Limits = DEFAULT) -> Observation:
    return replace(world, identity=replace(world.identity, limits=limits))


def wrong_with(api_token: ApiToken, limits: Limits = DEFAULT) -> str | None:
    return excessive_form(ObservedState(limited(seen(api_token), limits), NOW))


@pytest.mark.parametrize(
    "key",
    [
        "team",
        "app",
        "app.kubernetes.io/name",
        "example.com/tier",
        "example.com/",
        "grafana",
        "not_grafana_dashboard",
    ],
)
def test_a_key_without_a_domain_is_free_and_one_that_is_listed_is_allowed(key: str) -> None:
    assert None is wrong_with(marked({key: "x"}))
    assert None is wrong_with(marked(annotations={key: "x"}))


@pytest.mark.parametrize(
    "key",
    [
        "app.kubernetes.io/part-of",
        "app.kubernetes.io/name2",
        "sub.example.com/tier",
        "example.co/x",
        "replicator.v1.mittwald.de/replicate-to",
        "reflector.v1.k8s.emberstack.com/reflection-auto-enabled",
        "cert-manager.io/allow-direct-injection",
        "sealedsecrets.bitnami.com/managed",
        "grafana_datasource",
        "Grafana_dashboard",
    ],
)
@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_key_that_tools_may_act_upon_is_refused_unless_it_is_listed(field: str, key: str) -> None:
    api_token = marked(**{field: {key: "x", "team": "a"}})

    assert (
        f"spec.secretTemplate.metadata.{field} has the key {key!r}. Tools may act upon such a key, so the operator's "
        "settings.allowedSecretMetadata (MAILTRAP_OPERATOR_ALLOWED_SECRET_METADATA) must list it, which is "
        "app.kubernetes.io/name,example.com/*. Remove the key, or have it listed."
    ) == wrong_with(api_token)
    assert None is wrong_with(api_token, Limits((key,)))
    assert None is wrong_with(api_token, Limits(("*",)))
    assert "which is empty." in (wrong_with(api_token, Limits()) or "")


def test_restarts_may_be_switched_off() -> None:
    api_token = an_api_token(rollout_restart_targets=(RestartTarget(kind="Deployment", name="billing"),))

    assert None is wrong_with(api_token)
    assert (
        "spec.rolloutRestartTargets is set, and the operator's settings.rolloutRestarts "
        "(MAILTRAP_OPERATOR_ROLLOUT_RESTARTS) is false. Remove the targets, or have the setting changed."
    ) == wrong_with(api_token, Limits(rollout_restarts=False))


def test_a_server_that_is_not_allowed_is_refused_with_those_that_are_and_the_setting() -> None:
    account, allowed = AccountKey("MailtrapAccount", "shop", "eu"), ("https://b.test", "https://a.test")

    assert (
        "baseUrl https://evil.test of MailtrapAccount shop/eu is not among the operator's allowed base URLs "
        "(https://a.test, https://b.test). Use one of them in spec.baseUrl, or have it added to the operator's "
        "settings.allowedBaseUrls (MAILTRAP_OPERATOR_ALLOWED_BASE_URLS)."
    ) == refused_base_url("https://evil.test", account, allowed)
    assert None is refused_base_url("https://A.test", account, allowed)


UNDER_WAY = an_operation()
SETTLED = marked(REPLICATED, status=a_status(operation=an_operation(ago=HOUR)))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new object gets no token.",
            seen(marked(REPLICATED, status=WIPED, finalizers=()), secret=None, listed=()),
            says=INVALID,
            works=False,
        ),
        row(
            "A value that works continues working, its Secret stays as it is.",
            seen(marked(REPLICATED)),
            says=INVALID,
        ),
        row(
            "A Secret that has the key already stays as it is.",
            seen(marked(REPLICATED), secret=a_secret(labels=REPLICATED)),
            says=INVALID,
        ),
        row(
            "A lost Secret is not restored.", seen(marked(REPLICATED), secret=None), says=INVALID, works=False
        ),
        row(
            "A value does not move.",
            seen(marked(REPLICATED, secret_name="renamed"), secret=None, former_secret=a_secret()),
            says=INVALID,
            works=False,
        ),
        row(
            "It is not rotated.",
            seen(marked(REPLICATED, display_name="other")),
            says=INVALID,
        ),
        row(
            "A lost answer settles.",
            seen(marked(REPLICATED, status=a_status(operation=UNDER_WAY))),
            says=(State.PROGRESSING, Reason.ANSWER_LOST),
            again=59 * (HOUR / 3600),
        ),
        row(
            "A finished operation is removed from the status.",
            seen(SETTLED),
            says=(State.PROGRESSING, Reason.REVOKED),
            records=Noted(),
        ),
        row(
            "A published value is recorded.",
            seen(
                marked(REPLICATED, status=a_status(operation=UNDER_WAY)),
                secret=a_secret(2, nonce=LOST_NONCE),
                listed=(TOKEN_1, a_remote_token(2, nonce=LOST_NONCE)),
            ),
            says=(State.PROGRESSING, Reason.PUBLISHING),
            records=Noted(current=2, previous=(Leaving(1, 12 * HOUR),)),
        ),
        row(
            "A token that no one knows is retired.",
            seen(marked(REPLICATED), listed=(TOKEN_1, a_remote_token(2, nonce=LOST_NONCE))),
            says=(State.PROGRESSING, Reason.UNTRACKED),
            records=Noted(previous=(Leaving(2, 12 * HOUR),)),
        ),
        row(
            "A finalizer that someone took is put back.",
            seen(marked(REPLICATED, finalizers=())),
            does="add the finalizer",
            says=(State.PROGRESSING, Reason.FINALIZER_MISSING),
        ),
        row(
            "A suspended object speaks of nothing else.",
            seen(marked(REPLICATED, suspend=True)),
            says=(State.READY, Reason.SUSPENDED),
        ),
        row(
            "An old token goes when its overlap is over.",
            seen(
                marked(REPLICATED, status=a_status(previous=(a_previous(2, delete_after=NOW),))),
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            does="revoke 2",
            says=(State.PROGRESSING, Reason.REVOKING),
            records=Noted(),
        ),
        row(
            "Until then it works; then it is looked at again.",
            seen(
                marked(REPLICATED, status=a_status(previous=(a_previous(2),))),
                listed=(TOKEN_1, a_remote_token(2)),
            ),
            says=INVALID,
            again=HOUR,
        ),
    ],
)
def test_what_is_asked_for_beyond_the_settings_is_not_done(world: Observation, expected: Decision) -> None:
    assert expected == decision(limited(world))


def test_a_value_in_memory_is_published_without_the_keys_that_are_not_allowed() -> None:
    marks = REPLICATED | {"team": "a", "example.com/tier": "b"}
    api_token = marked(marks, marks, status=a_status(operation=UNDER_WAY))
    action = plan(limited(seen(api_token, unpublished=a_value_in_memory())), NOW).action

    assert isinstance(action, PublishToken)
    assert {"team": "a", "example.com/tier": "b"} == action.secret.annotations
    assert {"team", "example.com/tier", MANAGED_BY_LABEL} == action.secret.labels.keys()


def test_workloads_are_restarted_no_more_once_that_is_switched_off() -> None:
    targets = (RestartTarget(kind="Deployment", name="billing"),)
    current = a_current().model_copy(update={"rollout": "Due"})
    api_token = an_api_token(
        status=a_status(current=current, previous=(a_previous(2),)), rollout_restart_targets=targets
    )
    world = seen(api_token, secret=SECRET_1, listed=(TOKEN_1, a_remote_token(2)))

    assert INVALID == (
        (found := decision(limited(world, Limits(rollout_restarts=False)))).state,
        found.reason,
    )
    assert "nothing" == found.does
