"""The command `plan`: what the operator would do now. It reads the cluster and the accounts once, and writes nowhere."""

import asyncio
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from mailtrap_operator.clients.errors import Failure
from mailtrap_operator.clients.kube import KubeClient
from mailtrap_operator.composition import Operator
from mailtrap_operator.core.keys import ApiTokenKey
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.rehearsal import words_of
from mailtrap_operator.runtime.listing import list_all
from mailtrap_operator.settings import PreviewSettings


@dataclass(frozen=True, slots=True)
class Row:
    """What would be done for one ApiToken, and why."""

    namespace: str
    name: str
    would: str
    reason: str
    why: str


async def preview(operator: Operator, kube: KubeClient, settings: PreviewSettings) -> str:
    """Return what would be done, as a table or as JSON; raises a `Failure` when the cluster cannot be listed."""
    for refusal in await list_all(kube, operator.intake.listings(operator.scope)):
        # A table that lacks a namespace would pass for the whole.
        raise refusal
    at_once = asyncio.Semaphore(settings.workers)

    async def row(key: ApiTokenKey) -> Row | None:
        async with at_once:
            return await _row(operator, key)

    rows = [row for row in await asyncio.gather(*map(row, sorted(operator.store.api_token_keys()))) if row]
    return _as_json(rows) if settings.output == "json" else _as_table(rows)


async def _row(operator: Operator, key: ApiTokenKey) -> Row | None:
    try:
        seen = await operator.observer.fresh(key)
    except Failure as failure:
        return Row(*key, "not known", failure.reason, failure.message)
    if seen is None:
        return None
    planned = plan(seen, datetime.now(UTC))
    finding = planned.finding
    return Row(*key, words_of(planned, seen.api_token.status), finding.reason, finding.message)


def _as_json(rows: Iterable[Row]) -> str:
    return json.dumps([asdict(row) for row in rows], indent=2) + "\n"


def _as_table(rows: Iterable[Row]) -> str:
    lines = [("NAMESPACE", "NAME", "WOULD", "WHY"), *((r.namespace, r.name, r.would, r.why) for r in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = (
        "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in lines
    )
    return "".join(f"{line.rstrip()}\n" for line in table)
