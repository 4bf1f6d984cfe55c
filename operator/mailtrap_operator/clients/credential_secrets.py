"""Reads the Secrets that hold credentials, without the credential, and writes their finalizers: nothing else of them."""

from mailtrap_operator.api.names import CREDENTIAL_FINALIZER
from mailtrap_operator.clients.errors import Missing
from mailtrap_operator.clients.kube import Body, KubeClient, secrets_path
from mailtrap_operator.core.protection import CredentialSecret


def parse_credential_secret(body: Body) -> CredentialSecret:
    """Reduce a Secret to what matters of it; its data is not kept."""
    meta = body["metadata"]
    return CredentialSecret(
        namespace=meta["namespace"],
        name=meta["name"],
        resource_version=meta["resourceVersion"],
        finalizers=tuple(meta.get("finalizers") or ()),
        is_terminating="deletionTimestamp" in meta,
    )


class CredentialSecrets:
    """Holds the Secrets of credentials and lets them go; every method raises a `Failure`."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def hold(self, secret: CredentialSecret) -> bool:
        """Put our finalizer on the very version that was read, and return whether it is there; one that is gone needs none."""
        written = await self._write(secret, (*secret.finalizers, CREDENTIAL_FINALIZER))
        return written is None or written.is_held

    async def release(self, namespace: str, name: str) -> None:
        """Take our finalizer away from a Secret, where there is one that has it."""
        try:
            secret = parse_credential_secret(await self._kube.get(f"{secrets_path(namespace)}/{name}"))
        except Missing:
            return
        if secret.is_held:
            await self._write(secret, tuple(f for f in secret.finalizers if f != CREDENTIAL_FINALIZER))

    async def _write(self, secret: CredentialSecret, finalizers: tuple[str, ...]) -> CredentialSecret | None:
        path = f"{secrets_path(secret.namespace)}/{secret.name}"
        try:
            return parse_credential_secret(
                await self._kube.write_finalizers(path, secret.resource_version, finalizers)
            )
        except Missing:
            return None
