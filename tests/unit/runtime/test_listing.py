import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from mailtrap_operator.clients.errors import Failure, Retryable, Terminal, Uncertain
from mailtrap_operator.core.reasons import Reason
from mailtrap_operator.runtime.listing import Listing, list_all
from mailtrap_operator.runtime.versions import is_newer
from mailtrap_operator.runtime.watchdog import ObjectName
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import ACCOUNTS, API_TOKENS, account, api_token, secret

EVERYWHERE = "/apis/mailtrap-operator.io/v1alpha1/apitokens"
SECRETS = "/api/v1/namespaces/{}/secrets"


class Harness:
    """A kind of which some objects are known, all in the same version."""

    def __init__(self, *known: ObjectName) -> None:
        self.kube = FakeKube()
        self.known = dict.fromkeys(known, "5")
        self.taken: list[dict[str, Any]] = []
        self.missed: list[ObjectName] = []

    def listing(self, *paths: str, kind: str = "ApiToken", labels: str = "", **parts: Any) -> Listing:
        usual = Listing(
            paths,
            kind,
            self.taken.append,
            known=lambda: dict(self.known),
            has=lambda name, _, version: not is_newer(version, self.known.get(name)),
            path_of=lambda name: (
                f"/apis/mailtrap-operator.io/v1alpha1/namespaces/{name[0]}/apitokens/{name[1]}"
            ),
            missed=self.missed.append,
            labels=labels,
        )
        return replace(usual, **parts)

    @property
    def begins(self) -> list[str | None]:
        """At which object each page began that was asked for; None is the first page."""
        tokens = [call.query.get("continue") for call in self.kube.calls]
        # The server says after which object it continues.
        after = [token and json.loads(base64.b64decode(token))[1] for token in tokens]
        return [name and str(int(name[-4:]) + 1) for name in after]

    @property
    def names(self) -> list[str]:
        return [f"{body['metadata']['namespace']}/{body['metadata']['name']}" for body in self.taken]


async def test_everything_is_listed_in_pages_of_two_hundred() -> None:
    harness = Harness()
    for number in range(534):
        harness.kube.seed(API_TOKENS, api_token(f"token-{number:04}"))

    await list_all(harness.kube, (harness.listing(EVERYWHERE),))

    assert [f"team/token-{number:04}" for number in range(534)] == harness.names
    assert [None, "200", "400"] == harness.begins
    assert {"200"} == {call.query["limit"] for call in harness.kube.calls}


async def test_a_page_that_is_too_large_is_asked_for_with_fewer_objects() -> None:
    harness = Harness()
    for number in range(40):
        data = {"note": "eHh4" * (349_525 if 10 <= number < 20 else 100)}
        harness.kube.seed(SECRETS.format("team"), secret(f"token-{number:04}") | {"data": data})

    await list_all(harness.kube, (harness.listing("/api/v1/secrets", kind="Secret"),))

    assert [f"team/token-{number:04}" for number in range(40)] == harness.names
    limits = [call.query["limit"] for call in harness.kube.calls]
    asked = list(zip(harness.begins, limits, strict=True))
    assert [(None, "200"), (None, "50"), (None, "12"), ("12", "24"), ("12", "6"), ("12", "1")] == asked[:6]
    assert ("30", "16") == asked[-1]
    assert len(asked) < 30


async def test_one_object_is_taken_however_large_it_is() -> None:
    harness = Harness()
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x" * 6_000_000, "uid": "u"}
    harness.kube.seed(API_TOKENS, api_token(ownerReferences=[owner]))

    await list_all(harness.kube, (harness.listing(EVERYWHERE),))

    assert ["team/billing"] == harness.names


async def test_an_object_that_no_one_foresaw_keeps_no_other_from_being_taken_in(
    caplog: pytest.LogCaptureFixture,
) -> None:
    harness = Harness()
    for name in ("good", "odd", "other"):
        harness.kube.seed(API_TOKENS, api_token(name))

    def take(body: dict[str, Any]) -> None:
        if body["metadata"]["name"] == "odd":
            raise KeyError("no one foresaw this object")
        harness.taken.append(body)

    await list_all(harness.kube, (harness.listing(EVERYWHERE, take=take),))

    assert ["team/good", "team/other"] == harness.names
    assert ["team/odd"] == [record.__dict__["key"] for record in caplog.records]


async def test_each_object_says_its_kind_although_a_list_leaves_it_out() -> None:
    harness = Harness()
    harness.kube.seed(API_TOKENS, api_token())

    await list_all(harness.kube, (harness.listing(EVERYWHERE),))

    assert "ApiToken" == harness.taken[0]["kind"]


async def test_only_the_given_places_and_labels_are_listed() -> None:
    harness = Harness()
    for namespace in ("a", "b", "c"):
        for name, label in (("ours", "yes"), ("theirs", "no")):
            harness.kube.seed(
                SECRETS.format(namespace), {"metadata": {"name": name, "labels": {"ours": label}}}
            )

    listing = harness.listing(SECRETS.format("a"), SECRETS.format("c"), kind="Secret", labels="ours=yes")
    await list_all(harness.kube, (listing,))

    assert ["a/ours", "c/ours"] == harness.names


