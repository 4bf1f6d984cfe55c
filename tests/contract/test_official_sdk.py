"""The provider's own SDK, unchanged, against the simulator over TLS: a witness for the simulator's behaviour.

The SDK's general API is bound to one host without a port, which no setting of `MailtrapClient` changes. So its public
parts are put together here as `MailtrapClient.general_api` does it, with another host and the client's own headers.
The standard variable of `requests` names the authority to trust.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest
from mailtrap import MailtrapClient
from mailtrap.api.general import GeneralApi
from mailtrap.exceptions import APIError, AuthorizationError
from mailtrap.http import HttpClient
from mailtrap.models.api_tokens import ApiTokenResource, CreateApiTokenParams, ResetApiTokenParams

from mailtrap_simulator.process import SimulatorProcess

ACCOUNT = 3229
ADMIN = "3d" * 14 + "feed"
DOMAIN = ApiTokenResource("domain", 435, 100)
STATES = pytest.mark.parametrize("state", ["absent", "null", "date"])


@pytest.fixture(scope="module")
def process() -> Iterator[SimulatorProcess]:
    with SimulatorProcess(ADMIN, account_id=ACCOUNT, tls=True) as simulator:
        yield simulator


@pytest.fixture
def simulator(process: SimulatorProcess, monkeypatch: pytest.MonkeyPatch) -> SimulatorProcess:
    """The one process with its settings as at the start, trusted by `requests`."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(process.ca_file))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    process.control("DELETE", "faults")
    process.control("POST", "settings", {"server": "new", "default_expiry": "365d", "rate_limit": "150/10s"})
    process.control("POST", "clock", {"advance": 10})
    return process


@pytest.fixture
def sdk(simulator: SimulatorProcess) -> GeneralApi:
    return sdk_for(simulator, ADMIN)


def sdk_for(simulator: SimulatorProcess, credential: str) -> GeneralApi:
    headers = MailtrapClient(token=credential).headers
    return GeneralApi(client=HttpClient(host=urlsplit(simulator.url).netloc, headers=headers))


def now(simulator: SimulatorProcess) -> datetime:
    return datetime.fromisoformat(simulator.control("GET", "clock")["now"])


def expiry_params(simulator: SimulatorProcess, state: str) -> dict[str, Any]:
    """The three states of `expires_at` as the SDK's parameters know them."""
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


DAYS = {"absent": 365, "null": None, "date": 30}


def create(sdk: GeneralApi, name: str = "mailer", **params: Any) -> Any:
    return sdk.api_tokens.create(ACCOUNT, CreateApiTokenParams(name=name, resources=[DOMAIN], **params))


@STATES
def test_create_answers_the_value_and_grants_the_expiry(
    simulator: SimulatorProcess, sdk: GeneralApi, state: str
) -> None:
    token = create(sdk, **expiry_params(simulator, state))

    assert 32 == len(token.token)
    assert ("mailer", token.token[-4:], [DOMAIN]) == (token.name, token.last_4_digits, token.resources)
    assert DAYS[state] == granted_days(simulator, token.expires_at)
    assert [ACCOUNT] == [account.id for account in sdk_for(simulator, token.token).accounts.get_list()]


@STATES
def test_reset_answers_a_successor_and_grants_the_expiry(
    simulator: SimulatorProcess, sdk: GeneralApi, state: str
) -> None:
    base = create(sdk)

    params = ResetApiTokenParams(**expiry_params(simulator, state))
    successor = sdk.api_tokens.reset(ACCOUNT, base.id, params)

    assert f"mailer {successor.id}" == successor.name
    assert (True, [DOMAIN]) == (successor.token != base.token, successor.resources)
    assert DAYS[state] == granted_days(simulator, successor.expires_at)


def test_reset_without_a_body_grants_the_default(simulator: SimulatorProcess, sdk: GeneralApi) -> None:
    base = create(sdk)

    successor = sdk.api_tokens.reset(ACCOUNT, base.id)

    assert 365 == granted_days(simulator, successor.expires_at)
    overlap = datetime.fromisoformat(sdk.api_tokens.get_by_id(ACCOUNT, base.id).expires_at or "") - now(
        simulator
    )
    assert 12 == round(overlap / timedelta(hours=1))
    assert sdk_for(simulator, base.token).accounts.get_list()


@STATES
def test_an_old_server_grants_no_expiry(simulator: SimulatorProcess, sdk: GeneralApi, state: str) -> None:
    simulator.control("POST", "settings", {"server": "old"})

    token = create(sdk, **expiry_params(simulator, state))
    successor = sdk.api_tokens.reset(ACCOUNT, token.id)

    assert (None, None) == (token.expires_at, successor.expires_at)


def test_list_and_get_show_the_token_without_its_value(sdk: GeneralApi) -> None:
    created = create(sdk)

    listed = {token.id: token for token in sdk.api_tokens.get_list(ACCOUNT)}

    assert listed[created.id] == sdk.api_tokens.get_by_id(ACCOUNT, created.id)
    assert not hasattr(listed[created.id], "token")
    assert (created.name, created.created_by) == (listed[created.id].name, "credential")


def test_delete_ends_the_value_at_once(simulator: SimulatorProcess, sdk: GeneralApi) -> None:
    token = create(sdk)

    deleted = sdk.api_tokens.delete(ACCOUNT, token.id)

    assert token.id == deleted.id
    with pytest.raises(AuthorizationError):
        sdk_for(simulator, token.token).accounts.get_list()


