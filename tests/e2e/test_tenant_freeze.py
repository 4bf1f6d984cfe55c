"""What a tenant gives the operator to read does not stop it, neither while it runs nor when it starts again."""

import json
import string
from collections.abc import Iterator

import pytest

from local_cluster import Cluster
from mailtrap_operator.core.ownership import owner_of
from tests.e2e.kube import Body, Kube
from tests.e2e.modes import CLUSTER, NO_SECRET_WATCH, Mode
from tests.e2e.tenant import MANAGED, MARK, Platform, Scene, encoded, own_account, platform_of
from tests.e2e.world import INSTALLATION

NAMES = 60_000
"""So many names fit into the annotations of one Secret."""
TEXT = "x" * 65_536


@pytest.fixture(params=[CLUSTER, NO_SECRET_WATCH], ids=str, scope="module")
def platform(
    request: pytest.FixtureRequest, cluster: Cluster, kube: Kube, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Platform]:
    """Provide a platform in each way of learning of Secrets."""
    mode: Mode = request.param
    with platform_of(cluster, kube, tmp_path_factory.mktemp("platform"), mode=mode) as platform:
        yield platform


def is_served(scene: Scene, name: str) -> None:
    scene.alice.put_api_token(name)
    scene.alice.becomes_ready(name)


def issued(genuine: Body, **changes: object) -> str:
    """Return what an issuance annotation says, with other parts."""
    return json.dumps(json.loads(genuine[f"{MARK}/issuance"]) | changes, separators=(",", ":"))


def poisons(genuine: Body) -> dict[str, tuple[dict[str, str], dict[str, str]]]:
    """Return the annotations and the data of Secrets that take long to search, by name."""
    digest = "0" * 64
    keys = list(string.ascii_lowercase[:12])
    texts = dict.fromkeys(keys, TEXT)
    long = {f"{MARK}/nonce": "n" * 200_000}
    return {
        "many": ({f"{MARK}/issuance": issued(genuine, keys=["a"] * (NAMES - 2_000))}, {"a": TEXT}),
        "nonce": ({**long, f"{MARK}/issuance": issued(genuine, keys=["a"])}, {"a": TEXT}),
        "keys": ({f"{MARK}/issuance": issued(genuine, keys=keys * 1_000)}, texts),
        "lengths": (
            {f"{MARK}/fingerprint": f"9999:{digest}", f"{MARK}/issuance": issued(genuine, keys=keys)},
            texts,
        ),
        "deep": ({f"{MARK}/issuance": "[" * 100_000}, {"a": TEXT}),
        "digits": ({f"{MARK}/token-id": "9" * 100_000}, {"a": TEXT}),
    }


def test_a_secret_that_takes_long_to_search_stops_no_one(scene: Scene, platform: Platform) -> None:
    mallory = scene.mallory
    is_served(scene, "before")
    own = own_account(mallory, "own")
    mine = {"kind": "MailtrapAccount", "name": own.name}
    mallory.put_api_token("genuine", accountRef=mine)
    mallory.becomes_ready("genuine")
    genuine = (mallory.secret("genuine") or {})["metadata"]["annotations"]
    for name in poisons(genuine):
        mallory.put_api_token(name, accountRef={"kind": "MailtrapAccount", "name": "nothing"})

    for name, (annotations, data) in poisons(genuine).items():
        uid = (mallory.api_token(name) or {})["metadata"]["uid"]
        owner = f"{INSTALLATION}-{owner_of(INSTALLATION, mallory.namespace, name, uid)}"
        fingerprint = f"32:{'0' * 64}"
        marks = {**genuine, f"{MARK}/owner": owner, f"{MARK}/fingerprint": fingerprint, **annotations}
        metadata = {"name": name, "labels": MANAGED, "annotations": marks}
        body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": encoded(data)}
        mallory.kube.create(f"/api/v1/namespaces/{mallory.namespace}/secrets", body)
        mallory.put_api_token(name, accountRef=mine)

    is_served(scene, "with-it")
    platform.operator.stop()
    platform.operator.start()
    is_served(scene, "after-it")