async def test_kinds_are_listed_in_their_order() -> None:
    harness = Harness()
    harness.kube.seed(API_TOKENS, api_token())
    harness.kube.seed(SECRETS.format("team"), {"metadata": {"name": "first"}})

    await list_all(
        harness.kube, (harness.listing("/api/v1/secrets", kind="Secret"), harness.listing(EVERYWHERE))
    )

    assert ["Secret", "ApiToken"] == [body["kind"] for body in harness.taken]


async def test_known_object_that_is_not_listed_is_read() -> None:
    harness = Harness(("team", "billing"), ("team", "gone"), ("other", "billing"))
    harness.kube.seed(API_TOKENS, api_token())

    await list_all(harness.kube, (harness.listing(EVERYWHERE),))

    assert {("team", "gone"), ("other", "billing")} == set(harness.missed)


async def test_a_cluster_scoped_object_is_known_without_a_namespace() -> None:
    harness = Harness((None, "default"), (None, "gone"))
    harness.kube.seed(ACCOUNTS, account())

    await list_all(harness.kube, (harness.listing(ACCOUNTS, kind="ClusterMailtrapAccount"),))

    assert [(None, "gone")] == harness.missed


async def test_object_seen_while_the_list_runs_is_not_dropped() -> None:
    harness = Harness()
    harness.kube.seed(API_TOKENS, api_token())

    def take(_: object) -> None:
        harness.known["team", "new"] = "9"

    listing = harness.listing(EVERYWHERE, take=take)
    await list_all(harness.kube, (listing,))

    assert [] == harness.missed


class Answering(FakeKube):
    def __init__(self, *pages: dict[str, Any] | Failure) -> None:
        super().__init__()
        self._pages = list(pages)

    async def list_page(self, *_: Any, **__: Any) -> dict[str, Any]:
        page = self._pages.pop(0)
        if isinstance(page, Failure):
            raise page
        return page


@pytest.mark.parametrize("pages_before", [0, 1])
async def test_nothing_is_missed_by_a_list_that_was_cut(pages_before: int) -> None:
    harness = Harness(("team", "gone"))
    first = {"items": [api_token()], "metadata": {"continue": "500"}}
    expired = Terminal(Reason.KUBERNETES_REFUSED, "the continue parameter is too old")

    with pytest.raises(Terminal):
        await list_all(Answering(*[first][:pages_before], expired), (harness.listing(EVERYWHERE),))

    assert ([], pages_before) == (harness.missed, len(harness.taken))


async def test_a_namespace_that_refuses_keeps_no_other_from_being_listed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    harness = Harness(("a", "kept"), ("b", "gone"))
    for namespace in ("a", "b"):
        harness.kube.seed(SECRETS.format(namespace), {"metadata": {"name": "ours", "namespace": namespace}})
    harness.kube.seed(API_TOKENS, api_token())
    harness.kube.fail("GET", SECRETS.format("a"), 403)

    secrets = harness.listing(SECRETS.format("a"), SECRETS.format("b"), kind="Secret")
    refused = await list_all(harness.kube, (secrets, harness.listing(EVERYWHERE, known=dict)))

    assert [Terminal] == [type(refusal) for refusal in refused]
    assert ["b/ours", "team/billing"] == harness.names
    assert [] == harness.missed, "what was not listed everywhere reports no end"
    assert [SECRETS.format("a")] == [record.__dict__["path"] for record in caplog.records]


async def test_a_kind_that_is_refused_everywhere_fails_after_the_others_were_listed() -> None:
    harness = Harness()
    harness.kube.seed(API_TOKENS, api_token())
    harness.kube.fail("GET", "/secrets", 403, times=2)

    secrets = harness.listing(SECRETS.format("a"), SECRETS.format("b"), kind="Secret")
    with pytest.raises(Terminal):
        await list_all(harness.kube, (secrets, harness.listing(EVERYWHERE)))

    assert ["team/billing"] == harness.names


async def test_an_api_server_that_does_not_answer_ends_the_listing_at_once() -> None:
    harness = Harness()
    harness.kube.fail("GET", "/secrets", 503, times=2)

    with pytest.raises(Uncertain):
        await list_all(
            harness.kube, (harness.listing(SECRETS.format("a"), SECRETS.format("b"), kind="Secret"),)
        )

    assert 1 == len(harness.kube.calls)


async def test_an_answer_without_items_is_no_empty_list() -> None:
    harness = Harness(("team", "billing"))

    with pytest.raises(Retryable, match="The answer to a list of ApiTokens is no list"):
        await list_all(Answering({"kind": "Status"}), (harness.listing(EVERYWHERE),))

    assert [] == harness.missed


@pytest.mark.parametrize("page", [{"items": []}, {"items": None}, {"items": None, "metadata": {}}])
async def test_an_empty_list_may_be_null(page: dict[str, Any]) -> None:
    harness = Harness(("team", "gone"))

    await list_all(Answering(page), (harness.listing(EVERYWHERE),))

    assert [("team", "gone")] == harness.missed
