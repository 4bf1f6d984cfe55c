"""Rules that an upgrade brings: what lives goes on, whether or not it would be allowed anew, and says so."""

from typing import Any

from tests.e2e.kube import Body
from tests.e2e.tenant import ADOPT, CONFIRM
from tests.e2e.world import CREDENTIAL, World

EVERYBODY: Body = {"allowedNamespaces": {"names": ["*"]}}
ALL_RIGHTS: Body = EVERYBODY | {
    "adoption": "Allowed",
    "allowedResources": [{"type": "account"}, {"type": "domain"}],
}
"""What an account without rules of its own meant before there were these rules."""

REMOTE_ADMIN = [{"resource_type": "domain", "resource_id": 1, "access_level": 100}]
SPECS: dict[str, dict[str, Any]] = {
    "plain": {},
    "admin": {"resources": [{"type": "account", "id": 3229, "accessLevel": "Admin"}]},
    "retaining": {"deletionPolicy": "Retain"},
    "overlapping": {"rotation": {"strategy": "Replace", "overlap": "72h"}},
}


def test_what_was_issued_before_a_rule_was_made_keeps_its_token_and_says_so(world: World) -> None:
    world.put_account(policy=ALL_RIGHTS)
    adopted = world.simulator.control("POST", "tokens", {"name": "old mailer", "resources": REMOTE_ADMIN})
    waiting = world.simulator.control("POST", "tokens", {"name": "other mailer", "resources": REMOTE_ADMIN})
    with world.operator():
        for name, spec in SPECS.items():
            world.put_api_token(name, **spec)
        confirmed = {ADOPT: str(adopted["id"]), CONFIRM: str(adopted["id"])}
        world.put_annotated_api_token("adopted", confirmed)
        world.put_annotated_api_token("adopting", {ADOPT: str(waiting["id"])})
        values = {name: world.becomes_ready(name) for name in [*SPECS, "adopted"]}
        world.becomes("adopting", "AdoptionUnconfirmed")
    before, tokens = world.last_call(), world.tokens()

    world.put_account(policy=EVERYBODY)
    with world.operator():
        for name in ("plain", "retaining", "overlapping", "adopted"):
            assert values[name] == world.becomes_ready(name)
        message = world.becomes("admin", "PolicyViolated", "Stalled")["message"]
        assert "equals the operator's own credential" in message
        assert "TokenPublished" == world.condition("admin")["reason"]
        assert "adoption" in world.becomes("adopting", "AdoptionRefused")["message"]
        # Whoever may not have it anew may still give it back.
        world.delete_api_token("admin")
        world.is_gone("admin")

    assert ["delete"] == world.operations(before)
    assert not world.works(values.pop("admin"))
    assert values == {name: world.value(name) for name in values}
    assert [True] * len(values) == [world.works(value) for value in values.values()]
    hand_made = {adopted["id"], waiting["id"]}
    assert [True, True] == [token["live"] for token in world.tokens() if token["id"] in hand_made]
    assert len(tokens) - 1 == len(world.tokens())
    assert world.works(CREDENTIAL)
