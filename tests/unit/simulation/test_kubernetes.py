"""What of the server in memory the real one cannot tell: that it repeats itself, can be copied, and admits its limits."""

import copy
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from tests.contract.kubernetes.objects import api_token, owner, secret, with_status
from tests.simulation.kubernetes import Denial, Kubernetes, Quota, Rules
from tests.simulation.kubernetes.schema import Schema

NOON = datetime(2030, 1, 31, 12, 0, tzinfo=UTC)
API_TOKENS = "/apis/mailtrap-operator.io/v1alpha1/namespaces/shop/apitokens"
SECRETS = "/api/v1/namespaces/shop/secrets"
MERGE_PATCH = "application/merge-patch+json"


@pytest.fixture
def kubernetes() -> Kubernetes:
    return founded()


def founded() -> Kubernetes:
    """Return a server with one namespace."""
    kubernetes = Kubernetes(lambda: NOON)
    create(kubernetes, "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    return kubernetes


def create(kubernetes: Kubernetes, path: str, body: Any) -> Any:
    status, made = kubernetes.request("POST", path, {}, body)
    assert 201 == status, made
    return made


def names(kubernetes: Kubernetes, path: str) -> list[str]:
    return [item["metadata"]["name"] for item in kubernetes.request("GET", path)[1]["items"]]


def test_the_same_requests_get_the_same_answers() -> None:
    def run() -> list[Any]:
        kubernetes = founded()
        made = create(kubernetes, API_TOKENS, api_token("a"))
        create(kubernetes, SECRETS, {"metadata": {"generateName": "a-"}})
        body = with_status("a", made["metadata"]["resourceVersion"], {"observedGeneration": 1})
        kubernetes.request("PUT", f"{API_TOKENS}/a/status", {}, body)
        return kubernetes.events_since(0)

    assert run() == run()


def test_times_are_the_clocks() -> None:
    times = iter([NOON, NOON + timedelta(hours=1, microseconds=5)])
    kubernetes = Kubernetes(lambda: next(times))
    create(kubernetes, "/api/v1/namespaces", {"metadata": {"name": "shop"}})
    made = create(kubernetes, SECRETS, secret("a"))
    assert "2030-01-31T13:00:00Z" == made["metadata"]["creationTimestamp"]


def test_an_answer_cannot_be_changed_but_its_copy_can(kubernetes: Kubernetes) -> None:
    made = create(kubernetes, SECRETS, secret("a", {"finalizers": ["e.io/x"]}))
    changes: list[Callable[[], object]] = [
        made["data"].clear,
        partial(made["data"].update, other="eA=="),
        partial(made["metadata"].setdefault, "labels", {}),
        partial(made["metadata"]["finalizers"].append, "e.io/y"),
    ]
    for change in changes:
        with pytest.raises(TypeError, match="deepcopy"):
            change()
    with pytest.raises(TypeError, match="deepcopy"):
        made["data"] = {}
    own = copy.deepcopy(made)
    own["data"]["other"] = "eA=="
    own["metadata"]["finalizers"].append("e.io/y")
    assert made == kubernetes.request("GET", f"{SECRETS}/a")[1]
    assert made != own


def test_a_body_that_was_sent_can_be_changed_afterwards(kubernetes: Kubernetes) -> None:
    body = secret("a", {"labels": {"a": "b"}})
    create(kubernetes, SECRETS, body)
    body["metadata"]["labels"]["a"] = "c"
    body["data"]["token"] = "eA=="
    stored = kubernetes.request("GET", f"{SECRETS}/a")[1]
    assert {"a": "b"} == stored["metadata"]["labels"]
    assert {"token": "YWJj"} == stored["data"]


def test_a_copy_goes_its_own_way(kubernetes: Kubernetes) -> None:
    create(kubernetes, SECRETS, secret("a"))
    kubernetes.rules = Rules(quotas={"shop": Quota("limit", 2)})
    later = NOON + timedelta(days=1)
    other = kubernetes.copy(lambda: later)

    kubernetes.request("DELETE", f"{SECRETS}/a")
    create(other, SECRETS, secret("b"))
    assert [] == names(kubernetes, SECRETS)
    assert ["a", "b"] == names(other, SECRETS)
    assert 403 == other.request("POST", SECRETS, {}, secret("c"))[0]
    b = other.request("GET", f"{SECRETS}/b")[1]["metadata"]
    assert "2030-02-01T12:00:00Z" == b["creationTimestamp"]
    kubernetes.rules = Rules(denials=(Denial("none", "not today"),))
    assert Rules(quotas={"shop": Quota("limit", 2)}) == other.rules


def test_two_copies_go_the_same_way(kubernetes: Kubernetes) -> None:
    create(kubernetes, SECRETS, secret("a"))
    first, second = (kubernetes.copy(lambda: NOON) for _ in range(2))
    made = [create(copied, SECRETS, {"metadata": {"generateName": "b-"}}) for copied in (first, second)]
    assert made[0] == made[1]
    assert first.resource_version == second.resource_version


def test_a_copy_remembers_what_came_before(kubernetes: Kubernetes) -> None:
    for name in ("a", "b", "c"):
        create(kubernetes, SECRETS, secret(name))
    page = kubernetes.request("GET", SECRETS, {"limit": "1"})[1]
    other = kubernetes.copy(lambda: NOON)
    other.request("DELETE", f"{SECRETS}/b")
    rest = other.request("GET", SECRETS, {"continue": page["metadata"]["continue"]})[1]
    assert ["b", "c"] == [item["metadata"]["name"] for item in rest["items"]]
    assert kubernetes.events_since(0) == other.events_since(0)[:-1]


def test_events_can_be_told_again_from_any_of_them(kubernetes: Kubernetes) -> None:
    made = create(kubernetes, SECRETS, secret("a"))
    create(kubernetes, API_TOKENS, api_token("a"))
    kubernetes.request("DELETE", f"{SECRETS}/a")
    events = kubernetes.events_since(0)
    kinds = ["Namespace", "Secret", "ApiToken", "Secret"]
    assert kinds == [body["kind"] for _, body in events]
    assert events[2:] == kubernetes.events_since(int(made["metadata"]["resourceVersion"]))
    assert [events[1], events[3]] == kubernetes.events_since(0, "Secret")
    assert [] == kubernetes.events_since(kubernetes.resource_version)
    assert str(kubernetes.resource_version) == events[-1][1]["metadata"]["resourceVersion"]


def test_garbage_is_left_until_it_is_collected_and_then_goes_to_the_last_generation(
    kubernetes: Kubernetes,
) -> None:
    made = create(kubernetes, API_TOKENS, api_token("a"))
    child = create(
        kubernetes, API_TOKENS, api_token("b", {"ownerReferences": [owner("a", made["metadata"]["uid"])]})
    )
    create(kubernetes, SECRETS, secret("c", {"ownerReferences": [owner("b", child["metadata"]["uid"])]}))
    kubernetes.request("DELETE", f"{API_TOKENS}/a")
    assert ["b"] == names(kubernetes, API_TOKENS)
    kubernetes.collect_garbage()
    assert [] == names(kubernetes, API_TOKENS)
    assert [] == names(kubernetes, SECRETS)
    assert ["DELETED"] * 3 == [kind for kind, _ in kubernetes.events_since(0)[-3:]]


def test_the_time_of_a_deletion_stays(kubernetes: Kubernetes) -> None:
    create(kubernetes, API_TOKENS, api_token("a", {"finalizers": ["e.io/x"]}))
    kubernetes.request("DELETE", f"{API_TOKENS}/a")
    patch = {"metadata": {"deletionTimestamp": "2099-01-01T00:00:00Z"}}
    status, merged = kubernetes.request("PATCH", f"{API_TOKENS}/a", {}, patch, MERGE_PATCH)
    assert 200 == status
    assert "2030-01-31T12:00:00Z" == merged["metadata"]["deletionTimestamp"]


def test_a_fraction_is_no_whole_number(kubernetes: Kubernetes) -> None:
    made = create(kubernetes, API_TOKENS, api_token("a"))
    body = with_status("a", made["metadata"]["resourceVersion"], {"observedGeneration": 1.5})
    assert 422 == kubernetes.request("PUT", f"{API_TOKENS}/a/status", {}, body)[0]


@pytest.mark.parametrize(
    "request_",
    [
        ("PATCH", f"{SECRETS}/a", {}, {}, "application/apply-patch+yaml"),
        ("PATCH", f"{SECRETS}/a", {}, [], "application/json-patch+json"),
        ("PATCH", f"{API_TOKENS}/a", {}, {}, "application/apply-patch+yaml"),
        ("DELETE", SECRETS, {}, None, "application/json"),
        ("DELETE", f"{SECRETS}/a", {}, {"propagationPolicy": "Orphan"}, "application/json"),
        ("DELETE", f"{SECRETS}/a", {}, {"gracePeriodSeconds": 5}, "application/json"),
        ("GET", SECRETS, {"fieldSelector": "metadata.name=a"}, None, "application/json"),
        ("GET", SECRETS, {"watch": "1"}, None, "application/json"),
        ("GET", SECRETS, {"labelSelector": "a in (b)"}, None, "application/json"),
        ("GET", SECRETS, {"labelSelector": "a!=b"}, None, "application/json"),
        ("GET", SECRETS, {"labelSelector": "a"}, None, "application/json"),
        ("POST", SECRETS, {}, {"metadata": {"name": "b"}, "stringData": {"a": "b"}}, "application/json"),
        ("POST", SECRETS, {}, {"metadata": {"name": "b"}, "type": "kubernetes.io/tls"}, "application/json"),
        ("POST", SECRETS, {}, secret("b"), "application/yaml"),
        ("POST", f"{SECRETS}/b", {}, secret("b"), "application/json"),
    ],
)
def test_what_is_not_simulated_is_not_answered(kubernetes: Kubernetes, request_: tuple[Any, ...]) -> None:
    create(kubernetes, SECRETS, secret("a"))
    with pytest.raises(NotImplementedError):
        kubernetes.request(*request_)


@pytest.mark.parametrize(
    "schema",
    [{"type": "string", "nullable": True}, {"type": "string", "format": "email"}],
    ids=["keyword", "format"],
)
def test_a_schema_that_is_not_understood_is_not_applied(schema: dict[str, object]) -> None:
    with pytest.raises(NotImplementedError, match="teach it"):
        Schema({"type": "object", "properties": {"a": schema}})
