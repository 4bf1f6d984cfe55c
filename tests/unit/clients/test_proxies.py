"""Which server is called through which proxy, and which of them directly."""

import pytest

from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.clients.proxies import Proxies

PROXY = "http://proxy.example.com:3128"
NAME = "the proxy proxy.example.com:3128 (HTTPS_PROXY)"
MAILTRAP = "https://mailtrap.io/api/accounts"

THROUGH, DIRECT = True, False


def is_through_a_proxy(url: str, no_proxy: str) -> bool:
    return Proxies({"HTTPS_PROXY": PROXY, "NO_PROXY": no_proxy}).to(url) is not None


# The outcomes are those of golang.org/x/net/http/httpproxy.
@pytest.mark.parametrize(
    ("no_proxy", "url", "expected"),
    [
        pytest.param("", MAILTRAP, THROUGH, id="nothing is excepted"),
        pytest.param(" , ,", MAILTRAP, THROUGH, id="entries are empty"),
        pytest.param("*", MAILTRAP, DIRECT, id="everything is excepted"),
        pytest.param("example.com, *", MAILTRAP, DIRECT, id="everything is excepted beside a name"),
        pytest.param("mailtrap.io", MAILTRAP, DIRECT, id="a name"),
        pytest.param("Mailtrap.IO", "https://MAILTRAP.io", DIRECT, id="a name in other letters"),
        pytest.param("mailtrap.io", "https://api.mailtrap.io", DIRECT, id="a name below it"),
        pytest.param("mailtrap.io", "https://notmailtrap.io", THROUGH, id="a name that ends the same"),
        pytest.param(".mailtrap.io", "https://api.mailtrap.io", DIRECT, id="a leading dot: below"),
        pytest.param(".mailtrap.io", MAILTRAP, THROUGH, id="a leading dot: not itself"),
        pytest.param("*.mailtrap.io", "https://api.mailtrap.io", DIRECT, id="an asterisk: below"),
        pytest.param("*.mailtrap.io", MAILTRAP, THROUGH, id="an asterisk: not itself"),
        pytest.param("mail*.io", MAILTRAP, THROUGH, id="an asterisk elsewhere means nothing"),
        pytest.param("127.0.0.0/8,10.0.0.0/8,.svc,.cluster.local", "https://mt.dev.svc", DIRECT, id=".svc"),
        pytest.param("mailtrap.io:443", MAILTRAP, DIRECT, id="the port that is meant by https"),
        pytest.param("mailtrap.io:8443", MAILTRAP, THROUGH, id="another port"),
        pytest.param("mailtrap.io:8443", "https://mailtrap.io:8443", DIRECT, id="the port in the URL"),
        pytest.param("mailtrap.io:", MAILTRAP, DIRECT, id="a colon without a port"),
        pytest.param("mailtrap.io:https", MAILTRAP, THROUGH, id="a port that is no number"),
        pytest.param(":443", MAILTRAP, THROUGH, id="a port without a name"),
        pytest.param("10.0.0.0/8", "https://10.9.8.7", DIRECT, id="a network"),
        pytest.param("10.1.2.3/8", "https://10.9.8.7", DIRECT, id="a network by one of its addresses"),
        pytest.param("10.0.0.0/8", "https://11.0.0.1", THROUGH, id="an address beside the network"),
        pytest.param("10.0.0.0/33", "https://10.0.0.1", THROUGH, id="no network"),
        pytest.param("0.0.0.0/0", MAILTRAP, THROUGH, id="a network fits no name"),
        pytest.param("fd00::/8", "https://[fd12::1]:6443", DIRECT, id="an IPv6 network"),
        pytest.param("fd00::/8", "https://[fe80::1]", THROUGH, id="an address beside the IPv6 network"),
        pytest.param("10.0.0.7", "https://10.0.0.7:6443", DIRECT, id="an address"),
        pytest.param("10.0.0.7:6443", "https://10.0.0.7:6443", DIRECT, id="an address with its port"),
        pytest.param("10.0.0.7:6443", "https://10.0.0.7", THROUGH, id="an address with another port"),
        pytest.param("0.0.7", "https://10.0.0.7", THROUGH, id="the end of an address"),
        pytest.param("fd00::7", "https://[fd00::7]:6443", DIRECT, id="an IPv6 address"),
        pytest.param("fd00:0::7", "https://[FD00::7]", DIRECT, id="an IPv6 address in another form"),
        pytest.param("[fd00::7]:6443", "https://[fd00::7]:6443", DIRECT, id="an IPv6 address with its port"),
        pytest.param("[fd00::7]:6443", "https://[fd00::7]", THROUGH, id="an IPv6 address with another port"),
        pytest.param("", "https://localhost:8443", DIRECT, id="localhost"),
        pytest.param("", "https://127.0.0.2", DIRECT, id="a loopback address"),
        pytest.param("", "https://[::1]:8443", DIRECT, id="the IPv6 loopback address"),
        pytest.param("", "https://localhost.example.com", THROUGH, id="a name that begins the same"),
    ],
)
def test_no_proxy_is_read_as_other_programs_of_a_cluster_read_it(
    no_proxy: str, url: str, expected: object
) -> None:
    assert expected is is_through_a_proxy(url, no_proxy)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        pytest.param({}, None, id="there is none"),
        pytest.param({"HTTPS_PROXY": ""}, None, id="it is empty"),
        pytest.param({"HTTPS_PROXY": PROXY}, PROXY, id="upper case"),
        pytest.param({"https_proxy": PROXY}, PROXY, id="lower case"),
        pytest.param({"https_proxy": PROXY, "HTTPS_PROXY": "http://other"}, PROXY, id="lower case wins"),
        pytest.param({"https_proxy": "", "HTTPS_PROXY": PROXY}, PROXY, id="unless it is empty"),
        pytest.param({"HTTPS_PROXY": "proxy.example.com:3128"}, PROXY, id="without a scheme"),
        pytest.param({"HTTPS_PROXY": "https://proxy"}, "https://proxy", id="behind TLS"),
        pytest.param({"HTTPS_PROXY": "http://[fd00::7]:3128"}, "http://[fd00::7]:3128", id="by its address"),
        pytest.param({"HTTP_PROXY": PROXY, "ALL_PROXY": PROXY}, None, id="other variables mean nothing"),
        pytest.param({"HTTPS_PROXY": PROXY, "no_proxy": "mailtrap.io"}, None, id="lower case excepts"),
        pytest.param(
            {"HTTPS_PROXY": PROXY, "no_proxy": "a", "NO_PROXY": "mailtrap.io"}, PROXY, id="and wins there too"
        ),
    ],
)
def test_where_the_proxy_comes_from(environment: dict[str, str], expected: str | None) -> None:
    found = Proxies(environment).to(MAILTRAP)

    assert expected == (found.url if found else None)


