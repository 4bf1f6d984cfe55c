"""The fake keeps to what the tests rely on."""

import pytest

from mailtrap_operator.clients.errors import Conflict, Missing, Terminal, Uncertain
from tests.unit.clients.fake_kube import FakeKube

SECRETS = "/api/v1/namespaces/team/secrets"
TOKENS = "/apis/mailtrap-operator.io/v1alpha1/namespaces/team/apitokens"


async def test_a_write_needs_the_present_version() -> None:
    kube = FakeKube()
    created = await kube.create(SECRETS, {"metadata": {"name": "a"}, "data": {"x": "1"}})

    kube.edit(f"{SECRETS}/a", lambda body: body["data"].update(x="2"))

    with pytest.raises(Conflict):
        await kube.replace(f"{SECRETS}/a", created)
    with pytest.raises(Conflict):
        await kube.merge(f"{SECRETS}/a", {"metadata": {"resourceVersion": "1"}, "data": {"x": None}})
    with pytest.raises(Conflict):
        await kube.create(SECRETS, {"metadata": {"name": "a"}})
    assert {"x": "2"} == (await kube.get(f"{SECRETS}/a"))["data"]


async def test_a_dry_run_changes_nothing() -> None:
    kube = FakeKube()

    await kube.create(SECRETS, {"metadata": {"name": "a"}}, dry_run=True)

    with pytest.raises(Missing):
        await kube.get(f"{SECRETS}/a")
    assert [] == kube.writes


async def test_status_and_spec_are_written_apart() -> None:
    kube = FakeKube()
    created = kube.seed(TOKENS, {"metadata": {"name": "a"}, "spec": {"x": 1}})

    reported = await kube.replace(f"{TOKENS}/a/status", created | {"spec": {"x": 9}, "status": {"y": 1}})
    edited = kube.edit(f"{TOKENS}/a", lambda body: body.update(spec={"x": 2}, status={"y": 9}))

    assert ({"x": 1}, {"y": 1}, 1) == (
        reported["spec"],
        reported["status"],
        reported["metadata"]["generation"],
    )
    assert ({"x": 2}, {"y": 1}, 2) == (edited["spec"], edited["status"], edited["metadata"]["generation"])


async def test_a_finalizer_holds_an_object_until_it_is_taken_off() -> None:
    kube = FakeKube()
    kube.seed(TOKENS, {"metadata": {"name": "a", "finalizers": ["x"]}})

    kube.remove(f"{TOKENS}/a")
    held = await kube.get(f"{TOKENS}/a")
    version = held["metadata"]["resourceVersion"]
    await kube.merge(f"{TOKENS}/a", {"metadata": {"finalizers": [], "resourceVersion": version}})

    assert "deletionTimestamp" in held["metadata"]
    assert kube.object(f"{TOKENS}/a") is None


async def test_a_list_comes_in_pages_by_namespace_and_label() -> None:
    kube = FakeKube()
    for name in "abcde":
        kube.seed(SECRETS, {"metadata": {"name": name, "labels": {"ours": str(name != "c").lower()}}})
    kube.seed("/api/v1/namespaces/other/secrets", {"metadata": {"name": "f", "labels": {"ours": "true"}}})

    async def names(path: str) -> list[list[str]]:
        pages, query = [], {"limit": "2", "labelSelector": "ours=true"}
        while True:
            page = await kube.get(path, query)
            pages.append([item["metadata"]["name"] for item in page["items"]])
            if "continue" not in page["metadata"]:
                return pages
            query["continue"] = page["metadata"]["continue"]

    assert [["a", "b"], ["d", "e"]] == await names(SECRETS)
    assert 5 == sum(map(len, await names("/api/v1/secrets")))


async def test_a_call_can_be_refused_and_an_answer_lost() -> None:
    kube = FakeKube()
    kube.fail("POST", "/secrets", 403, "exceeded quota")
    kube.fail("POST", "/secrets", None, commit=True)

    with pytest.raises(Terminal, match="exceeded quota"):
        await kube.create(SECRETS, {"metadata": {"name": "a"}})
    assert kube.object(f"{SECRETS}/a") is None
    with pytest.raises(Uncertain):
        await kube.create(SECRETS, {"metadata": {"name": "a"}})
    assert kube.object(f"{SECRETS}/a") is not None
    assert [("POST", SECRETS)] * 2 == [(call.method, call.path) for call in kube.writes]
