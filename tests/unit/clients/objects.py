"""Kubernetes objects as the API server sends them; a test names only what matters to it."""

from typing import Any

API_TOKENS = "/apis/mailtrap-operator.io/v1alpha1/namespaces/team/apitokens"
ACCOUNTS = "/apis/mailtrap-operator.io/v1alpha1/clustermailtrapaccounts"
INSTALLATION = "abcdef"


def metadata(name: str, namespace: str | None = "team", *, version: int = 1, **more: Any) -> dict[str, Any]:
    """Return an object's metadata; `version` is its resourceVersion."""
    meta = {
        "name": name,
        "uid": f"uid-of-{name}",
        "resourceVersion": str(version),
        "generation": 1,
        "creationTimestamp": "2026-03-01T12:00:00Z",
        **more,
    }
    return meta | ({"namespace": namespace} if namespace else {})


def api_token(
    name: str = "billing",
    *,
    account: str = "default",
    status: dict[str, Any] | None = None,
    version: int = 1,
    **meta: Any,
) -> dict[str, Any]:
    """Return an ApiToken in namespace `team`."""
    spec = {
        "accountRef": {"kind": "ClusterMailtrapAccount", "name": account},
        "resources": [{"type": "domain", "id": 7, "accessLevel": "Admin"}],
    }
    return {
        "apiVersion": "mailtrap-operator.io/v1alpha1",
        "kind": "ApiToken",
        "metadata": metadata(name, version=version, **meta),
        "spec": spec,
        "status": status or {"observedGeneration": -1},
    }


def account(name: str = "default", namespace: str | None = None, *, version: int = 1) -> dict[str, Any]:
    """Return a cluster-wide account, or that of a namespace."""
    return {
        "apiVersion": "mailtrap-operator.io/v1alpha1",
        "kind": "MailtrapAccount" if namespace else "ClusterMailtrapAccount",
        "metadata": metadata(name, namespace, version=version),
        "spec": {"accountId": 3229, "credentialsSecretRef": {"name": "credentials"}},
        "status": {"observedGeneration": -1},
    }


def secret(name: str = "billing", *, owner: str | None = None, version: int = 1) -> dict[str, Any]:
    """Return a Secret; `owner` is its owner mark."""
    marks = {"mailtrap-operator.io/owner": owner} if owner else {}
    labels = {"app.kubernetes.io/managed-by": "mailtrap-operator"}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": metadata(name, version=version, annotations=marks, labels=labels),
        "data": {"token": "c2VjcmV0IG9mIG91cnM="},
    }
