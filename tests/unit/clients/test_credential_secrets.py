"""Of a Secret with a credential only the finalizers are written, and only those of the version that was read."""

from typing import Any

import pytest

from mailtrap_operator.api.names import CREDENTIAL_FINALIZER
from mailtrap_operator.clients.credential_secrets import CredentialSecrets, parse_credential_secret
from mailtrap_operator.clients.errors import Conflict, Uncertain
from mailtrap_operator.core.protection import CredentialSecret
from tests.unit.clients.fake_kube import FakeKube

SECRETS = "/api/v1/namespaces/mailtrap-system/secrets"
AT = f"{SECRETS}/credentials"
OTHERS = "example.com/other"


class Bench:
    def __init__(self, *finalizers: str) -> None:
        self.kube = FakeKube()
        body = {
            "metadata": {"name": "credentials", "finalizers": list(finalizers)},
            "data": {"token": "eA=="},
        }
        self.before = self.kube.seed(SECRETS, body)
        self.secrets = CredentialSecrets(self.kube)

    def seen(self) -> CredentialSecret:
        return parse_credential_secret(self.stored())

    def stored(self) -> dict[str, Any]:
        body = self.kube.object(AT)
        assert body is not None
        return body

    def is_changed_alone_in_its_finalizers(self) -> bool:
        before, after = ({**b, "metadata": None} for b in (self.before, self.stored()))
        return before == after


def test_no_credential_is_kept_of_what_was_read() -> None:
    seen = Bench(OTHERS).seen()

    assert ("mailtrap-system", "credentials", (OTHERS,), False) == (
        seen.namespace,
        seen.name,
        seen.finalizers,
        seen.is_going,
    )
    assert "eA==" not in repr(seen)


def test_one_that_is_being_deleted_is_known() -> None:
    bench = Bench(OTHERS)
    bench.kube.remove(AT)

    assert bench.seen().is_going


async def test_a_secret_is_held_and_let_go_beside_the_finalizers_of_others() -> None:
    bench = Bench(OTHERS)

    await bench.secrets.hold(bench.seen())
    assert (OTHERS, CREDENTIAL_FINALIZER) == bench.seen().finalizers
    assert bench.seen().is_held
    await bench.secrets.free("mailtrap-system", "credentials")

    assert (OTHERS,) == bench.seen().finalizers
    assert bench.is_changed_alone_in_its_finalizers()


async def test_a_secret_without_the_finalizer_is_not_written() -> None:
    bench = Bench(OTHERS)

    await bench.secrets.free("mailtrap-system", "credentials")

    assert [] == bench.kube.writes


async def test_a_secret_that_does_not_exist_is_no_error() -> None:
    bench = Bench(CREDENTIAL_FINALIZER)
    seen = bench.seen()
    bench.kube.fail("PATCH", "/secrets", 404)

    await bench.secrets.free("mailtrap-system", "credentials")  # gone between the read and the write
    await bench.secrets.free("mailtrap-system", "another")
    bench.kube.fail("PATCH", "/secrets", 404)
    await bench.secrets.hold(seen)


async def test_a_secret_that_changed_meanwhile_is_looked_at_again() -> None:
    bench = Bench()
    seen = bench.seen()
    bench.kube.edit(AT, lambda body: body.update(data={"token": "eQ=="}))

    with pytest.raises(Conflict):
        await bench.secrets.hold(seen)

    assert () == bench.seen().finalizers


async def test_a_lost_answer_is_no_success() -> None:
    bench = Bench(CREDENTIAL_FINALIZER)
    bench.kube.fail("PATCH", "/secrets", None)

    with pytest.raises(Uncertain):
        await bench.secrets.free("mailtrap-system", "credentials")
