"""Workloads that use the value are restarted once for each new one, and old tokens wait for them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.names import restart_annotation
from mailtrap_operator.api.v1alpha1 import ApiToken, CurrentToken, PreviousToken, RestartTarget
from mailtrap_operator.core.actions import Done, Published, RestartWorkloads, State
from mailtrap_operator.core.conditions import status_after
from mailtrap_operator.core.digests import targets_digest
from mailtrap_operator.core.observation import Found, Observation, RemoteToken, Unknown
from mailtrap_operator.core.planning import plan
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.core.workloads import MissingTarget, Workload
from tests.unit.core.builders import (
    CURRENT_1,
    DAY,
    HOUR,
    MINUTE,
    NOW,
    OWNER,
    SECOND,
    TIMEOUT,
    TOKEN_1,
    a_previous,
    a_remote_token,
    a_secret,
    a_status,
    an_api_token,
    an_issuance,
    seen,
)
from tests.unit.core.rows import Decision, Leaving, Noted, decision, row

TARGET = RestartTarget(kind="Deployment", name="billing")
OTHER_TARGET = RestartTarget(kind="Deployment", name="a")
RETIRED_AT = NOW - 13 * HOUR
READY = (State.READY, Reason.TOKEN_PUBLISHED)
RESTARTING = (State.PROGRESSING, Reason.RESTARTING)
REVOKING = (State.PROGRESSING, Reason.REVOKING)
CHECK = 30 * SECOND


def a_workload(
    restarted_for: int | None = None,
    *,
    name: str = "billing",
    created_at: datetime = NOW - 90 * DAY,
    rollout: str | None = None,
    uncounted: timedelta | None = None,
) -> Workload:
    return Workload("Deployment", name, "30", created_at, restarted_for, rollout, uncounted)


def leaving(
    id_: int = 2, *, waits_for: str = "Consumers", retired_at: datetime | None = RETIRED_AT, **more: Any
) -> PreviousToken:
    more = {"delete_after": NOW, **more}
    update = {"waits_for": waits_for, "retired_at": retired_at}
    return a_previous(id_, **more).model_copy(update=update)


def moving(
    *workloads: Workload | MissingTarget,
    rollout: str | None = "Running",
    previous: tuple[PreviousToken, ...] = (leaving(),),
    unread: Unknown | None = None,
    restarted: tuple[RestartTarget, ...] | None = None,
    pods_end_at: datetime | None = None,
    **spec: Any,
) -> Observation:
    """Return a rotated object: token 1 is published, token 2 was replaced by it.

    `restarted` are the targets that were restarted for token 1: those of the spec, unless a restart is due.
    """
    spec = {"rollout_restart_targets": (TARGET,), **spec}
    if restarted is None:
        restarted = () if rollout == "Due" else spec["rollout_restart_targets"]
    digest = targets_digest(an_api_token(rollout_restart_targets=restarted)) if restarted else ""
    update = {"rollout": rollout, "restarted_digest": digest, "pods_end_at": pods_end_at}
    current = CURRENT_1.model_copy(update=update)
    status = a_status(current=current, previous=previous)
    listed = (TOKEN_1, *(a_remote_token(token.id) for token in previous))
    world = seen(an_api_token(status=status, **spec), listed=listed)
    return replace(world, workloads=unread or Found(workloads))


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        row(
            "A new value was published: the workload is restarted.",
            moving(a_workload(2), rollout="Due"),
            does="restart billing",
            says=RESTARTING,
        ),
        row(
            "It was never restarted before.",
            moving(a_workload(None), rollout="Due"),
            does="restart billing",
            says=RESTARTING,
        ),
        row(
            "Several targets are restarted together; one that has the token's id was restarted before a crash.",
            moving(a_workload(1, name="a"), a_workload(2, name="b"), a_workload(2, name="c"), rollout="Due"),
            does="restart b, c",
            says=RESTARTING,
        ),
        row(
            "A workload that was created after the publication has never used another value.",
            moving(a_workload(created_at=RETIRED_AT + SECOND), rollout="Due"),
            says=RESTARTING,
        ),
        row(
            "The account does not answer: that hinders no restart.",
            replace(moving(a_workload(2), rollout="Due"), accounts=moving().accounts[:1]),
            does="restart billing",
            says=RESTARTING,
        ),
        row(
            "The rollout runs: it is looked at again soon, and the old token stays after its overlap.",
            moving(a_workload(1, rollout="1 of 3 pods are updated")),
            says=READY,
            again=CHECK,
        ),
        row(
            "One of two rollouts has finished.",
            moving(a_workload(1, name="a"), a_workload(1, rollout="1 of 3 pods are updated")),
            says=READY,
            again=CHECK,
        ),
        row(
            "Someone removed the annotation: there is no second restart, and the old token stays.",
            moving(a_workload(None)),
            says=READY,
            again=CHECK,
        ),
        row(
            "A target was added while a rollout runs: it is restarted too, and no other is once more.",
            moving(a_workload(1, name="a", rollout="x"), a_workload(2), restarted=(OTHER_TARGET,)),
            does="restart billing",
            says=RESTARTING,
        ),
        row(
            "A target was added after the rollouts, while the old token lives: it is restarted.",
            moving(a_workload(1, name="a"), a_workload(2), rollout=None, restarted=(OTHER_TARGET,)),
            does="restart billing",
            says=RESTARTING,
        ),
        row(
            "A token that was adopted may be in use: the workloads move to the first value of ours.",
            moving(a_workload(None), rollout=None, restarted=(), previous=(leaving(reason=Reason.ADOPTED),)),
            does="restart billing",
            says=RESTARTING,
        ),
        row(
            "Why the old token is retired was changed to another word: it may be in use.",
            moving(a_workload(2), rollout=None, restarted=(), previous=(leaving(reason=Reason.REVOKED),)),
            does="restart billing",
            says=RESTARTING,
        ),
        row(
            "That a rollout runs was lost; the old token still says so, and stays.",
            moving(a_workload(1, rollout="1 of 3 pods are updated"), rollout=None),
            says=READY,
            again=CHECK,
        ),
        row(
            "That the old token waits was lost; the new one still says so, and it stays.",
            moving(
                a_workload(1, rollout="1 of 3 pods are updated"), previous=(leaving(waits_for="Overlap"),)
            ),
            says=READY,
            again=CHECK,
        ),
        row(
            "The status says that the old token was retired at the end of all dates.",
            moving(
                a_workload(1, rollout="1 of 3 pods are updated"),
                previous=(leaving(retired_at=datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)),),
            ),
            says=READY,
            again=CHECK,
        ),
        row(
            "A lost answer beside the first value: no one has used another one.",
            moving(
                a_workload(None),
                rollout=None,
                restarted=(),
                previous=(leaving(waits_for="Overlap", reason=Reason.UNTRACKED, delete_after=NOW + HOUR),),
            ),
            says=READY,
            again=HOUR,
        ),
        row(
            "A named target does not exist: the old token stays.",
            moving(MissingTarget("Deployment billing does not exist.")),
            says=READY,
            again=CHECK,
        ),
        row(
            "The workloads cannot be read: the old token stays.",
            moving(unread=Unknown(Reason.KUBERNETES_REFUSED, "forbidden")),
            says=READY,
            again=CHECK,
        ),
        row(
            "A named target does not exist, and no former value works any more: nothing is waited for.",
            moving(MissingTarget("Deployment billing does not exist."), rollout="Due", previous=()),
            says=RESTARTING,
        ),
        row("All rollouts have finished: that is recorded.", moving(a_workload(1)), says=RESTARTING),
        row(
            "All have finished, and pods that no one counts may be ending: until when is recorded.",
            moving(a_workload(1, uncounted=MINUTE)),
            says=RESTARTING,
        ),
        row(
            "Pods that no one counts may be ending: the old token stays.",
            moving(a_workload(1, uncounted=MINUTE), pods_end_at=NOW + 10 * SECOND),
            says=READY,
            again=10 * SECOND,
        ),
        row(
            "Pods that no one counts may be ending for long: it is looked at again soon.",
            moving(a_workload(1, uncounted=HOUR), pods_end_at=NOW + MINUTE),
            says=READY,
            again=CHECK,
        ),
        row(
            "The hard limit has passed: the old token goes while pods are ending.",
            moving(
                a_workload(1, uncounted=MINUTE),
                pods_end_at=NOW + 10 * SECOND,
                previous=(leaving(retired_at=NOW - 72 * HOUR),),
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row("No target is left in the spec.", moving(rollout_restart_targets=()), says=RESTARTING),
        row(
            "The hard limit has passed: the old token goes while the rollout runs.",
            moving(
                a_workload(1, rollout="1 of 3 pods are updated"),
                previous=(leaving(retired_at=NOW - 72 * HOUR),),
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "The hard limit has passed before the restart could be made: the old token goes first.",
            moving(a_workload(2), rollout="Due", previous=(leaving(retired_at=NOW - 72 * HOUR),)),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "The hard limit of the spec is shorter.",
            moving(
                a_workload(1, rollout="1 of 3 pods are updated"),
                rotation={"max_overlap": 12 * HOUR, "overlap": HOUR},
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "An overlap that is longer than the hard limit counts.",
            moving(
                a_workload(1, rollout="1 of 3 pods are updated"),
                previous=(leaving(retired_at=NOW - 80 * HOUR),),
                rotation={"overlap": 100 * HOUR},
            ),
            says=READY,
            again=CHECK,
        ),
        row(
            "It is not recorded when the old token was replaced: the hard limit counts from its overlap's end.",
            moving(
                a_workload(1, rollout="1 of 3 pods are updated"),
                previous=(leaving(retired_at=None, delete_after=NOW - 71 * HOUR),),
            ),
            says=READY,
            again=CHECK,
        ),
        row(
            "A token whose value was lost has no consumers.",
            moving(
                a_workload(1, rollout="1 of 3 pods are updated"),
                previous=(leaving(waits_for="Overlap", reason=Reason.UNTRACKED),),
            ),
            does="revoke 2",
            says=REVOKING,
            records=Noted(),
        ),
        row(
            "Another rotation is due: it comes first, and the workloads move once, to its value.",
            moving(a_workload(2), rollout="Due", display_name="other"),
            does="create",
            says=(State.PROGRESSING, Reason.ACCESS_CHANGED),
            records=Noted(current=None, previous=(Leaving(2, 0 * HOUR), Leaving(1, 12 * HOUR))),
        ),
        row(
            "A suspended object restarts nothing.",
            moving(a_workload(2), rollout="Due", suspend=True),
            says=(State.READY, Reason.SUSPENDED),
        ),
        row(
            "No former value works any more: a target that was added later is not restarted.",
            moving(a_workload(2), rollout=None, previous=(), restarted=(OTHER_TARGET,)),
            says=READY,
        ),
    ],
)
def test_workloads_move_once_and_old_tokens_wait_for_them(world: Observation, expected: Decision) -> None:
    assert expected == decision(world)


def test_a_restart_names_the_token_in_an_annotation_of_this_very_object() -> None:
    workload = a_workload(2)

    action = plan(moving(workload, rollout="Due"), NOW).action

    assert RestartWorkloads("shop", (workload,), f"mailtrap-operator.io/token-of-{OWNER}", 1) == action
    assert restart_annotation(OWNER) != restart_annotation("siblingaaa")


def rollouts(world: Observation) -> str | None:
    planned = plan(world, NOW)
    status = status_after(world.api_token, planned, Done(), NOW)
    return status.current.rollout if status.current else "no token"


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(moving(a_workload(2), rollout="Due"), "Running", id="they are being restarted"),
        pytest.param(
            moving(a_workload(1, rollout="x"), rollout="Due"), "Running", id="all were restarted before"
        ),
        pytest.param(moving(a_workload(1, rollout="x")), "Running", id="one has not finished"),
        pytest.param(moving(a_workload(1)), None, id="all have finished"),
        pytest.param(moving(rollout="Due"), None, id="there are none"),
        pytest.param(
            moving(a_workload(2, name="a"), MissingTarget("Deployment b does not exist."), rollout="Due"),
            "Due",
            id="one is missing now",
        ),
        pytest.param(
            moving(a_workload(1, name="a"), MissingTarget("Deployment b does not exist.")),
            "Running",
            id="one is missing after all were restarted",
        ),
        pytest.param(moving(unread=TIMEOUT, rollout="Due"), "Due", id="they cannot be read"),
    ],
)
def test_how_far_the_workloads_are_is_on_record(world: Observation, expected: str | None) -> None:
    assert expected == rollouts(world)


def end_of_pods(world: Observation) -> tuple[str | None, datetime | None]:
    """Return what is recorded of the rollout after a reconcile."""
    status = status_after(world.api_token, plan(world, NOW), Done(), NOW)
    assert status.current is not None
    return status.current.rollout, status.current.pods_end_at


LATEST = NOW + 65 * SECOND
"""Of a workload with a minute: a kubelet may take some seconds more."""


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(
            moving(a_workload(1, uncounted=MINUTE)), ("Running", LATEST), id="the first look after the end"
        ),
        pytest.param(
            moving(a_workload(1, name="a", uncounted=SECOND), a_workload(1, uncounted=MINUTE)),
            ("Running", LATEST),
            id="the longest of two counts",
        ),
        pytest.param(
            moving(a_workload(1, uncounted=MINUTE), pods_end_at=NOW + SECOND),
            ("Running", NOW + SECOND),
            id="a later look, or another process, puts nothing off",
        ),
        pytest.param(
            moving(a_workload(1, uncounted=MINUTE), pods_end_at=NOW + DAY),
            ("Running", LATEST),
            id="what someone wrote keeps a token no longer",
        ),
        pytest.param(
            moving(a_workload(1, uncounted=MINUTE), pods_end_at=NOW), (None, None), id="the time is over"
        ),
        pytest.param(
            moving(a_workload(1, rollout="x", uncounted=MINUTE), pods_end_at=NOW + SECOND),
            ("Running", None),
            id="another rollout has begun: its end counts",
        ),
        pytest.param(
            moving(a_workload(2, uncounted=MINUTE), rollout="Due", pods_end_at=NOW),
            ("Running", None),
            id="a restart is due: its end counts",
        ),
        pytest.param(moving(a_workload(1)), (None, None), id="all pods are counted"),
        pytest.param(
            moving(a_workload(1, uncounted=MINUTE), previous=()), (None, None), id="no former value works"
        ),
        pytest.param(
            moving(a_workload(1, uncounted=MINUTE), MissingTarget("Deployment b does not exist.")),
            ("Running", None),
            id="a target is missing",
        ),
    ],
)
def test_until_when_pods_that_no_one_counts_are_waited_for_is_on_record(
    world: Observation, expected: tuple[str | None, datetime | None]
) -> None:
    assert expected == end_of_pods(world)


@pytest.mark.parametrize(
    ("targets", "current", "expected"),
    [
        pytest.param((TARGET,), CURRENT_1, "Due", id="it takes the place of another value"),
        pytest.param((TARGET,), None, None, id="it is the first value"),
        pytest.param((), CURRENT_1, None, id="there are no targets"),
    ],
)
def test_a_published_value_makes_a_restart_due(
    targets: tuple[RestartTarget, ...], current: CurrentToken | None, expected: str | None
) -> None:
    api_token = an_api_token(status=a_status(current=current), rollout_restart_targets=targets)
    planned = plan(seen(api_token, secret=None, listed=(TOKEN_1,) if current else ()), NOW)

    status = status_after(api_token, planned, Published(a_remote_token(2), an_issuance()), NOW)

    assert status.current is not None
    assert (2, expected) == (status.current.id, status.current.rollout)


@pytest.mark.parametrize(
    ("current", "others", "expected"),
    [
        pytest.param(CURRENT_1, (), "Due", id="the former token is on record"),
        pytest.param(
            None, (TOKEN_1,), "Due", id="the status was lost: another token may have been the former one"
        ),
        pytest.param(None, (), None, id="the status was lost, and there is no other token"),
    ],
)
def test_a_value_that_is_found_published_makes_a_restart_due(
    current: CurrentToken | None, others: tuple[RemoteToken, ...], expected: str | None
) -> None:
    api_token = an_api_token(status=a_status(current=current), rollout_restart_targets=(TARGET,))
    world = seen(api_token, secret=a_secret(2), listed=(*others, a_remote_token(2)))

    status = status_after(api_token, plan(world, NOW), Done(), NOW)

    assert status.current is not None
    assert (2, expected) == (status.current.id, status.current.rollout)
    assert {"Consumers" if expected else "Overlap"} >= {token.waits_for for token in status.previous}


def waits(api_token: ApiToken, world: Observation) -> list[tuple[int, str]]:
    status = status_after(api_token, plan(world, NOW), Done(), NOW)
    return [(token.id, token.waits_for) for token in status.previous]


def test_the_status_says_what_each_old_token_waits_for() -> None:
    lost = leaving(3, reason=Reason.UNTRACKED, waits_for="Overlap", delete_after=NOW + HOUR)
    running = moving(a_workload(1, rollout="x"), previous=(leaving(), lost))
    finished = moving(a_workload(1), previous=(leaving(), lost))

    assert [(2, "Consumers"), (3, "Overlap")] == waits(running.api_token, running)
    assert [(2, "Overlap"), (3, "Overlap")] == waits(finished.api_token, finished)


def notice(world: Observation) -> str:
    (found,) = plan(world, NOW).notices
    assert "RolloutRestart" == found.type
    return found.message


@pytest.mark.parametrize(
    ("world", "expected"),
    [
        pytest.param(
            moving(a_workload(1, rollout="1 of 3 pods are updated"), a_workload(1, name="done")),
            "Workloads are restarted for the value of token 1: Deployment billing: 1 of 3 pods are updated.",
            id="a rollout runs",
        ),
        pytest.param(
            moving(a_workload(1, uncounted=MINUTE), pods_end_at=NOW + SECOND),
            "Workloads are restarted for the value of token 1: all have finished, and pods that are ending may use the old "
            "one until 2030-01-31T12:00:01Z.",
            id="pods that no one counts may be ending",
        ),
        pytest.param(
            moving(a_workload(None)),
            "Workloads are restarted for the value of token 1: Deployment billing lacks the annotation of its restart.",
            id="someone removed the annotation",
        ),
        pytest.param(
            moving(MissingTarget("Deployment billing does not exist.")),
            "Workloads are restarted for the value of token 1: Deployment billing does not exist. Create what is missing, "
            "or correct spec.rolloutRestartTargets; the old token is kept for it until 2030-02-02T23:00:00Z at most.",
            id="a target is missing",
        ),
        pytest.param(
            moving(*(a_workload(1, name=f"w{i}", rollout="x") for i in range(7))),
            "Workloads are restarted for the value of token 1: "
            + "; ".join(f"Deployment w{i}: x" for i in range(5))
            + "; 2 more.",
            id="many rollouts run",
        ),
        pytest.param(
            moving(unread=Unknown(Reason.KUBERNETES_REFUSED, "forbidden")),
            "The workloads to restart cannot be read: forbidden",
            id="they cannot be read",
        ),
    ],
)
def test_the_condition_says_what_is_waited_for(world: Observation, expected: str) -> None:
    assert expected == notice(world)


def test_the_overlap_and_the_hard_limit_count_from_the_publication() -> None:
    api_token = an_api_token()
    planned = plan(seen(api_token, secret=None), NOW)
    late = NOW + MINUTE

    status = status_after(api_token, planned, Published(a_remote_token(2), an_issuance()), late)

    (former,) = status.previous
    assert (late, late + timedelta(hours=12)) == (former.retired_at, former.delete_after)
