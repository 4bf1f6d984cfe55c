"""What stands against right objects, and what a dry run finds out about it."""

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.objects import api_token, secret

MESSAGE = "no Secrets today"


def a_dry_create_shows_what_would_be_made(api: Api) -> None:
    tried = api.create("secrets", secret("a"), dryRun="All")
    assert 201 == tried.status
    assert {"uid", "creationTimestamp"} <= tried.body["metadata"].keys()
    assert "resourceVersion" not in tried.body["metadata"]
    assert 404 == api.get("secrets/a").status
    assert 201 == api.create("apitokens", api_token("a"), dryRun="All").status
    assert 201 == api.create("secrets", {"metadata": {"generateName": "a-"}}, dryRun="All").status
    assert [] == api.get("secrets").names
    assert {"dryRun"} == api.create("secrets", secret("a"), dryRun="Some").fields


def a_dry_create_is_judged_in_full(api: Api) -> None:
    api.create("secrets", secret("a"))
    assert (409, "AlreadyExists") == api.create("secrets", secret("a"), dryRun="All").error
    assert (400, "BadRequest") == api.create("secrets", secret("b", data={"a": "*"}), dryRun="All").error
    assert {"data[a b]"} == api.create("secrets", secret("b", data={"a b": ""}), dryRun="All").fields


def a_dry_replacement_shows_what_would_be_stored(api: Api) -> None:
    made = api.create("secrets", secret("a"))
    tried = api.replace("secrets/a", {**made.body, "data": {"other": "eA=="}}, dryRun="All")
    assert {"other": "eA=="} == tried.body["data"]
    assert made.version == tried.version
    assert made.body == api.get("secrets/a").body


def a_policy_refuses_writes(api: Api) -> None:
    made = api.create("secrets", secret("a"))
    api.deny_secrets(MESSAGE, "Invalid", in_dry_run=True)
    for query in ({}, {"dryRun": "All"}):
        refused = api.create("secrets", secret("b"), **query)
        assert (422, "Invalid") == refused.error
        assert MESSAGE in refused.body["message"]
        assert (422, "Invalid") == api.merge("secrets/a", {"data": {"other": "eA=="}}, **query).error
    assert (422, "Invalid") == api.replace("secrets/a", made.body).error
    assert (422, "Invalid") == api.create("secrets", secret("a")).error
    assert {"data[a b]"} == api.create("secrets", secret("b", data={"a b": ""})).fields
    assert (409, "Conflict") == api.replace("secrets/a", secret("a", {"resourceVersion": "1"})).error
    assert (404, "NotFound") == api.replace("secrets/b", secret("b")).error
    assert 201 == api.create("apitokens", api_token("a")).status
    assert 200 == api.delete("secrets/a").status


def a_policy_may_call_it_forbidden(api: Api) -> None:
    api.deny_secrets(MESSAGE, "Forbidden", in_dry_run=True)
    assert (403, "Forbidden") == api.create("secrets", secret("a")).error
    assert (403, "Forbidden") == api.create("secrets", secret("a"), dryRun="All").error


def a_policy_may_let_dry_runs_pass(api: Api) -> None:
    api.deny_secrets(MESSAGE, "Invalid", in_dry_run=False)
    assert 201 == api.create("secrets", secret("a"), dryRun="All").status
    assert (422, "Invalid") == api.create("secrets", secret("a")).error


def a_quota_bounds_the_secrets(api: Api) -> None:
    api.limit_secrets(1)
    assert 201 == api.create("secrets", secret("a"), dryRun="All").status
    assert 201 == api.create("secrets", secret("a")).status
    assert (403, "Forbidden") == api.create("secrets", secret("b"), dryRun="All").error
    assert (403, "Forbidden") == api.create("secrets", secret("b")).error
    assert (403, "Forbidden") == api.create("secrets", secret("a")).error
    assert {"metadata.name"} == api.create("secrets", secret("B")).fields
    assert 200 == api.merge("secrets/a", {"data": {"other": "eA=="}}).status
    assert 201 == api.create("apitokens", api_token("a")).status


def a_deleted_secret_makes_room_in_the_quota(api: Api) -> None:
    api.limit_secrets(1)
    api.create("secrets", secret("a"))
    api.delete("secrets/a")
    api.settle(lambda: api.try_out("secrets", secret("b")).status == 201)
    assert 201 == api.create("secrets", secret("b")).status
