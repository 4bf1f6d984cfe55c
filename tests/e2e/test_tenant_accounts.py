"""A tenant and the administrator's account: what its policy says holds, whatever the tenant writes."""

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from mailtrap_operator.api.names import FINALIZER
from tests.e2e.accounts import finalizers_of, is_gone
from tests.e2e.kube import GROUP, Body
from tests.e2e.tenant import (
    Platform,
    Scene,
    changes_of,
    forge_secret,
    is_judged,
    is_turned_away,
    own_account,
    with_own_accounts,
)
from tests.e2e.world import API_VERSION, OPERATOR_NAMESPACE, World, eventually

AT_ONCE: Body = {"strategy": "Replace", "overlap": "0s"}
LATE: Body = {"strategy": "Replace", "overlap": "720h"}
DOMAIN: Body = {"type": "domain", "id": 1, "accessLevel": "Viewer"}
PAST = "2026-01-01T00:00:00Z"
ROTATIONS = 30


def living_of(world: World) -> list[Body]:
    """Return the living tokens of a namespace's ApiTokens."""
    return [token for token in world.living() if token["name"].startswith(f"{world.namespace}/")]


def edit(world: World, name: str, **spec: Any) -> None:
    """Change a spec, and wait until that was looked at."""
    world.kube.merge(world.api_token_path(name), {"spec": spec})
    is_judged(world, name)


def the_whole_account(scene: Scene, level: str = "Admin") -> Body:
    return {"type": "account", "id": scene.admin.simulator.account_id, "accessLevel": level}


CREDENTIALS: dict[str, Callable[[str], str]] = {
    "made up": lambda value: f"this-is-no-token-at-all-{value[-4:]}",
    "stolen": lambda value: value,
}


@pytest.mark.parametrize("rights", ["of the account", "of a domain"])
@pytest.mark.parametrize("credential", CREDENTIALS)
def test_a_tenants_credential_keeps_no_token_of_others_alive(
    scene: Scene, credential: str, rights: str
) -> None:
    listed = [{"type": "account"}, {"type": "domain"}]
    scene.serve(scene.alice, allowedResources=listed)
    resource = the_whole_account(scene) if rights == "of the account" else DOMAIN
    scene.alice.put_api_token("mailer", resources=[resource], rotation=AT_ONCE)
    leaked = scene.alice.becomes_ready("mailer")
    shadow = own_account(scene.mallory, "shadow", CREDENTIALS[credential](leaked))
    eventually(shadow.condition, "the shadow is judged")

    scene.alice.request_rotation("mailer", "leaked")

    eventually(lambda: not scene.alice.works(leaked), "the leaked token is deleted")
    value = scene.alice.becomes_ready("mailer")
    own_account(scene.mallory, "second", CREDENTIALS[credential](value))
    scene.alice.delete_api_token("mailer")
    scene.alice.is_gone("mailer")
    assert not scene.alice.works(value)


def test_accounts_of_a_tenant_cost_the_lists_of_others_nothing(scene: Scene) -> None:
    scene.alice.put_api_token("mailer", rotation=AT_ONCE)
    scene.alice.becomes_ready("mailer")
    own = with_own_accounts(scene.mallory)
    names = [f"beside-{number}" for number in range(100)]
    for name in names:
        own.put_account(name, refreshInterval="1h")
    for name in names:
        eventually(partial(reason_of, own, name), f"{name} is judged")
    before = secret_reads(scene.mallory)

    for number in range(ROTATIONS):
        scene.alice.request_rotation("mailer", str(number))
        eventually(partial(is_answered, scene.alice, "mailer", str(number)), "it is rotated")

    # Their credentials are missing: each account looks for its own in growing pauses, 10 times in the first five minutes.
    assert secret_reads(scene.mallory) - before < ROTATIONS * len(names)


def reason_of(world: World, name: str) -> str | None:
    status = (world.kube.get(world.account_path(name)) or {}).get("status", {})
    return next((c["reason"] for c in status.get("conditions", []) if c["type"] == "Ready"), None)


def secret_reads(world: World) -> int:
    asked = [entry for entry in world.requests() if entry["objectRef"]["resource"] == "secrets"]
    return len([entry for entry in asked if entry["verb"] == "get"])


def is_answered(world: World, name: str, request: str) -> bool:
    return bool(world.status(name).get("lastHandledRotateRequest") == request)


def test_admin_of_the_account_is_given_to_no_one_unless_the_policy_lists_it(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory)
    before = scene.admin.last_call()

    scene.mallory.put_api_token("master", resources=[the_whole_account(scene)])
    scene.mallory.put_api_token("beside", resources=[DOMAIN, the_whole_account(scene)])

    for name in ("master", "beside"):
        scene.mallory.becomes(name, "PolicyViolated", "Stalled")
    assert ([], []) == (scene.admin.operations(before), living_of(scene.mallory))


