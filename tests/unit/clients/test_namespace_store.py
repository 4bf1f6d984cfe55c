import pytest

from mailtrap_operator.clients.errors import Missing, Terminal
from mailtrap_operator.clients.namespace_store import NamespaceStore
from tests.unit.clients.fake_kube import FakeKube

NAMESPACES = "/api/v1/namespaces"


async def test_the_labels_of_a_namespace_are_read() -> None:
    kube = FakeKube()
    kube.seed(NAMESPACES, {"metadata": {"name": "team", "labels": {"mail": "yes"}}})
    kube.seed(NAMESPACES, {"metadata": {"name": "bare"}})
    store = NamespaceStore(kube)

    assert ({"mail": "yes"}, {}) == (await store.labels("team"), await store.labels("bare"))


async def test_a_namespace_that_cannot_be_read_has_no_labels_to_tell() -> None:
    kube = FakeKube()
    store = NamespaceStore(kube)

    with pytest.raises(Missing):
        await store.labels("team")
    kube.fail("GET", "/namespaces/team", 403)
    with pytest.raises(Terminal):
        await store.labels("team")
