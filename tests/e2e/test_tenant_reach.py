"""How far a tenant's objects reach: to no other server, no other namespace and no right that was not granted.

Each test is an attack that was tried and does not succeed; its docstring says which.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.kube import GROUP, Body, RefusedError
from tests.e2e.tenant import (
    Canary,
    Scene,
    canary,
    is_judged,
    is_turned_away,
    new_credential,
    own_account,
    spoil,
    with_own_accounts,
)
from tests.e2e.workloads import Workload
from tests.e2e.world import API_VERSION, World, eventually

FORMS = {
    "upper-case scheme": "HTTP://{allowed}",
    "https instead of http": "https://{allowed}",
    "another scheme": "ftp://{allowed}",
    "file": "file:///etc/passwd",
    "gopher": "gopher://{canary}",
    "javascript": "javascript:alert(1)",
    "no scheme": "//{allowed}",
    "no port": "http://127.0.0.1",
    "another port": "http://{canary}",
    "a leading zero in the port": "http://127.0.0.1:0{port}",
    "a sign in the port": "http://127.0.0.1:+{port}",
    "a dot at the end": "http://127.0.0.1.:{port}",
    "a user": "http://{allowed}@{canary}",
    "a user and a password": "http://a:b@{canary}",
    "a fragment": "http://{canary}#{allowed}",
    "a query": "http://{canary}?{allowed}",
    "a backslash": "http://{canary}\\@{allowed}",
    "a path": "http://{allowed}/elsewhere",
    "a slash at the end": "http://{allowed}/",
    "a newline": "http://{allowed}\n.evil.test",
    "a blank": " http://{allowed}",
    "IPv6": "http://[::1]:{port}",
    "IPv4 in IPv6": "http://[::ffff:127.0.0.1]:{port}",
    "a short address": "http://127.1:{port}",
    "a decimal address": "http://2130706433:{port}",
    "a hexadecimal address": "http://0x7f000001:{port}",
    "a name of it": "http://localhost:{port}",
    "full-width digits": "http://１２７.0.0.1:{port}",
    "the metadata server": "http://169.254.169.254",
    "the allowed one as a part": "http://127.0.0.1.evil.test:{port}",
    "a look-alike of the default": "https://mаiltrap.io",
}
"""Ways to write a server that is not the allowed one, or not as it is written there."""


@pytest.fixture
def bird() -> Iterator[Canary]:
    with canary() as bird:
        yield bird


def test_no_form_of_a_base_url_leads_to_another_server(scene: Scene, bird: Canary) -> None:
    """Tried: `baseUrl` in each form. It is refused at admission, or `BaseUrlNotAllowed`."""
    allowed = scene.admin.simulator.url.removeprefix("http://")
    own, admitted, port = with_own_accounts(scene.mallory), [], allowed.rpartition(":")[2]
    credential = new_credential(scene.admin)
    own.put_credential(credential, "credential")
    for number, form in enumerate(FORMS.values()):
        url = form.format(allowed=allowed, canary=bird.address, port=port)
        if is_admitted(own, f"form-{number}", url):
            admitted.append(f"form-{number}")

    assert admitted, "some are for the operator to refuse"
    for name in admitted:
        reason = reason_of(own, name)
        assert "BaseUrlNotAllowed" == reason, own.kube.get(own.account_path(name))
    assert [] == [call for call in scene.admin.calls() if call["credential"] == credential[-4:]]
    assert not bird.sings()


def test_a_redirect_of_the_allowed_server_is_not_followed(scene: Scene, bird: Canary) -> None:
    """Tried: a redirect of the allowed server to the canary."""
    credential = new_credential(scene.admin)
    spoil(scene.admin, credential, "redirect", location=f"http://{bird.address}/api/accounts")

    account = own_account(scene.mallory, "redirected", credential)

    eventually(lambda: account.condition().get("status") == "False", "it says that it was not listed")
    assert any(call["fault"] == "redirect" for call in account.calls())
    assert not bird.sings()


def test_no_reference_leads_into_another_namespace(scene: Scene) -> None:
    """Tried: another namespace's Secret, account or workload by reference."""
    alice, mallory = with_own_accounts(scene.alice), with_own_accounts(scene.mallory)
    theirs = own_account(scene.alice, "team")
    workload = Workload(scene.alice, "Deployment", "web", secret="web")
    elsewhere = {"namespace": alice.namespace}

    for name in (f"{alice.namespace}/{theirs.name}", f"../{alice.namespace}/secrets/{theirs.name}"):
        with pytest.raises(RefusedError, match="422"):
            put_account(mallory, "reaching", {"name": name})
    put_account(mallory, "reaching", {"name": theirs.name, **elsewhere})
    put_token(mallory, "reaching", accountRef={"kind": "MailtrapAccount", "name": theirs.name, **elsewhere})
    mine = own_account(scene.mallory, "mine")
    put_token(
        mallory,
        "restarting",
        accountRef=mallory.account_ref(mine.name),
        rolloutRestartTargets=[{"kind": "Deployment", "name": "web", **elsewhere}],
    )

    assert "CredentialMissing" == reason_of(mallory, "reaching")
    mallory.becomes("reaching", "AccountNotFound")
    mallory.becomes_ready("restarting")
    mallory.request_rotation("restarting", "now")
    eventually(lambda: len(mallory.tokens_of("restarting")) > 1, "it is rotated")
    eventually(lambda: mallory.condition("restarting", "RolloutRestart"), "the workload is looked for")
    assert {} == workload.annotations()


