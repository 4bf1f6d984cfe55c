"""The control API under /_simulator/: what tests and people use to steer and inspect the simulator.

Values in, values out; no I/O. A token value is in the answers that create one and nowhere else.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from . import inventory
from .clock import written
from .faults import read_fault
from .payload import Payload, PayloadError
from .settings import OPTIONS
from .simulator import Simulator

PREFIX = "/_simulator/"


@dataclass(frozen=True, slots=True)
class Ask:
    """One control call: the id in its path, its query, its JSON body."""

    target: int
    query: Mapping[str, str]
    body: Any


def control(
    simulator: Simulator, method: str, path: str, query: Mapping[str, str], body: Any
) -> tuple[int, Any]:
    """Status and JSON answer of a control call: 200, 404 for unknown paths and ids, 422 for bad payloads."""
    simulator.settle()
    for wanted, pattern, action in _ROUTES:
        match = re.fullmatch(pattern.replace("{id}", r"(\d{1,18})"), path.removeprefix(PREFIX))
        if match and wanted == method:
            target = int(match[1]) if match.lastindex else 0
            try:
                return 200, action(simulator, Ask(target, query, body))
            except inventory.NotFoundError as error:
                return 404, {"error": str(error)}
            except PayloadError as error:
                return 422, {"error": str(error)}
    known = ", ".join(f"{wanted} {pattern}" for wanted, pattern, _ in _ROUTES)
    return 404, {"error": f"there is no {method} {path}; there are {known}, and POST outage"}


def _show_faults(simulator: Simulator, _: Ask) -> Any:
    return {"faults": [fault.as_json(fault_id) for fault_id, fault in simulator.faults.faults.items()]}


def _clear_faults(simulator: Simulator, _: Ask) -> Any:
    simulator.faults.faults.clear()
    return {}


def _remove_fault(simulator: Simulator, ask: Ask) -> Any:
    if simulator.faults.faults.pop(ask.target, None) is None:
        raise inventory.NotFoundError(f"there is no fault {ask.target}")
    return {}


def _show_clock(simulator: Simulator, _: Ask) -> Any:
    clock = simulator.clock
    return {"now": written(clock.now()), "offset": clock.offset.total_seconds()}


def _move_clock(simulator: Simulator, ask: Ask) -> Any:
    payload = Payload(ask.body, "clock")
    advance, offset = payload.seconds("advance"), payload.seconds("offset")
    payload.finish()
    if advance is not None and offset is None:
        simulator.clock.offset += advance
    elif offset is not None and advance is None:
        simulator.clock.offset = offset
    else:
        raise PayloadError('clock takes either {"advance": seconds} or {"offset": seconds}')
    simulator.settle()
    return _show_clock(simulator, ask)


def _show_journal(simulator: Simulator, ask: Ask) -> Any:
    since = ask.query.get("since", "0")
    if not since.isdecimal():
        raise PayloadError("since must be a whole number, the last sequence number already seen")
    return simulator.journal.as_json(int(since))


def _clear_journal(simulator: Simulator, _: Ask) -> Any:
    simulator.journal.clear()
    return {}


def _extend_tripwire(simulator: Simulator, ask: Ask) -> Any:
    payload = Payload(ask.body, "tripwire")
    ids, names = payload.list_of("ids", int), payload.list_of("names", str)
    payload.finish()
    simulator.tripwire.ids.update(ids)
    simulator.tripwire.names.update(names)
    return simulator.tripwire.as_json()


def _clear_tripwire(simulator: Simulator, _: Ask) -> Any:
    simulator.tripwire.clear()
    return {}


def _show_settings(simulator: Simulator, _: Ask) -> Any:
    settings = simulator.server.settings
    return {name: option.write(getattr(settings, name)) for name, option in OPTIONS.items()}


def _change_settings(simulator: Simulator, ask: Ask) -> Any:
    payload = Payload(ask.body, "settings")
    try:
        changes: dict[str, Any] = {
            name: option.parse(payload.text(name) or "")
            for name, option in OPTIONS.items()
            if name in payload
        }
    except ValueError as error:
        raise PayloadError(str(error)) from error
    payload.finish()
    simulator.server.settings = replace(simulator.server.settings, **changes)
    return _show_settings(simulator, ask)


_ROUTES: tuple[tuple[str, str, Callable[[Simulator, Ask], Any]], ...] = (
    ("GET", "faults", _show_faults),
    ("POST", "faults", lambda s, a: {"id": s.faults.add(read_fault(a.body))}),
    ("DELETE", "faults", _clear_faults),
    ("DELETE", "faults/{id}", _remove_fault),
    ("GET", "clock", _show_clock),
    ("POST", "clock", _move_clock),
    ("GET", "state", lambda s, _: inventory.state(s)),
    ("GET", "journal", _show_journal),
    ("DELETE", "journal", _clear_journal),
    ("GET", "tripwire", lambda s, _: s.tripwire.as_json()),
    ("POST", "tripwire", _extend_tripwire),
    ("DELETE", "tripwire", _clear_tripwire),
    ("GET", "settings", _show_settings),
    ("POST", "settings", _change_settings),
    ("POST", "accounts", lambda s, a: inventory.add_account(s, a.body)),
    ("PUT", "accounts/{id}/resources", lambda s, a: inventory.replace_resources(s, a.target, a.body)),
    ("POST", "tokens", lambda s, a: inventory.add_token(s, a.body)),
    ("PATCH", "tokens/{id}", lambda s, a: inventory.edit_token(s, a.target, a.body)),
    ("POST", "tokens/{id}/expire", lambda s, a: inventory.expire_token(s, a.target)),
    ("DELETE", "tokens/{id}", lambda s, a: inventory.delete_token(s, a.target)),
    ("POST", "credentials", lambda s, a: inventory.add_credential(s, a.body)),
    ("PATCH", "credentials/{id}", lambda s, a: inventory.edit_token(s, a.target, a.body)),
    ("POST", "credentials/{id}/expire", lambda s, a: inventory.expire_token(s, a.target)),
    ("DELETE", "credentials/{id}", lambda s, a: inventory.delete_token(s, a.target)),
)
