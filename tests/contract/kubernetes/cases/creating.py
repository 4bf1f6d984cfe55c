"""What a create makes of a body, and which bodies are refused."""

from tests.contract.kubernetes.api import GROUP, Api
from tests.contract.kubernetes.objects import API_VERSION, FINALIZER, RESOURCE, account, api_token, secret


def a_new_api_token_is_completed(api: Api) -> None:
    made = api.create("apitokens", api_token("a", {"labels": {"team": "shop"}}))
    assert 201 == made.status
    assert 1 == made.body["metadata"]["generation"]
    assert {
        "policy": "Automatic",
        "strategy": "Reset",
        "overlap": "12h",
        "outsideWindows": "BeforeExpiry",
    } == made.body["spec"]["rotation"]
    assert {"observedGeneration": -1} == made.body["status"]
    assert made.body == api.get("apitokens/a").body


def a_new_api_token_brings_no_status(api: Api) -> None:
    made = api.create("apitokens", api_token("a", status={"observedGeneration": 7}))
    assert {"observedGeneration": -1} == made.body["status"]
    assert 201 == api.create("apitokens", api_token("b", status="not even an object")).status


def unknown_fields_are_cut_off(api: Api) -> None:
    spec = {"unknown": 1, "rotation": {"unknown": {}}, "resources": [{**RESOURCE, "unknown": []}]}
    made = api.create("apitokens", api_token("a", {"unknown": 1}, spec, unknown=1))
    assert "unknown" not in str(made.body)
    assert "unknown" not in str(api.create("secrets", secret("a", {"unknown": 1}, unknown=1)).body)


def a_null_counts_as_absent(api: Api) -> None:
    spec = {"suspend": None, "displayName": None, "rotation": None, "expiration": {"policy": None}}
    template = {"data": {"token": "${token}", "other": None}, "metadata": {"labels": {"a": None}}}
    made = api.create("apitokens", api_token("a", None, {**spec, "secretTemplate": template}))
    assert {"token": "${token}"} == made.body["spec"]["secretTemplate"]["data"]
    assert "ServerDefault" == made.body["spec"]["expiration"]["policy"]
    assert "displayName" not in made.body["spec"]


def what_the_server_sets_cannot_be_brought(api: Api) -> None:
    theirs = {
        "uid": "mine",
        "creationTimestamp": "2001-01-01T00:00:00Z",
        "deletionTimestamp": "2001-01-01T00:00:00Z",
        "deletionGracePeriodSeconds": 5,
        "selfLink": "/mine",
    }
    made = api.create("apitokens", api_token("a", {**theirs, "generation": 9}))
    assert 1 == made.body["metadata"]["generation"]
    assert "mine" != made.uid
    assert "deletionTimestamp" not in made.body["metadata"]
    assert "mine" != api.create("secrets", secret("a", theirs)).uid


def a_name_is_taken_once(api: Api) -> None:
    api.create("apitokens", api_token("a"))
    api.create("secrets", secret("a"))
    assert (409, "AlreadyExists") == api.create("apitokens", api_token("a")).error
    assert (409, "AlreadyExists") == api.create("secrets", secret("a")).error


def a_name_is_taken_until_its_object_is_gone(api: Api) -> None:
    api.create("apitokens", api_token("a", {"finalizers": [FINALIZER]}))
    api.delete("apitokens/a")
    assert (409, "AlreadyExists") == api.create("apitokens", api_token("a")).error


def a_name_can_be_generated(api: Api) -> None:
    for base in ("short-", "long" * 20):
        meta = {"generateName": base}
        first, second = (api.create("secrets", {"metadata": meta}).body["metadata"] for _ in range(2))
        assert first["name"] != second["name"]
        assert first["name"].startswith(base[:58])
        assert len(base[:58]) + 5 == len(first["name"])
    api.create("apitokens", api_token("", {"name": None, "generateName": "tok-"}))
    assert "given" == api.create("secrets", secret("given", {"generateName": "x-"})).body["metadata"]["name"]


