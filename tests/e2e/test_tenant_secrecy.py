"""What a tenant reads of others' values, and what a tenant's odd objects do to the operator: nothing.

Each test is an attack that was tried and does not succeed; its docstring says which.
"""

import base64
import json
from pathlib import Path

import httpx

from tests.e2e.kube import GROUP, Body
from tests.e2e.tenant import MANAGED, Scene, encoded, is_ready, new_credential, own_account, spoil
from tests.e2e.world import API_VERSION, CREDENTIAL, World, eventually


def test_values_and_credentials_stand_in_secrets_alone(scene: Scene) -> None:
    """Tried: to read values and the credential at level debug, in all that the operator writes, after all that happens to a token."""
    alice = scene.alice
    own = own_account(alice, "own")
    values = {scene.account.credential, own.credential, CREDENTIAL}
    alice.put_api_token(
        "mailer", rotation={"overlap": "1h"}, secretTemplate={"data": {"dsn": "smtp://${token}@x"}}
    )
    alice.put_api_token("other", accountRef={"kind": "MailtrapAccount", "name": own.name})
    values |= {alice.becomes_ready("other"), held(alice, "mailer")}
    alice.request_rotation("mailer", "reset")
    values.add(another(alice, "mailer", values))
    alice.kube.delete(alice.secret_path("mailer"))
    values.add(another(alice, "mailer", values))
    scene.admin.fault("reset", "garbage")
    scene.admin.fault("create", "garbage")
    alice.request_rotation("mailer", "garbage")
    values.add(another(alice, "mailer", values))

    texts = written(scene)
    pieces = values | {base64.b64encode(value.encode()).decode() for value in values}
    assert [] == [place for place, text in texts.items() if any(piece in text for piece in pieces)]
    assert alice.namespace in texts["log"], "the log is read"
    assert "mailtrap_operator" in texts["metrics"], "the metrics are read"
    assert alice.namespace in texts["events"], "the Events are read"


def held(world: World, name: str) -> str:
    """Return the value of an ApiToken's Secret, wherever it stands there."""

    def look() -> str | None:
        text = world.value(name, "dsn")
        return text.removeprefix("smtp://").removesuffix("@x") if text else None

    return eventually(look, f"{name} has a value")


def another(world: World, name: str, former: set[str]) -> str:
    return eventually(lambda: {held(world, name)} - former, f"{name} has another value").pop()


def written(scene: Scene) -> dict[str, str]:
    """Return all that the operator shows, by where it stands."""
    kube, port = scene.admin.kube, scene.operator.port
    texts = {
        kind: json.dumps(kube.get(f"{GROUP}/{kind}"))
        for kind in ("apitokens", "mailtrapaccounts", "clustermailtrapaccounts")
    }
    texts["events"] = json.dumps(kube.get("/api/v1/events"))
    secrets = (kube.get("/api/v1/secrets") or {})["items"]
    texts["metadata of Secrets"] = json.dumps([secret["metadata"] for secret in secrets])
    texts["metrics"] = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=60).text
    texts["log"] = scene.operator.log.read_text()
    process = Path(f"/proc/{scene.operator.pid}")
    for name in ("environ", "cmdline"):
        texts[name] = process.joinpath(name).read_bytes().decode(errors="replace")
    return texts


def test_a_server_and_a_tenant_write_no_line_of_the_log(scene: Scene) -> None:
    """Tried: log injection, by names and by a server's words."""
    forged = '{"level": "error", "message": "forged"}'
    body = {"error": f"no\r\n{forged}\u2028{forged}\x1b[2J"}
    credential = new_credential(scene.admin)
    spoil(scene.admin, credential, "status", status=422, body=body)
    account = own_account(scene.mallory, "loud", credential)
    scene.mallory.put_annotated_api_token(
        "loud",
        {"mailtrap-operator.io/rotate": f"now\n{forged}"},
        accountRef={"kind": "MailtrapAccount", "name": account.name},
        displayName=f"{forged}",
        resources=[{"type": "domain", "name": f"a {forged}", "accessLevel": "Viewer"}],
    )

    eventually(lambda: account.condition().get("status") == "False", "the account says what is wrong")
    eventually(
        lambda: scene.mallory.condition("loud").get("status") == "False", "the ApiToken says what is wrong"
    )

    lines = [json.loads(line) for line in scene.operator.log.read_text().splitlines()]
    assert [] == [line for line in lines if line.get("message") == "forged"]
    assert any(scene.mallory.namespace in json.dumps(line) for line in lines), "the log reports them"


