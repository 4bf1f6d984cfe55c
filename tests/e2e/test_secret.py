"""The Secret in other hands: edited, taken by someone else, or refused by the API server."""

import base64
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from local_cluster import Cluster
from tests.e2e.admission import policy_in_force
from tests.e2e.kube import Body, Kube, RefusedError
from tests.e2e.modes import Mode
from tests.e2e.world import World, eventually, served

GROUP = "mailtrap-operator.io"
FOREIGN_VALUE = "f0e1" * 8
Damage = Callable[[World, str, int], object]


@pytest.fixture(scope="module")
def world(
    cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory, mode: Mode
) -> Iterator[World]:
    """Provide one served world for all tests of this file; each has objects of its own."""
    with served(cluster, kube, tmp_path_factory.mktemp("secret"), mode) as world:
        yield world


@pytest.fixture(scope="module")
def foreign(world: World) -> int:
    """Provide the id of a token that is not ours."""
    permissions = [{"resource_type": "domain", "resource_id": 9, "access_level": 100}]
    token = {"name": "theirs", "resources": permissions, "foreign": True, "value": FOREIGN_VALUE}
    return int(world.simulator.control("POST", "tokens", token)["id"])


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def data(**keys: str) -> Damage:
    """Put text under keys of the Secret."""
    patch = {key: encoded(text) for key, text in keys.items()}
    return lambda world, name, _: world.kube.merge(world.secret_path(name), {"data": patch})


def annotation(key: str, text: str) -> Damage:
    """Give the Secret another annotation; `{foreign}` stands for the foreign token's id."""

    def damage(world: World, name: str, foreign: int) -> object:
        shown = text.format(foreign=foreign)
        return world.kube.merge(
            world.secret_path(name), {"metadata": {"annotations": {f"{GROUP}/{key}": shown}}}
        )

    return damage


