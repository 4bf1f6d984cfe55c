"""The status of ApiTokens, which is written apart from the rest."""

from typing import Any

from tests.contract.kubernetes.api import Answer, Api
from tests.contract.kubernetes.objects import FINALIZER, api_token, changed, with_status

PREVIOUS = {
    "id": 1,
    "lastFour": "abcd",
    "deleteAfter": "2030-01-31T12:00:00Z",
    "reason": "Rotated",
    "account": {},
}
CONDITION = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": "2030-01-31T12:00:00Z",
    "reason": "Issued",
    "message": "",
}


def write(api: Api, status: Any, **query: str) -> Answer:
    """Replace the status of the one ApiToken, which is made first."""
    if api.peek("apitokens/a").status == 404:
        api.create("apitokens", api_token("a"))
    return api.replace(
        "apitokens/a/status", with_status("a", api.peek("apitokens/a").version, status), **query
    )


def a_status_write_changes_nothing_else(api: Api) -> None:
    made = api.create("apitokens", api_token("a", {"labels": {"a": "b"}, "finalizers": [FINALIZER]}))
    meta: dict[str, Any] = {
        "labels": {"other": "x"},
        "annotations": {"other": "x"},
        "finalizers": ["example.com/other"],
    }
    meta["ownerReferences"] = [{"apiVersion": "v1", "kind": "Secret", "name": "x", "uid": "x"}]
    body = with_status("a", made.version, {"observedGeneration": 1}, meta) | {"spec": {"resources": "none"}}
    written = api.replace("apitokens/a/status", body)
    assert {"observedGeneration": 1} == written.body["status"]
    assert made.body["spec"] == written.body["spec"]
    assert {"a": "b"} == written.body["metadata"]["labels"]
    assert [FINALIZER] == written.body["metadata"]["finalizers"]
    assert not {"annotations", "ownerReferences"} & written.body["metadata"].keys()
    assert made.version != written.version
    assert 1 == written.body["metadata"]["generation"]


