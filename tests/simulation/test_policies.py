"""Whatever is edited when, no token is issued beyond the policy of that moment: its rights, its lifetime, their number.

Histories of edits run against the operator's own parts and the simulated servers, on virtual time. What is judged is
what the remote account holds: each token that appears there, right then.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from mailtrap_operator.core.ownership import owner_of, parse_tag
from mailtrap_simulator.tokens import ADMIN, VIEWER, Token
from tests.simulation.network import Call, Network
from tests.simulation.operator_instance import INSTALLATION, SETTINGS, Setup
from tests.simulation.outcomes import LOST, OK, Kind, Outcome
from tests.simulation.virtual_time import server_time
from tests.simulation.world import ACCOUNT_ID, FOR_EVERYBODY, GROUP, NAMESPACE, World, api_token_path
from tests.unit.clock import run_virtual

NAMES = ("a", "b", "c")
ACCOUNT = f"{GROUP}/clustermailtrapaccounts/default"
GRACE = 1.0
"""For so many seconds a former policy may still count: a call is in progress, and the news of an edit."""

MANY_WORKERS = Setup(settings=SETTINGS.model_copy(update={"workers": 32}))
"""Several reconciles of one account run at once: a quarter of them."""

EVERY_RULE: dict[str, Any] = dict.fromkeys(
    (
        "maxAccessLevel",
        "allowedResources",
        "maxLifetime",
        "requireExpiration",
        "maxTokensPerNamespace",
        "maxOverlap",
        "deletionPolicies",
    )
)
"""A patch that takes every rule away."""

Step = Callable[["History"], None]
Timed = list[tuple[Step, float]]
"""Steps, and for how many seconds nothing else is done after each."""


def _level(grant: int) -> str:
    return {ADMIN: "Admin", VIEWER: "Viewer"}[grant]


@dataclass(slots=True)
class History:
    """One world, the policies that it has had, and what was issued in it against them."""

    world: World
    policies: list[tuple[float, Mapping[str, Any]]] = field(default_factory=list)
    known: dict[int, Token] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    issued: int = 0
    losses: int = 0

    def outcome(self, call: Call) -> Outcome:
        """Have the answers to some calls be lost."""
        if call.kind is Kind.REMOTE_MUTATION and self.losses:
            self.losses -= 1
            return LOST
        return OK

    def judge(self) -> None:
        """Judge what has appeared in the account since the last look."""
        before, self.known = self.known, self.world.remote_tokens()
        for token in self.known.values():
            if token.id not in before:
                self.issued += 1
                violations = [self._wrong_with(token, before, policy) for policy in self._in_force()]
                if all(violations):
                    self.violations.append(f"{server_time()}: {token} {violations}")

    def _in_force(self) -> list[Mapping[str, Any]]:
        now = asyncio.get_running_loop().time()
        *former, (_, present) = self.policies
        starts = [at for at, _ in self.policies[1:]]
        return [present, *(p for (_, p), end in zip(former, starts, strict=True) if now - end < GRACE)]

    def _wrong_with(self, token: Token, before: Mapping[int, Token], policy: Mapping[str, Any]) -> str:
        violations = [
            self._beyond(policy, token),
            self._too_long(policy, token),
            self._too_many(policy, token, before),
        ]
        return "; ".join(wrong for wrong in violations if wrong)

    def _beyond(self, policy: Mapping[str, Any], token: Token) -> str:
        allowed = policy.get("allowedResources")
        for grant in token.grants:
            entries = [r for r in allowed or () if r["type"].lower() == grant.resource_type.lower()]
            if allowed and not any(
                str(r.get("id", grant.resource_id)) == str(grant.resource_id) for r in entries
            ):
                return f"{grant} is not listed"
            if policy.get("maxAccessLevel") == "Viewer" and _level(grant.access_level) != "Viewer":
                return f"{grant} is above Viewer"
            if grant.resource_type.lower() == "account" and grant.access_level != VIEWER and not entries:
                return f"{grant} is the account"
        return ""

    def _too_long(self, policy: Mapping[str, Any], token: Token) -> str:
        now = self.world.remote_time()
        is_endless = token.expires_at is None
        if is_endless and (policy.get("requireExpiration") or policy.get("maxLifetime")):
            return "it never ends"
        if token.expires_at and policy.get("maxLifetime"):
            longest = timedelta(hours=int(policy["maxLifetime"].removesuffix("h")))
            return "it lives too long" if token.expires_at - now > longest + timedelta(seconds=1) else ""
        return ""

    def _too_many(self, policy: Mapping[str, Any], token: Token, before: Mapping[int, Token]) -> str:
        most = policy.get("maxTokensPerNamespace")
        tag = parse_tag(token.name)
        # The API tells whole seconds of an expiry: one in its last second may count as over.
        end = self.world.remote_time() + timedelta(seconds=1)
        if most is None or tag is None:
            return ""
        metas = [body["metadata"] for body in self.world.api_tokens()]
        owners = {owner_of(INSTALLATION, NAMESPACE, meta["name"], meta["uid"]) for meta in metas}
        status = (self.world.read(ACCOUNT) or {})["status"]
        owners |= {entry["owner"] for entry in status.get("retained", ()) if entry["namespace"] == NAMESPACE}
        living = [
            found.owner
            for each in before.values()
            if each.is_live(end) and (found := parse_tag(each.name)) and found.owner in owners
        ]
        own, total = living.count(tag.owner), len(living)
        is_free = total < most or own == 1
        return "" if is_free else f"{total} live, {own} of its own, of {most} at most"

    def put(self, name: str, spec: Mapping[str, Any]) -> None:
        """Create an ApiToken or edit it; the account of one that is gone from it is given back."""
        if "deletionTimestamp" not in (self.world.read(api_token_path(name)) or {"metadata": {}})["metadata"]:
            self.world.put_api_token(name, **spec)

    def edit_policy(self, rules: Mapping[str, Any]) -> None:
        """Put another policy in place of the present one."""
        policy = {rule: value for rule, value in rules.items() if value is not None}
        self.world.write("PATCH", ACCOUNT, {"spec": {"policy": EVERY_RULE | policy}})
        self.policies.append((asyncio.get_running_loop().time(), policy))


RESOURCES: tuple[list[dict[str, Any]], ...] = (
    [{"type": "domain", "id": 1, "accessLevel": "Admin"}],
    [{"type": "domain", "id": 1, "accessLevel": "Viewer"}],
    [{"type": "sending_domain", "id": 2, "accessLevel": "Admin"}],
    [{"type": "account", "id": ACCOUNT_ID, "accessLevel": "Admin"}],
    [{"type": "Account", "id": ACCOUNT_ID, "accessLevel": "Admin"}],
    [{"type": "domain", "name": "example.com", "accessLevel": "Viewer"}],
    [{"type": "domain", "name": "no such name", "accessLevel": "Viewer"}],
)
EXPIRATIONS = (
    {"policy": "ServerDefault"},
    {"policy": "Never"},
    {"policy": "After", "after": "1h"},
    {"policy": "After", "after": "48h"},
)
SPECS = st.one_of(
    st.sampled_from(RESOURCES).map(lambda resources: {"resources": resources}),
    st.sampled_from(EXPIRATIONS).map(lambda desired: {"expiration": {"after": None} | desired}),
    st.sampled_from(["default", "default", "nowhere"]).map(lambda name: {"accountRef": {"name": name}}),
    st.sampled_from(["Delete", "Retain"]).map(lambda policy: {"deletionPolicy": policy}),
    st.sampled_from(["12h", "10m"]).map(
        lambda overlap: {"rotation": {"strategy": "Replace", "overlap": overlap}}
    ),
)
RULES: tuple[Mapping[str, Any], ...] = (
    {"maxTokensPerNamespace": 1},
    {"maxTokensPerNamespace": 2},
    {"maxTokensPerNamespace": 2},
    {"maxTokensPerNamespace": 3},
    {"maxAccessLevel": "Viewer"},
    {"allowedResources": [{"type": "domain", "id": 1}]},
    {"allowedResources": [{"type": "domain"}, {"type": "account"}]},
    {"maxLifetime": "24h"},
    {"requireExpiration": True},
    {"maxOverlap": "30m"},
    {"deletionPolicies": ["Delete"]},
)
POLICIES = st.lists(st.sampled_from(RULES), max_size=2).map(
    lambda rules: {rule: value for each in rules for rule, value in each.items()}
)


def _put(name: str, spec: Mapping[str, Any]) -> Step:
    return lambda history: history.put(name, spec)


def _rotate(name: str, request: int) -> Step:
    def do(history: History) -> None:
        if history.world.read(api_token_path(name)):
            history.world.request_rotation(name, str(request))

    return do


def _lose(history: History) -> None:
    history.losses = 1


def _edit(rules: Mapping[str, Any]) -> Step:
    return lambda history: history.edit_policy(rules)


def _delete(name: str) -> Step:
    return lambda history: history.world.delete(api_token_path(name))


def _evade_the_level(name: str, request: int) -> Timed:
    """Ask for less than the token may do, of a resource that no one knows, and have that renewed."""
    unknown = [{"type": "domain", "name": "no such name", "accessLevel": "Viewer"}]
    return [
        (_put(name, {}), 5.0),
        (_edit({"maxAccessLevel": "Viewer"}), 2.0),
        (_put(name, {"resources": unknown}), 2.0),
        (_rotate(name, request), 30.0),
    ]


def _rotate_often(name: str, request: int, most: int) -> Timed:
    rotations = [(_rotate(name, request + number), 3.0) for number in range(4)]
    return [(_put(name, {}), 5.0), (_edit({"maxTokensPerNamespace": most}), 2.0), *rotations]


def _leave_and_come_again(name: str, most: int) -> Timed:
    return [
        (_put(name, {}), 5.0),
        (_edit({"maxTokensPerNamespace": most}), 2.0),
        (_put(name, {"deletionPolicy": "Retain"}), 2.0),
        (_delete(name), 2.0),
        (_put(name, {}), 30.0),
    ]


def _point_elsewhere_and_add_another(name: str, other: str, most: int) -> Timed:
    return [
        (_put(name, {}), 5.0),
        (_edit({"maxTokensPerNamespace": most}), 2.0),
        (_put(name, {"accountRef": {"name": "nowhere"}}), 2.0),
        (_put(other, {}), 30.0),
    ]


def _all_at_once(most: int) -> Timed:
    return [(_edit({"maxTokensPerNamespace": most}), 2.0), *((_put(name, {}), 0.0) for name in NAMES)]


NAME, MOST, REQUEST = st.sampled_from(NAMES), st.integers(1, 3), st.integers(0, 10**6)
STEPS = st.one_of(
    st.builds(_put, NAME, st.just({})),
    st.builds(_put, NAME, SPECS),
    *[st.builds(_rotate, NAME, REQUEST)] * 3,
    st.builds(_edit, POLICIES),
    st.builds(_delete, NAME),
    st.just(_lose),
)
WAITS = st.sampled_from(
    [0.0, 0.0, 0.0, 0.02, 0.02, 0.06, 0.06, 1.0, 1.0, 30.0, 30.0, 90.0, 90.0, 700.0, 3600.0, 13 * 3600.0]
)


SCENES: st.SearchStrategy[Timed] = st.one_of(
    *[st.tuples(STEPS, WAITS).map(lambda timed: [timed])] * 4,
    st.builds(_evade_the_level, NAME, REQUEST),
    st.builds(_rotate_often, NAME, REQUEST, MOST),
    st.builds(_leave_and_come_again, NAME, MOST),
    st.builds(_point_elsewhere_and_add_another, NAME, NAME, MOST),
    st.builds(_all_at_once, MOST),
)


async def _live_through(steps: Timed) -> History:
    history = History(World(Network(), setup=MANY_WORKERS))
    network = history.world.network
    network.script, network.on_change, network.is_counting = history.outcome, history.judge, True
    history.known = history.world.remote_tokens()
    history.policies.append((0.0, FOR_EVERYBODY))
    await history.world.start_operator()
    for do, wait in steps:
        do(history)
        await asyncio.sleep(wait)
    await asyncio.sleep(120)
    await history.world.stop_operators()
    return history


@settings(
    max_examples=100,
    phases=[Phase.generate],
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(SCENES, min_size=4, max_size=12))
def test_no_token_is_issued_beyond_the_policy_of_that_moment(scenes: list[Timed]) -> None:
    history = run_virtual(_live_through([step for scene in scenes for step in scene]))
    event(f"{min(history.issued, 9)} tokens or more are issued")

    assert [] == history.violations
