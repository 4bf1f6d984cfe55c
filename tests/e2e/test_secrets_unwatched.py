"""Without the right to list and watch Secrets the operator serves as ever, and sees a damaged Secret at its next round."""

from tests.e2e.rights import SERVE, requests_of, service_account
from tests.e2e.test_namespaced import put_account
from tests.e2e.world import FAST, World, eventually

OWN = {"kind": "MailtrapAccount", "name": "own"}


def test_a_damaged_secret_is_seen_by_its_name(world: World) -> None:
    kubeconfig = service_account(world, "robot", SERVE)
    with world.operator(*FAST, "--watch-secrets", "false", "--resync-interval", "1s", kubeconfig=kubeconfig):
        put_account(world)
        world.put_api_token("billing", accountRef=OWN)
        world.put_api_token("mailer", accountRef=OWN, secretName="mailer-token")
        world.put_api_token("untouched", accountRef=OWN)
        first, second, other = (world.becomes_ready(name) for name in ("billing", "mailer", "untouched"))

        world.kube.merge(world.secret_path("billing"), {"data": {"token": "ZWRpdGVk"}})
        world.kube.delete(world.secret_path("mailer-token"))
        eventually(lambda: world.value("billing") not in {None, first, "edited"}, "the Secret is repaired")
        eventually(lambda: world.value("mailer-token") not in {None, second}, "the Secret is back")
        for name in ("billing", "mailer"):
            assert world.works(world.becomes_ready(name))
            assert [] == world.strays(name)
        assert other == world.becomes_ready("untouched")

        world.delete_api_token("billing")
        world.is_gone("billing")
        assert [] == world.tokens_of("billing")

    asked = requests_of(world, "robot")
    secrets = [entry["verb"] for entry in asked if entry["objectRef"]["resource"] == "secrets"]
    assert {"list", "watch"} & set(secrets) == set()
    assert [] == [entry for entry in asked if entry["responseStatus"]["code"] in {401, 403}]
