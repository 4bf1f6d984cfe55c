"""The door with a store behind it, and a queue of one worker whose passes do nothing but to be noted."""

import random

from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.intake import Intake
from mailtrap_operator.runtime.store import Store
from mailtrap_operator.runtime.workqueue import Verdict, WorkQueue
from tests.unit.clients.objects import INSTALLATION, api_token
from tests.unit.clock import settled

BILLING, MAILER = ApiTokenKey("team", "billing"), ApiTokenKey("team", "mailer")
DEFAULT = AccountKey("ClusterMailtrapAccount", None, "default")
SECRETS = "/api/v1/namespaces/team/secrets"


def mark(name: str) -> str:
    """Return the owner mark of an ApiToken in namespace `team`."""
    return f"{INSTALLATION}-{owner_of(INSTALLATION, 'team', name, f'uid-of-{name}')}"


class Bench:
    """What the tests of the intake look at."""

    def __init__(self) -> None:
        self.store = Store(INSTALLATION, lambda: 0.0)
        self.ran: list[Key] = []
        self.verdicts: dict[Key, Verdict] = {}
        self.queue: WorkQueue[Key] = WorkQueue(
            self._work,
            workers=1,
            groups_of=lambda _: ("one",),
            rng=random.Random(7),
        )
        self.intake = Intake(self.store, self.queue, INSTALLATION)

    async def _work(self, key: Key) -> Verdict:
        self.ran.append(key)
        return self.verdicts.get(key, Verdict())

    async def woken(self) -> list[Key]:
        """Run what waits and return it in the order in which it ran."""
        self.queue.start()
        await settled()
        ran, self.ran = self.ran, []
        return ran

    def account_version(self) -> str:
        """Return the remembered version of the account."""
        account = self.store.account(DEFAULT)
        assert account is not None
        return account.metadata.resource_version

    async def knowing(self, *names: str) -> "Bench":
        """Take ApiTokens in whose passes are over."""
        for name in names:
            self.intake.api_token(api_token(name))
        await self.woken()
        return self