def a_status_write_on_an_older_version_is_refused(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    body = with_status("a", made.version, {"observedGeneration": 1})
    assert 200 == api.replace("apitokens/a/status", body).status
    assert (409, "Conflict") == api.replace("apitokens/a/status", body).error
    assert (409, "Conflict") == api.replace("apitokens/a/status", body | {"status": "not even judged"}).error


def any_change_makes_a_status_write_stale(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    api.merge("apitokens/a", {"metadata": {"annotations": {"a": "b"}}})
    body = with_status("a", made.version, {"observedGeneration": 1})
    assert (409, "Conflict") == api.replace("apitokens/a/status", body).error


def a_status_write_must_name_a_version(api: Api) -> None:
    api.create("apitokens", api_token("a"))
    for version in ("", "0"):
        body = with_status("a", version, {"observedGeneration": 1})
        assert {"metadata.resourceVersion"} == api.replace("apitokens/a/status", body).fields
    assert 500 == api.replace("apitokens/a/status", with_status("a", "x", {})).status


def a_replaced_status_is_for_one_uid(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    body = with_status("a", made.version, {"observedGeneration": 1}, {"uid": "another"})
    assert (409, "Conflict") == api.replace("apitokens/a/status", body).error
    without = changed(body, {"resourceVersion": None})
    assert (409, "Conflict") == api.replace("apitokens/a/status", without).error


def a_merged_status_does_not_look_at_the_uid(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    patch = {"metadata": {"uid": "another"}, "status": {"observedGeneration": 1}}
    merged = api.merge("apitokens/a/status", patch)
    assert 200 == merged.status
    assert made.uid == merged.uid


def a_merged_status_may_name_the_version(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    patch = {"metadata": {"resourceVersion": made.version}, "status": {"secretName": "b"}}
    assert 200 == api.merge("apitokens/a/status", patch).status
    assert (409, "Conflict") == api.merge("apitokens/a/status", patch).error
    stale = {"metadata": {"resourceVersion": made.version}}
    assert (409, "Conflict") == api.merge("apitokens/a/status", stale).error


def a_merged_status_changes_nothing_else(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    patch = {"metadata": {"labels": {"a": "b"}, "finalizers": [FINALIZER]}, "spec": {"suspend": True}}
    merged = api.merge("apitokens/a/status", {**patch, "status": {"secretName": "b"}})
    assert {"observedGeneration": -1, "secretName": "b"} == merged.body["status"]
    assert made.body["spec"] == merged.body["spec"]
    assert not {"labels", "finalizers"} & merged.body["metadata"].keys()
    assert {"patch"} == api.merge("apitokens/a/status", {"metadata": {"labels": {"a": 1}}}).fields
    assert (400, "BadRequest") == api.merge("apitokens/a/status", {"metadata": {"name": "b"}}).error


def a_lost_status_is_the_default_one(api: Api) -> None:
    write(api, {"observedGeneration": 1, "secretName": "b"})
    assert {"observedGeneration": -1} == api.merge("apitokens/a/status", {"status": None}).body["status"]
    write(api, {"observedGeneration": 1})
    assert {"observedGeneration": -1} == write(api, None).body["status"]
    body = with_status("a", api.peek("apitokens/a").version, None)
    del body["status"]
    assert {"observedGeneration": -1} == api.replace("apitokens/a/status", body).body["status"]


def a_status_that_changes_nothing_keeps_the_version(api: Api) -> None:
    first = write(api, {"observedGeneration": 1, "conditions": [CONDITION]})
    assert first.version == write(api, {"observedGeneration": 1.0, "conditions": [CONDITION]}).version
    assert (
        first.version
        == write(api, {"observedGeneration": 1, "conditions": [CONDITION], "unknown": 1}).version
    )
    assert first.version == api.merge("apitokens/a/status", {"status": {"secretName": None}}).version
    assert first.version != write(api, {"observedGeneration": 1, "conditions": []}).version


def the_first_status_is_a_change_though_it_is_the_default(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    first = write(api, {"observedGeneration": -1})
    assert made.version != first.version
    assert first.version == write(api, {}).version


def a_status_is_completed(api: Api) -> None:
    current = {
        "id": 1,
        "lastFour": "abcd",
        "issuedAt": "2030-01-31T12:00:00Z",
        "accessDigest": "x",
        "expirationDigest": "y",
        "account": {"unknown": 1},
    }
    written = write(api, {"current": current, "previous": [PREVIOUS], "unknown": 1, "operation": None})
    status = written.body["status"]
    assert {"kind": "ClusterMailtrapAccount", "name": "default"} == status["current"]["account"]
    assert {"kind": "ClusterMailtrapAccount", "name": "default"} == status["previous"][0]["account"]
    assert status["current"]["resetRefused"] is False
    assert {"observedGeneration", "current", "previous"} == status.keys()


def a_status_of_a_wrong_type_is_refused(api: Api) -> None:
    wrong = {
        "observedGeneration": "x",
        "conditions": {},
        "secretName": 1,
        "current": [],
        "previous": [None],
    }
    fields = {"status.observedGeneration", "status.conditions", "status.secretName", "status.current"}
    assert {*fields, "status.previous[0]"} == write(api, wrong).fields
    assert {"status"} == write(api, "x").fields
    assert {"status"} == write(api, []).fields
    assert {"status.observedGeneration"} == write(api, {"observedGeneration": True}).fields
    assert {"observedGeneration": -1} == api.get("apitokens/a").body["status"]


def a_status_lacks_nothing_that_is_required(api: Api) -> None:
    fields = {
        f"status.current.{name}"
        for name in ("id", "lastFour", "issuedAt", "accessDigest", "expirationDigest")
    }
    assert {*fields, "status.current.account"} == write(api, {"current": {}}).fields
    assert {"status.previous[0].lastFour"} == write(
        api, {"previous": [{**PREVIOUS, "lastFour": None}]}
    ).fields
    assert {"status.operation.nonce"} == write(api, {"operation": {
        "type": "Create", "startedAt": "2030-01-31T12:00:00Z", "holder": "one", "account": {},
    }}).fields  # fmt: skip


def a_status_is_bounded(api: Api) -> None:
    previous = [{**PREVIOUS, "id": number + 1} for number in range(257)]
    assert {"status.previous"} == write(api, {"previous": previous}).fields
    assert 200 == write(api, {"previous": previous[:256]}).status
    assert {"status.conditions"} == write(
        api, {"conditions": [{**CONDITION, "type": f"T{n}"} for n in range(17)]}
    ).fields
    assert {"status.observedGeneration"} == write(api, {"observedGeneration": -2}).fields
    assert 200 == write(api, {"observedGeneration": 2**63 - 1}).status
    wrong = {
        "type": "",
        "status": "Maybe",
        "observedGeneration": -2,
        "reason": "no word",
        "message": "m" * 2049,
        "lastTransitionTime": "yesterday",
    }
    expected = {f"status.conditions[0].{name}" for name in wrong}
    assert expected == write(api, {"conditions": [wrong]}).fields
    assert {"status.conditions[0].reason"} == write(
        api, {"conditions": [{**CONDITION, "reason": "Word\n"}]}
    ).fields
    assert 200 == write(api, {"conditions": [{**CONDITION, "message": "é" * 2048}]}).status


def an_item_stands_in_a_status_once(api: Api) -> None:
    assert {"status.previous[1]"} == write(api, {"previous": [PREVIOUS, PREVIOUS]}).fields
    assert {"status.conditions[1]"} == write(
        api, {"conditions": [CONDITION, {**CONDITION, "status": "False"}]}
    ).fields


def a_time_in_a_status_has_a_form(api: Api) -> None:
    for time in ("2030-01-31T12:00:00Z", "2030-01-31t12:00:00.123+02:00", "2028-02-29T23:59:59z"):
        assert 200 == write(api, {"renewalTime": time}).status
    for time in (
        "",
        "2030-01-31",
        "2030-01-31T12:00:00",
        "2030-01-31 12:00:00Z",
        "2030-02-29T12:00:00Z",
        "2030-01-31T24:00:00Z",
        "2030-01-31T12:60:00Z",
        "2030-01-31T23:59:60Z",
        "2030-01-31T12:00:00+0200",
        "2030-1-31T12:00:00Z",
        "2030-01-31T12:00:00Z\n",
    ):
        assert {"status.renewalTime"} == write(api, {"renewalTime": time}).fields


def a_dry_status_write_is_judged_and_not_stored(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    tried = write(api, {"observedGeneration": 1}, dryRun="All")
    assert {"observedGeneration": 1} == tried.body["status"]
    assert made.version == tried.version
    assert made.body == api.get("apitokens/a").body
    assert {"status"} == write(api, "x", dryRun="All").fields


def a_status_can_be_read_and_written_and_nothing_else(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    assert made.body == api.get("apitokens/a/status").body
    assert 405 == api.create("apitokens/a/status", made.body).status
    assert 405 == api.delete("apitokens/a/status").status


def a_status_write_hardly_looks_at_the_kind(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    body = with_status("a", made.version, {"observedGeneration": 1})
    assert (400, "BadRequest") == api.replace("apitokens/a/status", body | {"kind": None}).error
    assert (400, "BadRequest") == api.replace("apitokens/a/status", body | {"apiVersion": "v1"}).error
    assert (400, "BadRequest") == api.replace("apitokens/a/status", changed(body, {"name": "b"})).error
    written = api.replace("apitokens/a/status", body | {"kind": "Other"})
    assert "ApiToken" == written.body["kind"]
