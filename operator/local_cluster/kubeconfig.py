"""Kubeconfig files: everything a client needs, certificates included, in one file."""

import base64
import json
from collections.abc import Mapping
from pathlib import Path

from local_cluster.certificates import Credential

NAME = "local"


def kubeconfig(*, url: str, authority: bytes, user: Credential) -> bytes:
    """Return a kubeconfig for `user` at `url`, whose certificate `authority` (PEM) has signed."""
    credential = {
        "client-certificate-data": _base64(user.certificate),
        "client-key-data": _base64(user.key),
    }
    return _document(url, authority, credential)


def token_kubeconfig(*, url: str, authority: bytes, token: Path) -> bytes:
    """Return a kubeconfig with the token that stands in a file; it is read when it is used."""
    return _document(url, authority, {"tokenFile": str(token)})


def _document(url: str, authority: bytes, credential: Mapping[str, str]) -> bytes:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": NAME, "cluster": {"server": url, "certificate-authority-data": _base64(authority)}}
        ],
        "users": [{"name": NAME, "user": credential}],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "current-context": NAME,
    }
    return json.dumps(document, indent=2).encode()  # JSON is YAML


def _base64(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
