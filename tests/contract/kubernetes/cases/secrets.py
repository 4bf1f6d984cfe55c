"""What is particular about Secrets."""

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.objects import changed, secret


def a_secret_is_opaque_where_nothing_else_is_said(api: Api) -> None:
    assert "Opaque" == api.create("secrets", {"metadata": {"name": "a"}}).body["type"]
    assert "e.io/x" == api.create("secrets", secret("b", type="e.io/x")).body["type"]
    assert "data" not in api.create("secrets", secret("c", data={})).body
    assert "data" not in api.create("secrets", secret("d", data=None)).body


def data_must_be_base64(api: Api) -> None:
    for wrong in ("*", "YWI", "-_-_", "YWJj=", "=", 1, True, ["YWJj"]):
        assert (400, "BadRequest") == api.create("secrets", secret("a", data={"token": wrong})).error
    assert (400, "BadRequest") == api.create("secrets", secret("a", data="YWJj")).error
    assert (400, "BadRequest") == api.create("secrets", secret("a", immutable="yes")).error


def data_is_kept_in_its_plain_form(api: Api) -> None:
    data = {"lines": "YW\nJj\r\n", "loose": "YWJ=", "null": None, "empty": ""}
    made = api.create("secrets", secret("a", data=data))
    assert {"lines": "YWJj", "loose": "YWI=", "null": "", "empty": ""} == made.body["data"]


def a_key_has_a_form(api: Api) -> None:
    for key in ("a b", "a/b", ".", "..", "..a", "", "a" * 254):
        assert {f"data[{key}]"} == api.create("secrets", secret("a", data={key: "YWJj"})).fields
    assert 201 == api.create("secrets", secret("a", data={"...a"[2:]: "YWJj", "a_B-1.c": "YWJj"})).status


def a_secret_is_bounded(api: Api) -> None:
    assert {"data"} == api.create("secrets", secret("a", data={"a": "YWJj" * 350_000})).fields


def several_faults_are_told_together(api: Api) -> None:
    body = secret("A", {"labels": {"a b": "x"}}, data={"c d": "YWJj"})
    assert {"metadata.name", "metadata.labels", "data[c d]"} == api.create("secrets", body).fields


def a_replaced_secret_holds_what_was_sent(api: Api) -> None:
    made = api.create("secrets", secret("a", {"labels": {"a": "b"}, "annotations": {"c": "d"}}))
    body = changed(made.body, {"labels": {"e": "f"}}, data={"other": "eA=="})
    del body["metadata"]["annotations"]
    replaced = api.replace("secrets/a", body)
    assert {"other": "eA=="} == replaced.body["data"]
    assert {"e": "f"} == replaced.body["metadata"]["labels"]
    assert "annotations" not in replaced.body["metadata"]
    assert made.version != replaced.version
    assert made.uid == replaced.uid


def a_secret_that_was_changed_since_is_not_replaced(api: Api) -> None:
    made = api.create("secrets", secret("a"))
    api.merge("secrets/a", {"data": {"other": "eA=="}})
    assert (409, "Conflict") == api.replace("secrets/a", changed(made.body, data={})).error
    assert (409, "Conflict") == api.replace("secrets/a", changed(made.body, data={}), dryRun="All").error
    assert (409, "Conflict") == api.replace("secrets/a", changed(made.body, data={"a b": ""})).error
    assert {"token", "other"} == api.get("secrets/a").body["data"].keys()


def a_secret_can_be_replaced_whatever_it_is(api: Api) -> None:
    made = api.create("secrets", secret("a"))
    for number, version in enumerate([None, "", "0"]):
        body = changed(made.body, {"resourceVersion": version}, data={"other": "YWJj" * number})
        assert 200 == api.replace("secrets/a", body).status
    other = changed(made.body, {"resourceVersion": None, "uid": "another"})
    assert (409, "Conflict") == api.replace("secrets/a", other).error
    assert (409, "Conflict") == api.replace("secrets/a", changed(made.body, {"uid": "another"})).error


