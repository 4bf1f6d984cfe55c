"""Mailtrap's own SDKs, unchanged, against the simulator over TLS: witnesses for the simulator's behaviour.

Each is driven in both forms of the paths, by a server that has both and by one that has this form alone.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailtrap_simulator.process import SimulatorProcess
from tests.contract.sdks import NODE, NodeDriver, NodeSdk, PythonSdk, Refused, Sdk, Target, node_driver

ACCOUNT = 3229
ADMIN = "3d" * 14 + "feed"
DOMAIN = {"resource_type": "domain", "resource_id": 435, "access_level": 100}
STATES = pytest.mark.parametrize("state", ["absent", "null", "date"])
DAYS = {"absent": 365, "null": None, "date": 30}
DEFAULTS = {
    "server": "new",
    "paths": "both",
    "types": "both",
    "default_expiry": "365d",
    "rate_limit": "150/10s",
    "errors": "usual",
    "second_reset": "refused",
}
SERVED = [("account", "both"), ("account", "account"), ("plain", "both"), ("plain", "plain")]
PYTHON = [("python", *served) for served in SERVED]
EVERY = [*PYTHON, *(("node", *served) for served in SERVED)]


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(ADMIN, account_id=ACCOUNT, tls=True) as simulator:
        yield simulator


@pytest.fixture(scope="module")
def node(process: SimulatorProcess) -> Iterator[NodeDriver]:
    assert process.ca_file is not None
    with node_driver(process.ca_file) as driver:
        yield driver


@pytest.fixture
def simulator(process: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> SimulatorProcess:
    """The one process with its settings as at the start, trusted by `requests`."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(process.ca_file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    process.control("DELETE", "faults")
    process.control("POST", "settings", DEFAULTS)
    process.control("POST", "clock", {"advance": 10})
    return process


@pytest.fixture(params=EVERY, ids=lambda parts: f"{parts[0]}, {parts[1]} of {parts[2]}")
def sdk(request: pytest.FixtureRequest, simulator: SimulatorProcess, node: NodeDriver) -> Sdk:
    """An SDK that speaks one form, and a server that has it."""
    language, form, paths = request.param
    simulator.control("POST", "settings", {"paths": paths})
    target = Target(simulator.url, ACCOUNT, form)
    return NodeSdk(target, node) if language == "node" else PythonSdk(target)


def now(simulator: SimulatorProcess) -> datetime:
    return datetime.fromisoformat(simulator.control("GET", "clock")["now"])


def expiry(simulator: SimulatorProcess, state: str) -> dict[str, Any]:
    """The three states of `expires_at` as parameters."""
    date = (now(simulator) + timedelta(days=30)).astimezone(UTC).isoformat()
    states: dict[str, dict[str, Any]] = {
        "absent": {},
        "null": {"expires_at": None},
        "date": {"expires_at": date},
    }
    return states[state]


def granted_days(simulator: SimulatorProcess, expires_at: str | None) -> int | None:
    """The granted lifetime in whole days, rounded."""
    if expires_at is None:
        return None
    return round((datetime.fromisoformat(expires_at) - now(simulator)) / timedelta(days=1))


def create(sdk: Sdk, credential: str = ADMIN, **params: Any) -> Any:
    return sdk.call(credential, "create", {"name": "mailer", "resources": [DOMAIN], **params})


def works(sdk: Sdk, value: str) -> bool:
    return [ACCOUNT] == [account["id"] for account in sdk.call(value, "accounts")]


def refusal(sdk: Sdk, name: str, *args: Any, credential: str = ADMIN) -> tuple[int | None, str]:
    with pytest.raises(Refused) as refused:
        sdk.call(credential, name, *args)
    return refused.value.status, refused.value.words


def test_the_lock_file_names_no_registry() -> None:
    """Anyone who installs may have one of their own; the hashes decide what comes from it."""
    packages = json.loads((NODE / "package-lock.json").read_text())["packages"]
    installed = {path: entry for path, entry in packages.items() if path}

    assert "node_modules/mailtrap" in installed
    assert {} == {path: entry for path, entry in installed.items() if "resolved" in entry}
    assert {} == {path: entry for path, entry in installed.items() if "integrity" not in entry}