def a_name_is_needed_and_has_a_form(api: Api) -> None:
    assert {"metadata.name"} == api.create("secrets", {"metadata": {}}).fields
    assert {"metadata.name"} == api.create("secrets", {}).fields
    for name in ("A_b", "a..b", "-a", "a-", "a" * 254):
        assert {"metadata.name"} == api.create("secrets", secret(name)).fields
        assert {"metadata.name"} == api.create("apitokens", api_token(name)).fields
    assert 201 == api.create("secrets", secret("0.a-b")).status
    assert {"metadata.name"} == api.create("namespaces", {"metadata": {"name": "a.b"}}, dryRun="All").fields


def a_custom_body_must_say_what_it_is(api: Api) -> None:
    body = api_token("a")
    for wrong in ({"kind": None}, {"apiVersion": None}, {"apiVersion": "mailtrap-operator.io/v9"}):
        assert (400, "BadRequest") == api.create("apitokens", {**body, **wrong}).error
    assert (400, "BadRequest") == api.create("apitokens", None).error
    # Another kind would break CEL rules too; an update shows it alone.
    made = api.create("apitokens", body).body
    assert {"kind"} == api.replace("apitokens/a", {**made, "kind": "MailtrapAccount"}).fields


def a_built_in_body_need_not_say_what_it_is(api: Api) -> None:
    assert 201 == api.create("secrets", {"metadata": {"name": "a"}}).status
    assert (400, "BadRequest") == api.create("secrets", {**secret("b"), "kind": "ConfigMap"}).error
    assert (400, "BadRequest") == api.create("secrets", {**secret("b"), "apiVersion": "v9"}).error
    assert (400, "BadRequest") == api.create("secrets", ["no object"]).error


def a_body_is_for_the_namespace_of_its_path(api: Api) -> None:
    elsewhere = {"namespace": "default"}
    assert (400, "BadRequest") == api.create("secrets", secret("a", elsewhere)).error
    assert (400, "BadRequest") == api.create("apitokens", api_token("a", elsewhere)).error
    assert 201 == api.create("secrets", secret("a", {"namespace": api.namespace})).status


def a_namespace_must_exist(api: Api) -> None:
    assert (404, "NotFound") == api.create("/api/v1/namespaces/nowhere/secrets", secret("a")).error
    assert (404, "NotFound") == api.create(
        "/api/v1/namespaces/nowhere/secrets", secret("a"), dryRun="All"
    ).error
    assert (404, "NotFound") == api.create(f"{GROUP}/namespaces/nowhere/apitokens", api_token("a")).error
    assert [] == api.get("/api/v1/namespaces/nowhere/secrets").names


def a_namespace_begins_active(api: Api) -> None:
    made = api.create("namespaces", {"metadata": {"name": "not-stored", "labels": {"a": "b"}}}, dryRun="All")
    assert "Active" == made.body["status"]["phase"]
    assert 409 == api.create("namespaces", {"metadata": {"name": api.namespace}}).status


def a_new_object_has_no_version(api: Api) -> None:
    assert 500 == api.create("secrets", secret("a", {"resourceVersion": "5"})).status
    assert 500 == api.create("apitokens", api_token("a", {"resourceVersion": "5"})).status
    assert 201 == api.create("secrets", secret("a", {"resourceVersion": "0"})).status


