"""Deletions: preconditions, finalizers, and the objects that are retired."""

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.objects import (
    FINALIZER,
    account,
    api_token,
    changed,
    secret,
    with_status,
)

OTHER = "example.com/other"


def what_nothing_holds_is_gone_at_once(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    deleted = api.delete("apitokens/a")
    assert "Success" == deleted.body["status"]
    assert made.uid == deleted.body["details"]["uid"]
    assert (404, "NotFound") == api.get("apitokens/a").error
    assert (404, "NotFound") == api.delete("apitokens/a").error
    api.create("secrets", secret("a"))
    assert "Success" == api.delete("secrets/a").body["status"]


def a_name_comes_back_with_another_uid(api: Api) -> None:
    first = api.create("secrets", secret("a"))
    api.delete("secrets/a")
    second = api.create("secrets", secret("a"))
    assert first.uid != second.uid
    assert first.version != second.version
    assert (409, "Conflict") == api.replace("secrets/a", changed(first.body, {"resourceVersion": None})).error


def a_deletion_may_be_for_one_uid_and_version(api: Api) -> None:
    for plural, body in (("apitokens", api_token("a")), ("secrets", secret("a"))):
        made = api.create(plural, body)
        for wrong in (
            {"uid": "another"},
            {"resourceVersion": "1"},
            {"uid": "another", "resourceVersion": made.version},
            {"uid": made.uid, "resourceVersion": "1"},
        ):
            assert (409, "Conflict") == api.delete(f"{plural}/a", wrong).error
            assert (409, "Conflict") == api.delete(f"{plural}/a", wrong, dryRun="All").error
        assert 200 == api.delete(f"{plural}/a", {"uid": made.uid, "resourceVersion": made.version}).status
        assert (404, "NotFound") == api.delete(f"{plural}/a", {"uid": made.uid}).error


def a_changed_secret_is_not_deleted_by_its_old_version(api: Api) -> None:
    made = api.create("secrets", secret("a"))
    api.merge("secrets/a", {"data": {"other": "eA=="}})
    preconditions = {"uid": made.uid, "resourceVersion": made.version}
    assert (409, "Conflict") == api.delete("secrets/a", preconditions).error
    assert 200 == api.get("secrets/a").status


def a_dry_deletion_deletes_nothing(api: Api) -> None:
    api.create("apitokens", api_token("a"))
    api.create("apitokens", api_token("b", {"finalizers": [FINALIZER]}))
    assert "Success" == api.delete("apitokens/a", dryRun="All").body["status"]
    assert "deletionTimestamp" in api.delete("apitokens/b", dryRun="All").body["metadata"]
    assert "deletionTimestamp" not in api.get("apitokens/b").body["metadata"]
    assert 200 == api.get("apitokens/a").status


def a_finalizer_holds_an_object(api: Api) -> None:
    made = api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    going = api.delete("apitokens/a")
    assert "deletionTimestamp" in going.body["metadata"]
    assert 0 == going.body["metadata"]["deletionGracePeriodSeconds"]
    assert 2 == going.body["metadata"]["generation"]
    assert made.version != going.version
    assert going.body == api.delete("apitokens/a").body
    assert going.body == api.get("apitokens/a").body
    assert (409, "Conflict") == api.delete("apitokens/a", {"resourceVersion": made.version}).error


def a_finalizer_holds_a_secret(api: Api) -> None:
    api.create("secrets", secret("a", {"finalizers": [FINALIZER]}))
    assert "generation" not in api.delete("secrets/a").body["metadata"]
    assert {"metadata.finalizers"} == api.merge(
        "secrets/a", {"metadata": {"finalizers": [FINALIZER, OTHER]}}
    ).fields
    assert 200 == api.merge("secrets/a", {"data": {"other": ""}}).status
    assert 200 == api.merge("secrets/a", {"metadata": {"finalizers": None}}).status
    assert 404 == api.get("secrets/a").status


def the_last_finalizer_lets_go(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER, OTHER]}))
    api.delete("apitokens/a")
    one = api.merge("apitokens/a", {"metadata": {"finalizers": [OTHER]}})
    assert [OTHER] == one.body["metadata"]["finalizers"]
    patch = {"metadata": {"finalizers": [], "resourceVersion": one.version}}
    tried = api.merge("apitokens/a", patch, dryRun="All")
    assert "finalizers" not in tried.body["metadata"]
    assert 200 == api.get("apitokens/a").status
    last = api.merge("apitokens/a", patch)
    assert 200 == last.status
    assert one.version == last.version
    assert 404 == api.get("apitokens/a").status
    assert (404, "NotFound") == api.merge("apitokens/a", patch).error


