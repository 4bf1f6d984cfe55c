"""Which ApiTokens a namespace has, as the count of their tokens sees them: as they are now, those that are gone not."""

from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.core.token_count import Member
from mailtrap_operator.runtime.store import Store
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


class Bench:
    def __init__(self) -> None:
        self.store = Store(INSTALLATION, lambda: 0.0)

    def put(self, name: str = "billing", namespace: str = "team", version: int = 1, **parts: object) -> None:
        status = {"observedGeneration": 1, **parts.pop("status", {})}  # type: ignore[dict-item]  # one by name
        account = str(parts.pop("account", "default"))
        body = api_token(name, account=account, status=status, version=version, namespace=namespace, **parts)
        self.store.put_api_token(body)

    def members(self, namespace: str = "team") -> dict[str, Member]:
        return {member.name: member for member in self.store.members.of(namespace)}


def test_each_namespace_has_its_own() -> None:
    bench = Bench()
    bench.put("first")
    bench.put("second")
    bench.put("elsewhere", namespace="other")

    assert {"first", "second"} == bench.members().keys()
    assert {"elsewhere"} == bench.members("other").keys()
    assert {} == bench.members("nowhere")


def test_a_member_is_known_as_it_is_now() -> None:
    bench = Bench()
    bench.put(creationTimestamp=MORNING)
    before = bench.members()["billing"]

    bench.put(version=2, account="another", creationTimestamp=MORNING, status={"operation": claim("Create")})
    now = bench.members()["billing"]

    assert (before.owner, before.created_at) == (now.owner, now.created_at)
    assert bench.store.owner(now.owner) == ("team", "billing")
    assert (AccountKey("ClusterMailtrapAccount", None, "another"), False) == (now.account, now.is_leaving)
    assert before.claim is None
    assert now.claim is not None
    assert "abcdefgh" == now.claim.nonce


def test_one_that_is_deleted_is_leaving_and_its_claim_brings_no_token() -> None:
    bench = Bench()
    bench.put(deletionTimestamp=MORNING, status={"operation": claim("Delete")})

    (member,) = bench.members().values()
    assert (True, None) == (member.is_leaving, member.claim)


def test_who_is_gone_is_forgotten() -> None:
    bench = Bench()
    bench.put("first")
    bench.put("second")

    for name in ("first", "first", "second", "never"):
        bench.store.drop_api_token(ApiTokenKey("team", name))

    assert {} == bench.members()