def test_a_server_without_tls_is_called_directly() -> None:
    proxies = Proxies({"HTTP_PROXY": PROXY, "HTTPS_PROXY": PROXY})

    assert None is proxies.to("http://mailtrap.dev.example.com")


@pytest.mark.parametrize("url", ["https://[", "https://mailtrap.io:port"])
def test_what_is_no_url_goes_through_no_proxy(url: str) -> None:
    assert None is Proxies({"HTTPS_PROXY": PROXY}).to(url)


def test_a_proxy_is_named_without_its_password() -> None:
    found = Proxies({"HTTPS_PROXY": "http://user:pa%40ss@proxy.example.com:3128"}).to(MAILTRAP)

    assert found is not None
    assert (NAME, "http://user:pa%40ss@proxy.example.com:3128") == (found.name, found.url)
    assert "pa" not in repr(found)


@pytest.mark.parametrize(
    "text", ["socks5://user:pass@proxy", "http://", "ftp://user:pass@proxy", "http://a:port"]
)
def test_a_proxy_that_cannot_be_used_ends_the_start_without_its_password(text: str) -> None:
    with pytest.raises(Terminal) as caught:
        Proxies({"https_proxy": text})

    assert (
        "https_proxy names no proxy that can be used. Write a URL, such as http://proxy.example.com:3128."
        == (caught.value.message)
    )
