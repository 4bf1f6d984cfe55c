"""The informer: what it caches of an object, and which keys it wakes with which priority."""

import asyncio
import logging
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.runtime.workqueue import Result
from tests.unit.clients.objects import INSTALLATION, account, api_token, secret
from tests.unit.clock import virtual
from tests.unit.runtime.informer_harness import BILLING, DEFAULT, MAILER, Harness, mark


@virtual
async def test_an_api_token_is_remembered_and_woken() -> None:
    harness = Harness()

    harness.informer.api_token(api_token())

    assert harness.cache.api_token(BILLING) is not None
    assert [BILLING] == await harness.woken()


@virtual
async def test_unchanged_object_wakes_no_key() -> None:
    harness = await Harness().knowing("billing")

    harness.informer.api_token(api_token())
    assert [] == await harness.woken()
    harness.informer.api_token(api_token(version=2))

    assert [BILLING] == await harness.woken()


@virtual
async def test_deletions_go_before_changes_and_changes_before_what_is_served() -> None:
    harness = Harness()

    harness.informer.api_token(api_token("served", status={"observedGeneration": 1}))
    harness.informer.api_token(api_token("changed", status={"observedGeneration": 1}, generation=2))
    harness.informer.api_token(api_token("new"))
    harness.informer.api_token(api_token("damaged") | {"status": "broken"})
    harness.informer.api_token(
        api_token("leaving", status={"observedGeneration": 1}, deletionTimestamp="2026-03-01T12:00:00Z")
    )

    assert ["leaving", "changed", "new", "damaged", "served"] == [key.name for key in await harness.woken()]


@virtual
async def test_an_object_that_is_gone_is_forgotten_and_wakes_no_one() -> None:
    harness = await Harness().knowing("billing")

    harness.informer.api_token(api_token(version=5), is_gone=True)

    assert None is harness.cache.api_token(BILLING)
    assert [] == await harness.woken()


@virtual
async def test_an_object_that_is_gone_does_not_come_back_by_its_timer() -> None:
    harness = Harness()
    harness.status_watch[BILLING] = Result(is_failed=True)
    await harness.knowing("billing")

    harness.informer.api_token(api_token(version=5), is_gone=True)
    await asyncio.sleep(1000)

    assert [] == harness.ran


BROKEN: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("metadata.uid", lambda body: body["metadata"].pop("uid")),
    ("metadata.generation", lambda body: body["metadata"].update(generation="secret of ours")),
]


@pytest.mark.parametrize("spec", [None, {"resources": "all"}], ids=str)
@virtual
async def test_an_api_token_whose_spec_cannot_be_read_is_looked_at_like_any_other(spec: object) -> None:
    harness = await Harness().knowing("billing")

    harness.informer.api_token(api_token(version=2) | {"spec": spec})

    assert [BILLING] == await harness.woken()


@pytest.mark.parametrize(("field", "damage"), BROKEN)
@virtual
async def test_an_invalid_api_token_is_logged_without_its_values_and_changes_nothing(
    field: str, damage: Callable[[dict[str, Any]], object], caplog: pytest.LogCaptureFixture
) -> None:
    harness = await Harness().knowing("billing")
    before = harness.cache.api_token(BILLING)
    body = api_token(version=2)
    damage(body)

    harness.informer.api_token(body)

    (record,) = caplog.records
    assert (logging.WARNING, "an ApiToken is not what its CRD admits") == (
        record.levelno,
        record.getMessage(),
    )
    assert "team/billing" == vars(record)["key"]
    assert field in vars(record)["fields"]
    assert "secret of ours" not in str(vars(record))
    assert before == harness.cache.api_token(BILLING)
    assert [] == await harness.woken()


@virtual
async def test_a_secret_wakes_the_object_whose_mark_it_has() -> None:
    harness = await Harness().knowing("billing", "mailer")

    harness.informer.secret(secret("any-name", owner=mark("billing")))

    assert [BILLING] == await harness.woken()
    assert harness.cache.secret("team", "any-name") is not None


@pytest.mark.parametrize("owner", [None, "", "nonsense", f"{INSTALLATION}-unknown000", mark("unknown")])
@virtual
async def test_a_secret_of_no_one_wakes_no_one(owner: str | None) -> None:
    harness = await Harness().knowing("billing")

    harness.informer.secret(secret("any-name", owner=owner))

    assert [] == await harness.woken()


@virtual
async def test_secret_wakes_the_objects_that_name_it_whatever_its_owner() -> None:
    harness = await Harness().knowing("billing", "mailer")
    renamed = api_token("shop") | {"spec": {**api_token("shop")["spec"], "secretName": "any-name"}}
    harness.informer.api_token(renamed)
    await harness.woken()

    harness.informer.secret_metadata(secret("billing"), is_gone=True)
    harness.informer.secret_metadata(secret("any-name", version=2))
    harness.informer.secret(secret("shop"))

    assert {BILLING, ApiTokenKey("team", "shop")} == set(await harness.woken())


@virtual
async def test_a_secret_that_a_watch_reports_wakes_its_owner_and_is_to_be_read() -> None:
    harness = await Harness().knowing("billing")
    harness.informer.secret(secret(owner=mark("billing")))
    await harness.woken()
    told = secret(owner=mark("billing"), version=2)
    del told["data"]

    harness.informer.secret_metadata(told)

    assert [BILLING] == await harness.woken()
    assert (None, True) == (
        harness.cache.secret("team", "billing"),
        harness.cache.is_unread_secret("team", "billing"),
    )
    harness.informer.secret_metadata(told)
    harness.informer.secret(secret(owner=mark("billing"), version=2))
    assert [] == await harness.woken()
    assert not harness.cache.is_unread_secret("team", "billing")


