"""Many accounts, each with a limit of its own, at once: how much slower is each than one that is alone."""

import time

from tests.bench.stage import Stage
from tests.bench.users import Onlooker, create
from tests.e2e.accounts import Account
from tests.e2e.world import World

_ACCOUNTS, _TOKENS = 20, 50


def many_accounts(stage: Stage) -> dict[str, float]:
    """Give each of the accounts its tokens, first one account alone, then all others at once."""
    accounts = [_account(stage.world, number) for number in range(_ACCOUNTS + 1)]
    with stage.operator():
        alone = _serve(stage, accounts[:1])
        together = _serve(stage, accounts[1:])
    return {
        "one account alone: s": alone[0],
        "20 accounts, the fastest: s": min(together),
        "20 accounts, the slowest: s": max(together),
    }


def _account(world: World, number: int) -> Account:
    id_ = 5000 + number
    world.simulator.control("POST", "accounts", {"id": id_, "name": f"Account {id_}"})
    account = Account(world, f"account-{number}")
    account.put_new_credential(account_id=id_)
    account.put(accountId=id_, refreshInterval="1h")
    return account


def _serve(stage: Stage, accounts: list[Account]) -> list[float]:
    """Return for each account how long its tokens took."""
    onlooker = Onlooker(stage.world)
    named = {account.name: [f"{account.name}-{number}" for number in range(_TOKENS)] for account in accounts}
    begun = time.monotonic()
    for number in range(_TOKENS):
        for account in accounts:
            create(stage.world, [named[account.name][number]], stage.world.account_ref(account.name))
    return [onlooker.wait_ready(names) - begun for names in named.values()]
