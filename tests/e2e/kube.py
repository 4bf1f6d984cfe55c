"""A small synchronous client of the real API server, for what tests do and look at as a user would."""

import base64
import json
import ssl
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import yaml

GROUP = "/apis/mailtrap-operator.io/v1alpha1"

Body = dict[str, Any]


class RefusedError(Exception):
    """The API server refused a call."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Kube:
    """Calls the API server with a kubeconfig's client certificate."""

    def __init__(self, kubeconfig: Path, client: type[httpx.Client] = httpx.Client) -> None:
        server = yaml.safe_load(kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
        self._http = client(base_url=server, verify=identity(kubeconfig), timeout=120)

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def get(self, path: str, **query: str) -> Body | None:
        """Return an object or list, or None where there is none."""
        response = self._http.get(path, params=query)
        return None if response.status_code == 404 else _checked(response)

    def watch(self, path: str, since: str, seconds: int) -> Iterator[Body]:
        """Yield the events of a list after a version, for so many seconds."""
        query = {"watch": "1", "resourceVersion": since, "timeoutSeconds": str(seconds)}
        with self._http.stream("GET", path, params=query) as response:
            if response.is_error:
                raise RefusedError(response.status_code, "the watch")
            for line in response.iter_lines():
                yield json.loads(line)

    def create(self, path: str, body: Body) -> Body:
        """Create an object."""
        return _checked(self._http.post(path, json=body))

    def replace(self, path: str, body: Body) -> Body:
        """Write a whole object, as an editor does."""
        return _checked(self._http.put(path, json=body))

    def apply(self, path: str, body: Body) -> Body:
        """Server-side apply an object as a user's tool does."""
        headers = {"Content-Type": "application/apply-patch+yaml"}
        query = {"fieldManager": "user", "force": "true"}
        return _checked(self._http.patch(path, params=query, headers=headers, content=yaml.safe_dump(body)))

    def merge(self, path: str, patch: Body) -> Body:
        """Merge into an object."""
        headers = {"Content-Type": "application/merge-patch+json"}
        return _checked(self._http.patch(path, headers=headers, json=patch))

    def delete(self, path: str, **options: Any) -> None:
        """Delete an object; one that is gone is fine."""
        response = self._http.request("DELETE", path, json=options or None)
        if response.status_code != 404:
            _checked(response)


def identity(kubeconfig: Path) -> ssl.SSLContext:
    """Return the TLS side of a kubeconfig: whom to trust, and the client certificate."""
    config = yaml.safe_load(kubeconfig.read_text())
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    context = ssl.create_default_context(cadata=_text(cluster["certificate-authority-data"]))
    with tempfile.TemporaryDirectory() as folder:
        pair = Path(folder, "pair.pem")
        pair.write_text(_text(user["client-certificate-data"]) + _text(user["client-key-data"]))
        context.load_cert_chain(pair)
    return context


def _text(data: str) -> str:
    return base64.b64decode(data).decode()


def _checked(response: httpx.Response) -> Body:
    if response.is_error:
        # A server that has only just started says it in plain text.
        is_json = "json" in response.headers.get("Content-Type", "")
        message = response.json().get("message", "") if is_json else response.text
        raise RefusedError(response.status_code, message)
    body: Body = response.json()
    return body
