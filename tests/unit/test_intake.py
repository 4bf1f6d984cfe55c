"""What comes in at the door: what is remembered of it, and whom it wakes in which lane."""

import asyncio
import logging
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from mailtrap_operator.core.keys import AccountKey, ApiTokenKey
from mailtrap_operator.runtime.workqueue import Verdict
from tests.unit.clients.objects import INSTALLATION, account, api_token, secret
from tests.unit.clock import virtual
from tests.unit.runtime.intake_bench import BILLING, DEFAULT, MAILER, Bench, mark


@virtual
async def test_an_api_token_is_remembered_and_woken() -> None:
    bench = Bench()

    bench.intake.api_token(api_token())

    assert bench.store.api_token(BILLING) is not None
    assert [BILLING] == await bench.woken()


@virtual
async def test_what_is_no_news_wakes_nobody() -> None:
    bench = await Bench().knowing("billing")

    bench.intake.api_token(api_token())
    assert [] == await bench.woken()
    bench.intake.api_token(api_token(version=2))

    assert [BILLING] == await bench.woken()


@virtual
async def test_deletions_go_before_changes_and_changes_before_what_is_served() -> None:
    bench = Bench()

    bench.intake.api_token(api_token("served", status={"observedGeneration": 1}))
    bench.intake.api_token(api_token("changed", status={"observedGeneration": 1}, generation=2))
    bench.intake.api_token(api_token("new"))
    bench.intake.api_token(api_token("damaged") | {"status": "broken"})
    bench.intake.api_token(
        api_token("leaving", status={"observedGeneration": 1}, deletionTimestamp="2026-03-01T12:00:00Z")
    )

    assert ["leaving", "changed", "new", "damaged", "served"] == [key.name for key in await bench.woken()]


@virtual
async def test_an_object_that_is_gone_is_forgotten_and_wakes_nobody() -> None:
    bench = await Bench().knowing("billing")

    bench.intake.api_token(api_token(version=5), is_gone=True)

    assert None is bench.store.api_token(BILLING)
    assert [] == await bench.woken()


@virtual
async def test_an_object_that_is_gone_does_not_come_back_by_its_timer() -> None:
    bench = Bench()
    bench.verdicts[BILLING] = Verdict(is_failed=True)
    await bench.knowing("billing")

    bench.intake.api_token(api_token(version=5), is_gone=True)
    await asyncio.sleep(1000)

    assert [] == bench.ran


BROKEN: list[tuple[str, Callable[[dict[str, Any]], object]]] = [
    ("metadata.uid", lambda body: body["metadata"].pop("uid")),
    ("metadata.generation", lambda body: body["metadata"].update(generation="secret of ours")),
]


@pytest.mark.parametrize("spec", [None, {"resources": "all"}], ids=str)
@virtual
async def test_an_api_token_whose_spec_cannot_be_read_is_looked_at_like_any_other(spec: object) -> None:
    bench = await Bench().knowing("billing")

    bench.intake.api_token(api_token(version=2) | {"spec": spec})

    assert [BILLING] == await bench.woken()


@pytest.mark.parametrize(("field", "damage"), BROKEN)
@virtual
async def test_an_invalid_api_token_is_logged_without_its_values_and_changes_nothing(
    field: str, damage: Callable[[dict[str, Any]], object], caplog: pytest.LogCaptureFixture
) -> None:
    bench = await Bench().knowing("billing")
    before = bench.store.api_token(BILLING)
    body = api_token(version=2)
    damage(body)

    bench.intake.api_token(body)

    (record,) = caplog.records
    assert (logging.WARNING, "an ApiToken is not what its CRD admits") == (
        record.levelno,
        record.getMessage(),
    )
    assert "team/billing" == vars(record)["key"]
    assert field in vars(record)["fields"]
    assert "secret of ours" not in str(vars(record))
    assert before == bench.store.api_token(BILLING)
    assert [] == await bench.woken()


@virtual
async def test_a_secret_wakes_the_object_whose_mark_it_bears() -> None:
    bench = await Bench().knowing("billing", "mailer")

    bench.intake.secret(secret("any-name", owner=mark("billing")))

    assert [BILLING] == await bench.woken()
    assert bench.store.secret("team", "any-name") is not None


@pytest.mark.parametrize("owner", [None, "", "nonsense", f"{INSTALLATION}-unknown000", mark("unknown")])
@virtual
async def test_a_secret_of_nobody_wakes_nobody(owner: str | None) -> None:
    bench = await Bench().knowing("billing")

    bench.intake.secret(secret("any-name", owner=owner))

    assert [] == await bench.woken()


@virtual
async def test_a_secret_wakes_who_wishes_its_name_whosever_it_is() -> None:
    bench = await Bench().knowing("billing", "mailer")
    renamed = api_token("shop") | {"spec": {**api_token("shop")["spec"], "secretName": "any-name"}}
    bench.intake.api_token(renamed)
    await bench.woken()

    bench.intake.secret_metadata(secret("billing"), is_gone=True)
    bench.intake.secret_metadata(secret("any-name", version=2))
    bench.intake.secret(secret("shop"))

    assert {BILLING, ApiTokenKey("team", "shop")} == set(await bench.woken())


@virtual
async def test_a_secret_that_a_watch_tells_of_wakes_its_owner_and_is_to_be_read() -> None:
    bench = await Bench().knowing("billing")
    bench.intake.secret(secret(owner=mark("billing")))
    await bench.woken()
    told = secret(owner=mark("billing"), version=2)
    del told["data"]

    bench.intake.secret_metadata(told)

    assert [BILLING] == await bench.woken()
    assert (None, True) == (
        bench.store.secret("team", "billing"),
        bench.store.is_unread_secret("team", "billing"),
    )
    bench.intake.secret_metadata(told)
    bench.intake.secret(secret(owner=mark("billing"), version=2))
    assert [] == await bench.woken()
    assert not bench.store.is_unread_secret("team", "billing")