@STATES
def test_create_answers_the_value_and_grants_the_expiry(
    simulator: SimulatorProcess, sdk: Sdk, state: str
) -> None:
    token = create(sdk, **expiry(simulator, state))

    assert 32 == len(token["token"])
    assert ("mailer", token["token"][-4:], [DOMAIN]) == (
        token["name"],
        token["last_4_digits"],
        token["resources"],
    )
    assert DAYS[state] == granted_days(simulator, token["expires_at"])
    assert works(sdk, token["token"])


@STATES
def test_reset_answers_a_successor_and_grants_the_expiry(
    simulator: SimulatorProcess, sdk: Sdk, state: str
) -> None:
    base = create(sdk)

    successor = sdk.call(ADMIN, "reset", base["id"], expiry(simulator, state))

    assert f"mailer {successor['id']}" == successor["name"]
    assert (True, [DOMAIN]) == (successor["token"] != base["token"], successor["resources"])
    assert DAYS[state] == granted_days(simulator, successor["expires_at"])


def test_reset_without_a_body_grants_the_default(simulator: SimulatorProcess, sdk: Sdk) -> None:
    base = create(sdk)

    successor = sdk.call(ADMIN, "reset", base["id"])

    assert 365 == granted_days(simulator, successor["expires_at"])
    overlap = datetime.fromisoformat(sdk.call(ADMIN, "get", base["id"])["expires_at"]) - now(simulator)
    assert 12 == round(overlap / timedelta(hours=1))
    assert works(sdk, base["token"])


@STATES
def test_an_old_server_grants_no_expiry(simulator: SimulatorProcess, sdk: Sdk, state: str) -> None:
    simulator.control("POST", "settings", {"server": "old"})

    token = create(sdk, **expiry(simulator, state))
    successor = sdk.call(ADMIN, "reset", token["id"])

    assert (None, None) == (token["expires_at"], successor["expires_at"])


@pytest.mark.parametrize(("types", "spelled"), [("new", "domain"), ("old", "sending_domain")])
def test_a_server_of_one_spelling_is_understood(
    simulator: SimulatorProcess, sdk: Sdk, types: str, spelled: str
) -> None:
    simulator.control("POST", "settings", {"types": types})
    resource = {**DOMAIN, "resource_type": spelled}

    token = create(sdk, resources=[resource])

    assert [resource] == sdk.call(ADMIN, "get", token["id"])["resources"]


def test_list_and_get_show_the_token_without_its_value(sdk: Sdk) -> None:
    created = create(sdk)

    listed = {token["id"]: token for token in sdk.call(ADMIN, "list")}

    assert listed[created["id"]] == sdk.call(ADMIN, "get", created["id"])
    assert "token" not in listed[created["id"]]
    assert ("mailer", "credential") == (listed[created["id"]]["name"], listed[created["id"]]["created_by"])


def test_delete_ends_the_value_at_once(sdk: Sdk) -> None:
    token = create(sdk)
    assert works(sdk, token["token"])

    sdk.call(ADMIN, "delete", token["id"])

    assert (401, "Incorrect API token") == refusal(sdk, "accounts", credential=token["token"])


@pytest.mark.parametrize("sdk", PYTHON, indirect=True)
def test_the_permission_tree_is_understood(sdk: Sdk) -> None:
    """Node's SDK has no call for it."""
    (account,) = sdk.call(ADMIN, "resources")

    assert (ACCOUNT, "account", 100) == (account["id"], account["type"], account["access_level"])
    assert ("example.com", "domain", 435) in [(n["name"], n["type"], n["id"]) for n in account["resources"]]


def test_an_incorrect_credential_is_401(sdk: Sdk) -> None:
    assert (401, "Incorrect API token") == refusal(sdk, "list", credential="unknown")


def test_an_expired_credential_is_401(simulator: SimulatorProcess, sdk: Sdk) -> None:
    credential = simulator.control("POST", "credentials", {})
    simulator.control("POST", f"credentials/{credential['id']}/expire")

    assert 401 == refusal(sdk, "list", credential=credential["token"])[0]


@pytest.mark.parametrize("sdk", [each for each in EVERY if each[1] == "account"], indirect=True)
def test_the_account_of_others_is_403(simulator: SimulatorProcess, sdk: Sdk) -> None:
    """The plain form can name no account."""
    stranger = simulator.control("POST", "accounts", {"id": int(now(simulator).timestamp() * 1e6)})

    assert (403, "Account access forbidden") == refusal(sdk, "list", credential=stranger["credential"])


