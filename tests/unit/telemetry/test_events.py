import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mailtrap_operator.api.v1alpha1 import Account, ApiToken
from mailtrap_operator.core.events import Event
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.telemetry.events import EventRecorder
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import account, api_token

NOW = datetime(2026, 3, 1, 12, 0, 0, 500, tzinfo=UTC)
NORMAL = Event("Normal", Reason.TOKEN_PUBLISHED, "Token 7 (…beef) was issued.")
WARNING = Event("Warning", Reason.CREDENTIAL_MISSING, "Put it there.")


def recorder(kube: FakeKube) -> EventRecorder:
    return EventRecorder(kube, holder="pod-1", clock=lambda: NOW)


def written(kube: FakeKube) -> list[dict[str, Any]]:
    return kube.objects("/api/v1/events")


async def test_an_event_says_what_happened_to_which_object() -> None:
    kube = FakeKube()

    await recorder(kube).emit(ApiToken.model_validate(api_token()), NORMAL)

    (event,) = written(kube)
    assert {
        "apiVersion": "mailtrap-operator.io/v1alpha1",
        "kind": "ApiToken",
        "name": "billing",
        "namespace": "team",
        "uid": "uid-of-billing",
    } == event["involvedObject"]
    assert ("Normal", "TokenPublished", "Token 7 (…beef) was issued.") == (
        event["type"],
        event["reason"],
        event["message"],
    )
    assert ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z", 1) == (
        event["firstTimestamp"],
        event["lastTimestamp"],
        event["count"],
    )
    assert ({"component": "mailtrap-operator"}, "mailtrap-operator", "pod-1") == (
        event["source"],
        event["reportingComponent"],
        event["reportingInstance"],
    )
    assert ("team", True) == (
        event["metadata"]["namespace"],
        event["metadata"]["name"].startswith("billing."),
    )


@pytest.mark.parametrize(
    ("namespace", "about", "place", "key"),
    [
        ("team", {"namespace": "team"}, "team", "MailtrapAccount team/default"),
        # The namespace in which Kubernetes keeps what is said of objects without one.
        (None, {}, "default", "ClusterMailtrapAccount default"),
    ],
)
async def test_an_event_may_be_about_an_account(
    namespace: str | None,
    about: dict[str, str],
    place: str,
    key: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    kube, body = FakeKube(), account(namespace=namespace)

    await recorder(kube).emit(Account.model_validate(body), NORMAL)

    (event,) = written(kube)
    expected = {
        "apiVersion": "mailtrap-operator.io/v1alpha1",
        "kind": body["kind"],
        "name": "default",
        **about,
    }
    assert expected | {"uid": "uid-of-default"} == event["involvedObject"]
    assert (place, key) == (event["metadata"]["namespace"], vars(caplog.records[0])["key"])


async def test_names_and_messages_stay_within_what_kubernetes_admits() -> None:
    kube = FakeKube()
    long = Event("Warning", Reason.REQUEST_REFUSED, "x" * 5000)

    await recorder(kube).emit(ApiToken.model_validate(api_token("n" * 253)), long)

    (event,) = written(kube)
    assert 253 >= len(event["metadata"]["name"])
    assert 1024 == len(event["message"])
    assert "n" * 253 == event["involvedObject"]["name"]


@pytest.mark.parametrize(("event", "level"), [(NORMAL, logging.INFO), (WARNING, logging.WARNING)])
async def test_an_event_is_logged_too(event: Event, level: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    await recorder(FakeKube()).emit(ApiToken.model_validate(api_token()), event)

    (record,) = caplog.records
    assert (level, event.message, "team/billing", event.reason) == (
        record.levelno,
        record.getMessage(),
        vars(record)["key"],
        vars(record)["reason"],
    )


async def test_repeated_event_increments_the_count() -> None:
    kube, subject = FakeKube(), ApiToken.model_validate(api_token())
    later = EventRecorder(kube, holder="pod-2", clock=lambda: NOW + timedelta(hours=1))

    await recorder(kube).emit(subject, WARNING)
    await later.emit(subject, WARNING)
    await later.emit(subject, NORMAL)

    again, _ = written(kube)
    assert (2, "2026-03-01T12:00:00Z", "2026-03-01T13:00:00Z") == (
        again["count"],
        again["firstTimestamp"],
        again["lastTimestamp"],
    )


@pytest.mark.parametrize("status", [403, 404, 429, 500, None])
async def test_an_event_that_cannot_be_written_holds_nothing_up(
    status: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    kube = FakeKube()
    kube.fail("POST", "/events", status, "the namespace is being terminated")

    await recorder(kube).emit(ApiToken.model_validate(api_token()), NORMAL)

    record = caplog.records[-1]
    assert ("an Event was not written", "team/billing") == (record.getMessage(), vars(record)["key"])
    assert "being terminated" in vars(record)["cause"]
