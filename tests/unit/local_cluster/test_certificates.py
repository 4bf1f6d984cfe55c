import stat
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import (
    PolicyBuilder,
    ServerVerifier,
    Store,
    VerificationError,
)

from local_cluster.certificates import Authority, Credential, write_private


def certificate(credential: Credential) -> x509.Certificate:
    return x509.load_pem_x509_certificate(credential.certificate)


def server_verifier(authority: Authority, host: str) -> ServerVerifier:
    store = Store([x509.load_pem_x509_certificate(authority.certificate)])
    return PolicyBuilder().store(store).build_server_verifier(x509.IPAddress(ip_address(host)))


def test_a_server_is_trusted_at_its_own_address() -> None:
    authority = Authority("test")
    server = authority.issue("server", hosts=["127.0.0.1", "localhost"])

    assert server_verifier(authority, "127.0.0.1").verify(certificate(server), [])


@pytest.mark.parametrize(
    ("hosts", "asked"),
    [
        pytest.param(["127.0.0.1"], "10.0.0.1", id="another address"),
        pytest.param([], "127.0.0.1", id="a user's certificate"),
    ],
)
def test_a_server_is_not_trusted_elsewhere(hosts: list[str], asked: str) -> None:
    authority = Authority("test")
    server = authority.issue("server", hosts=hosts)

    with pytest.raises(VerificationError):
        server_verifier(authority, asked).verify(certificate(server), [])


def test_a_certificate_of_another_authority_is_not_trusted() -> None:
    foreign = Authority("test").issue("server", hosts=["127.0.0.1"])

    with pytest.raises(VerificationError):
        server_verifier(Authority("test"), "127.0.0.1").verify(certificate(foreign), [])


def test_the_name_and_the_groups_of_a_user_are_in_the_subject() -> None:
    subject = certificate(Authority("test").issue("anna", groups=["blue", "red"])).subject

    assert [name.value for name in subject.get_attributes_for_oid(NameOID.COMMON_NAME)] == ["anna"]
    assert [name.value for name in subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)] == [
        "blue",
        "red",
    ]


def test_a_key_can_be_read_by_its_owner_alone(tmp_path: Path) -> None:
    write_private(tmp_path / "key", b"secret")

    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