@pytest.mark.parametrize("call", ["list", "create", "reset", "delete"])
def test_a_call_without_admin_on_the_account_is_403(sdk: Sdk, call: str) -> None:
    token = create(sdk)
    args = {"list": [], "create": [{"name": "mailer", "resources": [DOMAIN]}]}.get(call, [token["id"]])

    assert (403, "Access forbidden") == refusal(sdk, call, *args, credential=token["token"])


@pytest.mark.parametrize("call", ["get", "reset", "delete"])
def test_an_unknown_token_is_404(sdk: Sdk, call: str) -> None:
    assert (404, "Not Found") == refusal(sdk, call, 1)


@pytest.mark.parametrize("sdk", [each for each in EVERY if each[1] != each[2]], indirect=True)
def test_a_form_that_is_not_served_is_404(simulator: SimulatorProcess, sdk: Sdk) -> None:
    served = "plain" if sdk.target.form == "account" else "account"
    simulator.control("POST", "settings", {"paths": served})

    assert 404 == refusal(sdk, "list")[0]
    assert works(sdk, ADMIN)


def test_no_permissions_are_422(sdk: Sdk) -> None:
    status, words = refusal(sdk, "create", {"name": "mailer", "resources": []})

    assert (422, True) == (status, "No permissions selected. Please choose at least one." in words)


def test_a_resource_that_does_not_exist_is_422(sdk: Sdk) -> None:
    resources = [{**DOMAIN, "resource_id": 999_999}]

    status, words = refusal(sdk, "create", {"name": "mailer", "resources": resources})

    assert (422, True) == (status, "Resource not found: domain 999999" in words)


@pytest.mark.parametrize(
    ("expires_at", "message"),
    [
        ("2001-01-01T00:00:00Z", "Expiration date must be in the future"),
        ("2099-01-01T00:00:00Z", "expires_at: must be within 5 years from now"),
        ("tomorrow", "expires_at: is invalid"),
    ],
)
def test_an_unacceptable_expiry_is_422_on_create_and_reset(sdk: Sdk, expires_at: str, message: str) -> None:
    base, given = create(sdk), {"expires_at": expires_at}

    created = refusal(sdk, "create", {"name": "mailer", "resources": [DOMAIN], **given})

    for status, words in (created, refusal(sdk, "reset", base["id"], given)):
        assert (422, True) == (status, message in words)


def test_a_second_reset_is_422(sdk: Sdk) -> None:
    base = create(sdk)
    sdk.call(ADMIN, "reset", base["id"])

    status, words = refusal(sdk, "reset", base["id"])

    assert (422, True) == (status, "API token has already been reset." in words)


def test_a_reset_of_an_expired_token_is_422(simulator: SimulatorProcess, sdk: Sdk) -> None:
    base = create(sdk)
    simulator.control("POST", f"tokens/{base['id']}/expire")

    status, words = refusal(sdk, "reset", base["id"])

    assert (422, True) == (status, "API token has expired." in words)


def test_too_many_calls_are_429(simulator: SimulatorProcess, sdk: Sdk) -> None:
    simulator.control("POST", "settings", {"rate_limit": "1/10s"})
    sdk.call(ADMIN, "accounts")

    assert (429, "Rate limit exceeded") == refusal(sdk, "list")


@pytest.mark.parametrize("form", ["usual", "string", "list", "object", "null-beside"])
def test_every_form_of_an_error_is_read(simulator: SimulatorProcess, sdk: Sdk, form: str) -> None:
    simulator.control("POST", "settings", {"errors": form})

    status, words = refusal(sdk, "get", 1)

    assert (404, True) == (status, "Not Found" in words)


@pytest.mark.parametrize(
    ("effect", "status"),
    [
        ({"kind": "status", "status": 500}, 500),
        ({"kind": "html"}, 502),
        ({"kind": "status", "status": 503, "body": ""}, 503),
        ({"kind": "status", "status": 400}, 400),
    ],
)
def test_a_broken_server_is_understood_as_such(
    simulator: SimulatorProcess, sdk: Sdk, effect: Any, status: int
) -> None:
    simulator.control("POST", "faults", {"effect": effect})

    assert status == refusal(sdk, "list")[0]