def test_the_operators_own_namespace_may_have_admin_of_the_account(scene: Scene) -> None:
    with at_home(scene, "master") as own:
        scene.serve(scene.alice, own)
        own.put_api_token("master", resources=[the_whole_account(scene)])

        own.becomes_ready("master")


@contextmanager
def at_home(scene: Scene, name: str) -> Iterator[World]:
    """Yield the administrator's world in the operator's namespace, from which an ApiToken goes at the end."""
    own = copy.copy(scene.admin)
    own.namespace, own.account = OPERATOR_NAMESPACE, scene.account.name
    try:
        yield own
    finally:
        own.delete_api_token(name)
        own.is_gone(name)


def test_admin_of_the_account_is_given_where_the_policy_lists_it(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory, allowedResources=[{"type": "account"}])

    scene.mallory.put_api_token("master", resources=[the_whole_account(scene)])

    scene.mallory.becomes_ready("master")


def test_what_the_policy_forbids_by_now_is_not_renewed_by_a_name_that_no_one_has(platform: Platform) -> None:
    with staged(platform, [{"id": 435, "name": "shop.example", "type": "domain"}, ELSEWHERE]) as scene:
        scene.serve(scene.alice, scene.mallory)
        wide = {"type": "domain", "id": 999, "accessLevel": "Admin"}
        hour = {"policy": "After", "after": "1h"}
        scene.mallory.put_api_token("mailer", resources=[wide], expiration=hour)
        value = scene.mallory.becomes_ready("mailer")
        allowed = [{"type": "domain", "id": 435}]
        rules: Body = {"maxAccessLevel": "Viewer", "allowedResources": allowed, "maxLifetime": "2h"}
        scene.serve(scene.alice, scene.mallory, **rules)
        scene.mallory.becomes("mailer", "PolicyViolated", "Stalled")
        before = scene.admin.last_call()

        unknown = {"type": "domain", "name": "no such name", "accessLevel": "Viewer"}
        edit(scene.mallory, "mailer", resources=[unknown])
        for request in ("once", "twice"):
            scene.mallory.request_rotation("mailer", request)
            edit(scene.mallory, "mailer", displayName=request)

        assert [] == scene.admin.operations(before)
        assert value == scene.mallory.value("mailer")


ELSEWHERE: Body = {"id": 999, "name": "elsewhere.example", "type": "domain"}


@contextmanager
def staged(platform: Platform, resources: list[Body]) -> Iterator[Scene]:
    """Yield a scene whose account in Mailtrap has these resources and no others."""
    scene = Scene(platform, resources)
    try:
        yield scene
    finally:
        scene.leave()


def test_a_wrong_name_is_answered_with_names_that_the_policy_allows(platform: Platform) -> None:
    secret = [
        {"id": 500, "name": "merger-with-acme.example", "type": "domain"},
        {"id": 501, "name": "layoffs.example", "type": "domain"},
        {"id": 7, "name": "hidden project", "type": "project"},
    ]
    with staged(platform, [{"id": 435, "name": "shop.example", "type": "domain"}, *secret]) as scene:
        allowed = [{"type": "domain", "id": 435}]
        scene.serve(scene.alice, scene.mallory, allowedResources=allowed, maxAccessLevel="Viewer")

        for type_ in ("domain", "sending_domain"):
            wrong = {"type": type_, "name": "layoffs", "accessLevel": "Viewer"}
            scene.mallory.put_api_token(type_.replace("_", "-"), resources=[wrong])
        messages = [
            eventually(partial(said_of, scene.mallory, name, "shop.example"), "it says what there is")
            for name in ("domain", "sending-domain")
        ]

        told = [str(part) for each in secret for part in (each["id"], each["name"])]
        assert [] == [part for message in messages for part in told if part in message]


def said_of(world: World, name: str, words: str) -> str | None:
    message = world.condition(name).get("message", "")
    return message if words in message else None


def test_tokens_that_are_left_behind_count_for_the_policy(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory, maxTokensPerNamespace=1)
    scene.mallory.put_api_token("one", deletionPolicy="Retain")
    scene.mallory.becomes_ready("one")
    scene.mallory.delete_api_token("one")
    scene.mallory.is_gone("one")

    scene.mallory.put_api_token("two", deletionPolicy="Retain")

    becomes_violated(scene.mallory, "two")
    assert 1 == len(living_of(scene.mallory))


def test_tokens_whose_object_names_another_account_count_for_the_policy(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory, maxTokensPerNamespace=1)
    scene.mallory.put_api_token("one")
    scene.mallory.becomes_ready("one")
    edit(scene.mallory, "one", accountRef={"name": "nothing"})

    scene.mallory.put_api_token("two")

    becomes_violated(scene.mallory, "two")
    assert 1 == len(living_of(scene.mallory))


