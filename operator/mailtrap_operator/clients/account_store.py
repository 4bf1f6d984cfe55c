"""Writes the status of account objects; nothing else of them is ours."""

from mailtrap_operator.api.v1alpha1 import GROUP, VERSION, Account, AccountStatus
from mailtrap_operator.clients.kube import Body, KubeClient, account_path


class AccountStore:
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
        path = f"{account_path(account.kind, meta.namespace, meta.name)}/status"
        return Account.model_validate(await self._kube.replace(path, body))
