"""Each rule of the oracle: a state that breaks it, and the sentence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.core.ownership import owner_of
from tests.oracle import Body, Judge, Look, Token, left_over, orphans, owned, unrest

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OVERLAP = 10 * MINUTE
INSTALLATION = "testaa"
TAG = f"[k8s:{INSTALLATION}-{owner_of(INSTALLATION, 'team', 'billing', 'uid')}"


def a_token(id_: int, nonce: str = "aaaaaaaa", **state: Any) -> Token:
    return Token(id_, f"mailer {TAG}-{nonce}]", **state)


def tokens(*ids: int, **state: Any) -> dict[int, Token]:
    return {id_: a_token(id_, **state) for id_ in ids}


def an_object(*previous: int, spec: Body | None = None, meta: Body | None = None, **status: Any) -> Body:
    """Return an ApiToken that is served with token 1; `previous` are due at `NOW`."""
    retired = [{"id": id_, "deleteAfter": NOW.isoformat()} for id_ in previous]
    ready = {"type": "Ready", "status": "True", "reason": "TokenPublished", "observedGeneration": 1}
    metadata = {"namespace": "team", "name": "billing", "uid": "uid", "generation": 1}
    told = {"current": {"id": 1}, "previous": retired, "conditions": [ready]} | status
    return {"metadata": metadata | (meta or {}), "spec": spec or {}, "status": told}


def a_look(
    body: Body | None,
    seen: dict[int, Token],
    *,
    held: int | None = 1,
    at: timedelta = timedelta(),
    after: dict[int, Token] | None = None,
    **more: Any,
) -> Look:
    objects, holds = {"uid": body} if body else {}, {"uid": held} if held else {}
    return Look(NOW + at, NOW + at, objects, holds, seen, seen if after is None else after, **more)


SERVED = a_look(an_object(), tokens(1, 2))
REPLACED = a_look(an_object(1, current={"id": 2}), tokens(1, 2), held=2)
DELETING = {"deletionTimestamp": "2026-03-01T12:00:00Z"}
LIMITED = {"rotation": {"maxOverlap": "1h"}}
CLAIM = {"operation": {"nonce": "bbbbbbbb"}}
LOST = tokens(3, 4, nonce="bbbbbbbb")
I1 = "I1: 2 tokens on no record: [2, 3]"
I2 = "I2: the Secret holds token 1, which was made dead"
I3 = "I3: token 1 was deleted 0:09:00 after it left the Secret"
I4 = "I4: foreign token 9 was touched"
I5 = "I5: the object is gone, its tokens are not: [2]"
C1 = "C1: token 1 was deleted while a pod uses it"
TWICE = "C1: a workload was restarted twice for one token: ['a']"


def in_use(at: timedelta, spec: Body | None = None) -> tuple[Look, Look]:
    """Token 1 left the Secret at `NOW`, and is deleted later while a pod uses it."""
    used: Body = {"in_use": frozenset({1})}
    body = an_object(1, current={"id": 2}, spec=spec)
    return a_look(body, tokens(1, 2), held=2, **used), a_look(body, tokens(2), held=2, at=at, **used)


@pytest.mark.parametrize(
    ("expected", "looks"),
    [
        pytest.param([], [SERVED, REPLACED], id="one token on no record is being issued"),
        pytest.param([I1], [a_look(an_object(), tokens(1, 2, 3))], id="two tokens are on no record"),
        pytest.param([], [a_look(an_object(2), tokens(1, 2, 3))], id="one of them is retired"),
        pytest.param([], [a_look(an_object(), tokens(1, 2, 3), held=3)], id="one of them is in the Secret"),
        pytest.param([], [a_look(an_object(), tokens(1, 2, 3), after=tokens(1, 3))], id="one goes meanwhile"),
        pytest.param([], [SERVED, a_look(an_object(), tokens(1))], id="a token that was in no Secret goes"),
        pytest.param([I2], [SERVED, a_look(an_object(), tokens(2))], id="the Secret's token is deleted"),
        pytest.param([I2], [SERVED, a_look(an_object(), tokens(1, is_live=False))], id="it is made dead"),
        pytest.param(
            [I2], [a_look(an_object(), tokens(1, is_live=False, was_reset=True))], id="it dies of its reset"
        ),
        pytest.param(
            [I2],
            [
                SERVED,
                REPLACED,
                a_look(an_object(), tokens(2), held=2, at=OVERLAP),
                a_look(an_object(), tokens(2)),
            ],
            id="a dead value is put back",
        ),
        pytest.param(
            [],
            [
                a_look(an_object(), tokens(1, ends=NOW)),
                a_look(an_object(), tokens(1, is_live=False, ends=NOW)),
            ],
            id="it ends by itself",
        ),
        pytest.param([], [SERVED, a_look(an_object(meta=DELETING), {})], id="it is deleted with its object"),
        pytest.param(
            [I3],
            [SERVED, REPLACED, a_look(an_object(current={"id": 2}), tokens(2), held=2, at=9 * MINUTE)],
            id="a value dies before its overlap is over",
        ),
        pytest.param(
            [],
            [SERVED, REPLACED, a_look(an_object(current={"id": 2}), tokens(2), held=2, at=OVERLAP)],
            id="a value dies after its overlap",
        ),
        pytest.param(
            [],
            [
                replace(SERVED, objects={"uid": an_object(1)}),
                REPLACED,
                a_look(an_object(), tokens(2), held=2),
            ],
            id="a retired value that a user has put back dies at its old date",
        ),
        pytest.param([C1], [SERVED, *in_use(2 * OVERLAP)], id="a pod uses a token that is deleted"),
        pytest.param([C1], [SERVED, *in_use(2 * OVERLAP, LIMITED)], id="before the hard limit"),
        pytest.param([], [SERVED, *in_use(60 * MINUTE, LIMITED)], id="after the hard limit"),
        pytest.param([TWICE], [a_look(an_object(), {}, restarts=["a", "b", "a"])], id="restarted twice"),
        pytest.param(
            [I4], [a_look(None, {}, foreign={9: "x"}), a_look(None, {})], id="another's token is gone"
        ),
        pytest.param(
            [I4],
            [a_look(None, {}, foreign={9: "x"}), a_look(None, {}, foreign={9: "y"})],
            id="another's token is changed",
        ),
        pytest.param([I5], [SERVED, a_look(None, tokens(2))], id="a token outlives its object"),
        pytest.param([], [SERVED, a_look(None, tokens(2), after={})], id="it goes with its object"),
        pytest.param(
            [],
            [a_look(an_object(spec={"deletionPolicy": "Retain"}), tokens(1)), a_look(None, tokens(1))],
            id="it is to be retained",
        ),
    ],
)
def test_what_the_last_look_shows_to_be_broken_is_named(expected: list[str], looks: list[Look]) -> None:
    judge = Judge(INSTALLATION, OVERLAP, hard_limit=60 * MINUTE)

    assert [*[[]] * (len(looks) - 1), expected] == [judge.judge(look) for look in looks]


@pytest.mark.parametrize(
    ("before", "by_hand", "then", "unforgiven"),
    [
        pytest.param(
            SERVED, a_look(an_object(), tokens(2)), a_look(an_object(), tokens(2)), [I2], id="a token deleted"
        ),
        pytest.param(
            SERVED,
            a_look(an_object(), tokens(1, 2, 3)),
            a_look(an_object(), tokens(1, 2, 3)),
            [I1],
            id="tokens made",
        ),
        pytest.param(
            a_look(an_object(**CLAIM), tokens(1)),
            a_look(an_object(), tokens(1)),
            a_look(an_object(), tokens(1) | LOST),
            ["I1: 2 tokens on no record: [3, 4]"],
            id="a claim wiped, whose call is under way",
        ),
        pytest.param(
            SERVED,
            replace(REPLACED, objects={"uid": an_object(1)}),
            a_look(an_object(), tokens(2), held=2, at=9 * MINUTE),
            [I3],
            id="the Secret's token retired and taken out",
        ),
    ],
)
def test_what_a_user_does_is_no_operators_doing(
    before: Look, by_hand: Look, then: Look, unforgiven: list[str]
) -> None:
    strict, judge = Judge(INSTALLATION, OVERLAP), Judge(INSTALLATION, OVERLAP)
    for each in (strict, judge):
        assert [] == each.judge(before)
    judge.forgive(by_hand)

    assert [] == judge.judge(then)
    assert unforgiven == list(dict.fromkeys([*strict.judge(by_hand), *strict.judge(then)]))


def condition(type_: str, status: str = "True", generation: int = 1) -> Body:
    return {"type": type_, "status": status, "reason": "Why", "observedGeneration": generation}


READY, ROTATE = condition("Ready"), {"mailtrap-operator.io/rotate": "now"}
NOT_READY = "it is not Ready: Why"


@pytest.mark.parametrize(
    ("expected", "body", "held", "seen"),
    [
        (None, an_object(), 1, tokens(1)),
        ("it does not exist", {}, None, {}),
        ("it is still being deleted", an_object(meta=DELETING), 1, tokens(1)),
        (NOT_READY, an_object(conditions=[condition("Ready", "False")]), 1, tokens(1)),
        (NOT_READY, an_object(conditions=[READY, condition("Reconciling")]), 1, tokens(1)),
        (NOT_READY, an_object(conditions=[READY, condition("Stalled")]), 1, tokens(1)),
        ("its status is old", an_object(meta={"generation": 2}), 1, tokens(1)),
        ("a requested rotation was not made", an_object(meta={"annotations": ROTATE}), 1, tokens(1)),
        (None, an_object(meta={"annotations": ROTATE}, spec={"suspend": True}), 1, tokens(1)),
        ("an operation is still open", an_object(**CLAIM), 1, tokens(1)),
        ("the Secret holds no living token", an_object(), None, tokens(1)),
        ("the Secret holds no living token", an_object(), 1, tokens(1, is_live=False)),
        ("the status names another token", an_object(current={"id": 2}), 1, tokens(1)),
        ("tokens [3] are left over", an_object(2), 1, tokens(1, 2, 3)),
        ("tokens [2] are still to be deleted", an_object(2), 1, tokens(1, 2)),
    ],
)
def test_what_keeps_an_object_from_being_served_is_named(
    expected: str | None, body: Body, held: int | None, seen: dict[int, Token]
) -> None:
    assert expected == next(unrest(body, held, seen, NOW + MINUTE), None)


def test_a_retired_token_may_stay_until_its_date() -> None:
    assert [] == [*unrest(an_object(2), 1, tokens(1, 2), NOW)]
    assert [] == [*unrest(an_object(2), 1, tokens(1, 2))]


def test_a_current_token_that_is_not_the_secrets_is_left_over() -> None:
    assert [1] == left_over(an_object(2), 3, tokens(1, 2, 3))


def test_a_token_is_its_objects_by_its_tag_alone() -> None:
    others = {
        7: Token(7, f"mailer {TAG}-aaaaaaaa] by hand"),
        8: Token(8, "mailer [k8s:testaa-bbbbbbbbbb-aaaaaaaa]"),
    }
    look = a_look(an_object(), tokens(1) | others)

    assert tokens(1) == owned(INSTALLATION, an_object(), look.after)
    assert [8] == orphans(INSTALLATION, look)
