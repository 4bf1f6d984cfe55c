"""The command `plan`: what the operator would do now. It lists the cluster and each account once, and writes nowhere.

The cluster comes first: a token that is issued meanwhile is then too much in the LIST of an account, never missing there.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TypeVar

from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.composition import Operator
from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.observation import Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.rehearsal import fates_of, in_words, steps_of
from mailtrap_operator.core.situation import Situation
from mailtrap_operator.runtime.listing import list_all
from mailtrap_operator.settings import PreviewSettings

K = TypeVar("K")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Row:
    """What would be done for one ApiToken, step by step, and why."""

    namespace: str
    name: str
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


async def preview(operator: Operator, kube: KubeClient, settings: PreviewSettings) -> str:
    """Return what would be done, as a table or as JSON; raises a `Failure` when the cluster cannot be listed."""
    for refusal in await list_all(kube, operator.intake.listings(operator.scope)):
        # A table that lacks a namespace would pass for the whole.
        raise refusal
    at_once, store = asyncio.Semaphore(settings.workers), operator.store
    of_accounts = await _each(
        at_once, sorted(store.account_keys(), key=str), lambda key: _orphans(operator, key)
    )
    of_tokens = await _each(at_once, sorted(store.api_token_keys()), lambda key: _rows(operator, key))
    return _as_json(of_tokens, of_accounts) if settings.output == "json" else _as_text(of_tokens, of_accounts)


async def _each(
    at_once: asyncio.Semaphore, keys: Iterable[K], look: Callable[[K], Awaitable[Iterable[T]]]
) -> list[T]:
    async def bounded(key: K) -> Iterable[T]:
        async with at_once:
            return await look(key)

    return [row for rows in await asyncio.gather(*map(bounded, keys)) for row in rows]


async def _orphans(operator: Operator, key: AccountKey) -> list[OrphanRow]:
    connection, account = operator.accounts.at(key), operator.store.account(key)
    tokens = await connection.list_tokens()
    swept = operator.sweep.look(account, tokens, connection) if account else None
    if account is None or swept is None:
        return (
            [OrphanRow(str(key), None, (), tokens.reason, tokens.message)]
            if isinstance(tokens, Unknown)
            else []
        )
    return [
        OrphanRow(str(key), token.id, (step,) if step else (), Reason.ORPHANED, why)
        for token, step, why in fates_of(swept, account, datetime.now(UTC))
    ]


async def _rows(operator: Operator, key: ApiTokenKey) -> list[Row]:
    seen = await operator.observer.listed(key)
    if seen is None:
        return []
    now = datetime.now(UTC)
    planned = plan(seen, now)
    finding = planned.finding
    return [Row(*key, steps_of(planned, Situation(seen, now)), finding.reason, finding.message)]


def _as_json(rows: Iterable[Row], orphans: Iterable[OrphanRow]) -> str:
    told = {"apiTokens": [asdict(row) for row in rows], "orphans": [asdict(row) for row in orphans]}
    return json.dumps(told, indent=2) + "\n"


def _as_text(rows: Sequence[Row], orphans: Sequence[OrphanRow]) -> str:
    table = _as_table(
        ("NAMESPACE", "NAME", "WOULD", "WHY"),
        ((row.namespace, row.name, in_words(row.would), row.why) for row in rows),
    )
    if not orphans:
        return table
    others = _as_table(
        ("ACCOUNT", "ORPHAN", "WOULD", "WHY"),
        ((row.account, str(row.token or "not known"), in_words(row.would), row.why) for row in orphans),
    )
    return f"{table}\n{others}"


def _as_table(heading: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    lines = [heading, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = (
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
    return "".join(f"{line.rstrip()}\n" for line in table)
