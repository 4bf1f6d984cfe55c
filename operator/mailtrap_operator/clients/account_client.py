"""Writes of account objects what is ours: the status and the finalizer that keeps one in use from vanishing."""

from mailtrap_operator.api.v1alpha1 import GROUP, VERSION, Account, AccountStatus
from mailtrap_operator.clients.kube import Body, KubeClient, account_path


class AccountClient:
    """Writes accounts; every method raises a `Failure`."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def write_status(self, account: Account, status: AccountStatus) -> Account:
        """Replace the status of the very version that was read."""
        meta = account.metadata
        body: Body = {
            "apiVersion": f"{GROUP}/{VERSION}",
            "kind": account.kind,
            "metadata": {
                "name": meta.name,
                "namespace": meta.namespace,
                "resourceVersion": meta.resource_version,
            },
            "status": status.model_dump(mode="json", by_alias=True, exclude_none=True),
        }
        return Account.model_validate(await self._kube.replace(f"{_path(account)}/status", body))

    async def write_finalizers(self, account: Account, finalizers: tuple[str, ...]) -> Account:
        """Replace the finalizers of the very version that was read."""
        version = account.metadata.resource_version
        return Account.model_validate(await self._kube.write_finalizers(_path(account), version, finalizers))


def _path(account: Account) -> str:
    return account_path(account.kind, account.metadata.namespace, account.metadata.name)
