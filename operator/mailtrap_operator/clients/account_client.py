"""Writes of account objects what is ours: the status and the finalizer that keeps one in use from vanishing."""

from mailtrap_operator.api.v1alpha1 import Account, AccountStatus
from mailtrap_operator.clients.kube import KubeClient, account_path


class AccountClient:
    """Writes accounts; every method raises a `Failure`."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def write_status(self, account: Account, status: AccountStatus) -> Account:
        """Replace the status of the very version that was read."""
        written = await self._kube.write_status(_path(account), account.kind, account.metadata, status)
        return Account.model_validate(written)

    async def write_finalizers(self, account: Account, finalizers: tuple[str, ...]) -> Account:
        """Replace the finalizers of the very version that was read."""
        version = account.metadata.resource_version
        return Account.model_validate(await self._kube.write_finalizers(_path(account), version, finalizers))


def _path(account: Account) -> str:
    return account_path(account.kind, account.metadata.namespace, account.metadata.name)