def the_last_finalizer_may_go_with_other_changes(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    going = api.delete("apitokens/a").body
    last = api.replace(
        "apitokens/a", changed(going, {"finalizers": None}, spec={**going["spec"], "suspend": True})
    )
    assert 3 == last.body["metadata"]["generation"]
    assert 404 == api.get("apitokens/a").status


def an_object_that_is_going_gets_no_new_finalizer(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    api.delete("apitokens/a")
    for finalizers in ([FINALIZER, OTHER], [OTHER]):
        assert {"metadata.finalizers"} == api.merge(
            "apitokens/a", {"metadata": {"finalizers": finalizers}}
        ).fields


def an_account_is_held_and_let_go(api: Api) -> None:
    path = f"clustermailtrapaccounts/{api.namespace}"
    made = api.create("clustermailtrapaccounts", account(api.namespace))
    patch = {"metadata": {"finalizers": [FINALIZER], "resourceVersion": made.version}}
    held = api.merge(path, patch)
    assert [FINALIZER] == held.body["metadata"]["finalizers"]
    assert 1 == held.body["metadata"]["generation"]
    assert (409, "Conflict") == api.merge(path, patch).error
    going = api.delete(path)
    assert "deletionTimestamp" in going.body["metadata"]
    assert 2 == going.body["metadata"]["generation"]
    free = {"metadata": {"finalizers": [], "resourceVersion": going.version}}
    assert 200 == api.merge(path, free).status
    assert (404, "NotFound") == api.get(path).error


def a_secret_keeps_its_data_when_its_finalizers_change(api: Api) -> None:
    made = api.create("secrets", secret("a", {"finalizers": [OTHER]}))
    patch = {"metadata": {"finalizers": [OTHER, FINALIZER], "resourceVersion": made.version}}
    held = api.merge("secrets/a", patch)
    assert [OTHER, FINALIZER] == held.body["metadata"]["finalizers"]
    assert made.body["data"] == held.body["data"]
    assert (409, "Conflict") == api.merge("secrets/a", patch).error


def an_object_that_is_going_cannot_be_kept(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    going = api.delete("apitokens/a")
    back = {"metadata": {"deletionTimestamp": None, "deletionGracePeriodSeconds": None}}
    assert going.version == api.merge("apitokens/a", back).version
    patch = {"metadata": {"deletionGracePeriodSeconds": 5}}
    assert {"metadata.deletionGracePeriodSeconds"} == api.merge("apitokens/a", patch).fields


def an_object_that_is_going_can_still_be_changed(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    going = api.delete("apitokens/a")
    known = api.replace(
        "apitokens/a/status", with_status("a", going.version, {"observedGeneration": 2}, {"finalizers": []})
    )
    assert {"observedGeneration": 2} == known.body["status"]
    assert [FINALIZER] == known.body["metadata"]["finalizers"]
    assert 3 == api.merge("apitokens/a", {"spec": {"suspend": True}}).body["metadata"]["generation"]
    assert 200 == api.get("apitokens/a").status


def finalizers_come_and_go_while_an_object_lives(api: Api) -> None:
    api.create("apitokens", api_token("a"))
    held = api.merge("apitokens/a", {"metadata": {"finalizers": [FINALIZER]}})
    free = api.merge("apitokens/a", {"metadata": {"finalizers": [], "resourceVersion": held.version}})
    assert "finalizers" not in free.body["metadata"]
    assert 200 == api.get("apitokens/a").status
    assert "Success" == api.delete("apitokens/a").body["status"]


def a_namespace_that_is_going_takes_nothing_new(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    api.create("secrets", secret("a"))
    tried = api.delete(f"namespaces/{api.namespace}", dryRun="All")
    assert "Terminating" == tried.body["status"]["phase"]
    assert 201 == api.create("secrets", secret("b")).status
    going = api.delete(f"namespaces/{api.namespace}")
    assert "Terminating" == going.body["status"]["phase"]
    assert (403, "Forbidden") == api.create("secrets", secret("c")).error
    assert (403, "Forbidden") == api.create("secrets", secret("c"), dryRun="All").error
    assert (403, "Forbidden") == api.create("secrets", {"metadata": {"generateName": "c-"}}).error
    assert (403, "Forbidden") == api.create("apitokens", api_token("a")).error
    about = {"involvedObject": {"namespace": api.namespace}}
    assert (403, "Forbidden") == api.create("events", {"metadata": {"name": "e"}, **about}).error
    assert (409, "AlreadyExists") == api.create("namespaces", {"metadata": {"name": api.namespace}}).error

    api.settle(
        lambda: (
            api.peek("secrets/a").status == 404
            and "deletionTimestamp" in api.peek("apitokens/a").body["metadata"]
        )
    )
    held = api.get("apitokens/a")
    assert 2 == held.body["metadata"]["generation"]
    assert (
        200
        == api.replace("apitokens/a/status", with_status("a", held.version, {"observedGeneration": 2})).status
    )
    assert 200 == api.merge("apitokens/a", {"metadata": {"finalizers": None}}).status

    api.settle(lambda: api.peek(f"namespaces/{api.namespace}").status == 404)
    assert (404, "NotFound") == api.create("secrets", secret("c")).error
