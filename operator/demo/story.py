"""The story: six steps, each a small function that reads as it is told. What it says is checked, not claimed."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from demo.scene import Scene
from demo.stage import SETTLE_SECONDS
from demo.witness import REFUSED, SECRET, WORKS, masked

API_TOKEN = "deploy/samples/apitoken.yaml"  # noqa: S105 - a file, not a password
OVERLAP_SECONDS = 6
_END_OF_RESET_TOKENS = 36  # hours: Mailtrap keeps them alive for 12 and on its list for up to 24 more
_COLLECTION_SECONDS = 90.0  # the garbage collector of a young cluster takes its time


def tell(scene: Scene) -> None:
    """Tell the whole story.

    Raises:
        StepFailed: something did not come out as told.
        KubectlError: kubectl failed.
        OperatorError: the operator did not start again.
    """
    for number, (headline, step) in enumerate(STEPS, 1):
        scene.show.headline(f"{number}. {headline}")
        step(scene)
    scene.show.headline(f"All {len(STEPS)} steps came out as told.")


def an_api_token_becomes_a_secret(scene: Scene) -> None:
    """Apply the sample; what the Secret holds is tried as its consumer would."""
    scene.apply_edited(API_TOKEN, "12h", f"{OVERLAP_SECONDS}s")
    value = scene.new_value()
    _mailtrap_carried_out(scene, "1 create")
    scene.show.command("curl", "-H", f"'Api-Token: {masked(value)}'", f"{scene.simulator.url}/api/accounts")
    scene.call("token", value, WORKS)


def _expiry_changes(scene: Scene) -> None:
    old = scene.held_value()
    _patch(scene, {"expiration": {"after": "720h"}})
    new = scene.new_value(old)
    _mailtrap_carried_out(scene, "1 reset")
    scene.call("new token", new, WORKS)
    scene.call("old token", old, WORKS)
    _reset_tokens_end(scene)
    scene.call("old token", old, REFUSED)


def _permission_changes(scene: Scene) -> None:
    old = scene.held_value()
    _patch(scene, {"resources": _access("Viewer")})
    new = scene.new_value(old)
    _mailtrap_carried_out(scene, "1 create")
    scene.call("new token", new, WORKS)
    scene.call("old token", old, WORKS)
    scene.show.say(f"The overlap of {OVERLAP_SECONDS} s passes.")
    scene.call("old token", old, REFUSED)
    _mailtrap_carried_out(scene, "1 delete")


def _secret_is_deleted(scene: Scene) -> None:
    old = scene.held_value()
    scene.kubectl("delete", "secret", SECRET)
    new = scene.new_value(old)
    _mailtrap_carried_out(scene, "1 reset")
    scene.call("new token", new, WORKS)
    _reset_tokens_end(scene)
    scene.call("old token", old, REFUSED)


def _operator_is_killed(scene: Scene) -> None:
    old = scene.held_value()
    scene.show.say("From here on Mailtrap creates tokens but its answers never arrive.")
    hang = {"match": {"operation": "create"}, "effect": {"kind": "hang"}, "times": "forever"}
    scene.simulator.control("POST", "faults", hang)
    _patch(scene, {"resources": _access("Admin")})
    scene.check(
        "new token in Mailtrap",
        "created",
        lambda: "created" if len(scene.witness.living()) > 1 else "not yet",
    )
    scene.kill_operator()
    scene.show.table("Tokens in Mailtrap:", scene.witness.rows())
    scene.check(f"Secret {SECRET} still holds", masked(old), lambda: masked(scene.held_value()))
    scene.call("its token", old, WORKS)

    scene.simulator.control("DELETE", "faults")
    scene.show.say("Answers arrive again.")
    scene.start_operator()
    scene.show.say(f"A lost answer settles for {SETTLE_SECONDS} s; then the operator continues by itself.")
    new = scene.new_value(old)
    scene.check("all living tokens", masked(new), lambda: " ".join(scene.witness.living()), patience=60)
    scene.show.table("Tokens in Mailtrap:", scene.witness.rows())
    scene.call("new token", new, WORKS)
    scene.call("old token", old, REFUSED)


def _api_token_is_deleted(scene: Scene) -> None:
    value = scene.held_value()
    scene.kubectl("delete", "apitoken", "billing")
    scene.call("token", value, REFUSED)
    scene.check("tokens in Mailtrap", "none", lambda: " ".join(scene.witness.living()) or "none")
    scene.check(
        f"Secret {SECRET}",
        "gone",
        lambda: "there" if scene.witness.value() else "gone",
        patience=_COLLECTION_SECONDS,
    )


STEPS: tuple[tuple[str, Callable[[Scene], None]], ...] = (
    ("An ApiToken becomes a Secret with a working token", an_api_token_becomes_a_secret),
    ("Another expiry: the token is reset, and its old value works on", _expiry_changes),
    ("Other permissions: the token is replaced, after an overlap", _permission_changes),
    ("The Secret is deleted and comes back", _secret_is_deleted),
    ("The operator is killed between token and Secret; nothing is leaked", _operator_is_killed),
    ("The ApiToken is deleted, and its token is dead", _api_token_is_deleted),
)


def _patch(scene: Scene, spec: Mapping[str, Any]) -> None:
    patch = json.dumps({"spec": spec}, separators=(",", ":"))
    scene.kubectl("patch", "apitoken", "billing", "--type=merge", "-p", patch)


def _access(level: str) -> list[dict[str, Any]]:
    return [{"type": "domain", "id": 435, "accessLevel": level}]


def _mailtrap_carried_out(scene: Scene, changes: str) -> None:
    scene.check("Mailtrap has carried out", changes, scene.witness.changes)


def _reset_tokens_end(scene: Scene) -> None:
    scene.show.say(
        f"Mailtrap's clock is put forward by {_END_OF_RESET_TOKENS} h; a reset token works for 12 h."
    )
    scene.simulator.control("POST", "clock", {"advance": _END_OF_RESET_TOKENS * 3600})
