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


class Harness:
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
    seen = Harness(OTHERS).seen()

    assert ("mailtrap-system", "credentials", (OTHERS,), False) == (
        seen.namespace,
        seen.name,
        seen.finalizers,
        seen.is_terminating,
    )
    assert "eA==" not in repr(seen)


def test_one_that_is_being_deleted_is_known() -> None:
    harness = Harness(OTHERS)
    harness.kube.remove(AT)

    assert harness.seen().is_terminating


async def test_a_secret_is_held_and_released_beside_the_finalizers_of_others() -> None:
    harness = Harness(OTHERS)

    await harness.secrets.hold(harness.seen())
    assert (OTHERS, CREDENTIAL_FINALIZER) == harness.seen().finalizers
    assert harness.seen().is_held
    await harness.secrets.release("mailtrap-system", "credentials")

    assert (OTHERS,) == harness.seen().finalizers
    assert harness.is_changed_alone_in_its_finalizers()


async def test_a_secret_without_the_finalizer_is_not_written() -> None:
    harness = Harness(OTHERS)

    await harness.secrets.release("mailtrap-system", "credentials")

    assert [] == harness.kube.writes


async def test_a_secret_that_does_not_exist_is_no_error() -> None:
    harness = Harness(CREDENTIAL_FINALIZER)
    seen = harness.seen()
    harness.kube.fail("PATCH", "/secrets", 404)

    await harness.secrets.release("mailtrap-system", "credentials")  # gone between the read and the write
    await harness.secrets.release("mailtrap-system", "another")
    harness.kube.fail("PATCH", "/secrets", 404)
    await harness.secrets.hold(seen)


async def test_a_secret_that_changed_meanwhile_is_looked_at_again() -> None:
    harness = Harness()
    seen = harness.seen()
    harness.kube.edit(AT, lambda body: body.update(data={"token": "eQ=="}))

    with pytest.raises(Conflict):
        await harness.secrets.hold(seen)

    assert () == harness.seen().finalizers


async def test_a_lost_answer_is_no_success() -> None:
    harness = Harness(CREDENTIAL_FINALIZER)
    harness.kube.fail("PATCH", "/secrets", None)

    with pytest.raises(Uncertain):
        await harness.secrets.release("mailtrap-system", "credentials")
