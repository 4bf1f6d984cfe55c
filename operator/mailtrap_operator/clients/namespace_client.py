"""Reads the labels of namespaces; nothing of them is ours."""

from collections.abc import Mapping

from mailtrap_operator.clients.kube import KubeClient, namespace_path


class NamespaceClient:
    """Reads namespaces; every method raises a `Failure`."""

    def __init__(self, kube: KubeClient) -> None:
        self._kube = kube

    async def labels(self, namespace: str) -> Mapping[str, str]:
        """Return the labels of a namespace."""
        body = await self._kube.get(namespace_path(namespace))
        return dict(body["metadata"].get("labels") or {})
