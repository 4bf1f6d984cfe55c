"""The client of the Kubernetes API against a server that answers whatever a test says."""

import json
import random
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import certifi
import pytest
from kubernetes.aio import client, config

from mailtrap_operator.clients.cluster_access import ClusterAccess
from mailtrap_operator.clients.errors import (
    Conflict,
    Failure,
    Missing,
    Retryable,
    Terminal,
    TooLarge,
    Uncertain,
    Undefined,
)
from mailtrap_operator.clients.kube import (
    Body,
    KubeClient,
    account_path,
    api_token_path,
    connect,
    secrets_path,
)
from mailtrap_operator.clients.proxies import Proxies
from mailtrap_operator.core.reasons import Reason
from tests.unit.clients.raw_server import HANG, answer, raw_server

PATH = "/api/v1/namespaces/team/secrets/billing"
PATIENCE = timedelta(seconds=30)
IMPATIENCE = timedelta(milliseconds=50)
_END = "-----END CERTIFICATE-----"
# One instead of a hundred: to load them all would take most of the time here.
ONE_AUTHORITY = Path(certifi.where()).read_text().partition(_END)[0] + _END

Call = Callable[[KubeClient], Awaitable[object]]
EVERY_CALL: dict[str, Call] = {
    "get": lambda kube: kube.get(PATH),
    "create": lambda kube: kube.create(PATH, {"a": 1}),
    "replace": lambda kube: kube.replace(PATH, {"a": 1}),
    "merge": lambda kube: kube.merge(PATH, {"a": 1}),
    "delete": lambda kube: kube.delete(PATH, uid="u", resource_version="5"),
}


@asynccontextmanager
async def client_of(url: str, patience: timedelta = PATIENCE) -> AsyncIterator[KubeClient]:
    configuration = client.Configuration(host=url)
    configuration.ca_cert_data = ONE_AUTHORITY
    kube = KubeClient(client.ApiClient(configuration), patience)
    try:
        yield kube
    finally:
        await kube.close()


async def failure_of(call: Call, *answers: bytes, patience: timedelta = PATIENCE) -> Failure:
    async with raw_server(*answers) as server, client_of(server.url, patience) as kube:
        with pytest.raises(Failure) as caught:
            await call(kube)
        return caught.value


def status_object(code: int, message: str) -> dict[str, object]:
    return {"kind": "Status", "status": "Failure", "message": message, "code": code}


@pytest.mark.parametrize(
    ("name", "method", "target", "kind", "body"),
    [
        ("get", "GET", PATH, "application/json", None),
        ("create", "POST", PATH, "application/json", {"a": 1}),
        ("replace", "PUT", PATH, "application/json", {"a": 1}),
        ("merge", "PATCH", PATH, "application/merge-patch+json", {"a": 1}),
        (
            "delete",
            "DELETE",
            PATH,
            "application/json",
            {"preconditions": {"uid": "u", "resourceVersion": "5"}},
        ),
    ],
)
async def test_what_each_call_sends(name: str, method: str, target: str, kind: str, body: object) -> None:
    async with raw_server(answer(200, {"x": 1})) as server, client_of(server.url) as kube:
        await EVERY_CALL[name](kube)

    (received,) = server.received
    assert (method, target, kind, body) == (
        received.method,
        received.target,
        received.headers["content-type"],
        received.body,
    )


@pytest.mark.parametrize(
    "call",
    [lambda kube: kube.create(PATH, {}, dry_run=True), lambda kube: kube.replace(PATH, {}, dry_run=True)],
)
async def test_a_dry_run_says_so(call: Call) -> None:
    async with raw_server(answer(200, {})) as server, client_of(server.url) as kube:
        await call(kube)

    assert f"{PATH}?dryRun=All" == server.received[0].target


async def test_an_answer_is_returned_as_it_came() -> None:
    body = {"metadata": {"name": "x"}, "items": [1, None], "text": "é"}

    async with raw_server(answer(200, body)) as server, client_of(server.url) as kube:
        assert body == await kube.get(PATH, {"limit": "500", "labelSelector": "a=b"})

    assert f"{PATH}?limit=500&labelSelector=a%3Db" == server.received[0].target


LISTS: dict[str, Callable[[KubeClient, dict[str, str]], Awaitable[object]]] = {
    "list_page": lambda kube, query: kube.list_page(PATH, query),
    "list_metadata": lambda kube, query: kube.list_metadata(PATH, query),
}


