"""Which tokens are orphans, and which of them may go: they have this installation's tag, and no ApiToken owns them.

Mailtrap tells no age of a token. An orphan's counts from when it was first seen as one, which the account's status
keeps. Only the tag says whose a token is: anyone may write an id into a status. What was left on purpose is no orphan,
and neither is a token whose value a Secret holds.
"""

from collections.abc import Callable, Collection, Container, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from mailtrap_operator.api.v1alpha1 import (
    Account,
    AccountStatus,
    OrphanToken,
    RetainedOwner,
    print_duration,
)
from mailtrap_operator.core.conditions import Wanted
from mailtrap_operator.core.observation import RemoteToken, Unknown
from mailtrap_operator.core.ownership import HeldToken
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.text import join_limited

CONDITION = "OrphansFound"
DELETED_AFTER = timedelta(hours=24)
MOST_ON_RECORD = 100
MOST_AT_ONCE = 10
"""How many orphans one reconcile deletes at most."""

MOST_RETAINED = 1024
MOST_RETAINED_OF_ONE = 64
"""How many ApiTokens may leave tokens in an account on purpose: in all, and of one namespace."""

_MOST_NAMED = 20
_LONGEST_NAME = 255


@dataclass(frozen=True, slots=True)
class Swept:
    """What a reconcile found of orphans: all of them, those on record, and what kept it from deleting, if anything did."""

    found: tuple[RemoteToken, ...]
    record: tuple[OrphanToken, ...]
    failure: Unknown | None = None


def belongs_to(token: RemoteToken, owners: Container[str]) -> bool:
    """Whether a token has the tag of one of these owners; what a status says of it is a claim, and keeps nothing alive."""
    return token.tag is not None and token.tag.owner in owners


def is_held(token: RemoteToken, held: Container[HeldToken]) -> bool:
    """Whether a Secret holds the value of a token whose tag names the owner that the Secret was made for."""
    return token.tag is not None and (token.tag.owner, token.id) in held


def orphans_among(
    tokens: Iterable[RemoteToken],
    installation: str,
    retained: Collection[str],
    is_claimed: Callable[[RemoteToken], bool],
) -> tuple[RemoteToken, ...]:
    """Return the orphans among an account's tokens, by id."""
    ours = (token for token in tokens if token.tag and token.tag.installation == installation)
    lost = (token for token in ours if token.tag and token.tag.owner not in retained)
    return tuple(sorted((token for token in lost if not is_claimed(token)), key=lambda token: token.id))


def recorded(
    found: Iterable[RemoteToken], before: Iterable[OrphanToken], now: datetime
) -> tuple[OrphanToken, ...]:
    """Return the orphans to have on record: one that was there keeps its date; a new one begins its day now."""
    known = {orphan.id: orphan for orphan in before}
    record = [known.get(token.id) or _first_seen(token, now) for token in found]
    return tuple(sorted(record, key=lambda orphan: (orphan.seen_at, orphan.id))[:MOST_ON_RECORD])


def _first_seen(token: RemoteToken, now: datetime) -> OrphanToken:
    return OrphanToken(
        id=token.id, last_four=token.last_four, name=token.name[:_LONGEST_NAME] or None, seen_at=now
    )


def is_over(orphan: OrphanToken, now: datetime) -> bool:
    """Whether an orphan has had its day."""
    return now - orphan.seen_at > DELETED_AFTER


def due(record: Iterable[OrphanToken], now: datetime, refused: Collection[int] = ()) -> tuple[int, ...]:
    """Return the ids to delete in one reconcile; those that were refused in the last one come last."""
    old = [orphan.id for orphan in record if is_over(orphan, now)]
    return tuple(sorted(old, key=lambda id_: id_ in refused)[:MOST_AT_ONCE])


def with_retained(
    before: tuple[RetainedOwner, ...], new: RetainedOwner, living: Collection[str] | None
) -> tuple[RetainedOwner, ...] | None:
    """Return the owners whose tokens stay on purpose, with one more; None where there is no room for it.

    Args:
        before: Those on record.
        new: The one that comes; a namespace that has filled its share is refused further ones, and no other is.
        living: The owners that have tokens, None where that is not known: only when room is needed the others go,
            as a credential with fewer rights sees less.
    """
    if any(each.owner == new.owner for each in before):
        return before
    kept = before
    if not _has_room(before, new.namespace) and living is not None:
        kept = tuple(each for each in before if each.owner in living)
    return (*kept, new) if _has_room(kept, new.namespace) else None


def _has_room(retained: Collection[RetainedOwner], namespace: str) -> bool:
    of_one = sum(each.namespace == namespace for each in retained)
    return len(retained) < MOST_RETAINED and of_one < MOST_RETAINED_OF_ONE


def retained_owners(status: AccountStatus) -> frozenset[str]:
    """Return the owners whose tokens stay on purpose, by an account's status."""
    return frozenset({*status.retained_owners, *(each.owner for each in status.retained)})


def condition_of(swept: Swept, account: Account, installation: str, *, may_delete: bool) -> Wanted | None:
    """Return the condition that reports orphans, None where there are none."""
    if not swept.found:
        return None
    ids = join_limited([token.id for token in swept.found], _MOST_NAMED)
    cause = (
        f"{len(swept.found)} of the tokens with the tag of this installation ({installation}) belong to no ApiToken: "
        f"{ids}."
    )
    advice = _advice(account, may_delete=may_delete)
    if swept.failure is None:
        return CONDITION, "True", Reason.ORPHANED, f"{cause} {advice}"
    failed = f"Not all that are due could be deleted: {swept.failure.message} The next reconcile retries."
    return CONDITION, "True", swept.failure.reason, f"{cause} {failed}"


def _advice(account: Account, *, may_delete: bool) -> str:
    if account.spec.orphan_policy == "Report":
        return "Delete them in Mailtrap if no one uses them, or set spec.orphanPolicy to Delete."
    if not may_delete:
        return "The operator only plans (DRY_RUN): it deletes none of them."
    return (
        f"Each is deleted after it has been an orphan for {print_duration(DELETED_AFTER)} (status.orphans)."
    )
