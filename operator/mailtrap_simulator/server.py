"""The API: takes a request and a time, changes the accounts, returns the answer. No I/O, no clock of its own.

A credential with Admin on the account sees and manages every token. Any other live credential sees only tokens whose
every permission it has itself, gets a list of them only where that is set, and may create, reset and delete none.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from random import Random

from . import refusals
from .account import Account, Mint, Node, refuse_reset
from .calls import Call, classify
from .drafts import read_create, read_reset
from .messages import Change, Request, Response, answer
from .rate import RateWindows, Reading
from .refusals import Refused
from .settings import RetryAfter, Settings
from .tokens import Token


class Server:
    """Several accounts behind one address. `rng` makes ids, values and removal times."""

    def __init__(self, rng: Random, settings: Settings) -> None:
        self.settings = settings
        self.accounts: dict[int, Account] = {}
        self._mint = Mint(rng)
        self._windows = RateWindows()

    def add_account(self, id_: int, name: str, catalogue: tuple[Node, ...] | None = None) -> Account:
        """A new account without tokens, so far reachable by no one."""
        account = Account(id_, name, self._mint, catalogue)
        self.accounts[id_] = account
        return account

    def classify(self, request: Request) -> Call:
        """What the request asks for. A plain path gets the first account that its credential sees, dead or alive."""
        call = classify(request, self.settings.paths)
        if call.account_id is not None or call.operation in ("accounts", "other"):
            return call
        holder = self._holder(call.credential)
        return call if holder is None else replace(call, account_id=holder[0].id)

    def meter(self, request: Request, now: datetime) -> Reading:
        """Count the request against its credential's window."""
        return self._windows.admit(self.classify(request).credential, self.settings.rate_limit, now)

    def handle(self, request: Request, now: datetime) -> Response:
        """The answer to a request, rate limit included."""
        reading = self.meter(request, now)
        if reading.wait is None:
            answered = self.answer(request, now)
            headers = {} if answered.status == HTTPStatus.BAD_REQUEST else reading.headers
        else:
            answered = refusals.too_many_requests()
            headers = reading.headers | _retry_after(reading.wait, self.settings.retry_after, now)
        answered = replace(answered, headers={**answered.headers, **headers})
        return refusals.in_form(answered, self.settings.errors)

    def answer(self, request: Request, now: datetime) -> Response:
        """The answer to a request that the rate limit has let through."""
        call = self.classify(request)
        if call.operation == "other":
            return refusals.unknown_route()
        try:
            visible, credential = self._authenticate(call, now)
            if call.operation == "accounts":
                return answer(200, [_account_entry(account, credential) for account in visible.values()])
            account = visible.get(call.account_id or 0)
            if account is None:
                return refusals.account_forbidden()
            return self._within_account(call, request.body, account, credential, now)
        except Refused as refused:
            return refused.response

    def _authenticate(self, call: Call, now: datetime) -> tuple[dict[int, Account], Token]:
        """The accounts that the credential sees, its own first."""
        holder = None if call.has_two_credentials else self._holder(call.credential)
        if holder is None or not holder[1].is_live(now):
            raise Refused(refusals.incorrect_token())
        home, credential = holder
        others = {id_: account for id_, account in self.accounts.items() if id_ in credential.other_accounts}
        return {home.id: home} | others, credential

    def _holder(self, value: str) -> tuple[Account, Token] | None:
        for account in self.accounts.values():
            token = account.find_value(value)
            if token is not None:
                return account, token
        return None

    def _within_account(
        self, call: Call, body: bytes, account: Account, credential: Token, now: datetime
    ) -> Response:
        if call.operation == "resources":
            return answer(200, account.tree(credential, self.settings.types))
        if call.operation in ("list", "get"):
            return self._read(call, account, credential, now)
        if account.admin_grant not in credential.grants:
            return refusals.access_forbidden()
        return self._write(call, body, account, credential, now)

    def _write(self, call: Call, body: bytes, account: Account, credential: Token, now: datetime) -> Response:
        if call.operation == "create":
            draft = read_create(body, self.settings, now)
            account.refuse_unknown(draft.grants)
            return self._with_value(account.create(draft, credential.name, now), base=None)
        token = account.find(call.token_id or 0, now)
        if token is None:
            return refusals.not_found()
        if call.operation == "delete":
            account.delete(token)
            return Response(204, change=Change(token.id))
        refuse_reset(token, self.settings, now)
        expires_at = read_reset(body, self.settings, now)
        return self._with_value(account.reset(token, expires_at, credential.name, now), base=token)

    def _read(self, call: Call, account: Account, credential: Token, now: datetime) -> Response:
        types = self.settings.types
        sees_all = account.admin_grant in credential.grants
        if call.operation == "list":
            if not sees_all and self.settings.unprivileged_list == "forbidden":
                return refusals.access_forbidden()
            shown = [token for token in account.tokens(now) if sees_all or _is_covered(token, credential)]
            return answer(200, [token.as_json(types) for token in shown])
        token = account.find(call.token_id or 0, now)
        if token is None or not (sees_all or _is_covered(token, credential)):
            return refusals.not_found()
        return answer(200, token.as_json(types))

    def _with_value(self, token: Token, base: Token | None) -> Response:
        change = Change(token.id) if base is None else Change(base.id, successor_id=token.id)
        return answer(200, token.as_json(self.settings.types) | {"token": token.value}, change)


def _is_covered(token: Token, credential: Token) -> bool:
    return all(any(own.covers(grant) for own in credential.grants) for grant in token.grants)


def _account_entry(account: Account, credential: Token) -> dict[str, object]:
    on_account = {g.access_level for g in credential.grants if account.admin_grant.covers(g)}
    return {"id": account.id, "name": account.name, "access_levels": sorted(on_account)}


def _retry_after(wait: int, form: RetryAfter, now: datetime) -> dict[str, str]:
    """The header that asks for so many seconds of patience; a date is rounded up to whole seconds."""
    if form == "none":
        return {}
    date = format_datetime(now + timedelta(seconds=wait, microseconds=999_999), usegmt=True)
    return {"Retry-After": str(wait) if form == "seconds" else date}
