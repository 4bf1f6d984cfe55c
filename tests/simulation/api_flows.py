"""Flows about single fields of the API, and about what others do to a token; each is taken through every single fault."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from mailtrap_operator.api.names import CONFIRM_ANNOTATION
from mailtrap_simulator.tokens import ADMIN, Grant, Token
from tests.simulation.account_flows import ACCOUNT
from tests.simulation.consumer import NAME as CONSUMER
from tests.simulation.flows import (
    Flow,
    change_expiration,
    create,
    held_token,
    is_served,
    is_waiting,
    request_rotation,
)
from tests.simulation.operator_instance import SETTINGS, Setup
from tests.simulation.virtual_time import START, server_time
from tests.simulation.world import (
    BY_HAND,
    CREDENTIAL,
    FOR_EVERYBODY,
    MAX_OVERLAP,
    OVERLAP,
    World,
    api_token_path,
    secret_path,
)

_LATER = 30.0
"""Seconds after which a user does the second half of something."""

_OVERLAP = {"overlap": f"{OVERLAP.total_seconds():.0f}s"}
_ONE_HOUR = {"policy": "After", "after": "1h"}
_LATE_WINDOW = [{"schedule": "0 12 1 1 *", "duration": "1h"}]
"""Opens long after every token has expired."""


def _later(do: Callable[[World], None], world: World) -> None:
    asyncio.get_running_loop().call_later(_LATER, do, world)


def _is_issued(earliest: timedelta, latest: timedelta = timedelta.max) -> Callable[[World], bool]:
    """Return whether an object is served with a token of this age, counted from the start."""

    def is_done(world: World) -> bool:
        held = held_token(world)
        return held is not None and earliest <= held.created_at - START < latest and is_served(world)

    return is_done


_is_unrotated = _is_issued(timedelta(), timedelta(seconds=10))
"""Whether an object is served with the token that it began with."""

_is_issued_later = _is_issued(timedelta(seconds=_LATER))
"""Whether it is served with a token that was issued after the second half of what a user does."""


def _wait(_world: World) -> None:
    """Do nothing: time alone has its effect."""


# Rotation.


def _change_and_ask_later(world: World) -> None:
    change_expiration(world)
    _later(request_rotation, world)


def _is_rotated_on_request(world: World) -> bool:
    """Whether the present token follows the first one: none was published in between."""
    (body,) = world.api_tokens()
    published = [entry for entry in body["status"]["history"] if "issuedAt" in entry]
    is_second = len(published[1:]) == 1
    return is_second and _is_issued_later(world) and not is_waiting(world)


def _rotate_beside_a_slow_consumer(world: World) -> None:
    world.consumer.rollout = 2 * MAX_OVERLAP.total_seconds()
    world.consumer.deploy()
    world.request_rotation()


def _is_cut_off(world: World) -> bool:
    """Whether the former token is gone although a pod still uses it."""
    (body,) = world.api_tokens()
    is_alone = is_served(world) and not body["status"].get("previous")
    is_told = world.condition("RolloutRestart").get("reason") == "Restarting"
    return is_alone and is_told and world.consumer.value != world.published_value()


# The Secret.


def _is_former_value_gone(world: World) -> bool:
    (body,) = world.api_tokens()
    keys = (world.secret_of(body) or {}).get("data", {}).keys()
    return is_served(world) and keys == {"token"} and not body["status"].get("previous")


def _change_template(world: World) -> None:
    world.put_api_token(secretTemplate={"data": {"token": "${token}", "dsn": "smtp://api:${token}@host"}})


def _has_new_form(world: World) -> bool:
    (body,) = world.api_tokens()
    return _is_unrotated(world) and "dsn" in (world.secret_of(body) or {}).get("data", {})


def _rotate_an_immutable_secret(world: World) -> None:
    """Ask for a rotation that the Secret cannot take; then delete the Secret, as the condition advises."""
    world.write("PATCH", secret_path(), {"immutable": True})
    world.request_rotation()
    _later(lambda world: world.delete(secret_path()), world)


def _is_mutable_again(world: World) -> bool:
    return is_served(world) and "immutable" not in (world.read(secret_path()) or {"immutable": True})


# What others do in Mailtrap.


def _elsewhere(change: Callable[[World, Token], object]) -> Callable[[World], None]:
    """Return a change of the token by a person; the list reports it when someone asks."""

    def begin(world: World) -> None:
        token = held_token(world)
        assert token is not None
        change(world, token)
        world.request_list()

    return begin


def _let_expire(world: World, token: Token) -> None:
    world.account.put(replace(token, expires_at=world.remote_time() - timedelta(seconds=1)))


def _end_sooner(world: World, token: Token) -> None:
    world.account.put(replace(token, expires_at=world.remote_time() + timedelta(days=60)))


def _reset(world: World, token: Token) -> None:
    world.account.reset(token, None, "Jane Doe", world.remote_time())


def _is_issued_anew(world: World) -> bool:
    held = held_token(world)
    return held is not None and not held.was_reset and is_served(world)


def _change_permissions(world: World, token: Token) -> None:
    world.account.put(replace(token, grants=(Grant("domain", 2, ADMIN),)))


def _is_end_corrected(world: World) -> bool:
    held = held_token(world)
    is_right = held is not None and held.expires_at is not None and held.expires_at > START + timedelta(80)
    return is_right and is_served(world) and not world.condition("Drifted")


def _is_reported(world: World) -> bool:
    held = held_token(world)
    is_as_changed = held is not None and held.grants == (Grant("domain", 2, ADMIN),)
    return is_as_changed and _is_unrotated(world) and bool(world.condition("Drifted"))


# Accounts.


def _set_policy(world: World, **policy: Any) -> None:
    world.write("PATCH", ACCOUNT, {"spec": {"policy": {**FOR_EVERYBODY, **policy}}})


def _change_under_a_policy_that_is_lifted_later(world: World) -> None:
    _set_policy(world, maxAccessLevel="Viewer")
    change_expiration(world)
    _later(lambda world: _set_policy(world, maxAccessLevel=None), world)


def _has_new_end(world: World) -> bool:
    held = held_token(world)
    return held is not None and held.expires_at is not None and _is_issued_later(world)


def _have_the_credential_end_soon(world: World) -> None:
    credential = world.account.find_value(CREDENTIAL)
    assert credential is not None
    world.account.put(replace(credential, expires_at=world.remote_time() + timedelta(days=10)))
    world.request_list()


def _is_warned(world: World) -> bool:
    return _is_unrotated(world) and bool(world.condition("CredentialExpiring", ACCOUNT))


# Adoption.


def _adopt_and_confirm_later(world: World) -> None:
    world.adopt()
    annotations = (world.read(api_token_path()) or {})["metadata"]["annotations"]
    id_ = annotations[CONFIRM_ANNOTATION]
    _confirm(world, None)
    _later(lambda world: _confirm(world, id_), world)


def _confirm(world: World, id_: str | None) -> None:
    world.write("PATCH", api_token_path(), {"metadata": {"annotations": {CONFIRM_ANNOTATION: id_}}})


def _is_by_hand_there(world: World) -> bool:
    return any(token.name == BY_HAND for token in world.remote_tokens().values())


def _is_adopted_later(world: World) -> bool:
    """Whether the token by hand is gone, and continued record only when that was confirmed."""
    (body,) = world.api_tokens()
    status, confirmed = body["status"], START + timedelta(seconds=_LATER)
    retired = [entry["retiredAt"] for entry in status["history"] if entry["id"] == status.get("adopted")]
    is_in_order = bool(retired) and datetime.fromisoformat(retired[0]) >= confirmed
    return is_in_order and is_served(world) and not _is_by_hand_there(world)


def _adopt_and_take_back_later(world: World) -> None:
    world.adopt()
    _later(lambda world: _confirm(world, None), world)


def _is_taken_back(world: World) -> bool:
    (body,) = world.api_tokens()
    is_confirmed = CONFIRM_ANNOTATION in body["metadata"]["annotations"]
    is_told = world.condition("AdoptionPending").get("reason") == "AdoptionUnconfirmed"
    return not is_confirmed and is_told and is_served(world) and not body["status"].get("previous")


# Operators that must not act.


def _is_planned(world: World) -> bool:
    (body,) = world.api_tokens()
    is_untouched = not world.owned(body) and world.secret_of(body) is None
    return is_untouched and bool(world.condition("Planned"))


def _is_left_alone(world: World) -> bool:
    """Whether the twin's one token lives, its value in place, and the object says whose it is."""
    (body,) = world.api_tokens()
    (token,) = world.owned(body)
    is_in_place = token.value == world.published_value() and token.is_live(server_time())
    stalled = world.condition("Stalled")
    is_told_of_this_spec = stalled.get("observedGeneration") == body["metadata"]["generation"]
    return is_in_place and is_told_of_this_spec and stalled.get("reason") == "InstallationMismatch"


