import base64
import json
from pathlib import Path

from local_cluster.certificates import Credential
from local_cluster.kubeconfig import kubeconfig, token_kubeconfig

USER = Credential(certificate=b"the certificate", key=b"the key")


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


def test_a_kubeconfig_holds_everything_that_a_client_needs() -> None:
    document = json.loads(kubeconfig(url="https://127.0.0.1:1", authority=b"the authority", user=USER))

    assert document["current-context"] == document["contexts"][0]["name"]
    assert document["contexts"][0]["context"] == {
        "cluster": document["clusters"][0]["name"],
        "user": document["users"][0]["name"],
    }
    assert document["clusters"][0]["cluster"] == {
        "server": "https://127.0.0.1:1",
        "certificate-authority-data": base64_of(b"the authority"),
    }
    assert document["users"][0]["user"] == {
        "client-certificate-data": base64_of(b"the certificate"),
        "client-key-data": base64_of(b"the key"),
    }


def test_a_token_is_named_by_its_file() -> None:
    document = json.loads(
        token_kubeconfig(
            url="https://127.0.0.1:1", authority=b"the authority", token=Path("/x/account.token")
        )
    )

    assert document["users"][0]["user"] == {"tokenFile": "/x/account.token"}
    assert document["clusters"][0]["cluster"]["certificate-authority-data"] == base64_of(b"the authority")
