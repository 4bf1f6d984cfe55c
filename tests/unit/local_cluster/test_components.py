from pathlib import Path

import yaml

from local_cluster.components import (
    AUDIT_POLICY,
    STAGES,
    Layout,
    api_server,
    controller_manager,
    etcd,
    kubelet,
    scheduler,
)

LAYOUT = Layout(Path("/cluster"))
COMMAND_LINES = [
    etcd(LAYOUT, 20001),
    api_server(LAYOUT, 20002, 20001),
    controller_manager(LAYOUT),
    scheduler(LAYOUT),
    kubelet(LAYOUT, "one"),
]


def test_every_listener_is_on_loopback_or_off() -> None:
    listeners = [
        argument
        for arguments in COMMAND_LINES
        for argument in arguments
        if argument.startswith(
            (
                "--listen",
                "--bind-address",
                "--advertise",
                "--secure-port=0",
                "--server-address",
                "--node-port",
            )
        )
    ]

    assert listeners == [
        "--listen-client-urls=https://127.0.0.1:20001",
        "--advertise-client-urls=https://127.0.0.1:20001",
        "--listen-peer-urls=https://127.0.0.1:0",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--secure-port=0",
        "--secure-port=0",
        "--node-port=0",
        "--server-address=",
    ]


def test_every_process_names_the_folder_by_which_it_is_recognised() -> None:
    assert all(any("=/cluster/" in argument for argument in arguments) for arguments in COMMAND_LINES)


def test_requests_are_judged_by_rbac() -> None:
    assert "--authorization-mode=Node,RBAC" in api_server(LAYOUT, 20002, 20001)


def test_the_audit_log_never_holds_the_content_of_a_request() -> None:
    policy = yaml.safe_load(AUDIT_POLICY)

    assert {"None", "Metadata"} == {rule["level"] for rule in policy["rules"]}


def test_a_kubelet_knows_what_to_do_with_nodes_and_pods() -> None:
    stages = list(yaml.safe_load_all(STAGES.read_text()))

    assert {"Node", "Pod"} == {stage["spec"]["resourceRef"]["kind"] for stage in stages}
