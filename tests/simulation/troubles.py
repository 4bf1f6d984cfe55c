"""Troubles that come over a world and go again: what an ApiToken may stand in when its spec changes."""

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

from tests.simulation.accounts import ACCOUNTS, CREDENTIALS
from tests.simulation.kubernetes import Denial, Quota, Rules
from tests.simulation.network import all_is_well
from tests.simulation.outcomes import OK, TIMEOUT, Kind, Outcome, Seen
from tests.simulation.world import NAMESPACE, World, secret_path

Over = Callable[[World, str], AbstractContextManager[None]]
"""Keeps a world in trouble; the text names the Secret that the object wishes for."""


@dataclass(frozen=True, slots=True, eq=False)
class Trouble:
    """`reason` is what an object shows meanwhile that needs a token."""

    name: str
    over: Over
    reason: str = ""

    def __str__(self) -> str:
        return self.name


def _weather(outcomes: Mapping[Kind, Outcome]) -> Over:
    @contextmanager
    def over(world: World, _secret_name: str) -> Iterator[None]:
        world.network.script = lambda call: outcomes.get(call.kind, OK)
        yield
        world.network.script = all_is_well

    return over


def _rules(rules: Callable[[World], Rules]) -> Over:
    @contextmanager
    def over(world: World, _secret_name: str) -> Iterator[None]:
        world.kubernetes.rules = rules(world)
        yield
        world.kubernetes.rules = Rules()

    return over


@contextmanager
def _foreign_secret(world: World, secret_name: str) -> Iterator[None]:
    path = secret_path(secret_name)
    world.delete(path)
    folder, _, name = path.rpartition("/")
    foreign = world.write("POST", folder, {"metadata": {"name": name}, "data": {"password": "c2VjcmV0"}})
    yield
    assert foreign == world.read(path), "the foreign Secret was touched"
    world.delete(path)


@contextmanager
def _wrong_credentials(world: World, _secret_name: str) -> Iterator[None]:
    bodies = [world.read(path) for path in CREDENTIALS]
    for path in CREDENTIALS:
        world.write("PATCH", path, {"data": {"token": base64.b64encode(b"wrong").decode()}})
    yield
    for path, body in zip(CREDENTIALS, bodies, strict=True):
        world.write("PATCH", path, {"data": (body or {})["data"]})


@contextmanager
def _missing_accounts(world: World, _secret_name: str) -> Iterator[None]:
    bodies = [world.read(path) or {} for path in ACCOUNTS]
    for path in ACCOUNTS:
        world.force_delete(path)
    yield
    for path, body in zip(ACCOUNTS, bodies, strict=True):
        meta = {"name": body["metadata"]["name"]}
        world.write("POST", path.rpartition("/")[0], {**body, "metadata": meta})


@contextmanager
def _strict_policies(world: World, _secret_name: str) -> Iterator[None]:
    """The accounts allow no resource that a spec of these tests asks for."""
    for path in ACCOUNTS:
        world.write("PATCH", path, {"spec": {"policy": {"allowedResources": [{"type": "none"}]}}})
    yield
    for path in ACCOUNTS:
        world.write("PATCH", path, {"spec": {"policy": {"allowedResources": None}}})


def _full(world: World) -> Rules:
    secrets = world.read(secret_path("")) or {}
    return Rules(quotas={NAMESPACE: Quota("few", len(secrets["items"]))})


_REFUSAL = Outcome("422", Seen.STATUS, status=422)
_DENIAL = Rules((Denial("no-secrets", "no Secrets here"),))
_SILENCE = {Kind.REMOTE_READ: TIMEOUT, Kind.REMOTE_MUTATION: TIMEOUT}

NOTHING = Trouble("nothing", lambda _world, _secret_name: nullcontext())
FOREIGN_SECRET = Trouble("a foreign Secret", _foreign_secret, "SecretNotOwned")
REFUSALS = Trouble("refusals by Mailtrap", _weather({Kind.REMOTE_MUTATION: _REFUSAL}), "RequestRefused")

TROUBLES: tuple[Trouble, ...] = (
    FOREIGN_SECRET,
    REFUSALS,
    Trouble("wrong credentials", _wrong_credentials, "CredentialRefused"),
    Trouble("missing accounts", _missing_accounts, "AccountNotFound"),
    Trouble("a policy that allows nothing", _strict_policies, "PolicyViolated"),
    Trouble("denials of Secrets", _rules(lambda _world: _DENIAL), "SecretWriteRefused"),
    Trouble("a quota of Secrets", _rules(_full), "SecretWriteRefused"),
    Trouble("silence of Mailtrap", _weather(_SILENCE), "RemoteUnavailable"),
)
"""All but `NOTHING`."""