@pytest.mark.parametrize("call", LISTS)
async def test_a_page_that_is_too_large_is_not_read_to_its_end(call: str) -> None:
    page = {"items": ["x" * 5_000_000]}

    # The announced rest never comes: no one waits for it.
    too_large = answer(200, page, length=9_000_000) + HANG
    failure = await failure_of(lambda kube: LISTS[call](kube, {"limit": "2"}), too_large)

    assert TooLarge is type(failure)


@pytest.mark.parametrize("call", LISTS)
@pytest.mark.parametrize(("limit", "size"), [("2", 4_000_000), ("1", 5_000_000)])
async def test_other_pages_are_read_however_large_their_one_object_is(
    call: str, limit: str, size: int
) -> None:
    page = {"items": ["x" * size]}

    async with raw_server(answer(200, page)) as server, client_of(server.url) as kube:
        assert page == await LISTS[call](kube, {"limit": limit})


async def test_a_list_of_metadata_asks_for_it() -> None:
    async with raw_server(answer(200, {})) as server, client_of(server.url) as kube:
        await kube.list_metadata(PATH, {"limit": "1"})
        await kube.list_page(PATH, {"limit": "1"})

    accepted = [received.headers["accept"] for received in server.received]
    assert [
        "application/json;as=partialobjectmetadatalist;g=meta.k8s.io;v=v1",
        "application/json",
    ] == accepted


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [
        (400, Terminal, Reason.KUBERNETES_REFUSED),
        (401, Retryable, Reason.KUBERNETES_UNAVAILABLE),
        (403, Terminal, Reason.KUBERNETES_REFUSED),
        (404, Missing, Reason.NOT_FOUND),
        (409, Conflict, Reason.KUBERNETES_UNAVAILABLE),
        (410, Terminal, Reason.KUBERNETES_REFUSED),
        (413, Terminal, Reason.KUBERNETES_REFUSED),
        (422, Terminal, Reason.KUBERNETES_REFUSED),
        (429, Retryable, Reason.KUBERNETES_UNAVAILABLE),
        (500, Uncertain, Reason.KUBERNETES_UNAVAILABLE),
        (503, Uncertain, Reason.KUBERNETES_UNAVAILABLE),
        (504, Uncertain, Reason.KUBERNETES_UNAVAILABLE),
    ],
)
@pytest.mark.parametrize("call", EVERY_CALL)
async def test_what_a_refusal_of_the_api_server_means(
    call: str, status: int, kind: type[Failure], reason: Reason
) -> None:
    failure = await failure_of(EVERY_CALL[call], answer(status, status_object(status, "quota\n exceeded")))

    assert (kind, reason) == (type(failure), failure.reason)
    assert f'The Kubernetes API answered {status}: "quota exceeded".' == failure.message


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/apis/mailtrap-operator.io/v1alpha1/apitokens", "apitokens"),
        ("/apis/mailtrap-operator.io/v1alpha1/namespaces/team/mailtrapaccounts/own", "mailtrapaccounts"),
        ("/apis/mailtrap-operator.io/v1alpha1/clustermailtrapaccounts", "clustermailtrapaccounts"),
    ],
)
async def test_a_kind_that_the_api_server_does_not_serve_lacks_its_definition(path: str, kind: str) -> None:
    said = answer(404, b"404 page not found\n", kind="text/plain")
    failure = await failure_of(lambda client: client.get(path), said)

    assert (Undefined, Reason.KUBERNETES_UNAVAILABLE) == (type(failure), failure.reason)
    assert f"does not know {kind}.mailtrap-operator.io: this CustomResourceDefinition" in failure.message
    assert "`mailtrap-operator crds | kubectl apply --server-side -f -`" in failure.message


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 500, 502])
@pytest.mark.parametrize(
    "body", [b"<html>no</html>", b"404 page not found\n", b"", b"[]", b'"text"', b'{"kind": "Sta']
)
async def test_a_refusal_in_other_words_is_never_a_positive_answer(status: int, body: bytes) -> None:
    failure = await failure_of(EVERY_CALL["get"], answer(status, body, kind="text/html"))

    assert (Uncertain, Reason.KUBERNETES_UNAVAILABLE) == (type(failure), failure.reason)
    assert str(status) in failure.message


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize("body", [b"<html>", b"", b"[]", b"null", b'"text"', b"7", b'{"items": ['])
async def test_a_success_that_is_no_object_is_not_believed(call: str, body: bytes) -> None:
    failure = await failure_of(EVERY_CALL[call], answer(200, body))

    assert (Uncertain, Reason.KUBERNETES_UNAVAILABLE) == (type(failure), failure.reason)


