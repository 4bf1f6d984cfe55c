"""The objects of the contract cases."""

from typing import Any

Json = Any

API_VERSION = "mailtrap-operator.io/v1alpha1"
RESOURCE = {"type": "domain", "id": 1, "accessLevel": "Admin"}
FINALIZER = "example.com/hold"


def api_token(name: str, meta: Json = None, spec: Json = None, **parts: Json) -> Json:
    """Return an ApiToken."""
    return {
        "apiVersion": API_VERSION,
        "kind": "ApiToken",
        "metadata": {"name": name, **(meta or {})},
        "spec": {"resources": [RESOURCE], **(spec or {})},
        **parts,
    }


def account(name: str, meta: Json = None) -> Json:
    """Return a ClusterMailtrapAccount."""
    spec = {"accountId": 1, "credentialsSecretRef": {"name": "credentials"}}
    kind = "ClusterMailtrapAccount"
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name, **(meta or {})}, "spec": spec}


def secret(name: str, meta: Json = None, **parts: Json) -> Json:
    """Return a Secret."""
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, **(meta or {})}}
    return {**body, "data": {"token": "YWJj"}, **parts}


def with_status(name: str, version: str, status: Json, meta: Json = None) -> Json:
    """Return what replaces the status of an ApiToken."""
    metadata = {"name": name, "resourceVersion": version, **(meta or {})}
    return {"apiVersion": API_VERSION, "kind": "ApiToken", "metadata": metadata, "status": status}


def changed(body: Json, meta: Json = None, **parts: Json) -> Json:
    """Return an object with other parts, and with its metadata changed."""
    return {**body, **parts, "metadata": {**body["metadata"], **(meta or {})}}


def owner(name: str, uid: str, **flags: bool) -> Json:
    """Return a reference to an ApiToken."""
    return {"apiVersion": API_VERSION, "kind": "ApiToken", "name": name, "uid": uid, **flags}