def a_secret_that_is_not_there_is_not_replaced(api: Api) -> None:
    for meta in ({}, {"resourceVersion": "4"}, {"uid": "some"}):
        assert (404, "NotFound") == api.replace("secrets/a", secret("a", meta)).error
    assert (404, "NotFound") == api.replace("secrets/a", secret("a"), dryRun="All").error
    assert (400, "BadRequest") == api.replace("secrets/a", secret("b")).error
    assert (400, "BadRequest") == api.replace("secrets/a", {"metadata": {}}).error


def a_replacement_that_changes_nothing_keeps_the_version(api: Api) -> None:
    made = api.create("secrets", secret("a", {"labels": {"a": "b"}}))
    assert made.version == api.replace("secrets/a", made.body).version
    assert made.version == api.merge("secrets/a", {"data": {"token": "YWJj"}}).version
    assert made.version == api.merge("secrets/a", {}).version


def a_merge_adds_and_takes_away(api: Api) -> None:
    api.create("secrets", secret("a", {"annotations": {"a": "b"}}))
    patch = {"metadata": {"annotations": {"a": None, "c": "d"}}, "data": {"token": None, "other": "eA=="}}
    merged = api.merge("secrets/a", patch)
    assert {"c": "d"} == merged.body["metadata"]["annotations"]
    assert {"other": "eA=="} == merged.body["data"]
    assert "data" not in api.merge("secrets/a", {"data": None}).body


def a_merge_may_name_the_version(api: Api) -> None:
    made = api.create("secrets", secret("a"))
    patch = {"metadata": {"resourceVersion": made.version}, "data": {"other": "eA=="}}
    assert 200 == api.merge("secrets/a", patch).status
    assert (409, "Conflict") == api.merge("secrets/a", patch).error
    for version in (None, "", "0"):
        assert 200 == api.merge("secrets/a", {"metadata": {"resourceVersion": version}}).status
    assert 500 == api.merge("secrets/a", {"metadata": {"resourceVersion": "x"}}).status


def a_merge_must_leave_a_secret(api: Api) -> None:
    assert (404, "NotFound") == api.merge("secrets/a", {}).error
    api.create("secrets", secret("a"))
    assert {"patch"} == api.merge("secrets/a", {"data": {"token": "*"}}).fields
    assert {"patch"} == api.merge("secrets/a", {"metadata": "x"}).fields
    assert {"data[a b]"} == api.merge("secrets/a", {"data": {"a b": ""}}).fields
    assert {"metadata.uid"} == api.merge("secrets/a", {"metadata": {"uid": "another"}}).fields
    for patch in (
        {"metadata": {"name": "b"}},
        {"metadata": {"namespace": "default"}},
        {"metadata": None},
        ["x"],
    ):
        assert (400, "BadRequest") == api.merge("secrets/a", patch).error


def an_immutable_secret_keeps_its_data(api: Api) -> None:
    made = api.create("secrets", secret("a", immutable=True)).body
    assert {"data"} == api.replace("secrets/a", {**made, "data": {"token": "eA=="}}).fields
    assert {"immutable"} == api.replace("secrets/a", {**made, "immutable": False}).fields
    assert {"immutable", "data"} == api.replace("secrets/a", {**made, "immutable": None, "data": {}}).fields
    assert {"data"} == api.replace("secrets/a", {**made, "data": {}}, dryRun="All").fields
    assert 200 == api.replace("secrets/a", changed(made, {"labels": {"a": "b"}})).status
    assert 200 == api.delete("secrets/a").status


def a_secret_can_become_immutable(api: Api) -> None:
    api.create("secrets", secret("a", immutable=False))
    assert 200 == api.merge("secrets/a", {"data": {"other": "eA=="}}).status
    assert 200 == api.merge("secrets/a", {"immutable": True}).status
    assert {"data"} == api.merge("secrets/a", {"data": {"token": None}}).fields


def the_type_of_a_secret_is_fixed(api: Api) -> None:
    made = api.create("secrets", secret("a")).body
    assert {"type"} == api.replace("secrets/a", {**made, "type": "e.io/x"}).fields
    assert {"type"} == api.merge("secrets/a", {"type": "e.io/x"}).fields
    assert 200 == api.replace("secrets/a", {**made, "type": None}).status