@pytest.mark.parametrize("call", EVERY_CALL)
@pytest.mark.parametrize(
    "broken",
    [b"", b"garbage\r\n\r\n", answer(200, {"items": []}, length=500)],
    ids=["closed", "garbled", "truncated"],
)
async def test_a_broken_answer_leaves_it_open(call: str, broken: bytes) -> None:
    failure = await failure_of(EVERY_CALL[call], broken)

    assert (Uncertain, Reason.KUBERNETES_UNAVAILABLE) == (type(failure), failure.reason)


@pytest.mark.parametrize("call", EVERY_CALL)
async def test_an_answer_that_does_not_come_is_not_waited_for(call: str) -> None:
    failure = await failure_of(EVERY_CALL[call], HANG, patience=IMPATIENCE)

    assert (Uncertain, Reason.KUBERNETES_UNAVAILABLE) == (type(failure), failure.reason)
    assert "gave no answer" in failure.message


async def test_half_an_answer_is_not_waited_for_either() -> None:
    failure = await failure_of(
        EVERY_CALL["get"], answer(200, {"items": []}, length=500) + HANG, patience=IMPATIENCE
    )

    assert "TimeoutError" in failure.message


@pytest.mark.parametrize("call", EVERY_CALL)
async def test_where_no_one_listens_nothing_has_happened(call: str) -> None:
    async with raw_server(b"") as server:
        url = server.url
    async with client_of(url) as kube:
        with pytest.raises(Retryable, match="gave no answer") as caught:
            await EVERY_CALL[call](kube)

    assert Reason.KUBERNETES_UNAVAILABLE is caught.value.reason


LONG = f'Secret "billing" is invalid: metadata.ownerReferences: Invalid value: {"x" * 1000}'
WHY = "Only one reference can have Controller set to true."


@pytest.mark.parametrize(
    ("details", "said"),
    [
        pytest.param(
            {}, f'Secret "billing" is invalid: metadata.ownerReferences: .* … x*: {WHY}', id="no causes"
        ),
        pytest.param(
            {"causes": [{"field": "metadata.ownerReferences", "message": WHY}, {"message": "And so on."}]},
            f"metadata.ownerReferences: {WHY}; Invalid: And so on.",
            id="causes",
        ),
        pytest.param(
            {"causes": [{"field": "metadata.ownerReferences", "message": f"{'x' * 1000}: {WHY}"}]},
            f"metadata.ownerReferences: x* … x*: {WHY}",
            id="a long cause",
        ),
        pytest.param({"causes": [{"field": "data"}, "odd"]}, f".* … x*: {WHY}", id="causes that say nothing"),
        pytest.param({"causes": "odd"}, f".* … x*: {WHY}", id="causes of another form"),
    ],
)
async def test_of_a_long_message_the_useful_sentence_is_shown(details: Body, said: str) -> None:
    body = {"kind": "Status", "reason": "Invalid", "message": f"{LONG}: {WHY}", "details": details}
    failure = await failure_of(EVERY_CALL["get"], answer(422, json.dumps(body).encode()))

    assert re.fullmatch(f'The Kubernetes API answered 422: "{said}".', failure.message)
    assert 400 > len(failure.message)


async def test_a_message_that_fits_is_shown_whole() -> None:
    body = {"message": "policy 'p' denied it: no", "details": {"causes": [{"message": "no"}]}}
    failure = await failure_of(EVERY_CALL["get"], answer(422, json.dumps(body).encode()))

    assert "The Kubernetes API answered 422: \"policy 'p' denied it: no\"." == failure.message


async def test_a_message_that_quotes_what_looks_like_a_token_shows_the_rest() -> None:
    said = "webhook denied: header Api-Token: 0f1e2d3c4b5a69788796a5b4c3d2e1f0 is not allowed"
    failure = await failure_of(EVERY_CALL["get"], answer(403, status_object(403, said)))

    assert (
        'The Kubernetes API answered 403: "webhook denied: header Api-Token: [left out] is not allowed".'
        == failure.message
    )