@pytest.mark.parametrize("is_told", [False, True])
@virtual
async def test_a_secret_whose_mark_was_edited_wakes_both(*, is_told: bool) -> None:
    bench = await Bench().knowing("billing", "mailer")
    take = bench.intake.secret_metadata if is_told else bench.intake.secret
    take(secret(owner=mark("billing")))
    await bench.woken()

    take(secret(owner=mark("mailer"), version=2))

    assert {BILLING, MAILER} == set(await bench.woken())


@virtual
async def test_a_secret_that_lost_its_mark_wakes_its_former_owner() -> None:
    bench = await Bench().knowing("billing")
    bench.intake.secret(secret(owner=mark("billing")))
    await bench.woken()

    bench.intake.secret(secret(owner=None, version=2))

    assert [BILLING] == await bench.woken()


@pytest.mark.parametrize("last_seen_mark", [mark("billing"), None])
@virtual
async def test_a_secret_that_is_gone_wakes_its_owner_and_is_forgotten(last_seen_mark: str | None) -> None:
    bench = await Bench().knowing("billing")
    bench.intake.secret(secret(owner=mark("billing")))
    await bench.woken()

    bench.intake.secret_metadata(secret(owner=last_seen_mark, version=2), is_gone=True)

    assert [BILLING] == await bench.woken()
    assert None is bench.store.secret("team", "billing")


@virtual
async def test_a_secret_that_is_no_news_wakes_nobody() -> None:
    bench = await Bench().knowing("billing")
    bench.intake.secret(secret(owner=mark("billing")))
    await bench.woken()

    bench.intake.secret(secret(owner=mark("billing")))

    assert [] == await bench.woken()


@virtual
async def test_the_echo_of_an_own_secret_write_wakes_nobody_but_its_deletion_does() -> None:
    bench = await Bench().knowing("billing")
    bench.verdicts[BILLING] = Verdict(written=("7",))
    bench.intake.api_token(api_token(version=2))
    await bench.woken()

    bench.intake.secret_metadata(secret(owner=mark("billing"), version=7))
    assert [] == await bench.woken()
    bench.intake.secret_metadata(secret(owner=mark("billing"), version=7), is_gone=True)

    assert [BILLING] == await bench.woken()


@virtual
async def test_the_echo_of_an_own_status_write_wakes_nobody() -> None:
    bench = await Bench().knowing("billing")
    bench.verdicts[BILLING] = Verdict(written=("7",))
    bench.intake.api_token(api_token(version=2))
    await bench.woken()

    bench.intake.api_token(api_token(version=7))

    assert [] == await bench.woken()


@virtual
async def test_an_account_is_remembered_and_woken() -> None:
    bench = Bench()

    bench.intake.account(account())
    bench.intake.account(account(namespace="team"))

    keys = [DEFAULT, AccountKey("MailtrapAccount", "team", "default")]
    assert keys == await bench.woken()
    assert all(bench.store.account(key) for key in keys)


@virtual
async def test_of_an_account_only_a_changed_spec_is_news() -> None:
    bench = Bench()
    bench.intake.account(account())
    await bench.woken()

    status_written = account(version=2) | {"status": {"observedGeneration": 1}}
    bench.intake.account(status_written)
    assert [] == await bench.woken()
    changed = account(version=3)
    changed["spec"]["refreshInterval"] = "5m"
    bench.intake.account(changed)

    assert [DEFAULT] == await bench.woken()
    assert "3" == bench.account_version()


@virtual
async def test_that_an_account_is_being_deleted_is_news() -> None:
    bench = Bench()
    bench.intake.account(account())
    await bench.woken()

    going = account(version=2)
    going["metadata"]["deletionTimestamp"] = "2026-03-01T12:00:00Z"
    bench.intake.account(going)
    assert [DEFAULT] == await bench.woken()
    known = deepcopy(going)
    known["metadata"] |= {"resourceVersion": "3", "finalizers": ["example.com/other"]}
    bench.intake.account(known)

    assert [] == await bench.woken()


@pytest.mark.parametrize("is_valid", [True, False])
@virtual
async def test_an_account_that_is_gone_is_forgotten_and_woken(*, is_valid: bool) -> None:
    bench = Bench()
    bench.intake.account(account())
    await bench.woken()
    last = account(version=2)
    if not is_valid:
        del last["spec"]["accountId"]

    bench.intake.account(last, is_gone=True)

    assert None is bench.store.account(DEFAULT)
    assert [DEFAULT] == await bench.woken()


@virtual
async def test_an_account_with_too_many_finalizers_is_logged_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.intake.account(account())
    await bench.woken()
    body = account(version=2)
    body["metadata"]["finalizers"] = [f"example.com/{number:0200}" for number in range(100)]

    bench.intake.account(body)

    assert ["an account has too many finalizers to be kept"] == [r.getMessage() for r in caplog.records]
    assert "1" == bench.account_version()
    assert [] == await bench.woken()


@virtual
async def test_an_invalid_account_is_logged_without_its_values_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench = Bench()
    bench.intake.account(account())
    await bench.woken()
    body = account(version=2)
    body["spec"]["accountId"] = "secret of ours"

    bench.intake.account(body)

    (record,) = caplog.records
    assert "an account is not what its CRD admits" == record.getMessage()
    assert ("ClusterMailtrapAccount default", ["spec.accountId"]) == (
        vars(record)["key"],
        vars(record)["fields"],
    )
    assert "secret of ours" not in str(vars(record))
    assert "1" == bench.account_version()
    assert [] == await bench.woken()
