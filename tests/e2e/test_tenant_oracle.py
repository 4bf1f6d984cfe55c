"""What a tenant who may not use an account learns of the tokens in it: nothing, whatever the tenant's Secrets say."""

import json
import re
from collections.abc import Callable

import pytest

from tests.e2e.tenant import Scene, by_hand, forge_secret, is_judged, is_turned_away, own_account
from tests.e2e.world import World, eventually


def alices(scene: Scene) -> int:
    scene.alice.put_api_token("mailer")
    scene.alice.becomes_ready("mailer")
    return int(scene.alice.status("mailer")["tokenId"])


def persons(scene: Scene) -> int:
    return int(by_hand(scene.admin, "prod mailer")["id"])


def of_another_cluster(scene: Scene) -> int:
    return int(by_hand(scene.admin, "shop/mailer [k8s:othera-abcdefghij-klmnopqr]")["id"])


@pytest.mark.parametrize("has_status", [False, True], ids=["no status", "of a served account"])
@pytest.mark.parametrize("find", [alices, persons, of_another_cluster], ids=lambda find: find.__name__)
def test_marks_in_a_secret_tell_no_one_whether_a_token_exists(
    scene: Scene, find: Callable[[Scene], int], *, has_status: bool
) -> None:
    existing = find(scene)
    ids = {"existing": existing, "missing": existing + 999_999}
    own = own_account(scene.mallory, "own", refreshInterval="1h")
    mine = {"kind": "MailtrapAccount", "name": own.name}
    scene.mallory.put_api_token("genuine", accountRef=mine)
    scene.mallory.becomes_ready("genuine")
    before = len(scene.account.calls())
    for name, token_id in ids.items():
        scene.mallory.put_api_token(name, **({"accountRef": mine} if has_status else {}))
        is_judged(scene.mallory, name)
        if has_status:
            scene.mallory.becomes_ready(name)
        forge_secret(scene.mallory, name, token_id, scene.ref, like="genuine")
        scene.mallory.put_api_token(name, displayName="edited")

    for name in ids:
        is_judged(scene.mallory, name)
        is_turned_away(scene.mallory, name)

    eventually(
        lambda: len({conditions(scene.mallory, name, ids) for name in ids}) == 1,
        f"the same is said of both: {[conditions(scene.mallory, name, ids) for name in ids]}",
    )
    assert before == len(scene.account.calls())


def conditions(world: World, name: str, ids: dict[str, int]) -> str:
    """Return what is said of an object, without its name, the id in its marks, and times."""
    found = [c | {"lastTransitionTime": ""} for c in world.status(name)["conditions"]]
    return re.sub(rf"\b({name}|{ids[name]})\b", "…", json.dumps(found))
