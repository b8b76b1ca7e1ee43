"""Where the API may send requests: to public addresses, and to what the operator allows.

A name is resolved once for each request, and the connection goes to an address that was checked. So
a name that changes its address between the check and the connection (DNS rebinding) gains nothing.
"""

import re
import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any, NamedTuple

from stepbox.errors import StepboxError

Address = IPv4Address | IPv6Address
# The only block of global unicast addresses so far (RFC 4291).
_GLOBAL_UNICAST = IPv6Network("2000::/3")
# Public, but in Azure this is the machine's own host, with its credentials and settings.
_OF_AZURE = IPv4Address("168.63.129.16")
_NAT64 = IPv6Network("64:ff9b::/96")  # these addresses end with one of IPv4 (RFC 6052)
# `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT`; a host may be a network.
_ENTRY = re.compile(r"(?:\[([^\]]+)\]|([^\[\]:]+))(?::(\d{1,5}))?")
_NAME = re.compile(r"[a-z0-9._-]+")


class ForbiddenAddressError(StepboxError):
    """A request would go to an address that is neither public nor allowed."""


class Target(NamedTuple):
    """A checked address, as `socket.connect` takes it."""

    family: int
    address: Any


class Entry(NamedTuple):
    """One entry of the list: a host name, or a network, and perhaps a port."""

    name: str | None
    network: IPv4Network | IPv6Network | None
    port: int | None


class AllowedHosts:
    """The hosts, addresses and networks that the operator allows.

    Parameters
    ----------
    text
        Entries separated by commas, such as ``10.0.0.0/8``, ``hooks.internal`` or
        ``127.0.0.1:9000``. An entry without a port allows all ports.

    Raises
    ------
    ValueError
        An entry has another form.
    """

    def __init__(self, text: str) -> None:
        self._entries = [_parse(entry) for entry in text.replace(",", " ").split()]

    def check_literal(self, host: str, port: int) -> None:
        """Raise ForbiddenAddressError if a host is an address that is not allowed.

        This also finds other forms of an address, such as ``2130706433`` and ``0x7f.1`` for
        127.0.0.1. A name is only checked by `resolve`.
        """
        try:
            found = look_up(host, port, socket.AI_NUMERICHOST)
        except socket.gaierror:
            return
        self._check(host, port, found)

    def resolve(self, host: str, port: int) -> list[Target]:
        """Return the addresses of a host.

        Raises
        ------
        ForbiddenAddressError
            One of them is neither public nor allowed.
        OSError
            The host has no address.
        """
        found = look_up(host, port)
        self._check(host, port, found)
        return found

    def _check(self, host: str, port: int, found: Sequence[Target]) -> None:
        for target in found:
            address = ip_address(target.address[0].partition("%")[0])
            if not is_public(address) and not self._allows(host, address, port):
                raise ForbiddenAddressError(
                    f"{host} is {address}, which is not a public address"
                    if host != str(address)
                    else f"{host} is not a public address"
                )

    def _allows(self, host: str, address: Address, port: int) -> bool:
        plain = embedded(address) or address
        return any(
            entry.port in (None, port)
            and (entry.name == host.lower() if entry.network is None else plain in entry.network)
            for entry in self._entries
        )


def look_up(host: str, port: int, flags: int = 0) -> list[Target]:
    """Ask the resolver for the addresses of a host; raise OSError if it has none."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError:  # a part of the name is empty or too long
        raise socket.gaierror(socket.EAI_NONAME, "it is not a host name") from None
    return [Target(family, address) for family, _, _, _, address in found]


def is_public(address: Address) -> bool:
    """Tell whether an address is a public one of a single host.

    An address that contains another one, such as one of NAT64, must contain a public one.
    """
    if inner := embedded(address):
        return is_public(inner)
    if address == _OF_AZURE or (
        isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST
    ):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def embedded(address: Address) -> IPv4Address | None:
    """Return the address of IPv4 that packets to an address of IPv6 reach; None if none is."""
    if isinstance(address, IPv4Address):
        return None
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _parse(entry: str) -> Entry:
    match = _ENTRY.fullmatch(entry)
    host, port = (match[1] or match[2], match[3]) if match else (entry, None)
    name, network = None, None
    try:
        network = ip_network(host)
    except ValueError:
        name = host.lower()
    if (name is not None and not _NAME.fullmatch(name)) or not 0 < int(port or 1) < 2**16:
        raise ValueError(
            f"{entry!r} is not a host, an address or a network: write it like hooks.internal, "
            "127.0.0.1:9000, [fd00::1]:9000 or 10.0.0.0/8"
        ) from None
    return Entry(name, network, int(port) if port else None)
