"""Which ApiTokens a namespace has, as the count of their tokens sees them: as they are now, those that are gone not."""

from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.token_count import Member
from mailtrap_operator.runtime.cache import Cache
from tests.unit.clients.objects import INSTALLATION, api_token

MORNING = "2026-03-01T08:00:00Z"


def claim(type_: str) -> dict[str, object]:
    return {
        "type": type_,
        "nonce": "abcdefgh",
        "startedAt": MORNING,
        "holder": "me",
        "account": {"kind": "ClusterMailtrapAccount", "name": "default"},
    }


class Harness:
    def __init__(self) -> None:
        self.cache = Cache(INSTALLATION, lambda: 0.0)

    def put(self, name: str = "billing", namespace: str = "team", version: int = 1, **parts: object) -> None:
        status = {"observedGeneration": 1, **parts.pop("status", {})}  # type: ignore[dict-item]  # one by name
        account = str(parts.pop("account", "default"))
        body = api_token(name, account=account, status=status, version=version, namespace=namespace, **parts)
        self.cache.put_api_token(body)

    def members(self, namespace: str = "team") -> dict[str, Member]:
        return {member.name: member for member in self.cache.members.of(namespace)}


def test_each_namespace_has_its_own() -> None:
    harness = Harness()
    harness.put("first")
    harness.put("second")
    harness.put("elsewhere", namespace="other")

    assert {"first", "second"} == harness.members().keys()
    assert {"elsewhere"} == harness.members("other").keys()
    assert {} == harness.members("nowhere")


def test_a_member_is_known_as_it_is_now() -> None:
    harness = Harness()
    harness.put(creationTimestamp=MORNING)
    before = harness.members()["billing"]

    harness.put(
        version=2, account="another", creationTimestamp=MORNING, status={"operation": claim("Create")}
    )
    now = harness.members()["billing"]

    assert (before.owner, before.created_at) == (now.owner, now.created_at)
    assert harness.cache.owner(now.owner) == ("team", "billing")
    assert (AccountKey("ClusterMailtrapAccount", None, "another"), False) == (now.account, now.is_terminating)
    assert before.claim is None
    assert now.claim is not None
    assert "abcdefgh" == now.claim.nonce


def test_one_that_is_deleted_is_leaving_and_its_claim_brings_no_token() -> None:
    harness = Harness()
    harness.put(deletionTimestamp=MORNING, status={"operation": claim("Delete")})

    (member,) = harness.members().values()
    assert (True, None) == (member.is_terminating, member.claim)


def test_deleted_object_is_forgotten() -> None:
    harness = Harness()
    harness.put("first")
    harness.put("second")

    for name in ("first", "first", "second", "never"):
        harness.cache.drop_api_token(ApiTokenKey("team", name))

    assert {} == harness.members()