def test_the_permission_tree_is_understood(sdk: GeneralApi) -> None:
    (account,) = sdk.permissions.get_resources(ACCOUNT)

    assert (ACCOUNT, "account", 100) == (account.id, account.type, account.access_level)
    assert ("example.com", "domain", 435) in [(node.name, node.type, node.id) for node in account.resources]


def test_an_incorrect_credential_is_401(simulator: SimulatorProcess) -> None:
    with pytest.raises(AuthorizationError) as refused:
        sdk_for(simulator, "unknown").api_tokens.get_list(ACCOUNT)

    assert (401, ["Incorrect API token"]) == (refused.value.status, refused.value.errors)


def test_an_expired_credential_is_401(simulator: SimulatorProcess) -> None:
    credential = simulator.control("POST", "credentials", {})
    simulator.control("POST", f"credentials/{credential['id']}/expire")

    with pytest.raises(AuthorizationError):
        sdk_for(simulator, credential["token"]).api_tokens.get_list(ACCOUNT)


def test_the_account_of_others_is_403(sdk: GeneralApi) -> None:
    with pytest.raises(APIError) as refused:
        sdk.api_tokens.get_list(ACCOUNT + 1)

    assert (403, ["Account access forbidden"]) == (refused.value.status, refused.value.errors)


@pytest.mark.parametrize(
    "call",
    [
        pytest.param(lambda sdk, _: create(sdk), id="create"),
        pytest.param(lambda sdk, token_id: sdk.api_tokens.reset(ACCOUNT, token_id), id="reset"),
        pytest.param(lambda sdk, token_id: sdk.api_tokens.delete(ACCOUNT, token_id), id="delete"),
    ],
)
def test_a_change_without_admin_on_the_account_is_403(
    simulator: SimulatorProcess, sdk: GeneralApi, call: Callable[[GeneralApi, int], Any]
) -> None:
    token = create(sdk)

    with pytest.raises(APIError) as refused:
        call(sdk_for(simulator, token.token), token.id)

    assert (403, ["Access forbidden"]) == (refused.value.status, refused.value.errors)


@pytest.mark.parametrize("call", ["get_by_id", "reset", "delete"])
def test_an_unknown_token_is_404(sdk: GeneralApi, call: str) -> None:
    with pytest.raises(APIError) as refused:
        getattr(sdk.api_tokens, call)(ACCOUNT, 1)

    assert (404, ["Not Found"]) == (refused.value.status, refused.value.errors)


def test_no_permissions_are_422(sdk: GeneralApi) -> None:
    with pytest.raises(APIError) as refused:
        sdk.api_tokens.create(ACCOUNT, CreateApiTokenParams(name="mailer"))

    message = "base: No permissions selected. Please choose at least one."
    assert (422, [message]) == (refused.value.status, refused.value.errors)


@pytest.mark.parametrize(
    ("expires_at", "message"),
    [
        ("2001-01-01T00:00:00Z", "expires_at: must be in the future"),
        ("2099-01-01T00:00:00Z", "expires_at: must be within 5 years from now"),
        ("tomorrow", "expires_at: is invalid"),
    ],
)
def test_an_unacceptable_expiry_is_422_on_create_and_reset(
    sdk: GeneralApi, expires_at: str, message: str
) -> None:
    base = create(sdk)

    with pytest.raises(APIError) as create_refused:
        create(sdk, expires_at=expires_at)
    with pytest.raises(APIError) as reset_refused:
        sdk.api_tokens.reset(ACCOUNT, base.id, ResetApiTokenParams(expires_at=expires_at))

    for refused in (create_refused.value, reset_refused.value):
        assert (422, [message]) == (refused.status, refused.errors)


def test_a_second_reset_is_422(sdk: GeneralApi) -> None:
    base = create(sdk)
    sdk.api_tokens.reset(ACCOUNT, base.id)

    with pytest.raises(APIError) as refused:
        sdk.api_tokens.reset(ACCOUNT, base.id)

    assert (422, ["base: API token has already been reset."]) == (refused.value.status, refused.value.errors)


def test_a_reset_of_an_expired_token_is_422(simulator: SimulatorProcess, sdk: GeneralApi) -> None:
    base = create(sdk)
    simulator.control("POST", f"tokens/{base.id}/expire")

    with pytest.raises(APIError) as refused:
        sdk.api_tokens.reset(ACCOUNT, base.id)

    assert (422, ["base: API token has expired."]) == (refused.value.status, refused.value.errors)


def test_too_many_calls_are_429(simulator: SimulatorProcess, sdk: GeneralApi) -> None:
    simulator.control("POST", "settings", {"rate_limit": "1/10s"})
    sdk.accounts.get_list()

    with pytest.raises(APIError) as refused:
        sdk.api_tokens.get_list(ACCOUNT)

    assert 429 == refused.value.status


@pytest.mark.parametrize(
    ("effect", "status", "errors"),
    [
        ({"kind": "status", "status": 500}, 500, ["Internal Server Error"]),
        ({"kind": "html"}, 502, ["Invalid JSON"]),
        ({"kind": "status", "status": 503, "body": ""}, 503, ["Empty response body"]),
    ],
)
def test_a_broken_server_is_understood_as_such(
    simulator: SimulatorProcess, sdk: GeneralApi, effect: Any, status: int, errors: list[str]
) -> None:
    simulator.control("POST", "faults", {"effect": effect})

    with pytest.raises(APIError) as refused:
        sdk.api_tokens.get_list(ACCOUNT)

    assert (status, errors) == (refused.value.status, refused.value.errors)
