"""Lists: order, pages of one moment, selection by labels."""

from tests.contract.kubernetes.api import GROUP, Api
from tests.contract.kubernetes.objects import api_token, secret


def make(api: Api, *names: str) -> None:
    """Make Secrets, every other one labelled."""
    for number, name in enumerate(names):
        labels = {"parity": "odd" if number % 2 else "even", "number": str(number)}
        api.create("secrets", secret(name, {"labels": labels}))


def a_list_is_in_the_order_of_names(api: Api) -> None:
    make(api, "b", "a.b", "a-b", "ab", "a", "a0")
    assert ["a", "a-b", "a.b", "a0", "ab", "b"] == api.get("secrets").names
    assert [] == api.get("apitokens").names
    assert [] == api.get("mailtrapaccounts").names


def the_items_of_custom_lists_say_what_they_are(api: Api) -> None:
    make(api, "a")
    api.create("apitokens", api_token("a"))
    assert not {"kind", "apiVersion"} & api.get("secrets").body["items"][0].keys()
    assert {"kind", "apiVersion"} <= api.get("apitokens").body["items"][0].keys()


def a_list_is_at_least_as_new_as_its_items(api: Api) -> None:
    before = int(api.get("secrets").version)
    made = int(api.create("secrets", secret("a")).version)
    after = api.get("secrets")
    assert before < made <= int(after.version)
    api.delete("secrets/a")
    assert int(after.version) < int(api.get("secrets").version)


def a_list_comes_in_pages(api: Api) -> None:
    make(api, "a", "b", "c", "d", "e")
    names, query, remaining = [], {"limit": "2"}, []
    while True:
        page = api.get("secrets", **query)
        names.append(page.names)
        remaining.append(page.body["metadata"].get("remainingItemCount"))
        if not (following := page.body["metadata"].get("continue")):
            break
        query = {"limit": "2", "continue": following}
    assert [["a", "b"], ["c", "d"], ["e"]] == names
    assert [3, 1, None] == remaining


def the_pages_of_a_list_show_one_moment(api: Api) -> None:
    make(api, "a", "b", "c", "d")
    api.create("apitokens", api_token("x"))
    first = api.get("secrets", limit="1")
    api.delete("secrets/c")
    api.merge("secrets/d", {"data": {"token": "eA=="}})
    api.create("secrets", secret("bb"))
    api.delete("secrets/b")
    api.create("secrets", secret("b"))
    following = first.body["metadata"]["continue"]
    second = api.get("secrets", **{"limit": "2", "continue": following})
    assert ["b", "c"] == second.names
    assert first.version == second.version
    third = api.get("secrets", **{"continue": second.body["metadata"]["continue"]})
    assert ["d"] == third.names
    assert {"token": "YWJj"} == third.body["items"][0]["data"]
    assert ["a", "b", "bb", "d"] == api.get("secrets").names


def a_last_page_says_so(api: Api) -> None:
    make(api, "a", "b")
    for limit in ("2", "0", "-1", "500"):
        assert not api.get("secrets", limit=limit).body["metadata"].get("continue")
    api.create("apitokens", api_token("a"))
    assert not api.get("apitokens", limit="1").body["metadata"].get("continue")


def labels_select(api: Api) -> None:
    make(api, "a", "b", "c", "d")
    assert ["a", "c"] == api.get("secrets", labelSelector="parity=even").names
    assert ["c"] == api.get("secrets", labelSelector="parity==even,number=2").names
    assert [] == api.get("secrets", labelSelector="parity=none").names
    assert ["a", "b", "c", "d"] == api.get("secrets", labelSelector="").names


def a_selector_by_no_label_is_refused(api: Api) -> None:
    for key in ("Not A Key", "-a", "a/b/c"):
        assert (400, "BadRequest") == api.get("secrets", labelSelector=f"{key}=even").error


def labels_select_before_pages_are_cut(api: Api) -> None:
    make(api, "a", "b", "c", "d", "e")
    first = api.get("secrets", labelSelector="parity=even", limit="2")
    assert ["a", "c"] == first.names
    assert "remainingItemCount" not in first.body["metadata"]
    query = {"labelSelector": "parity=even", "continue": first.body["metadata"]["continue"]}
    assert ["e"] == api.get("secrets", **query).names


def a_senseless_page_is_refused(api: Api) -> None:
    assert (400, "BadRequest") == api.get("secrets", limit="x").error
    assert (400, "BadRequest") == api.get("secrets", **{"continue": "x"}).error


def all_namespaces_are_listed_together(api: Api) -> None:
    other = f"{api.namespace}-2"
    api.create("namespaces", {"metadata": {"name": other}})
    label = {"labels": {"case": api.namespace}}
    api.create("secrets", secret("z", label))
    api.create(f"/api/v1/namespaces/{other}/secrets", secret("a", label))
    api.create("apitokens", api_token("z", label))
    api.create(f"{GROUP}/namespaces/{other}/apitokens", api_token("a", label))
    # As places are sorted as a whole, "x-2/…" stands before "x/…".
    for path in ("/api/v1/secrets", f"{GROUP}/apitokens"):
        assert ["a", "z"] == api.get(path, labelSelector=f"case={api.namespace}").names
    api.delete(f"namespaces/{other}")


def a_list_of_metadata_holds_nothing_else(api: Api) -> None:
    make(api, "a", "b", "c")
    for name in ("x", "y"):
        api.create("apitokens", api_token(name, {"annotations": {"note": name}}))
    for plural, names in (("secrets", ["a", "b", "c"]), ("apitokens", ["x", "y"])):
        listed = api.list_metadata(plural)
        assert ("PartialObjectMetadataList", names) == (listed.body["kind"], listed.names)
        assert all({"kind", "apiVersion", "metadata"} == item.keys() for item in listed.body["items"])
        versions = [api.peek(f"{plural}/{name}").version for name in names]
        assert versions == [item["metadata"]["resourceVersion"] for item in listed.body["items"]]
    assert None is api.list_metadata("mailtrapaccounts").body["items"]


def a_list_of_metadata_comes_in_pages_and_by_labels(api: Api) -> None:
    make(api, "a", "b", "c", "d", "e")
    first = api.list_metadata("secrets", labelSelector="parity=even", limit="2")
    assert ["a", "c"] == first.names
    query = {"labelSelector": "parity=even", "continue": first.body["metadata"]["continue"]}
    last = api.list_metadata("secrets", **query)
    assert (["e"], first.version) == (last.names, last.version)
    assert "continue" not in last.body["metadata"]
    api.create("apitokens", api_token("x"))
    assert "continue" not in api.list_metadata("apitokens", limit="1").body["metadata"]
