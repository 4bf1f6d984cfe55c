"""What a watch tells; how late it does is left to who simulates it."""

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.objects import FINALIZER, api_token, secret, with_status

LABELS = {"watched": "yes"}


def each_change_is_told_in_order(api: Api) -> None:
    since = api.get("apitokens").version
    made = api.create("apitokens", api_token("a"))
    api.create("secrets", secret("a"))
    known = api.replace("apitokens/a/status", with_status("a", made.version, {"observedGeneration": 1}))
    changed = api.merge("apitokens/a", {"spec": {"suspend": True}})
    api.delete("apitokens/a")
    events = api.events("apitokens", since)
    assert ["ADDED", "MODIFIED", "MODIFIED", "DELETED"] == [kind for kind, _ in events]
    assert [made.body, known.body, changed.body] == [body for _, body in events[:3]]


def a_watch_can_begin_at_any_version(api: Api) -> None:
    made = api.create("secrets", secret("a"))
    api.create("secrets", secret("b"))
    third = api.create("secrets", secret("c"))
    names = [body["metadata"]["name"] for _, body in api.events("secrets", made.version)]
    assert ["b", "c"] == names
    assert [] == api.events("secrets", third.version)


def a_deletion_tells_the_last_state_under_a_new_version(api: Api) -> None:
    api.create("secrets", secret("a"))
    last = api.merge("secrets/a", {"data": {"token": "eA=="}})
    api.delete("secrets/a")
    [(kind, body)] = api.events("secrets", last.version)
    assert "DELETED" == kind
    assert {"token": "eA=="} == body["data"]
    assert int(last.version) < int(body["metadata"]["resourceVersion"])


def the_end_of_a_finalizer_tells_the_state_before_it(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    going = api.delete("apitokens/a")
    api.merge("apitokens/a", {"metadata": {"finalizers": None}, "spec": {"suspend": True}})
    [(kind, body)] = api.events("apitokens", going.version)
    assert "DELETED" == kind
    assert [FINALIZER] == body["metadata"]["finalizers"]
    assert body["spec"]["suspend"] is False


def what_changes_nothing_is_not_told(api: Api) -> None:
    api.create("apitokens", api_token("a"))
    known = api.merge("apitokens/a", {"metadata": {"labels": LABELS}})
    api.replace("apitokens/a", known.body)
    api.merge("apitokens/a", {"spec": {"suspend": True}}, dryRun="All")
    api.delete("apitokens/a", {"uid": "another"})
    assert [] == api.events("apitokens", known.version)


def a_label_lets_an_object_in_and_out_of_a_watch(api: Api) -> None:
    first = api.create("secrets", secret("unlabelled"))
    api.create("secrets", secret("a", {"labels": LABELS}))
    api.create("secrets", secret("b"))
    api.merge("secrets/a", {"metadata": {"labels": None}, "data": {"token": "eA=="}})
    api.merge("secrets/a", {"data": {"token": "eQ=="}})
    api.merge("secrets/b", {"metadata": {"labels": LABELS}})
    api.delete("secrets/b")
    api.delete("secrets/a")
    events = api.events("secrets", first.version, "watched=yes")
    assert [("ADDED", "a"), ("DELETED", "a"), ("ADDED", "b"), ("DELETED", "b")] == [
        (kind, body["metadata"]["name"]) for kind, body in events
    ]
    left = events[1][1]
    assert LABELS == left["metadata"]["labels"]
    assert {"token": "YWJj"} == left["data"]