def test_objects_without_what_clients_usually_send_break_nothing(scene: Scene) -> None:
    """Tried: poison objects, made without a User-Agent and with null in place of data."""
    mallory = scene.mallory
    path = f"/api/v1/namespaces/{mallory.namespace}/secrets"
    marks = {
        "annotations": {"mailtrap-operator.io/owner": "x", "mailtrap-operator.io/issuance": "[]"},
        "labels": MANAGED,
    }
    poison: list[tuple[str, Body]] = [
        (path, {"metadata": {"name": "null-data", **marks}, "data": None}),
        (path, {"metadata": {"name": "probe", **marks}, "data": {"token": ""}}),
        (
            path,
            {"metadata": {"name": "no-marks", "labels": MANAGED, "annotations": None, "managedFields": []}},
        ),
    ]
    for name, status in (("probe", None), ("other", {})):
        spec = {"resources": [{"type": "domain", "id": 1, "accessLevel": "Admin"}], "rotation": None}
        meta = {"name": name, "annotations": None, "finalizers": None}
        body = {
            "apiVersion": API_VERSION,
            "kind": "ApiToken",
            "metadata": meta,
            "spec": spec,
            "status": status,
        }
        poison.append((f"{GROUP}/namespaces/{mallory.namespace}/apitokens", body))

    for path, body in poison:
        assert 201 == send_namelessly(mallory, path, body)
    for name in ("probe", "other"):
        eventually(lambda: mallory.condition(name), "it is judged")  # noqa: B023 - called at once

    scene.alice.put_api_token("mailer")
    scene.alice.becomes_ready("mailer")
    assert scene.operator.is_running


def send_namelessly(world: World, path: str, body: Body) -> int:
    """Create an object without saying which client does it; return the answer's status."""
    request = world.kube._http.build_request("POST", path, json=body)
    del request.headers["User-Agent"]
    return world.kube._http.send(request).status_code


def test_a_large_secret_that_is_written_again_and_again_delays_no_one(scene: Scene) -> None:
    """Tried: a Secret of 1 MiB patched several times a second."""
    mallory, name = scene.mallory, "large"
    path = mallory.secret_path(name)
    body = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "labels": MANAGED},
        "data": encoded({"token": "x" * 700_000}),
    }
    mallory.kube.apply(path, body)
    mallory.put_api_token("first", secretName=name)

    scene.alice.put_api_token("mailer")
    for number in range(40):
        mallory.kube.merge(path, {"metadata": {"annotations": {"turn": str(number)}}})

    scene.alice.becomes_ready("mailer")
    assert scene.operator.is_ready


def test_accounts_of_ever_new_names_leave_nothing_open(scene: Scene) -> None:
    """Tried: a leak of one HTTP client for each name of an account; the clients take no connection with them."""
    account = own_account(scene.mallory, "first")
    is_ready(account)
    before = open_files(scene)
    for number in range(20):
        fleeting = own_account(scene.mallory, f"fleeting-{number}", baseUrl="http://127.0.0.1:1")
        eventually(fleeting.condition, "it is judged")
        scene.mallory.kube.delete(fleeting.path)

    assert open_files(scene) - before < 20


def open_files(scene: Scene) -> int:
    return len(list(Path(f"/proc/{scene.operator.pid}/fd").iterdir()))
