"""What Argo CD says of an object with the scripts in deploy/argocd, run as Argo CD runs them.

That is: in Lua 5.1, each time in a state of its own with the libraries `base`, `table` and the harmless part of `os`, the
object as the global `obj`. `util/lua/lua.go` of argo-cd says so.
"""

from functools import cache
from pathlib import Path
from typing import Any

from lupa.lua51 import LuaRuntime, lua_type

Body = dict[str, Any]

CUSTOMIZATIONS = Path(__file__).parents[2] / "deploy/argocd/resource_customizations"
TIME = "0001-01-01T00:00:00Z"
"""What the clock shows to a script; upstream's test data take it for the time as well."""

HEALTHS = {"Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown"}

_SANDBOX = """
local time = ...
for _, name in ipairs({ "coroutine", "debug", "io", "math", "python", "string" }) do
  _G[name], package.loaded[name] = nil, nil
end
os = { date = function() return time end }
package.loaded.os = os
"""


def health(body: Body) -> tuple[str, str]:
    """Judge an object; return its health and the message beside it."""
    found = run(script(body["kind"], "health.lua"), body)
    assert found["status"] in HEALTHS
    return found["status"], found["message"]


def actions(body: Body) -> dict[str, Any]:
    """Return the actions that are offered for an object, by name."""
    return dict(run(script(body["kind"], "actions/discovery.lua"), body))


def act(body: Body, action: str) -> Body:
    """Carry out an action; return the object as Argo CD would patch it."""
    changed: Body = run(script(body["kind"], f"actions/{action}/action.lua"), body)
    return changed


@cache
def script(kind: str, path: str) -> str:
    """Return a script of a kind."""
    return (CUSTOMIZATIONS / "mailtrap-operator.io" / kind / path).read_text()


def run(text: str, body: Body) -> Any:
    """Run a script on an object; return what it returns, tables as dict or list."""
    lua = LuaRuntime(register_eval=False, register_builtins=False, unpack_returned_tuples=True)
    lua.execute(_SANDBOX, TIME)
    lua.globals()["obj"] = lua.table_from(body, recursive=True)
    return _from_lua(lua.execute(text))


def _from_lua(value: Any) -> Any:
    if lua_type(value) != "table":
        return value
    items = {key: _from_lua(item) for key, item in value.items()}
    is_list = items and set(items) == set(range(1, len(items) + 1))
    return [items[at] for at in sorted(items)] if is_list else items
