import pytest

from mailtrap_operator.clients.errors import Missing, Terminal
from mailtrap_operator.clients.namespace_client import NamespaceClient
from tests.unit.clients.fake_kube import FakeKube

NAMESPACES = "/api/v1/namespaces"


async def test_the_labels_of_a_namespace_are_read() -> None:
    kube = FakeKube()
    kube.seed(NAMESPACES, {"metadata": {"name": "team", "labels": {"mail": "yes"}}})
    kube.seed(NAMESPACES, {"metadata": {"name": "bare"}})
    client = NamespaceClient(kube)

    assert ({"mail": "yes"}, {}) == (await client.labels("team"), await client.labels("bare"))


async def test_a_namespace_that_cannot_be_read_has_no_labels_to_tell() -> None:
    kube = FakeKube()
    client = NamespaceClient(kube)

    with pytest.raises(Missing):
        await client.labels("team")
    kube.fail("GET", "/namespaces/team", 403)
    with pytest.raises(Terminal):
        await client.labels("team")
