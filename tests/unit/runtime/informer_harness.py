"""The door with a store behind it, and a queue of one worker whose passes do nothing but to be noted."""

import random

from mailtrap_operator.core.keys import AccountKey, ApiTokenKey, Key
from mailtrap_operator.core.ownership import owner_of
from mailtrap_operator.informer import Informer
from mailtrap_operator.runtime.cache import Cache
from mailtrap_operator.runtime.turns import Groups
from mailtrap_operator.runtime.workqueue import Result, WorkQueue
from tests.unit.clients.objects import INSTALLATION, api_token
from tests.unit.clock import settled

BILLING, MAILER = ApiTokenKey("team", "billing"), ApiTokenKey("team", "mailer")
DEFAULT = AccountKey("ClusterMailtrapAccount", None, "default")
SECRETS = "/api/v1/namespaces/team/secrets"


def mark(name: str) -> str:
    """Return the owner mark of an ApiToken in namespace `team`."""
    return f"{INSTALLATION}-{owner_of(INSTALLATION, 'team', name, f'uid-of-{name}')}"


class Harness:
    """What the tests of the intake look at."""

    def __init__(self) -> None:
        self.cache = Cache(INSTALLATION, lambda: 0.0)
        self.ran: list[Key] = []
        self.status_watch: dict[Key, Result] = {}
        self.queue: WorkQueue[Key] = WorkQueue(
            self._work,
            workers=1,
            groups_of=lambda _: Groups("one"),
            rng=random.Random(7),
        )
        self.informer = Informer(self.cache, self.queue, INSTALLATION)

    async def _work(self, key: Key) -> Result:
        self.ran.append(key)
        return self.status_watch.get(key, Result())

    async def woken(self) -> list[Key]:
        """Run what waits and return it in the order in which it ran."""
        self.queue.start()
        await settled()
        ran, self.ran = self.ran, []
        return ran

    def account_version(self) -> str:
        """Return the remembered version of the account."""
        account = self.cache.account(DEFAULT)
        assert account is not None
        return account.metadata.resource_version

    async def knowing(self, *names: str) -> "Harness":
        """Take ApiTokens in whose reconciles are over."""
        for name in names:
            self.informer.api_token(api_token(name))
        await self.woken()
        return self
