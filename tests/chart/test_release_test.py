"""What `helm test` runs: it ends well when the operator says through its Service that it is ready, and only then."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from local_cluster import Helm
from tests.chart.rendering import CHART, NAMESPACE, of_kind, rendered


@contextmanager
def operator(status: int) -> Iterator[int]:
    """Answer /readyz as the operator does; yield the port."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Health) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(("status", "is_well"), [(200, True), (503, False), (404, False)])
def test_the_pod_ends_well_only_when_the_operator_is_ready(helm: Helm, status: int, is_well: bool) -> None:  # noqa: FBT001 - a column of the table
    objects = rendered(helm)
    (test,), (service,) = of_kind("Pod", objects), of_kind("Service", objects)
    (container,) = test["spec"]["containers"]
    program, *arguments, url = container["command"]
    address = f"http://{service['metadata']['name']}.{NAMESPACE}.svc:{service['spec']['ports'][0]['port']}"

    assert "python3" == program
    assert f"{address}/readyz" == url
    with operator(status) as port:
        command = [sys.executable, *arguments, url.replace(address, f"http://127.0.0.1:{port}")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)

    assert is_well == (done.returncode == 0), done.stderr
    assert ("ok\n" if is_well else "") == done.stdout


def test_the_pod_is_admitted_where_the_policy_admits_few(helm: Helm) -> None:
    objects = rendered(helm, CHART / "ci" / "full-values.yaml")
    (test,), (deployment,) = of_kind("Pod", objects), of_kind("Deployment", objects)
    release, admitting = sorted(of_kind("NetworkPolicy", objects), key=lambda body: body["metadata"]["name"])
    (rule,) = admitting["spec"]["ingress"]
    (peer,) = rule["from"]

    assert (
        release["spec"]["podSelector"] == deployment["spec"]["selector"] == admitting["spec"]["podSelector"]
    )
    assert peer["podSelector"]["matchLabels"].items() <= test["metadata"]["labels"].items()
    assert "test" == admitting["metadata"]["annotations"]["helm.sh/hook"]
    assert [] == of_kind("NetworkPolicy", rendered(helm))
