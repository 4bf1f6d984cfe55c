"""Every status that operators write in a cluster, judged as kstatus and Argo CD judge it: nothing goes past a watch."""

import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.e2e.kube import GROUP, Body, Kube, RefusedError
from tests.status_conformance.design import violations

PLURALS = ("apitokens", "mailtrapaccounts", "clustermailtrapaccounts")
OPERATOR = "mailtrap-operator"

_TURN = 2
"""Seconds that one watch lasts, and so the end of a run may wait."""
_PAUSE = 0.2


class StatusWatch:
    """What the judges find wrong with the statuses that one field manager alone has written.

    `judged` counts those. A watch that cannot continue where it has ended starts again with what there is, and one of a kind
    that is not there yet begins when it is.
    """

    def __init__(self, kube: Kube, manager: str = OPERATOR) -> None:
        self.violations: list[str] = []
        self.judged = 0
        self._kube = kube
        self._manager = manager

    def watch(self, plural: str, since: str, end: threading.Event) -> None:
        """Judge all versions of all objects of a kind, to the last one that there is after the end."""
        is_last = False
        while not is_last:
            is_last = end.is_set()
            try:
                if not (since := since or self.present(plural)):
                    end.wait(_PAUSE)
                    continue
                for event in self._kube.watch(f"{GROUP}/{plural}", since, _TURN):
                    if event["type"] == "ERROR":
                        since = self.present(plural)
                        break
                    since = event["object"]["metadata"]["resourceVersion"]
                    self._judge(event["object"])
            except (httpx.TransportError, RefusedError):  # the API server is restarted, or the kind is new
                end.wait(_PAUSE)

    def present(self, plural: str) -> str:
        """Judge a kind's objects as they are; return the version from which on they are to be watched.

        It is empty where there is no such kind.
        """
        found = self._kube.get(f"{GROUP}/{plural}")
        if found is None:
            return ""
        for item in found["items"]:
            self._judge(item)
        return str(found["metadata"]["resourceVersion"])

    def _judge(self, body: Body) -> None:
        meta = body["metadata"]
        fields = [entry for entry in meta.get("managedFields", ()) if entry.get("subresource") == "status"]
        if {self._manager} != {entry["manager"] for entry in fields}:
            return
        self.judged += 1
        place = f"{body['kind']} {meta.get('namespace', '')}/{meta['name']}"
        self.violations += [f"{place}: {wrong}: {json.dumps(body['status'])}" for wrong in violations(body)]


@contextmanager
def every_status_judged(kubeconfig: Path, manager: str = OPERATOR) -> Iterator[StatusWatch]:
    """Judge what is written meanwhile; at the end nothing may be wrong."""
    kube, end = Kube(kubeconfig), threading.Event()
    status_watch = StatusWatch(kube, manager)
    with ThreadPoolExecutor(len(PLURALS)) as pool:
        watches = [
            pool.submit(status_watch.watch, plural, status_watch.present(plural), end) for plural in PLURALS
        ]
        try:
            yield status_watch
        finally:
            end.set()
    kube.close()
    for watch in watches:
        watch.result()
    assert not status_watch.violations, "\n".join(status_watch.violations)