def a_spec_must_fit_its_schema(api: Api) -> None:
    resources = [
        {"type": "", "id": 0, "accessLevel": "X"},
        {"type": "9", "id": "", "accessLevel": None},
        "none",
    ]
    spec = {"resources": resources, "suspend": "no", "secretTemplate": {"data": {}}, "secretName": "a" * 254}
    spec["rotation"] = {"renewBeforePercentage": 100, "strategy": "Hope"}
    spec["expiration"] = {"at": "2030-02-31T12:00:00Z", "after": ["1h"]}
    assert {
        "spec.resources[0].type",
        "spec.resources[0].id",
        "spec.resources[0].accessLevel",
        "spec.resources[1].type",
        "spec.resources[1].id",
        "spec.resources[1].accessLevel",
        "spec.resources[2]",
        "spec.suspend",
        "spec.secretTemplate.data",
        "spec.secretName",
        "spec.rotation.renewBeforePercentage",
        "spec.rotation.strategy",
        "spec.expiration.at",
        "spec.expiration.after",
    } == api.create("apitokens", api_token("a", None, spec)).fields


def a_spec_is_bounded(api: Api) -> None:
    many = {f"key{number}": "${token}" for number in range(33)}
    spec = {
        "resources": [{**RESOURCE, "id": number + 1} for number in range(101)],
        "secretTemplate": {"data": many},
    }
    fields = {"spec.resources", "spec.secretTemplate.data"}
    assert fields == api.create("apitokens", api_token("a", None, spec)).fields
    assert {"spec.resources"} == api.create("apitokens", api_token("a", None, {"resources": []})).fields
    assert {"spec.resources"} == api.create("apitokens", api_token("a", None, {"resources": None})).fields