API_FLOWS: tuple[Flow, ...] = (
    Flow(
        "rotation by hand",
        _change_and_ask_later,
        spec={"rotation": {"policy": "Manual", **_OVERLAP}},
        is_done=_is_rotated_on_request,
    ),
    Flow(
        "rotation by age",
        _wait,
        spec={"rotation": {"every": "1h", **_OVERLAP}},
        is_done=_is_issued(timedelta(minutes=50)),
    ),
    Flow(
        "no window before expiry",
        _wait,
        spec={
            "expiration": _ONE_HOUR,
            # A reset whose answer is lost would give the token twelve more hours.
            "rotation": {"strategy": "Replace", "windows": _LATE_WINDOW, **_OVERLAP},
        },
        is_done=_is_issued(timedelta(minutes=50), timedelta(hours=1)),
    ),
    Flow(
        "never outside of windows",
        _wait,
        spec={
            "expiration": _ONE_HOUR,
            "rotation": {"windows": _LATE_WINDOW, "outsideWindows": "Never", **_OVERLAP},
        },
        is_done=_is_issued(timedelta(minutes=60), timedelta(minutes=70)),
    ),
    Flow(
        "workload slower than the hard limit",
        _rotate_beside_a_slow_consumer,
        spec={
            "rolloutRestartTargets": [{"kind": "Deployment", "name": CONSUMER}],
            "rotation": {
                "strategy": "Replace",
                "maxOverlap": f"{MAX_OVERLAP.total_seconds():.0f}s",
                **_OVERLAP,
            },
        },
        is_done=_is_cut_off,
    ),
    Flow(
        "former value kept",
        request_rotation,
        spec={
            "secretTemplate": {"data": {"token": "${token}"}, "previousKey": "before"},
            "rotation": {"strategy": "Replace", **_OVERLAP},
        },
        is_done=_is_former_value_gone,
    ),
    Flow("template changed", _change_template, is_done=_has_new_form),
    Flow(
        "immutable Secret",
        _rotate_an_immutable_secret,
        is_done=_is_mutable_again,
        recovery=44,  # an operator that starts again reads the Secret, and is refused, again
    ),
    Flow(
        "deleted in Mailtrap",
        _elsewhere(lambda world, token: world.account.delete(token)),
        recovery=32,  # each look asks for the token that the list lacks
    ),
    Flow("expired in Mailtrap", _elsewhere(_let_expire)),
    Flow("reset in Mailtrap", _elsewhere(_reset), is_done=_is_issued_anew),
    Flow(
        "expiry changed in Mailtrap",
        _elsewhere(_end_sooner),
        spec={"expiration": {"policy": "After", "after": "2160h"}},
        is_done=_is_end_corrected,
    ),
    Flow(
        "drift reported",
        _elsewhere(_change_permissions),
        spec={"driftPolicy": "Report"},
        is_done=_is_reported,
    ),
    Flow("policy violated and lifted", _change_under_a_policy_that_is_lifted_later, is_done=_has_new_end),
    Flow("credential ends soon", _have_the_credential_end_soon, is_done=_is_warned),
    Flow(
        "adoption confirmed later",
        _adopt_and_confirm_later,
        is_done=_is_adopted_later,
    ),
    Flow(
        "adoption taken back",
        _adopt_and_take_back_later,
        is_done=lambda world: _is_taken_back(world) and _is_by_hand_there(world),
    ),
    Flow(
        "only planned",
        create,
        spec=None,
        is_done=_is_planned,
        setup=Setup(settings=SETTINGS.model_copy(update={"dry_run": True})),
        ends_served=False,
    ),
    Flow(
        "clone",
        change_expiration,
        is_done=_is_left_alone,
        setup=Setup(installation="cloned"),
        ends_served=False,
    ),
)
