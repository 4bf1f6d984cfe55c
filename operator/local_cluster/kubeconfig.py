"""Kubeconfig files: everything a client needs, certificates included, in one file."""

import base64
import json

from local_cluster.certificates import Credential

NAME = "local"


def kubeconfig(*, url: str, authority: bytes, user: Credential) -> bytes:
    """Return a kubeconfig for `user` at `url`, whose certificate `authority` (PEM) has signed."""
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": NAME, "cluster": {"server": url, "certificate-authority-data": _base64(authority)}}
        ],
        "users": [
            {
                "name": NAME,
                "user": {
                    "client-certificate-data": _base64(user.certificate),
                    "client-key-data": _base64(user.key),
                },
            }
        ],
        "contexts": [{"name": NAME, "context": {"cluster": NAME, "user": NAME}}],
        "current-context": NAME,
    }
    return json.dumps(document, indent=2).encode()  # JSON is YAML


def _base64(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
