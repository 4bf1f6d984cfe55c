"""What a reconcile knows of Secrets that no watch reports: what a read says, and without an answer nothing."""

import pytest

from mailtrap_operator.core.observation import Absent, Found, Unknown
from tests.unit.clients.objects import secret
from tests.unit.clock import virtual
from tests.unit.test_observe import BILLING, Harness

SECRETS = "/api/v1/namespaces/team/secrets"


class Unwatched(Harness):
    def __init__(self, *, watches_secrets: bool = False) -> None:
        super().__init__({}, watches_secrets=watches_secrets)

    async def look(self) -> object:
        """Return what a reconcile knows of the Secret before it looks closer."""
        seen = await self.observer.known(BILLING)
        assert seen is not None
        return seen.secret

    @property
    def secret_reads(self) -> int:
        return sum(call.path == f"{SECRETS}/billing" for call in self.kube.calls)


@virtual
async def test_each_look_reads_the_secret_and_lists_nothing() -> None:
    harness = Unwatched()
    assert isinstance(await harness.look(), Absent)
    harness.kube.seed(SECRETS, secret())
    assert isinstance(await harness.look(), Found)
    harness.kube.remove(f"{SECRETS}/billing")
    assert isinstance(await harness.look(), Absent)

    assert (3, 0) == (harness.secret_reads, harness.accounts.lists())


@pytest.mark.parametrize("status", [403, 503, None])
@virtual
async def test_a_secret_that_cannot_be_read_is_not_absent(status: int | None) -> None:
    harness = Unwatched()
    harness.kube.fail("GET", "secrets", status)

    assert isinstance(await harness.look(), Unknown)


@virtual
async def test_a_watched_secret_costs_no_read() -> None:
    harness = Unwatched(watches_secrets=True)

    assert isinstance(await harness.look(), Absent)

    assert 0 == harness.secret_reads
