"""Updates beside the status, most of them of ApiTokens: versions, generations, and what may change at all."""

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.objects import FINALIZER, account, api_token, changed, with_status


def a_changed_spec_is_another_generation(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    body = changed(made.body, spec={**made.body["spec"], "suspend": True})
    replaced = api.replace("apitokens/a", body)
    assert 2 == replaced.body["metadata"]["generation"]
    merged = api.merge("apitokens/a", {"spec": {"displayName": "mailer"}})
    assert 3 == merged.body["metadata"]["generation"]
    unset = api.merge("apitokens/a", {"spec": {"displayName": None}})
    assert 4 == unset.body["metadata"]["generation"]


def changed_metadata_is_the_same_generation(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    meta = {"labels": {"a": "b"}, "annotations": {"c": "d"}, "finalizers": [FINALIZER]}
    merged = api.merge("apitokens/a", {"metadata": meta})
    assert meta == {name: merged.body["metadata"][name] for name in meta}
    assert 1 == merged.body["metadata"]["generation"]
    assert made.version != merged.version
    without = api.merge("apitokens/a", {"metadata": {"labels": None, "annotations": {"c": None}}})
    assert not {"labels", "annotations"} & without.body["metadata"].keys()


def a_write_that_changes_nothing_keeps_the_version(api: Api) -> None:
    api.create("apitokens", api_token("a"))
    made = api.merge("apitokens/a", {"metadata": {"labels": {"a": "b"}}})
    assert made.version == api.replace("apitokens/a", made.body).version
    assert made.version == api.merge("apitokens/a", {}).version
    assert made.version == api.merge("apitokens/a", {"spec": {"suspend": False}}).version
    assert made.version == api.merge("apitokens/a", {"spec": {"suspend": None, "rotation": None}}).version
    assert made.version == api.merge("apitokens/a", {"metadata": {"unknown": 1, "generation": 9}}).version


def the_first_write_stores_the_default_status(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    stored = api.replace("apitokens/a", made.body)
    assert made.version != stored.version
    assert stored.version == api.replace("apitokens/a", stored.body).version


def an_object_that_was_changed_since_is_not_written(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    api.merge("apitokens/a", {"metadata": {"labels": {"a": "b"}}})
    body = changed(made.body, spec={**made.body["spec"], "suspend": True})
    assert (409, "Conflict") == api.replace("apitokens/a", body).error
    assert (409, "Conflict") == api.replace("apitokens/a", body, dryRun="All").error
    for version in (made.version, "999999999"):
        patch = {"metadata": {"resourceVersion": version, "finalizers": [FINALIZER]}}
        assert (409, "Conflict") == api.merge("apitokens/a", patch).error
    stale = {"metadata": {"resourceVersion": made.version}}
    assert (409, "Conflict") == api.merge("apitokens/a", stale).error
    assert "finalizers" not in api.get("apitokens/a").body["metadata"]


def a_merge_with_the_present_version_is_written(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    patch = {"metadata": {"resourceVersion": made.version, "finalizers": [FINALIZER]}}
    assert 200 == api.merge("apitokens/a", patch).status
    assert 200 == api.merge("apitokens/a", {"metadata": {"finalizers": None}}).status


def an_update_must_name_a_version(api: Api) -> None:
    made = api.create("apitokens", api_token("a")).body
    for version in (None, "", "0"):
        assert {"metadata.resourceVersion"} == api.replace(
            "apitokens/a", changed(made, {"resourceVersion": version})
        ).fields
    assert {"metadata.resourceVersion"} == api.merge(
        "apitokens/a", {"metadata": {"resourceVersion": None}}
    ).fields
    assert 500 == api.replace("apitokens/a", changed(made, {"resourceVersion": "x"})).status


def an_update_is_for_one_uid(api: Api) -> None:
    made = api.create("apitokens", api_token("a")).body
    assert (409, "Conflict") == api.replace("apitokens/a", changed(made, {"uid": "another"})).error
    assert (409, "Conflict") == api.replace(
        "apitokens/a", changed(made, {"uid": "another", "resourceVersion": "1"})
    ).error
    assert {"metadata.uid"} == api.merge("apitokens/a", {"metadata": {"uid": "another"}}).fields
    assert 200 == api.replace("apitokens/a", changed(made, {"uid": None})).status


def a_main_update_leaves_the_status(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    known = api.replace("apitokens/a/status", with_status("a", made.version, {"observedGeneration": 1}))
    replaced = api.replace("apitokens/a", changed(known.body, status={"observedGeneration": 9}))
    assert {"observedGeneration": 1} == replaced.body["status"]
    assert known.version == replaced.version
    merged = api.merge("apitokens/a", {"status": {"observedGeneration": "x"}, "spec": {"suspend": True}})
    assert {"observedGeneration": 1} == merged.body["status"]
    without = {name: part for name, part in merged.body.items() if name != "status"}
    assert merged.version == api.replace("apitokens/a", without).version
    assert merged.version == api.merge("apitokens/a", {"status": None}).version


def what_the_server_sets_stays(api: Api) -> None:
    made = api.create("apitokens", api_token("a")).body
    theirs = {"creationTimestamp": "2001-01-01T00:00:00Z", "generation": 99}
    replaced = api.replace("apitokens/a", changed(made, theirs)).body
    assert 1 == replaced["metadata"]["generation"]
    assert made["metadata"]["creationTimestamp"] == replaced["metadata"]["creationTimestamp"]
    without = {name: value for name, value in replaced["metadata"].items() if name not in {*theirs, "uid"}}
    assert 200 == api.replace("apitokens/a", {**replaced, "metadata": without}).status
    patch = {"metadata": {"deletionTimestamp": "2001-01-01T00:00:00Z"}}
    assert {"metadata.deletionTimestamp"} == api.merge("apitokens/a", patch).fields


def an_update_must_leave_an_api_token(api: Api) -> None:
    made = api.create("apitokens", api_token("a")).body
    assert {"spec.resources"} == api.merge("apitokens/a", {"spec": {"resources": []}}).fields
    assert {"spec"} == api.merge("apitokens/a", {"spec": "x"}).fields
    assert {"spec"} == api.merge("apitokens/a", {"spec": None}).fields
    assert {"spec.suspend"} == api.merge("apitokens/a", {"spec": {"suspend": 0}}).fields
    assert {"spec"} == api.replace("apitokens/a", changed(made, spec=None)).fields
    assert {"kind"} == api.merge("apitokens/a", {"kind": "Other"}).fields
    assert {"metadata.labels"} == api.merge("apitokens/a", {"metadata": {"labels": {"a b": "x"}}}).fields
    for wrong in ({"labels": {"a": 1}}, {"finalizers": "x"}, {"creationTimestamp": "x"}):
        assert {"patch"} == api.merge("apitokens/a", {"metadata": wrong}).fields
    assert (400, "BadRequest") == api.replace("apitokens/a", changed(made, {"labels": "x"})).error
    assert made == api.get("apitokens/a").body


def an_update_is_for_the_name_of_its_path(api: Api) -> None:
    made = api.create("apitokens", api_token("a")).body
    for wrong in ({"name": "b"}, {"name": None}, {"namespace": "default"}):
        assert (400, "BadRequest") == api.replace("apitokens/a", changed(made, wrong)).error
        assert (400, "BadRequest") == api.merge("apitokens/a", {"metadata": wrong}).error
    assert (400, "BadRequest") == api.merge("apitokens/a", {"metadata": None}).error
    assert (400, "BadRequest") == api.replace("apitokens/a", None).error
    assert (400, "BadRequest") == api.merge("apitokens/a", ["x"]).error


def what_is_not_there_is_not_updated(api: Api) -> None:
    assert (404, "NotFound") == api.replace("apitokens/a", api_token("a", {"resourceVersion": "4"})).error
    assert (404, "NotFound") == api.replace("apitokens/a", api_token("a")).error
    assert (404, "NotFound") == api.merge("apitokens/a", {"metadata": {"finalizers": []}}).error
    assert (404, "NotFound") == api.merge("apitokens/a/status", {"status": {}}).error


def a_patch_says_what_it_is(api: Api) -> None:
    api.create("apitokens", api_token("a"))
    for media_type in ("application/json", "application/strategic-merge-patch+json"):
        assert 415 == api.send("PATCH", "apitokens/a", {}, {}, media_type).status


def a_dry_update_is_judged_and_not_stored(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    tried = api.merge("apitokens/a", {"spec": {"suspend": True}}, dryRun="All")
    assert 2 == tried.body["metadata"]["generation"]
    assert made.version == tried.version
    assert {"spec.suspend"} == api.merge("apitokens/a", {"spec": {"suspend": "x"}}, dryRun="All").fields
    assert made.body == api.get("apitokens/a").body
    assert {"dryRun"} == api.merge("apitokens/a", {}, dryRun="Some").fields


def a_cluster_scoped_object_is_updated_alike(api: Api) -> None:
    name = api.namespace
    made = api.create("clustermailtrapaccounts", account(name))
    meta = {"name": name, "namespace": None, "resourceVersion": made.version}
    status = {**made.body, "metadata": meta, "status": {"observedGeneration": 1}}
    known = api.replace(f"clustermailtrapaccounts/{name}/status", status)
    assert {"observedGeneration": 1} == known.body["status"]
    assert (409, "Conflict") == api.replace(f"clustermailtrapaccounts/{name}/status", status).error
    merged = api.merge(f"clustermailtrapaccounts/{name}", {"spec": {"refreshInterval": "30s"}})
    assert 2 == merged.body["metadata"]["generation"]
    api.delete(f"clustermailtrapaccounts/{name}")


def an_event_is_counted_again(api: Api) -> None:
    event = {"metadata": {"name": "e"}, "involvedObject": {"namespace": api.namespace}, "count": 1}
    assert 201 == api.create("events", event).status
    assert 2 == api.merge("events/e", {"count": 2}).body["count"]


def a_namespace_keeps_the_label_of_its_name(api: Api) -> None:
    path, named = f"namespaces/{api.namespace}", {"kubernetes.io/metadata.name": api.namespace}
    labelled = api.merge(path, {"metadata": {"labels": {"mail": "yes"}}})
    assert named | {"mail": "yes"} == labelled.body["metadata"]["labels"]
    assert named == api.merge(path, {"metadata": {"labels": None}}).body["metadata"]["labels"]
