"""The credentials of a pod: read again when they are renewed, reported when their authority changed."""

import asyncio
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from local_cluster.certificates import Authority
from mailtrap_operator.clients.cluster_access import ClusterAccess
from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.handlers import EndlessBackoffs, connection_of
from tests.unit.clock import now, virtual


class Pod:
    """The folder of a service account, as a kubelet keeps it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.put_token("first")
        self.put_authority()
        self.access = ClusterAccess(random.Random(7), Proxies({}), folder)

    def put_token(self, token: str) -> None:
        (self.folder / "token").write_text(token)

    def put_authority(self) -> None:
        (self.folder / "ca.crt").write_bytes(Authority("cluster").certificate)

    def lose(self) -> None:
        (self.folder / "token").unlink()


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setenv("KUBECONFIG", "/no/such/file")
    return Pod(tmp_path)


@virtual
async def _tokens_over_time(pod: Pod, happens: Callable[[], object], *seconds: float) -> list[str | None]:
    """Return the token that is used after each wait; something happens after the first look."""
    configuration = await pod.access.configuration()
    used = [await configuration.get_api_key_with_prefix("BearerToken")]
    happens()
    for pause in seconds:
        await asyncio.sleep(pause)
        used.append(await configuration.get_api_key_with_prefix("BearerToken"))
    return used


def test_a_pod_finds_its_cluster_and_its_token(pod: Pod) -> None:
    assert ["bearer first"] == _tokens_over_time(pod, lambda: None)


def test_a_renewed_token_is_used_within_a_minute(pod: Pod) -> None:
    used = _tokens_over_time(pod, lambda: pod.put_token("second"), 30, 31, 60)

    assert ["bearer first", "bearer first", "bearer second", "bearer second"] == used


def test_a_refused_token_is_looked_for_at_once(pod: Pod) -> None:
    def happens() -> None:
        pod.put_token("second")
        pod.access.refuse()

    assert ["bearer first", "bearer second"] == _tokens_over_time(pod, happens, 1)


def test_a_token_that_cannot_be_read_for_a_while_is_used_on(pod: Pod) -> None:
    assert ["bearer first", "bearer first"] == _tokens_over_time(pod, pod.lose, 100)


@virtual
async def _logins(pod: Pod, *happens: Callable[[], object]) -> list[tuple[str | None, float]]:
    """Return the token of each login and when it came; before each but the first something happens."""
    logins = [(connection_of(await pod.access.login()).token, now())]
    for one in happens:
        one()
        logins.append((connection_of(await pod.access.login()).token, now()))
    return logins


def test_a_login_with_a_renewed_token_comes_at_once(pod: Pod) -> None:
    logins = _logins(pod, lambda: pod.put_token("second"))

    assert [("first", 0.0), ("second", 0.0)] == logins


def test_the_same_login_comes_after_pauses_that_grow_to_half_a_minute(pod: Pod) -> None:
    logins = _logins(pod, *[lambda: None] * 9)

    pauses = [later - earlier for (_, earlier), (_, later) in itertools.pairwise(logins)]
    assert [True] * 9 == [
        0.75 * usual <= pause <= 1.25 * usual
        for usual, pause in zip((1, 2, 4, 8, 16, 30, 30, 30, 30), pauses, strict=True)
    ]


@virtual
async def test_a_token_that_is_renewed_during_the_pause_is_taken(pod: Pod) -> None:
    await pod.access.login()
    asyncio.get_running_loop().call_later(0.5, pod.put_token, "second")

    assert "second" == connection_of(await pod.access.login()).token


@virtual
async def test_a_login_waits_for_credentials_that_cannot_be_read(pod: Pod) -> None:
    pod.lose()
    asyncio.get_running_loop().call_later(100, pod.put_token, "second")

    assert "second" == connection_of(await pod.access.login()).token

    assert 100 <= now() < 140


@virtual
async def test_no_two_logins_are_equal(pod: Pod) -> None:
    assert connection_of(await pod.access.login()) != connection_of(await pod.access.login())


@virtual
async def test_a_replaced_authority_is_complained_of(pod: Pod) -> None:
    await pod.access.configuration()
    await pod.access.check_authority()
    assert None is pod.access.unhealthy_reason(), (
        "who cannot be trusted and is the same as ever may be anyone"
    )

    pod.put_authority()
    assert None is pod.access.unhealthy_reason()
    await pod.access.check_authority()

    assert pod.access.unhealthy_reason() == (
        "The authority that the API server's certificate is checked by was replaced; this process knows the former one."
    )


@virtual
async def test_without_credentials_the_failure_says_what_to_do(pod: Pod) -> None:
    pod.lose()

    with pytest.raises(Terminal, match="run in a pod with a service account"):
        await pod.access.configuration()


def test_a_watch_never_gives_up_and_never_waits_long() -> None:
    pauses = [pause for pause, _ in zip(EndlessBackoffs(), range(5000), strict=False)]

    assert 5000 == len(pauses)
    assert (True, True) == (pauses[0] <= 1, all(15 <= pause <= 30 for pause in pauses[5:]))


@pytest.mark.parametrize("token", ["mine\n", "mine\r\n", " mine \n\n"])
async def test_a_token_file_may_end_with_a_newline(pod: Pod, token: str) -> None:
    pod.put_token(token)

    configuration, login = await pod.access.configuration(), await pod.access.login()

    assert "bearer mine" == configuration.api_key["BearerToken"]
    assert "mine" == connection_of(login).token


@pytest.mark.parametrize("token", ["mine\nthine", "m\x00ne", "m\u00efne", "\n"])
async def test_a_token_that_no_header_can_carry_is_told(pod: Pod, token: str) -> None:
    pod.put_token(token)

    with pytest.raises(Terminal, match="the token is empty, or has characters that no token has") as caught:
        await pod.access.configuration()

    assert "thine" not in str(caught.value)


KUBECONFIG = """\
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "https://192.0.2.1"}}]
users: [{name: me, user: USER}]
"""


@pytest.mark.parametrize(
    ("user", "expected"),
    [
        pytest.param('{tokenFile: "FOLDER/token"}', "Bearer mine", id="of a file"),
        pytest.param('{token: "mine\\n"}', "Bearer mine", id="in the kubeconfig"),
        pytest.param("{username: me, password: mine}", "Basic bWU6bWluZQ==", id="a name and a password"),
        pytest.param("{}", None, id="none at all"),
    ],
)
async def test_a_token_of_a_kubeconfig_may_end_with_a_newline(
    user: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    path = tmp_path / "config"
    monkeypatch.setattr("kubernetes.aio.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    path.write_text(KUBECONFIG.replace("USER", user).replace("FOLDER", str(tmp_path)))
    (tmp_path / "token").write_text("mine\n")

    configuration = await ClusterAccess(random.Random(7), Proxies({}), tmp_path / "none").configuration()

    assert expected == configuration.api_key.get("BearerToken")


@pytest.mark.parametrize(
    ("host", "server"), [("192.0.2.1", "https://192.0.2.1:443"), ("fd00::1", "https://[fd00::1]:443")]
)
async def test_an_api_server_is_found_by_either_family(
    host: str, server: str, pod: Pod, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", host)

    login = await pod.access.login()

    assert (server, server) == (login.server, (await pod.access.configuration()).host)
