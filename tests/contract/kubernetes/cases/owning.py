"""Owner references, and what the garbage collector makes of them sooner or later."""

from tests.contract.kubernetes.api import Api
from tests.contract.kubernetes.objects import FINALIZER, api_token, owner, secret


def an_owner_reference_is_complete(api: Api) -> None:
    fields = {f"metadata.ownerReferences[0].{name}" for name in ("apiVersion", "kind", "name", "uid")}
    assert fields == api.create("secrets", secret("a", {"ownerReferences": [{}]})).fields
    reference = owner("x", "")
    assert {"metadata.ownerReferences[0].uid"} == api.create(
        "apitokens", api_token("a", {"ownerReferences": [reference]})
    ).fields


def one_owner_is_the_controller(api: Api) -> None:
    two = [owner("x", "1", controller=True), owner("y", "2", controller=True)]
    assert {"metadata.ownerReferences"} == api.create("secrets", secret("a", {"ownerReferences": two})).fields


def an_owner_reference_is_kept_as_it_is_known(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    reference = owner("a", made.uid, controller=True, blockOwnerDeletion=False)
    kept = api.create("secrets", secret("a", {"ownerReferences": [{**reference, "unknown": 1}, reference]}))
    assert [reference] == kept.body["metadata"]["ownerReferences"]
    without = api.merge("secrets/a", {"metadata": {"ownerReferences": []}})
    assert "ownerReferences" not in without.body["metadata"]


def what_has_no_owner_left_is_collected(api: Api) -> None:
    first = api.create("apitokens", api_token("first"))
    second = api.create("apitokens", api_token("second"))
    one, other = owner("first", first.uid, controller=True), owner("second", second.uid)
    api.create("secrets", secret("of-first", {"ownerReferences": [one]}))
    api.create("secrets", secret("of-both", {"ownerReferences": [one, other]}))
    api.create("secrets", secret("of-second", {"ownerReferences": [other]}))
    api.create("secrets", secret("of-none"))
    api.create("secrets", secret("held", {"ownerReferences": [one], "finalizers": [FINALIZER]}))
    unknown = {**other, "kind": "Unknown", "uid": "unknown"}
    api.create("secrets", secret("of-unknown", {"ownerReferences": [unknown]}))
    api.create("secrets", secret("of-unknown-too", {"ownerReferences": [one, unknown]}))
    api.delete("apitokens/first")
    api.settle(
        lambda: (
            api.peek("secrets/of-first").status == 404
            and len(api.peek("secrets/of-both").body["metadata"]["ownerReferences"]) == 1
            and "deletionTimestamp" in api.peek("secrets/held").body["metadata"]
        )
    )
    names = ["held", "of-both", "of-none", "of-second", "of-unknown", "of-unknown-too"]
    assert names == api.get("secrets").names


def an_owner_is_known_by_its_uid(api: Api) -> None:
    made = api.create("apitokens", api_token("a"))
    api.create("secrets", secret("right", {"ownerReferences": [owner("a", made.uid)]}))
    api.create("secrets", secret("other-uid", {"ownerReferences": [owner("a", "another")]}))
    api.create("secrets", secret("never-there", {"ownerReferences": [owner("b", "never")]}))
    api.settle(lambda: {api.peek(f"secrets/{name}").status for name in ("other-uid", "never-there")} == {404})
    assert ["right"] == api.get("secrets").names
    api.delete("apitokens/a")
    api.create("apitokens", api_token("a"))
    api.settle(lambda: api.peek("secrets/right").status == 404)
