"""Which proxy leads to a server: the one place where HTTPS_PROXY and NO_PROXY are read, for all clients.

They are read as Go's httpproxy does, as other programs of a cluster do: the lower-case name wins; NO_PROXY lists names
with all names below them, names below (`.svc`), addresses, networks (10.0.0.0/8), each but a network with or without a
port, or `*`; loopback is never behind a proxy. One difference: a server without TLS is called directly. A proxy would
read the credential, and so HTTP_PROXY means nothing here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Self
from urllib.parse import urlsplit

import httpx

from mailtrap_operator.clients.errors import Terminal
from mailtrap_operator.core.reasons import Reason

_Address = IPv4Address | IPv6Address
_Matcher = Callable[[str, _Address | None, int], bool]
"""Takes the name, the address if the name is one, and the port of a server."""


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy that is called with CONNECT; `url` may hold a password, `name` does not."""

    url: str = field(repr=False)
    name: str

    @classmethod
    def of(cls, text: str, setting: str) -> Self:
        """Read a proxy as a setting gives it; raises `Terminal`, which names the setting."""
        try:
            url = httpx.URL(text if "://" in text else f"http://{text}")
        except httpx.InvalidURL:
            url = httpx.URL()
        if not url.host or url.scheme not in ("http", "https"):
            message = f"{setting} names no proxy that can be used. Write a URL, such as http://proxy.example.com:3128."
            raise Terminal(Reason.SPEC_INVALID, message)
        return cls(str(url), f"the proxy {url.netloc.decode()} ({setting})")


class Proxies:
    """Knows the proxy that leads to a server; raises `Terminal` where the environment names one that is none."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        setting = "https_proxy" if environment.get("https_proxy") else "HTTPS_PROXY"
        text = environment.get(setting, "").strip()
        self._proxy = Proxy.of(text, setting) if text else None
        self._excepted = _matchers(environment.get("no_proxy") or environment.get("NO_PROXY", ""))

    def to(self, url: str) -> Proxy | None:
        """Return the proxy that leads to a URL, None where it is called directly."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port or 443
        except ValueError:
            return None
        address = _address(host)
        is_local = host == "localhost" or (address is not None and address.is_loopback)
        if parts.scheme != "https" or is_local or any(fits(host, address, port) for fits in self._excepted):
            return None
        return self._proxy


def _matchers(text: str) -> list[_Matcher]:
    entries = [entry.strip().lower() for entry in text.split(",")]
    if "*" in entries:
        return [lambda _name, _address, _port: True]
    return [matcher for entry in entries if (matcher := _matcher(entry))]


def _matcher(entry: str) -> _Matcher | None:
    if "/" in entry:
        return _network(entry)
    host, port = _split(entry)
    if not host:
        return None
    if (excepted := _address(host)) is not None:
        return lambda _, address, its_port: address == excepted and port in (None, its_port)
    suffix = host.removeprefix("*") if host.startswith("*.") else host
    domain = suffix if suffix.startswith(".") else f".{suffix}"
    # A leading dot is of the names below alone.
    names = (domain,) if suffix == domain else (domain, suffix)

    def fits(name: str, address: _Address | None, its_port: int) -> bool:
        is_named = name.endswith(domain) or name in names
        return address is None and is_named and port in (None, its_port)

    return fits


def _network(entry: str) -> _Matcher | None:
    try:
        network = ip_network(entry, strict=False)
    except ValueError:
        return None
    return lambda _name, address, _port: address is not None and address in network


def _split(entry: str) -> tuple[str, int | None]:
    """Return host and port of an entry; an IPv6 address has a port in its bracketed form alone."""
    host, colon, port = entry.rpartition(":")
    is_bare = ":" in host and not host.endswith("]")
    if not colon or is_bare or not (port.isdecimal() or not port):
        return entry.strip("[]"), None
    return host.strip("[]"), int(port) if port else None


def _address(host: str) -> _Address | None:
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