def test_a_plain_api_token_in_a_namespace_that_is_not_served_costs_no_call_and_is_told_nothing(
    scene: Scene,
) -> None:
    """Tried: a plain ApiToken in a namespace that is not allowed."""
    scene.alice.put_api_token("mailer")
    scene.alice.becomes_ready("mailer")
    before, (token,) = len(scene.account.calls()), scene.alice.tokens_of("mailer")

    for number in range(20):
        resources = [{"type": "domain", "name": f"name {number}", "accessLevel": "Admin"}]
        scene.mallory.put_api_token("probe", resources=resources)
        is_judged(scene.mallory, "probe")

    message = is_turned_away(scene.mallory, "probe")
    assert before == len(scene.account.calls())
    told = [str(token["id"]), "mailer", scene.alice.namespace, scene.alice.value("mailer") or ""]
    assert [] == [part for part in told if part in message]


def test_editors_may_not_write_a_status(scene: Scene) -> None:
    """Tried: `apitokens/status` by `edit`, and the other things that the role does not have."""
    scene.mallory.put_api_token("probe")
    own = own_account(scene.mallory, "own")
    status = {"status": {"tokenId": 1}}

    for path in (f"{scene.mallory.api_token_path('probe')}/status", f"{own.path}/status"):
        with pytest.raises(RefusedError, match="403"):
            scene.mallory.kube.merge(path, status)
    for path in (scene.account.path, scene.account.secret_path, scene.alice.api_token_path("probe")):
        with pytest.raises(RefusedError, match="403"):
            scene.mallory.kube.get(path)
    with pytest.raises(RefusedError, match="403"):
        scene.mallory.kube.merge(scene.account.path, {"spec": {"policy": None}})


def put_account(world: World, name: str, secret: Body, **spec: Any) -> None:
    """Create a MailtrapAccount as a client that does not know its schema."""
    full = {
        "accountId": world.simulator.account_id,
        "credentialsSecretRef": secret,
        "baseUrl": world.simulator.url,
    }
    body = {
        "apiVersion": API_VERSION,
        "kind": "MailtrapAccount",
        "metadata": {"name": name},
        "spec": full | spec,
    }
    world.kube.create(f"{GROUP}/namespaces/{world.namespace}/mailtrapaccounts", body)


def is_admitted(world: World, name: str, url: str) -> bool:
    """Whether the API server admits an account with a base URL."""
    try:
        put_account(world, name, {"name": "credential"}, baseUrl=url)
    except RefusedError as refused:
        if refused.status == 422:
            return False
        raise
    return True


def put_token(world: World, name: str, **spec: Any) -> None:
    """Create an ApiToken as a client that does not know its schema."""
    full = {"resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}]} | spec
    body = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": {"name": name}, "spec": full}
    world.kube.create(f"{GROUP}/namespaces/{world.namespace}/apitokens", body)


def reason_of(world: World, name: str) -> str:
    """Wait until an account of a namespace was judged; return the reason."""

    def look() -> str | None:
        status = (world.kube.get(world.account_path(name)) or {}).get("status", {})
        return next((c["reason"] for c in status.get("conditions", []) if c["type"] == "Ready"), None)

    return eventually(look, f"{name} is judged")
