"""The local cluster against the real programs: it behaves as a cluster, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from local_cluster import Cluster, ClusterError, KubectlError, binaries
from local_cluster.build import MODULE
from tests.e2e.grants import lines_of
from tests.e2e.patience import PATIENCE

POLL_INTERVAL = 0.05


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with Cluster.start(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def command(*arguments: str | Path) -> list[str | Path]:
    return [sys.executable, "-m", "local_cluster", *arguments]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Everything that the command starts names a file under `folder`, by which it can be found."""
    return os.environ | {"PYTHONPATH": str(MODULE.parent), "TMPDIR": str(folder)} | more


def run(*arguments: str | Path, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(folder, **variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def processes_of(folder: Path) -> list[str]:
    shown = subprocess.run(["/bin/ps", "-ww", "-eo", "args="], capture_output=True, text=True, check=True)
    return [line for line in shown.stdout.splitlines() if f"{folder}/" in line]


def wait_until_nothing_runs(folder: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := processes_of(folder):
        assert time.monotonic() < deadline, left
        time.sleep(POLL_INTERVAL)


def config_map(name: str, **metadata: object) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name} | metadata})


def test_all_programs_say_the_version_that_is_pinned(cluster: Cluster) -> None:
    shown = json.loads(cluster.kubectl("version", "-o", "json"))

    assert shown["clientVersion"]["gitVersion"] == "v1.37.2"
    assert shown["serverVersion"]["gitVersion"] == "v1.37.2"


def test_a_service_account_gets_a_token(cluster: Cluster) -> None:
    assert len(cluster.kubectl("create", "token", "default").split(".")) == 3


def test_a_user_may_do_what_rbac_grants_and_nothing_else(cluster: Cluster) -> None:
    kubeconfig = cluster.kubeconfig_for("anna", groups=["readers"])
    as_anna = ("--kubeconfig", str(kubeconfig), "get", "pods", "-o", "name")
    with pytest.raises(KubectlError, match='User "anna" cannot list resource "pods"'):
        cluster.kubectl(*as_anna)

    cluster.kubectl("create", "clusterrolebinding", "readers", "--clusterrole=view", "--group=readers")

    assert cluster.kubectl(*as_anna) == ""


def test_a_service_account_may_do_what_a_role_grants_it(cluster: Cluster) -> None:
    cluster.kubectl("create", "serviceaccount", "robot")
    cluster.kubectl("create", "role", "reader", "--verb=list", "--resource=pods")
    kubeconfig = cluster.kubeconfig_for_service_account("default", "robot")
    as_robot = ("--kubeconfig", str(kubeconfig), "get", "pods", "-o", "name")
    with pytest.raises(
        KubectlError, match='User "system:serviceaccount:default:robot" cannot list resource "pods"'
    ):
        cluster.kubectl(*as_robot)

    cluster.kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:robot")

    assert cluster.kubectl(*as_robot) == ""


def test_a_bound_token_dies_with_its_secret_and_the_next_one_works(cluster: Cluster) -> None:
    cluster.kubectl("create", "serviceaccount", "bound")
    for secret in ("first", "second"):
        cluster.kubectl("create", "secret", "generic", secret)
    kubeconfig = cluster.kubeconfig_for_service_account("default", "bound", secret="first")
    whoami = ("--kubeconfig", str(kubeconfig), "auth", "whoami", "-o", "jsonpath={.status.userInfo.username}")
    assert cluster.kubectl(*whoami) == "system:serviceaccount:default:bound"

    cluster.kubectl("delete", "secret", "first")
    deadline = time.monotonic() + PATIENCE
    while not is_refused(cluster, *whoami):
        assert time.monotonic() < deadline
        time.sleep(POLL_INTERVAL)
    again = cluster.kubeconfig_for_service_account("default", "bound", secret="second")

    assert again == kubeconfig
    assert cluster.kubectl(*whoami) == "system:serviceaccount:default:bound"


def is_refused(cluster: Cluster, *arguments: str) -> bool:
    try:
        cluster.kubectl(*arguments)
    except KubectlError as error:
        return "Unauthorized" in str(error)
    return False


def test_the_audit_log_tells_who_wrote_what_but_not_the_content(cluster: Cluster) -> None:
    kubeconfig = cluster.kubeconfig_for("writer", groups=["system:masters"])
    secret = json.dumps(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "audited"},
            "stringData": {"k": "content"},
        }
    )
    cluster.kubectl("--kubeconfig", str(kubeconfig), "create", "-f", "-", input=secret)

    events = [json.loads(line) for line in lines_of(cluster.audit_log)]
    writes = [
        (event["verb"], event["objectRef"]["resource"], event["objectRef"]["name"])
        for event in events
        if event["user"].get("username") == "writer" and event["verb"] == "create"
    ]
    assert writes == [("create", "secrets", "audited")]
    assert all("requestObject" not in event and "responseObject" not in event for event in events)


def test_dependents_of_a_deleted_object_are_collected(cluster: Cluster) -> None:
    cluster.kubectl("create", "-f", "-", input=config_map("owner"))
    uid = cluster.kubectl("get", "configmap", "owner", "-o", "jsonpath={.metadata.uid}")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": uid}
    cluster.kubectl("create", "-f", "-", input=config_map("dependent", ownerReferences=[owner]))

    cluster.kubectl("delete", "configmap", "owner")

    cluster.kubectl("wait", "--for=delete", "configmap/dependent", "--timeout=600s")


