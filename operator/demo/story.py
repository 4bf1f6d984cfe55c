"""The story: six steps, each a small function that reads as it is told. What it shows is checked, not claimed."""

import json
import time
from collections.abc import Callable
from typing import Any

from demo.scene import Scene
from demo.stage import SETTLE_SECONDS
from demo.witness import REFUSED, SECRET, WORKS, masked

API_TOKEN = "deploy/samples/apitoken.yaml"  # noqa: S105 - a file, not a password
OVERLAP_SECONDS = 6
_COLLECTION_SECONDS = 90.0  # a young cluster's garbage collector takes its time
_CALL = '"Api-Token: $(kubectl get secret {} -o jsonpath={{.data.token}} | base64 -d)"'


def a_secret_appears(scene: Scene) -> None:
    """An ApiToken becomes a Secret with a working token."""
    scene.apply_edited(API_TOKEN, "12h", f"{OVERLAP_SECONDS}s")
    value = scene.new_value()
    scene.check("Mailtrap was asked for", "1 create", scene.witness.changes)
    scene.show.command("curl", "-H", f"'Api-Token: {masked(value)}'", f"{scene.simulator.url}/api/accounts")
    scene.call("token", value, WORKS)


def an_expiry_change_resets(scene: Scene) -> None:
    """Another expiry: Mailtrap resets the token, and the old value works on."""
    old = scene.held_value()
    _patch(scene, {"expiration": {"after": "720h"}})
    new = scene.new_value(old)
    scene.check("Mailtrap was asked for", "1 reset", scene.witness.changes)
    scene.call("new token", new, WORKS)
    scene.call("old token", old, WORKS)
    _let_reset_tokens_die(scene)
    scene.call("old token", old, REFUSED)


def a_permission_change_replaces(scene: Scene) -> None:
    """Other permissions: a new token replaces the old one, which works until its overlap ends."""
    old = scene.held_value()
    _patch(scene, {"resources": [_resource("Viewer")]})
    new = scene.new_value(old)
    scene.check("Mailtrap was asked for", "1 create", scene.witness.changes)
    scene.call("new token", new, WORKS)
    scene.call("old token", old, WORKS)
    scene.show.say(f"The overlap of {OVERLAP_SECONDS} s passes.")
    scene.call("old token", old, REFUSED)
    scene.check("Mailtrap was asked for", "1 delete", scene.witness.changes)


def a_deleted_secret_comes_back(scene: Scene) -> None:
    """The Secret is deleted and comes back."""
    old = scene.held_value()
    scene.kubectl("delete", "secret", SECRET)
    new = scene.new_value(old)
    scene.check("Mailtrap was asked for", "1 reset", scene.witness.changes)
    scene.call("new token", new, WORKS)
    _let_reset_tokens_die(scene)
    scene.call("old token", old, REFUSED)


def a_killed_operator_leaks_nothing(scene: Scene) -> None:
    """The operator is killed between the remote create and the Secret: nothing is leaked."""
    old = scene.held_value()
    scene.show.say("From now on Mailtrap creates tokens, but its answers never arrive.")
    hang = {"match": {"operation": "create"}, "effect": {"kind": "hang"}, "times": "forever"}
    scene.simulator.control("POST", "faults", hang)
    _patch(scene, {"resources": [_resource("Admin")]})
    ...