@pytest.mark.parametrize("is_told", [False, True])
@virtual
async def test_a_secret_whose_mark_was_edited_wakes_both(*, is_told: bool) -> None:
    harness = await Harness().knowing("billing", "mailer")
    take = harness.informer.secret_metadata if is_told else harness.informer.secret
    take(secret(owner=mark("billing")))
    await harness.woken()

    take(secret(owner=mark("mailer"), version=2))

    assert {BILLING, MAILER} == set(await harness.woken())


@virtual
async def test_a_secret_that_lost_its_mark_wakes_its_former_owner() -> None:
    harness = await Harness().knowing("billing")
    harness.informer.secret(secret(owner=mark("billing")))
    await harness.woken()

    harness.informer.secret(secret(owner=None, version=2))

    assert [BILLING] == await harness.woken()


@pytest.mark.parametrize("last_seen_mark", [mark("billing"), None])
@virtual
async def test_a_secret_that_is_gone_wakes_its_owner_and_is_forgotten(last_seen_mark: str | None) -> None:
    harness = await Harness().knowing("billing")
    harness.informer.secret(secret(owner=mark("billing")))
    await harness.woken()

    harness.informer.secret_metadata(secret(owner=last_seen_mark, version=2), is_gone=True)

    assert [BILLING] == await harness.woken()
    assert None is harness.cache.secret("team", "billing")


@virtual
async def test_a_secret_that_is_no_news_wakes_no_one() -> None:
    harness = await Harness().knowing("billing")
    harness.informer.secret(secret(owner=mark("billing")))
    await harness.woken()

    harness.informer.secret(secret(owner=mark("billing")))

    assert [] == await harness.woken()


@virtual
async def test_the_echo_of_an_own_secret_write_wakes_no_one_but_its_deletion_does() -> None:
    harness = await Harness().knowing("billing")
    harness.status_watch[BILLING] = Result(written=("7",))
    harness.informer.api_token(api_token(version=2))
    await harness.woken()

    harness.informer.secret_metadata(secret(owner=mark("billing"), version=7))
    assert [] == await harness.woken()
    harness.informer.secret_metadata(secret(owner=mark("billing"), version=7), is_gone=True)

    assert [BILLING] == await harness.woken()


@virtual
async def test_the_echo_of_an_own_status_write_wakes_no_one() -> None:
    harness = await Harness().knowing("billing")
    harness.status_watch[BILLING] = Result(written=("7",))
    harness.informer.api_token(api_token(version=2))
    await harness.woken()

    harness.informer.api_token(api_token(version=7))

    assert [] == await harness.woken()


@virtual
async def test_an_account_is_remembered_and_woken() -> None:
    harness = Harness()

    harness.informer.account(account())
    harness.informer.account(account(namespace="team"))

    keys = [DEFAULT, AccountKey("MailtrapAccount", "team", "default")]
    assert keys == await harness.woken()
    assert all(harness.cache.account(key) for key in keys)


@virtual
async def test_of_an_account_only_a_changed_spec_is_news() -> None:
    harness = Harness()
    harness.informer.account(account())
    await harness.woken()

    status_written = account(version=2) | {"status": {"observedGeneration": 1}}
    harness.informer.account(status_written)
    assert [] == await harness.woken()
    changed = account(version=3)
    changed["spec"]["refreshInterval"] = "5m"
    harness.informer.account(changed)

    assert [DEFAULT] == await harness.woken()
    assert "3" == harness.account_version()


@virtual
async def test_that_an_account_is_being_deleted_is_news() -> None:
    harness = Harness()
    harness.informer.account(account())
    await harness.woken()

    terminating = account(version=2)
    terminating["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    harness.informer.account(terminating)
    assert [DEFAULT] == await harness.woken()
    known = deepcopy(terminating)
    known["metadata"] |= {"resourceVersion": "3", "finalizers": ["example.com/other"]}
    harness.informer.account(known)

    assert [] == await harness.woken()


@pytest.mark.parametrize("is_valid", [True, False])
@virtual
async def test_an_account_that_is_gone_is_forgotten_and_woken(*, is_valid: bool) -> None:
    harness = Harness()
    harness.informer.account(account())
    await harness.woken()
    last = account(version=2)
    if not is_valid:
        del last["spec"]["accountId"]

    harness.informer.account(last, is_gone=True)

    assert None is harness.cache.account(DEFAULT)
    assert [DEFAULT] == await harness.woken()


@virtual
async def test_an_account_with_too_many_finalizers_is_logged_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    harness = Harness()
    harness.informer.account(account())
    await harness.woken()
    body = account(version=2)
    body["metadata"]["finalizers"] = [f"example.com/{number:0200}" for number in range(100)]

    harness.informer.account(body)

    assert ["an account has too many finalizers to be kept"] == [r.getMessage() for r in caplog.records]
    assert "1" == harness.account_version()
    assert [] == await harness.woken()


@virtual
async def test_an_invalid_account_is_logged_without_its_values_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    harness = Harness()
    harness.informer.account(account())
    await harness.woken()
    body = account(version=2)
    body["spec"]["accountId"] = "secret of ours"

    harness.informer.account(body)

    (record,) = caplog.records
    assert "an account is not what its CRD admits" == record.getMessage()
    assert ("ClusterMailtrapAccount default", ["spec.accountId"]) == (
        vars(record)["key"],
        vars(record)["fields"],
    )
    assert "secret of ours" not in str(vars(record))
    assert "1" == harness.account_version()
    assert [] == await harness.woken()