def test_the_paths_of_objects() -> None:
    group = "/apis/mailtrap-operator.io/v1alpha1"
    assert f"{group}/namespaces/team/apitokens/billing" == api_token_path("team", "billing")
    assert f"{group}/namespaces/team/mailtrapaccounts/a" == account_path("MailtrapAccount", "team", "a")
    assert f"{group}/clustermailtrapaccounts/a" == account_path("ClusterMailtrapAccount", None, "a")
    assert "/api/v1/namespaces/team/secrets" == secrets_path("team")


NOWHERE = Path("/no/such/folder")
KUBECONFIG = """\
apiVersion: v1
kind: Config
current-context: here
contexts: [{name: here, context: {cluster: here, user: me}}]
clusters: [{name: here, cluster: {server: "URL"}}]
users: [{name: me, user: {token: secret-of-mine}}]
"""


@pytest.fixture
def write_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Provide what writes the file that counts as KUBECONFIG, outside of any pod."""
    path = tmp_path / "config"
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    # The library reads the variable when it is imported.
    monkeypatch.setattr(config.kube_config, "KUBE_CONFIG_DEFAULT_LOCATION", str(path))

    def write(content: bytes) -> None:
        path.write_bytes(content)

    return write


async def test_outside_a_pod_the_kubeconfig_says_where_and_who(
    write_kubeconfig: Callable[[bytes], None],
) -> None:
    async with raw_server(answer(200, {})) as server:
        write_kubeconfig(KUBECONFIG.replace("URL", server.url).encode())
        kube = await connect(PATIENCE, ClusterAccess(random.Random(7), Proxies({}), NOWHERE))
        await kube.get(PATH)
        await kube.close()

    (received,) = server.received
    assert "bearer secret-of-mine" == received.headers["authorization"]
    assert received.headers["user-agent"].startswith("mailtrap-operator/")


async def test_a_refused_token_is_read_again_before_the_next_call(
    write_kubeconfig: Callable[[bytes], None],
) -> None:
    async with raw_server(answer(401, status_object(401, "Unauthorized")), answer(200, {})) as server:
        kubeconfig = KUBECONFIG.replace("URL", server.url)
        write_kubeconfig(kubeconfig.encode())
        kube = await connect(PATIENCE, ClusterAccess(random.Random(7), Proxies({}), NOWHERE))
        with pytest.raises(Retryable):
            await kube.get(PATH)
        write_kubeconfig(kubeconfig.replace("secret-of-mine", "its-successor").encode())
        await kube.get(PATH)
        await kube.close()

    assert ["bearer secret-of-mine", "bearer its-successor"] == [
        received.headers["authorization"] for received in server.received
    ]


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"just text",
        b"a: [",
        b"\xff\xfe\xfd",
        b"current-context: nowhere",
        KUBECONFIG.replace('"URL"', 'https://127.0.0.1:1, certificate-authority: "/no/such/file"').encode(),
    ],
)
async def test_without_a_usable_kubeconfig_the_failure_says_what_to_do(
    write_kubeconfig: Callable[[bytes], None], content: bytes | None
) -> None:
    if content is not None:
        write_kubeconfig(content)

    with pytest.raises(Terminal, match="Set KUBECONFIG to a file that names a cluster") as caught:
        await connect(PATIENCE, ClusterAccess(random.Random(7), Proxies({}), NOWHERE))

    assert "secret-of-mine" not in str(caught.value)


def _refuse() -> None:
    raise Retryable(Reason.NOT_LEADING, "not now")


@pytest.mark.parametrize("name", EVERY_CALL)
async def test_a_guarded_client_sends_nothing_but_reads_where_it_may_not_write(name: str) -> None:
    async with raw_server(answer(200, {})) as server, client_of(server.url) as kube:
        guarded = kube.guarded(_refuse)
        if name == "get":
            await EVERY_CALL[name](guarded)
        else:
            with pytest.raises(Retryable):
                await EVERY_CALL[name](guarded)

    assert (["GET"] if name == "get" else []) == [received.method for received in server.received]


async def test_a_guard_does_not_hold_for_the_client_that_it_was_made_from() -> None:
    async with raw_server(answer(200, {})) as server, client_of(server.url) as kube:
        kube.guarded(_refuse)
        await kube.create(PATH, {})

    assert ["POST"] == [received.method for received in server.received]
