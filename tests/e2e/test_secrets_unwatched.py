"""Without the right to list and watch Secrets the operator serves as ever, and sees a damaged Secret at its next round."""

import pytest

from tests.e2e.rights import SERVE, requests_of, service_account
from tests.e2e.test_namespaced import put_account
from tests.e2e.world import FAST, World, eventually

OWN = {"kind": "MailtrapAccount", "name": "own"}


def edit(world: World, name: str) -> None:
    world.kube.merge(world.secret_path(name), {"data": {"token": "ZWRpdGVk"}})


def delete(world: World, name: str) -> None:
    world.kube.delete(world.secret_path(name))


@pytest.mark.parametrize("damage", [edit, delete])
def test_a_damaged_secret_is_seen_by_its_name(world: World, damage: object) -> None:
    assert callable(damage)
    kubeconfig = service_account(world, "robot", SERVE)
    with world.operator(*FAST, "--watch-secrets", "false", "--resync-interval", "1s", kubeconfig=kubeconfig):
        put_account(world)
        world.put_api_token("billing", accountRef=OWN)
        world.put_api_token("mailer", accountRef=OWN, secretName="mailer-token")
        first, other = world.becomes_ready("billing"), world.becomes_ready("mailer")

        damage(world, "billing")
        eventually(lambda: world.value("billing") not in {None, first, "edited"}, "the Secret is mended")
        assert world.works(world.becomes_ready("billing"))
        assert other == world.becomes_ready("mailer")

        world.delete_api_token("billing")
        world.is_gone("billing")
        assert 1 == len(world.living())

    asked = requests_of(world, "robot")
    secrets = [entry["verb"] for entry in asked if entry["objectRef"]["resource"] == "secrets"]
    assert {"list", "watch"} & set(secrets) == set()
    assert [] == [entry for entry in asked if entry["responseStatus"]["code"] in {401, 403}]


def test_a_round_costs_one_read_of_each_secret_and_writes_nothing(world: World) -> None:
    names = [f"token-{number}" for number in range(5)]
    kubeconfig = service_account(world, "robot", SERVE)
    with world.operator(*FAST, "--watch-secrets", "false", kubeconfig=kubeconfig):
        put_account(world)
        for name in names:
            world.put_api_token(name, accountRef=OWN)
        for name in names:
            world.becomes_ready(name)
        # Two rounds of each, 10 s to 12.5 s long.
        before = {name: reads(world, name) for name in names}
        for name in names:
            eventually(lambda name=name: reads(world, name) >= before[name] + 2, f"{name} is read twice more")  # type: ignore[misc]  # mypy cannot infer a lambda's default
        writes = [
            entry for entry in requests_of(world, "robot") if entry["verb"] not in {"get", "list", "watch"}
        ]
        at = max(entry["stageTimestamp"] for entry in writes)
        read = {name: reads(world, name, since=at) for name in names}

    # None is read much more often than another: there is one round for all, and no hot loop.
    assert max(read.values()) <= min(read.values()) + 2, read


def reads(world: World, name: str, since: str = "") -> int:
    asked = [entry for entry in requests_of(world, "robot") if entry["stageTimestamp"] > since]
    return sum(
        entry["verb"] == "get"
        and entry["objectRef"].get("name") == name
        and entry["objectRef"]["resource"] == "secrets"
        for entry in asked
    )
