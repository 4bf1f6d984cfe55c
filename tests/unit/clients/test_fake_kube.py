"""What the tests rely on beyond the server in memory, which has tests of its own."""

import pytest

from mailtrap_operator.clients.errors import Terminal, Uncertain
from tests.unit.clients.fake_kube import FakeKube
from tests.unit.clients.objects import API_TOKENS, api_token

SECRETS = "/api/v1/namespaces/team/secrets"


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


def test_an_object_is_made_where_the_path_says_with_its_status() -> None:
    kube = FakeKube()
    status = {"observedGeneration": 1}

    made = kube.seed(API_TOKENS.replace("/team/", "/other/"), api_token(status=status, version=7))

    assert ("other", status) == (made["metadata"]["namespace"], made["status"])
    assert made == kube.object(f"{API_TOKENS.replace('/team/', '/other/')}/billing")
