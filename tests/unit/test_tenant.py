"""Attacks of a tenant, or of a server, that were tried and do not succeed: those that need no cluster to be shown.

The docstring of each test says what was tried. Those on a real API server are in tests/e2e/test_tenant_*.py.
"""

import ast
import ssl
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

import mailtrap_operator
from mailtrap_operator.api.v1alpha1 import AccountPolicy, AccountRef, Window
from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.mailtrap import MailtrapClient
from mailtrap_operator.clients.mailtrap_http import http_clients
from mailtrap_operator.clients.pacer import Pacer
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.core.observation import Permission, Tenancy
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.core.policy import excess
from mailtrap_operator.core.windows import opening
from mailtrap_simulator.process import SimulatorProcess
from tests.unit.clients.remote import known_server
from tests.unit.core.builders import an_api_token, seen

NOW = datetime(2026, 2, 28, 23, 59, tzinfo=UTC)
CREDENTIAL = "c0ffee00" * 4


def test_the_owner_in_a_tag_has_50_bits_and_follows_from_the_uid() -> None:
    """Tried: a tag collision. The UID, which the API server chooses, is in it, so no one steers it."""
    owners = {owner_of("testaa", "evil", "mailer", f"uid-{number}") for number in range(2_000)}

    assert 2_000 == len(owners)
    assert {10} == {len(owner) for owner in owners}
    assert set("abcdefghijklmnopqrstuvwxyz234567") == set("".join(owners))


LIMITED = AccountPolicy.model_validate(
    {"max_access_level": "Viewer", "allowed_resources": [{"type": "domain", "id": 435}]}
)


@pytest.mark.parametrize(
    "permissions",
    [
        pytest.param(None, id="not told"),
        pytest.param((Permission("domain", "435", "Admin"),), id="a higher level"),
        pytest.param((Permission("domain", "435", "100"),), id="an unknown level"),
        pytest.param((Permission("domain", "435", ""),), id="no level"),
        pytest.param((Permission("domain", "0435", "Viewer"),), id="a leading zero"),
        pytest.param((Permission("domain", "４３５", "Viewer"),), id="full-width digits"),
        pytest.param((Permission("Domain", "435", "Viewer"),), id="another case"),
        pytest.param((Permission("inbox", "435", "Viewer"),), id="an earlier name of another type"),
        pytest.param(
            (Permission("domain", "435", "Viewer"), Permission("account", "1", "Viewer")), id="one of two"
        ),
    ],
)
def test_what_a_token_may_do_counts_as_beyond_the_policy_unless_it_is_known(
    permissions: tuple[Permission, ...] | None,
) -> None:
    """Tried: unknown levels, and permissions that Mailtrap does not tell. They fail closed."""
    world = seen(an_api_token(), tenancy=Tenancy(LIMITED))
    assert excess(ObservedState(world, NOW), permissions)


MOST_CALLS = 20_000

BOMBS = {
    "every minute": "* * * * *",
    "a date that is rare": "59 23 29 2 *",
    "a rare date on a weekday": "0 0 29 2 sun",
    "the longest lists": ",".join(map(str, range(30))) + " * * * *",
    "the last day": "0 0 L * *",
}


@pytest.mark.parametrize("schedule", BOMBS.values(), ids=BOMBS)
@pytest.mark.parametrize("timezone", ["UTC", "Antarctica/Troll", "Africa/Casablanca", "Etc/GMT+12"])
def test_sixteen_windows_cost_a_bounded_number_of_steps(schedule: str, timezone: str) -> None:
    """Tried: cron and time-zone bombs. A search that continues for years would make millions of calls."""
    windows = [Window(schedule=schedule, timezone=timezone, duration=timedelta(minutes=1))] * 16
    calls = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event == "call"

    sys.setprofile(count)
    try:
        found = opening(windows, NOW)
    finally:
        sys.setprofile(None)

    assert found is not None
    assert calls < MOST_CALLS


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31 2 *"])
def test_a_schedule_that_never_comes_is_refused(schedule: str) -> None:
    """Tried: impossible dates, after which a search would continue for ever."""
    with pytest.raises(ValidationError, match="not a cron schedule"):
        Window(schedule=schedule, duration=timedelta(minutes=1))


@pytest.mark.parametrize("zone", ["../../etc/passwd", "/etc/localtime", "Mars/Olympus", "UTC\x00", "."])
def test_a_time_zone_is_no_path(zone: str) -> None:
    """Tried: a time zone that names a file."""
    with pytest.raises(ValidationError):
        Window(schedule="* * * * *", timezone=zone, duration=timedelta(minutes=1))


async def lists_tokens(url: str) -> bool:
    """Whether a new client of the product gets a list from a server."""
    async with http_clients(Proxies({}))() as http:
        client = MailtrapClient(
            http,
            account=AccountRef(name="default"),
            server=known_server(url, 3229),
            credential=SecretStr(CREDENTIAL),
            pacer=Pacer(10, timedelta(seconds=1)),
            request_timeout=timedelta(seconds=120),
        )
        try:
            await client.list_tokens()
        except Failure:
            return False
        return True


async def test_mailtrap_is_who_its_certificate_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tried: TLS to Mailtrap. It is verified with its host name, at least 1.2, and `SSL_CERT_FILE` counts."""
    with SimulatorProcess(CREDENTIAL, tls=True) as simulator:
        assert not await lists_tokens(simulator.url), "an authority that no one knows"

        monkeypatch.setenv("SSL_CERT_FILE", str(simulator.ca_file))
        assert await lists_tokens(simulator.url)
        assert not await lists_tokens(simulator.url.replace("127.0.0.1", "127.1")), "another name of it"
        assert simulator.control("GET", "journal")["entries"]

    context = http_clients(Proxies({}))()._transport._tls  # type: ignore[attr-defined]  # httpx shows it nowhere else
    assert ssl.TLSVersion.TLSv1_2 <= context.minimum_version
    assert (ssl.CERT_REQUIRED, True) == (context.verify_mode, context.check_hostname)


UNSAFE = {"pickle", "marshal", "shelve", "dill", "jsonpickle", "subprocess", "xml", "tarfile", "zipfile"}
CALLS = {"eval", "exec", "compile", "__import__"}


def test_nothing_from_outside_is_read_but_as_json() -> None:
    """Tried: deserialisation. There is JSON into bounded types; no pickle, and no YAML but the operator's own files."""
    found, readers = [], set()
    for path in Path(mailtrap_operator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Import(names=names):
                    modules = {name.name.partition(".")[0] for name in names}
                case ast.ImportFrom(module=str(module)):
                    modules = {module.partition(".")[0]}
                case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                    found.append(f"{path.name}: {name}")
                    continue
                case ast.Attribute(
                    value=ast.Name(id="yaml"), attr="load" | "load_all" | "safe_load" | "safe_load_all"
                ):
                    readers.add(path.name)
                    continue
                case _:
                    continue
            found += [f"{path.name}: {module}" for module in modules & UNSAFE]

    assert [] == found
    assert readers <= {"manifests.py"}, "no YAML is read"
