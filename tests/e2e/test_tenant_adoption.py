"""Tokens that a tenant did not make and would have the operator delete: by adoption, and by a forged status."""

from typing import Any

import pytest

from mailtrap_operator.api.names import FINALIZER
from tests.e2e.kube import Body
from tests.e2e.tenant import (
    ADOPT,
    CONFIRM,
    PROOF,
    Scene,
    by_hand,
    changes_of,
    forge_secret,
    is_judged,
    is_over,
    own_account,
)
from tests.e2e.world import World, eventually

AT_ONCE: Body = {"overlap": "0s"}
PAST = "2026-01-01T00:00:00Z"


def adopt(world: World, name: str, token_id: int, **annotations: str) -> None:
    """Create an ApiToken that adopts a token and confirms it; `proof` is a further annotation."""
    given = {ADOPT: str(token_id), CONFIRM: str(token_id)}
    given |= {PROOF: annotations["proof"]} if "proof" in annotations else {}
    world.put_annotated_api_token(name, given, rotation=AT_ONCE)


def refusal(world: World, name: str) -> str:
    """Wait until an adoption is refused; return the message."""
    return str(world.becomes(name, "AdoptionRefused")["message"])


@pytest.mark.parametrize("rules", [{}, {"adoption": "Denied"}], ids=["by default", "denied"])
def test_a_tenant_adopts_nothing_and_is_told_nothing_of_any_token(scene: Scene, rules: Body) -> None:
    scene.serve(scene.alice, scene.mallory, **rules)
    token = by_hand(scene.admin, "prod mailer of team billing")
    before, missing = scene.admin.last_call(), token["id"] + 999_999

    adopt(scene.mallory, "existing", token["id"])
    adopt(scene.mallory, "missing", missing)
    messages = [refusal(scene.mallory, name) for name in ("existing", "missing")]

    one, other = (
        message.replace(str(id_), "ID") for message, id_ in zip(messages, (token["id"], missing), strict=True)
    )
    assert one == other
    told = ("prod mailer", token["token"][-4:], "Admin", "Viewer", "never", "expire")
    assert [] == [part for part in told if part in one]
    later = [call for call in scene.admin.calls() if before < call["seq"]]
    assert [] == [call for call in later if call["operation"] == "get"]
    assert ([], True) == (changes_of(scene.admin, token["id"]), scene.admin.works(token["token"]))


def test_owner_of_the_value_adopts_the_token_where_proof_is_required(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory, adoption="Proven")
    tokens = {name: by_hand(scene.admin, f"mailer {name}") for name in ("token", "key")}
    scene.mallory.put_plain_secret("proof-token", {"token": tokens["token"]["token"]})
    scene.mallory.put_plain_secret("proof-key", {"old": tokens["key"]["token"]})

    adopt(scene.mallory, "token", tokens["token"]["id"], proof="proof-token")
    adopt(scene.mallory, "key", tokens["key"]["id"], proof="proof-key/old")

    for name, token in tokens.items():
        scene.mallory.becomes_ready(name)
        eventually(lambda: not scene.admin.works(token["token"]), f"{name} is deleted")  # noqa: B023 - called at once
        assert token["id"] == scene.mallory.status(name)["adopted"]


UNPROVEN: dict[str, tuple[str | None, dict[str, str]]] = {
    "no-annotation": (None, {}),
    "no-secret": ("nowhere", {}),
    "no-key": ("proof", {"other": "{value}"}),
    "another-key": ("proof/other", {"token": "{value}"}),
    "made-up": ("proof", {"token": "this-is-no-token-at-all-{four}"}),
    "another-token": ("proof", {"token": "{mine}"}),
    "half": ("proof", {"token": "{half}"}),
    "elsewhere": ("{shop}/proof", {}),
    "path": ("../{shop}/secrets/proof", {}),
    "empty": ("", {"token": "{value}"}),
}


def test_without_the_value_of_a_token_no_one_adopts_it_where_proof_is_asked_for(scene: Scene) -> None:
    scene.serve(scene.alice, scene.mallory, adoption="Proven")
    token, mine = by_hand(scene.admin, "prod mailer"), by_hand(scene.admin, "a mailer of mine")
    value = token["token"]
    words = {"value": value, "four": value[-4:], "mine": mine["token"], "half": value[16:]}
    words["shop"] = scene.alice.namespace
    scene.alice.put_plain_secret("proof", {"token": value})

    messages = {}
    for name, (proof, data) in UNPROVEN.items():
        scene.mallory.kube.delete(scene.mallory.secret_path("proof"))
        scene.mallory.put_plain_secret("proof", {key: text.format(**words) for key, text in data.items()})
        given = {} if proof is None else {"proof": proof.format(**words)}
        adopt(scene.mallory, name, token["id"], **given)
        messages[name] = refusal(scene.mallory, name)

    assert [] == [name for name, message in messages.items() if "prod mailer" in message]
    assert [] == [name for name, message in messages.items() if value[-4:] in message]
    assert ([], True) == (changes_of(scene.admin, token["id"]), scene.admin.works(value))


def persons(scene: Scene) -> int:
    return int(by_hand(scene.admin, "prod mailer")["id"])


def alices(scene: Scene) -> int:
    return int(scene.alice.status("mailer")["tokenId"])


def the_operators(scene: Scene) -> int:
    return scene.account.credential_id


@pytest.mark.parametrize("is_served", [False, True], ids=["not served", "served"])
@pytest.mark.parametrize("marks", [False, True], ids=["status", "status and Secret"])
def test_a_forged_status_has_no_ones_token_deleted(scene: Scene, *, is_served: bool, marks: bool) -> None:
    scene.alice.put_api_token("mailer")
    value = scene.alice.becomes_ready("mailer")
    scene.serve(*([scene.alice, scene.mallory] if is_served else [scene.alice]))
    scene.grant_everything(scene.mallory, "mallory")
    own = own_account(scene.mallory, "own")
    scene.mallory.put_api_token("genuine", accountRef={"kind": "MailtrapAccount", "name": own.name})
    scene.mallory.becomes_ready("genuine")
    victims = {"person": persons(scene), "alice": alices(scene), "operator": the_operators(scene)}

    for name, token_id in victims.items():
        adopt(scene.mallory, name, token_id)
        is_judged(scene.mallory, name)
        forge_status(scene, name, token_id)
        if marks:
            forge_secret(scene.mallory, name, token_id, scene.ref, like="genuine")
        forge_status(scene, name, token_id)
    for name in victims:
        scene.mallory.kube.merge(scene.mallory.api_token_path(name), {"spec": {"displayName": name}})
        is_judged(scene.mallory, name)
        scene.mallory.delete_api_token(name)
    for name in victims:
        is_over(scene.mallory, name)

    assert {name: [] for name in victims} == {
        name: changes_of(scene.admin, token_id) for name, token_id in victims.items()
    }
    assert scene.alice.works(value)
    assert scene.alice.works(scene.account.credential)


def forge_status(scene: Scene, name: str, token_id: int) -> None:
    """Have a status say that a token was adopted, is to be deleted by now, and ends with other characters than it does."""
    token: Body = {"id": token_id, "lastFour": "0000", "account": scene.ref}
    previous = token | {"reason": "Adopted", "deleteAfter": PAST, "retiredAt": PAST, "waitsFor": "Overlap"}
    status: dict[str, Any] = {"previous": [previous], "adopted": token_id}
    path = scene.mallory.api_token_path(name)
    scene.mallory.kube.merge(path, {"metadata": {"finalizers": [FINALIZER]}})
    scene.mallory.kube.merge(f"{path}/status", {"status": status})