def test_a_deleted_namespace_goes_away_with_its_content(cluster: Cluster) -> None:
    cluster.kubectl("create", "namespace", "passing")
    cluster.kubectl("--namespace", "passing", "create", "-f", "-", input=config_map("content"))

    cluster.kubectl("delete", "namespace", "passing", "--timeout=600s")

    with pytest.raises(KubectlError, match="NotFound"):
        cluster.kubectl("get", "namespace", "passing")


def test_the_api_server_comes_back_from_an_outage_where_it_was(cluster: Cluster) -> None:
    url = cluster.url
    cluster.kubectl("create", "-f", "-", input=config_map("lasting"))
    cluster.kubectl("create", "namespace", "outage")

    cluster.stop_apiserver()
    with pytest.raises(KubectlError, match="refused"):
        cluster.kubectl("get", "configmap", "lasting")
    cluster.start_apiserver()

    assert url == cluster.url
    assert cluster.kubectl("get", "configmap", "lasting", "-o", "name") == "configmap/lasting\n"
    cluster.kubectl("delete", "namespace", "outage", "--timeout=600s")  # the controllers are back too


def test_nodes_end_with_their_cluster_even_one_that_hangs(tmp_path: Path) -> None:
    with Cluster.start(tmp_path) as cluster:
        cluster.start_nodes("one", "two")
        assert len(processes_of(tmp_path)) == 6
        cluster.pause_kubelet("one")

    assert processes_of(tmp_path) == []


def test_a_folder_serves_one_cluster_only(cluster: Cluster) -> None:
    with (
        pytest.raises(ClusterError, match="holds the files of another cluster"),
        Cluster.start(cluster.ca_file.parents[1]),
    ):
        pass


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(
            "#!/bin/sh\necho the disk is made of cheese\nexit 3\n",
            ["kube-controller-manager ended with exit code 3", "the disk is made of cheese"],
            id="it ends at once",
        ),
        pytest.param(
            "made for another machine",
            ["cannot run", "kube-controller-manager: Exec format error"],
            id="it is no program",
        ),
    ],
)
def test_a_component_that_does_not_start_is_named_with_its_log_and_nothing_stays(
    tmp_path: Path, content: str, words: list[str]
) -> None:
    assets = tmp_path / "assets"
    assets.mkdir()
    for program in binaries.PROGRAMS:
        (assets / program).symlink_to(binaries.folder() / program)
    broken = assets / "kube-controller-manager"  # the last to start: the others run by then
    broken.unlink()
    broken.write_text(content)
    broken.chmod(0o755)

    done = run("run", "--", "true", folder=tmp_path, KUBEBUILDER_ASSETS=str(assets))

    assert done.returncode == 1
    assert [word for word in words if word not in done.stderr] == []
    assert processes_of(tmp_path) == []


def test_a_command_finds_the_cluster_gives_its_exit_code_and_what_it_left_running_is_ended(
    tmp_path: Path,
) -> None:
    left = tmp_path / "left"
    script = f"kubectl get namespace default -o name; echo > {left}; tail -f {left} >/dev/null & exit 7"
    done = run("run", "--", "sh", "-c", script, folder=tmp_path)

    assert (done.returncode, done.stdout) == (7, "namespace/default\n")
    assert processes_of(tmp_path) == []
    assert [path for path in tmp_path.iterdir() if path != left] == []


@pytest.fixture
def ctrl_c_works() -> Iterator[None]:
    """What runs in a shell's background inherits that Ctrl-C is ignored; a handler here undoes that for children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_works")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_whatever_ends_the_command_nothing_stays_running(tmp_path: Path, number: signal.Signals) -> None:
    endless = tmp_path / "endless"  # named in the arguments of what is run, so that it is looked for too
    endless.write_text("ready\n")
    with subprocess.Popen(
        command("run", "--", "tail", "-f", endless),
        env=environment(tmp_path),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            assert len(processes_of(tmp_path)) >= 4

            process.send_signal(number)

            assert process.wait(PATIENCE) != 0
        finally:
            process.kill()
    wait_until_nothing_runs(tmp_path)


def test_a_cluster_that_was_told_to_stay_stays_until_it_is_taken_down(tmp_path: Path) -> None:
    folder = tmp_path / "staying"
    started = run("up", "--dir", folder, folder=tmp_path)
    again = run("up", "--dir", folder, folder=tmp_path)
    used = subprocess.run(
        ["/bin/sh", "-c", f"{started.stdout}\nkubectl get namespace default -o name"],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    running = len(processes_of(folder))
    down = run("down", "--dir", folder, folder=tmp_path)

    assert (started.returncode, started.stderr) == (0, "")
    assert running == 3
    assert started.stdout == again.stdout
    assert used.stdout == "namespace/default\n"
    assert down.returncode == 0
    assert processes_of(tmp_path) == []
    assert not folder.exists()


@pytest.mark.parametrize(
    ("action", "message"), [("up", "is not empty; give a new folder"), ("down", "no cluster was started in")]
)
def test_a_folder_with_other_things_is_left_alone(tmp_path: Path, action: str, message: str) -> None:
    (tmp_path / "diary").touch()

    done = run(action, "--dir", tmp_path, folder=tmp_path)

    assert done.returncode == 1
    assert message in done.stderr
    assert (tmp_path / "diary").exists()