DAMAGES: dict[str, Damage] = {
    "the value is a foreign token's": data(token=FOREIGN_VALUE),
    "the token id names a foreign token": annotation("token-id", "{foreign}"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_lost_value_leads_to_a_new_one_and_the_former_token_stays_on_record(
    world: World, foreign: int, damage: str
) -> None:
    name = damage.lower().replace(" ", "-").replace("'", "")
    world.put_api_token(name)
    old = world.becomes_ready(name)
    (token,) = world.tokens_of(name)
    before = world.last_call()

    DAMAGES[damage](world, name, foreign)

    eventually(lambda: world.value(name) not in {None, old, FOREIGN_VALUE}, "there is a new value")
    assert world.works(world.becomes_ready(name))
    assert ["reset"] == world.operations(before)
    assert [token["id"]] == [previous["id"] for previous in world.status(name)["previous"]]
    assert [] == world.strays(name)
    assert world.works(old)
    assert [] == world.tripped()


def test_a_secret_that_lost_its_label_is_found_and_repaired(world: World) -> None:
    world.put_api_token("unlabelled")
    value = world.becomes_ready("unlabelled")
    before = world.last_call()
    label = "app.kubernetes.io/managed-by"

    world.kube.merge(world.secret_path("unlabelled"), {"metadata": {"labels": {label: None}}})

    eventually(
        lambda: label in (world.secret("unlabelled") or {})["metadata"].get("labels", {}),
        "it is labelled again",
    )
    assert value == world.becomes_ready("unlabelled")
    assert [] == world.operations(before)


def test_a_secret_of_someone_else_is_never_touched_and_costs_nothing_until_it_goes(world: World) -> None:
    world.put_plain_secret("taken", {"theirs": "hands off"})
    theirs = world.secret("taken")
    world.put_api_token("first", secretName="shared")
    value = world.becomes_ready("first")
    before = world.last_call()

    world.put_api_token("taken")
    world.put_api_token("second", secretName="shared")
    world.becomes("taken", "SecretNotOwned", "Stalled")
    assert "shared" in world.becomes("second", "SecretNotOwned", "Stalled")["message"]

    requests = len(world.requests())
    world.put_api_token("later")
    world.becomes_ready("later")
    news = [request for request in world.requests()[requests:] if request["verb"] != "get"]
    later = [request["objectRef"].get("name", "later") for request in news]
    assert [] == [name for name in later if name in {"first", "second", "shared", "taken"}]
    assert ["create"] == world.operations(before)
    assert value == world.value("shared")
    assert theirs == world.secret("taken")

    # Nothing tells that a Secret of someone else is gone: it is looked for now and then.
    world.kube.delete(world.secret_path("taken"))
    world.delete_api_token("first")
    for name in ("taken", "second"):
        assert world.works(world.becomes_ready(name))
        assert [] == world.strays(name)


@contextmanager
def secrets_refused_except_dry_runs(world: World) -> Iterator[None]:
    """Have the API server refuse every Secret of the world's namespace, but only when it comes to the write."""
    rule = {
        "apiGroups": [""],
        "apiVersions": ["v1"],
        "resources": ["secrets"],
        "operations": ["CREATE", "UPDATE"],
    }
    denial = {"expression": "has(request.dryRun) && request.dryRun", "message": "no Secrets today"}
    policy = {"matchConstraints": {"resourceRules": [rule]}, "validations": [denial]}
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": world.namespace}}}
    binding = {"validationActions": ["Deny"], "matchResources": here}

    def is_refused() -> bool:
        try:
            world.put_plain_secret("trial", {"some": "text"})
        except RefusedError:
            return True
        return False

    with policy_in_force(world, "validatingadmissionpolicy", policy, binding, is_refused):
        yield


def test_refused_secret_writes_cost_one_token_and_its_value_is_published_at_last(world: World) -> None:
    before = world.last_call()
    with secrets_refused_except_dry_runs(world):
        world.put_api_token("refused")
        condition = world.becomes("refused", "SecretWriteRefused")

        def refusals() -> int:
            secrets = [write for write in world.writes() if write["objectRef"]["resource"] == "secrets"]
            return sum(write["responseStatus"]["code"] == 422 for write in secrets)

        for number in range(1, 3):
            eventually(lambda: refusals() >= number, f"refusal {number}")  # noqa: B023 - called at once
            # An edit has the object looked at at once; the backoff would have it looked at later.
            annotations = {"annotations": {"edit": str(number)}}
            world.kube.merge(world.api_token_path("refused"), {"metadata": annotations})
        eventually(lambda: refusals() >= 3, "three refusals")
        (token,) = world.tokens_of("refused")
        assert "no Secrets today" in condition["message"]

    value = world.becomes_ready("refused")

    assert world.works(value)
    assert ["create"] == world.operations(before)
    assert [token["id"]] == [living["id"] for living in world.tokens_of("refused")]


def test_a_quota_that_forbids_the_secret_costs_no_token(world: World) -> None:
    before = world.last_call()
    quotas = f"/api/v1/namespaces/{world.namespace}/resourcequotas"
    quota: Body = {"metadata": {"name": "no-more-secrets"}, "spec": {"hard": {"secrets": "0"}}}
    world.kube.create(quotas, quota)
    status = f"{quotas}/no-more-secrets"
    eventually(lambda: (world.kube.get(status) or {}).get("status", {}).get("hard"), "the quota is in force")

    world.put_api_token("limited")
    condition = world.becomes("limited", "SecretWriteRefused", "Stalled")

    assert "no-more-secrets" in condition["message"]
    assert [] == world.operations(before)
    world.kube.delete(status)
    assert world.works(world.becomes_ready("limited"))
    assert ["create"] == world.operations(before)


def test_a_template_tells_what_belongs_to_the_token(world: World) -> None:
    data = {
        "token": "${token}",
        "url": "smtp://${smtpUser}:${token}@${smtpHost}:${smtpPort}",
        "card": "${tokenId} of ${accountId} until ${expiresAt}",
    }
    world.put_api_token("templated", secretTemplate={"data": data}, expiration={"policy": "Never"})
    value = world.becomes_ready("templated")
    token_id, before = world.status("templated")["current"]["id"], world.last_call()

    assert f"smtp://api:{value}@live.smtp.mailtrap.io:587" == world.value("templated", "url")
    assert f"{token_id} of {world.simulator.account_id} until never" == world.value("templated", "card")

    data["card"] = "bulk: ${bulkSmtpHost}:${bulkSmtpPort}"
    world.put_api_token("templated", secretTemplate={"data": data}, expiration={"policy": "Never"})
    eventually(
        lambda: world.value("templated", "card") == "bulk: bulk.smtp.mailtrap.io:587",
        "the Secret is repaired",
    )
    assert ([], value) == (world.operations(before), world.value("templated"))
