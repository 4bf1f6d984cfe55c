"""The command `plan`: what the operator would do now. It lists the cluster and each account once, and writes nowhere.

What a status says is shown, and decides nothing: anyone may have written it.

The cluster comes first: a token that is issued meanwhile is then too much in the LIST of an account, never missing there.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TypeVar

from mailtrap_operator.clients.errors import Terminal, visible
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.composition import Operator
from mailtrap_operator.core.account_observation import Remembered
from mailtrap_operator.core.account_plan import plan_account
from mailtrap_operator.core.dry_run import in_words, orphan_plans, steps_of
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.observed_state import ObservedState
from mailtrap_operator.core.prospects import Prospect, plan_with_refusals, prospect_of
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.listing import list_all
from mailtrap_operator.settings import PreviewSettings

K = TypeVar("K")
T = TypeVar("T")


NOTHING_TO_DO, COULD_NOT_TELL, SOMETHING_TO_DO = 0, 1, 2
"""Exit statuses."""

_WORDS = {Prospect.BLOCKED: ("blocked",), Prospect.UNKNOWN: ("not known",), Prospect.WAIT: ("wait",)}


@dataclass(frozen=True, slots=True)
class Answer:
    """What to print, and the exit status."""

    text: str
    status: int


@dataclass(frozen=True, slots=True)
class Row:
    """What would be done for one ApiToken, step by step, and why, or what stands in the way."""

    namespace: str
    name: str
    prospect: Prospect
    would: tuple[str, ...]
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class OrphanRow:
    """What would be done with an orphan; without a `token`: it is not known whether the account has any."""

    account: str
    token: int | None
    would: tuple[str, ...]
    reason: str
    why: str


async def preview(operator: Operator, kube: KubeClient, settings: PreviewSettings) -> Answer:
    """Return what would be done, as a table or as JSON; raises a `Failure` when that is not known of everything asked for."""
    for refusal in await list_all(kube, operator.informer.listings(operator.scope)):
        # A table that lacks a namespace would pass for the whole.
        raise refusal
    at_once, cache = asyncio.Semaphore(settings.workers), operator.cache
    keys = _asked_for(operator, settings)
    accounts = sorted(cache.account_keys(), key=str)
    of_accounts = await _each(at_once, accounts, lambda key: _orphans(operator, key))
    if operator.scope.namespaces or settings.in_namespace or settings.names:
        # Orphans are no one's; that an account is not known matters to who uses it.
        used = {str(account) for key in keys for account in cache.accounts_of(key)}
        of_accounts = [row for row in of_accounts if row.token is None and row.account in used]
    of_tokens = await _each(at_once, keys, lambda key: _rows(operator, key))
    text = (_as_json if settings.output == "json" else _as_text)(of_tokens, of_accounts)
    return Answer(text, _status(of_tokens, of_accounts))


def _asked_for(operator: Operator, settings: PreviewSettings) -> list[ApiTokenKey]:
    """Return the ApiTokens to report; raises `Terminal` where one that is named is not among those that there are."""
    namespace, served = settings.in_namespace, operator.scope.namespaces
    if namespace and served and namespace not in served:
        message = f"The operator does not serve namespace {namespace}, only {', '.join(served)}."
        raise Terminal(Reason.NOT_FOUND, message)
    keys = [key for key in sorted(operator.cache.api_token_keys()) if namespace in {None, key.namespace}]
    if not settings.names:
        return keys
    place = f"namespace {namespace}" if namespace else "any namespace that the operator serves"
    for name in settings.names:
        if name not in {key.name for key in keys}:
            raise Terminal(Reason.NOT_FOUND, f"There is no ApiToken {visible(name)} in {place}.")
    return [key for key in keys if key.name in settings.names]


def _status(rows: Iterable[Row], orphans: Iterable[OrphanRow]) -> int:
    prospects, orphans = {row.prospect for row in rows}, tuple(orphans)
    if Prospect.UNKNOWN in prospects or any(row.token is None for row in orphans):
        return COULD_NOT_TELL
    # What is blocked is not as it is asked for: a user has something to do.
    is_done = prospects <= {Prospect.NOTHING} and not any(row.would for row in orphans)
    return NOTHING_TO_DO if is_done else SOMETHING_TO_DO


async def _each(
    at_once: asyncio.Semaphore, keys: Iterable[K], look: Callable[[K], Awaitable[Iterable[T]]]
) -> list[T]:
    async def bounded(key: K) -> Iterable[T]:
        async with at_once:
            return await look(key)

    return [row for rows in await asyncio.gather(*map(bounded, keys)) for row in rows]


async def _orphans(operator: Operator, key: AccountKey) -> list[OrphanRow]:
    seen = await operator.account_observer.listed(key, Remembered())
    if isinstance(seen.tokens, Unknown):
        return [OrphanRow(str(key), None, (), seen.tokens.reason, seen.tokens.message)]
    planned = plan_account(seen, operator.clock())
    if planned.account is None or planned.orphans is None:
        return []
    return [
        OrphanRow(str(key), token.id, (step,) if step else (), Reason.ORPHANED, why)
        for token, step, why in orphan_plans(planned.orphans, planned.account, operator.clock())
    ]


async def _rows(operator: Operator, key: ApiTokenKey) -> list[Row]:
    seen = await operator.observer.listed(key)
    if seen is None:
        return []
    s = ObservedState(seen, operator.clock())
    planned = plan_with_refusals(s)
    steps, finding = steps_of(planned, s), planned.finding
    prospect = prospect_of(planned, steps, s.api_token.status)
    return [Row(*key, prospect, steps, finding.reason, finding.message)]


def _as_json(rows: Iterable[Row], orphans: Iterable[OrphanRow]) -> str:
    told = {"apiTokens": [asdict(row) for row in rows], "orphans": [asdict(row) for row in orphans]}
    return json.dumps(told, indent=2) + "\n"


def _as_text(rows: Sequence[Row], orphans: Sequence[OrphanRow]) -> str:
    table = _as_table(
        ("NAMESPACE", "NAME", "WOULD", "WHY"),
        ((row.namespace, row.name, _in_words(row), row.why) for row in rows),
    )
    if not orphans:
        return table
    others = _as_table(
        ("ACCOUNT", "ORPHAN", "WOULD", "WHY"),
        ((row.account, str(row.token or "not known"), in_words(row.would), row.why) for row in orphans),
    )
    return f"{table}\n{others}"


def _in_words(row: Row) -> str:
    return in_words((*_WORDS.get(row.prospect, ()), *row.would))


def _as_table(heading: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [heading, *([visible(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = (
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
    return "".join(f"{line.rstrip()}\n" for line in table)
