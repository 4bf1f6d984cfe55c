"""What the control API does to accounts, tokens and credentials behind everyone's back, and shows of them."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from .account import Account, Node
from .drafts import Draft, read_grants
from .payload import Payload, PayloadError
from .simulator import Simulator
from .spelling import canonical
from .tokens import ADMIN, Grant, Token

_PRINTABLE = range(33, 127)


class NotFoundError(LookupError):
    """No token, account or fault with this id."""


def state(simulator: Simulator) -> dict[str, Any]:
    """Every account with every token, live or not; values only as SHA-256."""
    now = simulator.clock.now()

    def shown(token: Token) -> dict[str, Any]:
        return token.as_json() | {
            "live": token.is_live(now),
            "reset": token.was_reset,
            "sha256": token.fingerprint,
            "credential": token.is_credential,
            "foreign": simulator.tripwire.is_foreign(token.id, token.name),
        }

    accounts = simulator.server.accounts.values()
    return {
        "accounts": [
            {
                "id": account.id,
                "name": account.name,
                "tokens": [shown(token) for token in account.tokens(now)],
            }
            for account in accounts
        ]
    }


def add_account(simulator: Simulator, body: Any) -> dict[str, Any]:
    """A new account with its first credential, and with a catalogue of resources when one is given."""
    payload = Payload(body, "account")
    account_id = payload.integer("id")
    name = payload.text("name", f"Account {account_id}") or ""
    value = payload.text("credential")
    tree = payload.any("resources")
    payload.finish()
    if not account_id or account_id in simulator.server.accounts:
        raise PayloadError("account: id must be a whole number above zero that no other account has")
    _refuse_value(simulator, value)
    catalogue = None if tree is None else _catalogue(tree)
    simulator.server.add_account(account_id, name, catalogue)
    created = add_credential(simulator, {"account_id": account_id, "value": value})
    return {"id": account_id, "credential_id": created["id"], "credential": created["token"]}


def replace_resources(simulator: Simulator, account_id: int, body: Any) -> dict[str, Any]:
    """Another catalogue for an account: resources are made, renamed and removed, and its tokens stay as they are.

    A new domain brings a token of its own, foreign to all. Where any resource exists already, none is new.
    """
    payload = Payload(body, "resources")
    tree = payload.any("resources", [])
    payload.finish()
    account, catalogue = _known_account(simulator, account_id), _catalogue(tree)
    for domain in _new_domains(account.catalogue, catalogue):
        draft = Draft(domain.name, (Grant(domain.type, domain.id, ADMIN),), None)
        token = account.create(draft, "Mailtrap", simulator.clock.now())
        account.put(replace(token, name=f"{domain.name} token {token.id}"))
        simulator.tripwire.ids.add(token.id)
    account.catalogue = catalogue
    return {"id": account_id}


def add_token(simulator: Simulator, body: Any) -> dict[str, Any]:
    """A token made by someone else, past or future expiry included.

    It may be odd: `name` and `last_4_digits` null, `expires_at` a bare date.
    """
    payload = Payload(body, "token")
    is_foreign = payload.flag("foreign", default=False)
    token = _create(simulator, payload, _account(simulator, payload), default_grants=())
    if is_foreign:
        simulator.tripwire.ids.add(token.id)
    return {"id": token.id, "token": token.value}


def add_credential(simulator: Simulator, body: Any) -> dict[str, Any]:
    """A token to call the API with: Admin on the account unless resources are given, and foreign to all.

    With `accounts` it is an organisation's: it sees all of them and is listed in the first.
    """
    payload = Payload(body, "credential")
    account_ids = payload.list_of("accounts", int)
    accounts = [_known_account(simulator, id_) for id_ in account_ids] or [_account(simulator, payload)]
    account, others = accounts[0], frozenset(account_ids[1:])
    grants = tuple(account.admin_grant for account in accounts)
    token = _create(simulator, payload, account, default_grants=grants)
    account.put(replace(token, is_credential=True, other_accounts=others))
    simulator.tripwire.ids.add(token.id)
    return {"id": token.id, "token": token.value}


def edit_token(simulator: Simulator, token_id: int, body: Any) -> dict[str, Any]:
    """Change name, resources or expiry, as a person at the web page would."""
    account, token = _find(simulator, token_id)
    payload = Payload(body, "token")
    if "name" in payload:
        name = payload.text("name") or token.name
        token = replace(token, name=name, nulls=token.nulls - {"name"})
    if "resources" in payload:
        token = replace(token, grants=_grants(payload.any("resources")))
    if "expires_at" in payload:
        token = replace(token, expires_at=payload.moment("expires_at"), has_bare_date=False)
    payload.finish()
    account.put(token)
    return {"id": token.id}


def expire_token(simulator: Simulator, token_id: int) -> dict[str, Any]:
    """The token stops working now and stays listed."""
    account, token = _find(simulator, token_id)
    account.put(replace(token, expires_at=simulator.clock.now()))
    return {"id": token.id}


def delete_token(simulator: Simulator, token_id: int) -> dict[str, Any]:
    """The token is gone."""
    account, token = _find(simulator, token_id)
    account.delete(token)
    return {"id": token.id}


def _create(
    simulator: Simulator, payload: Payload, account: Account, default_grants: tuple[Grant, ...]
) -> Token:
    name = payload.text("name", "credential" if default_grants else "seeded")
    last_four = payload.text("last_4_digits", "")
    created_by = payload.text("created_by", "Jane Doe") or ""
    value = payload.text("value")
    resources = payload.any("resources")
    bare_date = payload.bare_date("expires_at")
    expires_at = bare_date or payload.moment("expires_at")
    payload.finish()
    if last_four:
        raise payload.wrong("last_4_digits", "null, or left out: the value has them")
    _refuse_value(simulator, value)
    grants = default_grants if resources is None and default_grants else _grants(resources)
    draft = Draft(name or "", grants, expires_at)
    token = account.create(draft, created_by, simulator.clock.now(), value)
    nulls = {key for key, text in (("name", name), ("last_4_digits", last_four)) if text is None}
    token = replace(token, nulls=frozenset(nulls), has_bare_date=bare_date is not None)
    account.put(token)
    return token


def _find(simulator: Simulator, token_id: int) -> tuple[Account, Token]:
    for account in simulator.server.accounts.values():
        token = account.find(token_id, simulator.clock.now())
        if token is not None:
            return account, token
    raise NotFoundError(f"there is no token {token_id}")


def _account(simulator: Simulator, payload: Payload) -> Account:
    """The account meant, the first one when none is named."""
    return _known_account(
        simulator, payload.integer("account_id", next(iter(simulator.server.accounts), 0)) or 0
    )


def _known_account(simulator: Simulator, account_id: int) -> Account:
    account = simulator.server.accounts.get(account_id)
    if account is None:
        raise NotFoundError(f"there is no account {account_id}")
    return account


def _refuse_value(simulator: Simulator, value: str | None) -> None:
    if value is None:
        return
    if not value or any(ord(character) not in _PRINTABLE for character in value):
        raise PayloadError("a token value must be printable ASCII without spaces, and not empty")
    if any(account.find_value(value) for account in simulator.server.accounts.values()):
        raise PayloadError("another token has this value; choose a different one")


def _grants(value: Any) -> tuple[Grant, ...]:
    errors: dict[str, list[str]] = {}
    grants = read_grants(value, errors)
    if errors:
        raise PayloadError(f"token: resources are refused: {errors}")
    return grants


def _as_list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise PayloadError("resources must be a list")
    return value


def _catalogue(tree: Any) -> tuple[Node, ...]:
    return tuple(_read_node(entry) for entry in _as_list(tree))


def _new_domains(former: tuple[Node, ...] | None, catalogue: tuple[Node, ...]) -> list[Node]:
    if former is None:
        return []
    known = {node.id for node in _domains(former)}
    return [node for node in _domains(catalogue) if node.id not in known]


def _domains(catalogue: tuple[Node, ...]) -> Iterable[Node]:
    return (node for top in catalogue for node in top.flat() if canonical(node.type) == "domain")


def _read_node(value: Any) -> Node:
    payload = Payload(value, "resource")
    node_id, name, kind = payload.integer("id"), payload.text("name", ""), payload.text("type")
    below = tuple(_read_node(entry) for entry in _as_list(payload.any("resources", [])))
    payload.finish()
    if node_id is None or not kind:
        raise PayloadError("a resource needs an id, a type, and may have a name and resources inside")
    return Node(node_id, name or "", kind, below)
