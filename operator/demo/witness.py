"""The world as anyone can see it: the Secret, what Mailtrap lists, and whether a token value works.

It only looks. Token values stay inside: `masked` is the one form in which the demo speaks of them.
"""

import base64
import hashlib
import json
from collections import Counter
from http import HTTPStatus
from typing import Any

import httpx
from pydantic import SecretStr

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess

WORKS, REFUSED = "200 OK", "401 Unauthorized"
SECRET = "billing-mailtrap"  # noqa: S105 - the name of a Kubernetes Secret
KEY = "token"


def masked(value: SecretStr) -> str:
    """Return what may be shown of a token value."""
    return f"…{value.get_secret_value()[-4:]}"


class Witness:
    """Looks at one cluster and one simulator."""

    def __init__(self, cluster: Cluster, simulator: SimulatorProcess) -> None:
        self._cluster = cluster
        self._simulator = simulator
        self._last_seq = 0

    def value(self) -> SecretStr | None:
        """Return the token value that the sample's Secret holds, or None."""
        secret = self._cluster.kubectl("get", "secret", SECRET, "--ignore-not-found", "-o", "json")
        encoded = (json.loads(secret).get("data") or {}).get(KEY) if secret else None
        return SecretStr(base64.b64decode(encoded).decode()) if encoded else None

    def call(self, value: SecretStr) -> str:
        """Call Mailtrap with a token value, as its consumer does, and return the answer's status."""
        headers = {"Api-Token": value.get_secret_value()}
        url = f"{self._simulator.url}/api/accounts"
        status = httpx.get(url, headers=headers, timeout=10, trust_env=False).status_code
        return f"{status} {HTTPStatus(status).phrase}"

    def living(self) -> list[str]:
        """Return the operator's tokens in Mailtrap that work, each by the end of its value."""
        return [f"…{token['last_4_digits']}" for token in self._tokens() if token["live"]]

    def rows(self) -> list[tuple[str, str, str]]:
        """Return the operator's tokens in Mailtrap, each as end of the value, where the value is, and name."""
        value = self.value()
        held = hashlib.sha256(value.get_secret_value().encode()).hexdigest() if value else ""
        places = {held: "in the Secret"}
        return [
            (f"…{token['last_4_digits']}", places.get(token["sha256"], "value lost"), token["name"])
            for token in self._tokens()
        ]

    def changes(self) -> str:
        """Return what Mailtrap has carried out since the last question, such as `1 create, 1 delete`."""
        journal = self._simulator.control("GET", f"journal?since={self._last_seq}")
        self._last_seq = journal["last_seq"]
        done = Counter(entry["operation"] for entry in journal["entries"] if entry["committed"])
        return ", ".join(f"{count} {operation}" for operation, count in sorted(done.items())) or "nothing"

    def _tokens(self) -> list[dict[str, Any]]:
        accounts = self._simulator.control("GET", "state")["accounts"]
        return [t for account in accounts for t in account["tokens"] if not t["credential"]]
