import pytest

from mailtrap_operator.clients.errors import Missing, Terminal
from mailtrap_operator.clients.namespace_client import NamespaceClient
from tests.unit.clients.fake_kube import FakeKube

NAMESPACES = "/api/v1/namespaces"


async def test_the_labels_of_a_namespace_are_read() -> None:
    kube = FakeKube()
    kube.edit(f"{NAMESPACES}/team", lambda body: body["metadata"]["labels"].update(mail="yes"))
    client = NamespaceClient(kube)

    assert {"kubernetes.io/metadata.name": "team", "mail": "yes"} == await client.labels("team")


async def test_a_namespace_that_cannot_be_read_has_no_labels_to_tell() -> None:
    kube = FakeKube()
    client = NamespaceClient(kube)

    with pytest.raises(Missing):
        await client.labels("gone")
    kube.fail("GET", "/namespaces/team", 403)
    with pytest.raises(Terminal):
        await client.labels("team")