def test_tokens_in_their_overlap_count_for_the_policy(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory, maxTokensPerNamespace=1)
    scene.mallory.put_api_token("one", rotation=LATE)
    scene.mallory.becomes_ready("one")
    most = 0
    for number in range(5):
        scene.mallory.request_rotation("one", str(number))
        eventually(partial(is_answered_or_refused, scene.mallory, "one", str(number)), "it is answered")
        most = max(most, len(living_of(scene.mallory)))

    assert 2 == most


def is_violated(world: World, name: str) -> bool:
    return "PolicyViolated" in {c["reason"] for c in world.status(name).get("conditions", [])}


def becomes_violated(world: World, name: str) -> None:
    eventually(lambda: is_violated(world, name), f"{name} violates the policy: {world.status(name)}")


def is_answered_or_refused(world: World, name: str, request: str) -> bool:
    return is_answered(world, name, request) or is_violated(world, name)


def plain(scene: Scene) -> None:
    """Nothing but the finalizer."""


def with_status(scene: Scene) -> None:
    """Put a token on record that someone else has."""
    scene.grant_everything(scene.mallory, "mallory")
    token = {"id": scene.account.credential_id, "lastFour": "0000", "account": scene.ref}
    issued = {"issuedAt": PAST, "accessDigest": "x", "expirationDigest": "x"}
    gone = {"deleteAfter": PAST, "retiredAt": PAST, "reason": "Superseded"}
    status = {"current": token | issued, "previous": [token | gone]}
    scene.mallory.kube.merge(f"{scene.mallory.api_token_path('probe')}/status", {"status": status})


def with_secret(scene: Scene) -> None:
    """Name a token in marks that someone else has."""
    own = own_account(scene.mallory, "own", refreshInterval="1h")
    scene.mallory.put_api_token("genuine", accountRef={"kind": "MailtrapAccount", "name": own.name})
    scene.mallory.becomes_ready("genuine")
    forge_secret(scene.mallory, "probe", scene.account.credential_id, scene.ref, like="genuine")


@pytest.mark.parametrize("forge", [plain, with_status, with_secret], ids=lambda forge: forge.__name__)
def test_a_namespace_that_is_not_served_holds_no_object_of_the_administrators(
    scene: Scene, forge: Callable[[Scene], None]
) -> None:
    before = len(scene.account.calls())
    put_with_finalizer(scene.mallory, "probe")
    is_judged(scene.mallory, "probe")
    forge(scene)
    for number in range(5):
        edit(scene.mallory, "probe", displayName=f"edit {number}")

    assert before == len(scene.account.calls())
    is_turned_away(scene.mallory, "probe")
    for path in (scene.account.path, scene.account.secret_path):
        assert [] == finalizers_of(scene.admin, path)
    scene.mallory.delete_api_token("probe")
    for path in (scene.account.path, scene.account.secret_path):
        assert [] == finalizers_of(scene.admin, path)
    retained = [value for key, value in scene.account.status().items() if key.startswith("retained")]
    assert [] == [value for value in retained if value]
    assert [] == changes_of(scene.admin, scene.account.credential_id)
    for path in (scene.account.path, scene.account.secret_path):
        scene.admin.kube.delete(path)
        is_gone(scene.admin, path)


def put_with_finalizer(world: World, name: str) -> None:
    meta = {"name": name, "finalizers": [FINALIZER]}
    spec = {"accountRef": world.account_ref(), "resources": [DOMAIN], "deletionPolicy": "Retain"}
    body = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": meta, "spec": spec}
    world.kube.create(f"{GROUP}/namespaces/{world.namespace}/apitokens", body)


def test_tokens_that_one_namespace_retains_leave_room_for_those_of_another(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory)
    names = [f"left-{number}" for number in range(70)]
    for name in names:
        scene.mallory.put_api_token(name, deletionPolicy="Retain")
    for name in names:
        scene.mallory.becomes_ready(name)
        scene.mallory.delete_api_token(name)
    for name in names:
        eventually(partial(is_gone_or_refused, scene.mallory, name), f"{name} is gone, or says why not")

    assert any(scene.mallory.api_token(name) for name in names), "one namespace has a share and no more"
    scene.alice.put_api_token("mailer", deletionPolicy="Retain")
    value = scene.alice.becomes_ready("mailer")
    scene.alice.delete_api_token("mailer")
    scene.alice.is_gone("mailer")
    assert scene.alice.works(value)


def is_gone_or_refused(world: World, name: str) -> bool:
    return world.api_token(name) is None or world.condition(name).get("reason") == "TooManyRetained"
