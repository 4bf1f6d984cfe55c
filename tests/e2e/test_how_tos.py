"""The how-tos, typed as they stand: their manifests are saved as the pages say, and every command works.

Two things differ: the accounts have the simulator's address, and a credential is not typed at a terminal.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster import Cluster
from mailtrap_simulator.process import SimulatorProcess
from tests.documents import ROOT, Command, blocks, commands, essence, name_of
from tests.e2e.cluster import cluster_with_crds
from tests.e2e.operator_process import OperatorProcess
from tests.e2e.shell import typed
from tests.e2e.workloads import NODES
from tests.e2e.world import CREDENTIAL, FAST, OPERATOR_NAMESPACE, eventually

PAGES = sorted((ROOT / "docs" / "how-to").glob("*.md"))
NAMESPACES = ("shop", "shop-staging", "shop-dev")
STAGING, SANDBOX = "5" * 32, "6" * 32
CREDENTIALS = {"mailtrap-staging": STAGING, "mailtrap-sandbox": SANDBOX}
ELSEWHERE = ("terraform ", "curl https://send.api.mailtrap.io")
"""How commands begin that speak to something that is not here."""

OLD_TOKEN = "2498715"
SHORT_OVERLAP = '{"spec":{"rotation":{"overlap":"2s"}}}'


@pytest.fixture(scope="module")
def simulator() -> Iterator[SimulatorProcess]:
    """Provide three accounts with the resources that the pages name."""
    with SimulatorProcess(CREDENTIAL) as simulator:
        domain = {"id": 436, "name": "example.org", "type": "domain"}
        sandbox = {"id": 4711, "name": "staging", "type": "sandbox"}
        for number, credential, resource in ((3230, STAGING, domain), (3231, SANDBOX, sandbox)):
            body = {"id": number, "credential": credential, "resources": [resource]}
            simulator.control("POST", "accounts", body)
        yield simulator


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, simulator: SimulatorProcess) -> Iterator[Cluster]:
    """Provide a cluster in which pods run, with an operator for all of it."""
    folder = tmp_path_factory.mktemp("how-to")
    with cluster_with_crds(folder / "cluster") as cluster:
        cluster.start_nodes(*NODES)
        for namespace in NAMESPACES:
            cluster.kubectl("create", "namespace", namespace)
        environment = {"MAILTRAP_OPERATOR_NAMESPACE": OPERATOR_NAMESPACE}
        log = folder / "operator.log"
        with OperatorProcess(cluster.kubeconfig, simulator.url, log, *FAST, environment=environment):
            yield cluster


@pytest.fixture
def emptied(cluster: Cluster) -> Iterator[Cluster]:
    """Provide the cluster, and take away what a page has made."""
    yield cluster
    for kind in ("apitokens", "deployments"):
        cluster.kubectl("delete", kind, "--all", "--all-namespaces")
    cluster.kubectl("delete", "clustermailtrapaccounts", "--all")
    cluster.kubectl("delete", "secrets", "--all", f"--namespace={OPERATOR_NAMESPACE}")


def of_the_simulator(manifest: str, url: str) -> str:
    """Return a manifest whose accounts are the simulator's."""
    plain = re.sub(r"\n  (baseUrl|refreshInterval): .*", "", manifest)
    return re.sub(r"\n  accountId: .*", rf"\g<0>\n  baseUrl: {url}\n  refreshInterval: 10s", plain)


def saved(page: Path, folder: Path, url: str) -> None:
    """Save the files that a page shows, as their first lines name them."""
    for text in blocks(page, "yaml"):
        if found := re.match(r"# (\S+\.yaml)\n", text):
            (folder / found[1]).write_text(of_the_simulator(text, url))


def given(command: str) -> str:
    """Return a command with the credential that a reader would type."""
    name = re.search(r"create secret generic (\S+)", command)
    value = CREDENTIALS.get(name[1], CREDENTIAL) if name else ""
    return command.replace("--from-file=token=/dev/stdin", f"--from-literal=token={value}")


def an_account(cluster: Cluster, url: str) -> None:
    """Make the account that most pages take for granted."""
    where = f"--namespace={OPERATOR_NAMESPACE}"
    cluster.kubectl(
        "create", "secret", "generic", "mailtrap-credentials", where, f"--from-literal=token={CREDENTIAL}"
    )
    sample = (ROOT / "deploy" / "samples" / "account.yaml").read_text().replace("[default]", "[shop]")
    cluster.kubectl("apply", "--filename=-", input=of_the_simulator(sample, url))


def an_old_token(simulator: SimulatorProcess, folder: Path) -> str:
    """Have someone make a token; save its value where the page expects it, and return its id."""
    rights = [{"resource_type": "domain", "resource_id": 435, "access_level": 100}]
    token = simulator.control("POST", "tokens", {"name": "by hand", "resources": rights})
    (folder / "old-billing.txt").write_text(token["token"])
    return str(token["id"])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_a_page_works(
    emptied: Cluster, simulator: SimulatorProcess, page: Path, tmp_path: Path
) -> None:
    shown = [command for command in commands(page) if not command.text.startswith(ELSEWHERE)]
    texts = [given(command.text) for command in shown]
    saved(page, tmp_path, simulator.url)
    if not any("mailtrap-system" in text for text in texts):
        an_account(emptied, simulator.url)
    if any(OLD_TOKEN in text for text in texts):
        old_token = an_old_token(simulator, tmp_path)
        texts = [text.replace(OLD_TOKEN, old_token) for text in texts]
        # No one waits for the 12 hours of the page.
        texts.insert(1, f"kubectl patch --filename=billing.yaml --type=merge --patch='{SHORT_OVERLAP}'")
        shown.insert(1, Command(texts[1], ""))

    answers = typed(texts, tmp_path, emptied.environment())

    assert len(shown) == len(answers)
    for command, answer in zip(shown, answers, strict=True):
        assert answer.is_success, f"{command.text}\n{answer.text}"
        if command.answer:
            assert essence(command.answer) == essence(answer.text), f"{command.text}\n{answer.text}"
    ready = ("wait", "apitokens", "--all", "--all-namespaces", "--for=condition=Ready", "--timeout=600s")
    eventually(lambda: emptied.kubectl(*ready), "all ApiTokens of the page are Ready")