def a_spec_is_needed(api: Api) -> None:
    meta = {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": {"name": "a"}}
    assert {"spec"} == api.create("apitokens", meta).fields
    assert {"spec"} == api.create("apitokens", {**meta, "spec": "none"}).fields


def an_id_is_a_number_or_a_text(api: Api) -> None:
    for number, id_ in enumerate([1, "one"]):
        body = api_token(f"a{number}", None, {"resources": [{**RESOURCE, "id": id_}]})
        assert id_ == api.create("apitokens", body).body["spec"]["resources"][0]["id"]
    for id_ in (True, 1.5, {}):
        body = api_token("b", None, {"resources": [{**RESOURCE, "id": id_}]})
        assert {"spec.resources[0].id"} == api.create("apitokens", body).fields


def a_whole_number_may_be_written_with_a_point(api: Api) -> None:
    made = api.create("apitokens", api_token("a", None, {"rotation": {"renewBeforePercentage": 20.0}}))
    assert 20 == made.body["spec"]["rotation"]["renewBeforePercentage"]


def metadata_of_a_wrong_type_is_refused(api: Api) -> None:
    for wrong in ({"labels": "x"}, {"labels": {"a": 1}}, {"finalizers": "x"}, {"ownerReferences": ["x"]}):
        assert (400, "BadRequest") == api.create("apitokens", api_token("a", wrong)).error
        assert (400, "BadRequest") == api.create("secrets", secret("a", wrong)).error
    assert (400, "BadRequest") == api.create("secrets", {"metadata": "x"}).error


def empty_metadata_counts_as_absent(api: Api) -> None:
    empty: dict[str, object] = {"labels": {}, "annotations": {}, "finalizers": [], "ownerReferences": []}
    assert not empty.keys() & api.create("apitokens", api_token("a", empty)).body["metadata"].keys()
    assert not empty.keys() & api.create("secrets", secret("a", empty)).body["metadata"].keys()
    made = api.create("secrets", secret("b", {"labels": {"a": None}, "annotations": {"b": None}}))
    assert {"a": ""} == made.body["metadata"]["labels"]


def labels_and_annotations_have_a_form(api: Api) -> None:
    for key in ("a b", "", "/x", "x/", "Up/x", "a/b/c", "a" * 64, "-a"):
        assert {"metadata.labels"} == api.create("secrets", secret("a", {"labels": {key: "x"}})).fields
        assert {"metadata.labels"} == api.create("apitokens", api_token("a", {"labels": {key: "x"}})).fields
    for text in ("x y", "x" * 64, "-x"):
        assert {"metadata.labels"} == api.create("secrets", secret("a", {"labels": {"a": text}})).fields
    assert {"metadata.annotations"} == api.create(
        "secrets", secret("a", {"annotations": {"a b": "x"}})
    ).fields
    large = {"annotations": {"a": "x" * 262_144}}
    assert {"metadata.annotations"} == api.create("apitokens", api_token("a", large)).fields
    right = {"labels": {"e.io/A_b.c": "X_y.z"}, "annotations": {"E.io/a": "x y"}}
    assert 201 == api.create("secrets", secret("a", right)).status


def a_finalizer_of_a_secret_is_qualified(api: Api) -> None:
    assert {"metadata.finalizers[0]"} == api.create("secrets", secret("a", {"finalizers": ["hold"]})).fields
    assert 201 == api.create("apitokens", api_token("a", {"finalizers": ["hold"]})).status
    assert {"metadata.finalizers"} == api.create(
        "apitokens", api_token("b", {"finalizers": ["No Way/x"]})
    ).fields


def a_cluster_scoped_object_has_no_namespace(api: Api) -> None:
    name = api.namespace
    made = api.create("clustermailtrapaccounts", account(name, {"namespace": "default"}))
    assert "namespace" not in made.body["metadata"]
    assert made.body == api.get(f"clustermailtrapaccounts/{name}").body
    assert 404 == api.get(f"{GROUP}/namespaces/{api.namespace}/clustermailtrapaccounts/{name}").status
    assert 200 == api.delete(f"clustermailtrapaccounts/{name}").status


def what_there_is_not_is_not_found(api: Api) -> None:
    assert (404, "NotFound") == api.get("apitokens/a").error
    assert (404, "NotFound") == api.get("secrets/a").error
    assert (404, "NotFound") == api.get("namespaces/nowhere").error
    assert (404, "NotFound") == api.get("secrets/a/status").error
    for path in (f"{GROUP}/unknowns", "/apis/unknown.io/v1/things", f"{GROUP}/apitokens/a"):
        assert 404 == api.get(path).status


def an_event_about_an_object_without_a_namespace_stands_in_default(api: Api) -> None:
    about = {"kind": "ClusterMailtrapAccount", "name": "a", "uid": "some uid"}
    event = {"metadata": {"name": "a"}, "involvedObject": about}
    assert 201 == api.create("/api/v1/namespaces/default/events", event, dryRun="All").status
    assert {"involvedObject.namespace"} == api.create("events", event).fields


def an_event_speaks_of_its_own_namespace(api: Api) -> None:
    about = {"kind": "ApiToken", "name": "a", "namespace": api.namespace, "uid": "some uid"}
    event = {
        "metadata": {"generateName": "a."},
        "involvedObject": about,
        "type": "Normal",
        "reason": "Issued",
        "message": "m" * 1024,
        "source": {"component": "mailtrap-operator"},
        "reportingComponent": "mailtrap-operator",
        "reportingInstance": "one",
        "firstTimestamp": "2030-01-31T12:00:00Z",
        "lastTimestamp": "2030-01-31T12:00:00Z",
        "count": 1,
        "unknown": 1,
    }
    assert 201 == api.create("events", event).status
    assert 201 == api.create("events", event).status
    named = {**event, "metadata": {"name": "named"}}
    elsewhere = {**named, "involvedObject": {**about, "namespace": "default"}}
    assert {"involvedObject.namespace"} == api.create("events", elsewhere).fields
    assert {"involvedObject.namespace"} == api.create("events", {**named, "involvedObject": {}}).fields
    for wrong in ({"count": "x"}, {"firstTimestamp": "x"}, {"message": 1}, {"source": "x"}):
        assert (400, "BadRequest") == api.create("events", {**named, **wrong}).error
    assert (
        201
        == api.create(
            "events", {"metadata": {"name": "small"}, "involvedObject": {"namespace": api.namespace}}
        ).status
    )
    assert 201 == api.create("events", named, dryRun="All").status
    assert 201 == api.create("events", named).status
    assert (409, "AlreadyExists") == api.create("events", named).error
