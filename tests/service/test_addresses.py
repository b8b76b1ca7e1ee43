"""Requests go to public addresses, and to what the operator allows."""

import socket
from ipaddress import ip_address

import pytest

from service import addresses
from service.addresses import AllowedHosts, ForbiddenAddressError, Target, is_public

NOT_PUBLIC = [
    *("127.0.0.1", "127.255.255.254", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
    *("0.0.0.0", "0.1.2.3", "100.64.0.1", "224.0.0.1", "239.1.2.3", "240.0.0.1", "192.0.2.1"),
    *("255.255.255.255", "198.18.0.1", "::", "::1", "fe80::1", "fec0::1", "fc00::1", "fd00::1"),
    *("ff02::1", "2001:db8::1", "2001::1", "4000::1", "::127.0.0.1", "::8.8.8.8"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b::169.254.169.254"),
    *("64:ff9b:1::1", "2002:7f00:1::1", "2002:a00:1::", "168.63.129.16"),
]
PUBLIC = [
    *("8.8.8.8", "93.184.215.14", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
    "2002:808:808::1",
]
FORMS_OF_LOOPBACK = [
    *("127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.1"),
    *("::1", "::ffff:127.0.0.1", "0:0:0:0:0:0:0:1", "::ffff:7f00:1", "0", "fe80::1%lo"),
]


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public(address):
    assert not is_public(ip_address(address))
    with pytest.raises(ForbiddenAddressError, match="is not a public address"):
        AllowedHosts("").check_literal(address, 80)


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_that_is_public(address):
    assert is_public(ip_address(address))
    AllowedHosts("").check_literal(address, 80)


@pytest.mark.parametrize("host", FORMS_OF_LOOPBACK)
def test_other_forms_of_this_machine_are_found(host):
    for check in (AllowedHosts("").check_literal, AllowedHosts("").resolve):
        with pytest.raises(ForbiddenAddressError):
            check(host, 80)


def test_names_are_resolved_only_for_a_connection():
    AllowedHosts("").check_literal("localhost", 80)
    with pytest.raises(ForbiddenAddressError, match=r"^localhost is "):
        AllowedHosts("").resolve("localhost", 80)


@pytest.mark.parametrize("host", ["a..b", "x" * 64, "nowhere.invalid"])
def test_what_is_no_host_has_no_address(host):
    AllowedHosts("").check_literal(host, 80)
    with pytest.raises(socket.gaierror):
        AllowedHosts("").resolve(host, 80)


def test_one_address_of_a_name_that_is_not_public_forbids_the_name(monkeypatch):
    answer = [Target(socket.AF_INET, (one, 80)) for one in ("8.8.8.8", "127.0.0.1")]
    monkeypatch.setattr(addresses, "look_up", lambda *_: answer)
    with pytest.raises(ForbiddenAddressError, match=r"mixed.example is 127\.0\.0\.1"):
        AllowedHosts("").resolve("mixed.example", 80)
    assert AllowedHosts("127.0.0.1").resolve("mixed.example", 80) == answer


@pytest.mark.parametrize(
    ("entry", "host", "port", "allowed"),
    [
        ("127.0.0.1", "127.0.0.1", 80, True),
        ("127.0.0.1", "2130706433", 80, True),
        ("127.0.0.1", "::ffff:127.0.0.1", 80, True),
        ("127.0.0.1", "127.0.0.2", 80, False),
        ("127.0.0.1:9000", "127.0.0.1", 9000, True),
        ("127.0.0.1:9000", "127.0.0.1", 9001, False),
        ("10.0.0.0/8", "10.255.1.2", 1, True),
        ("10.0.0.0/8, 127.0.0.0/8", "127.9.9.9", 1, True),
        ("10.0.0.0/8", "11.0.0.0", 1, True),  # it is public
        ("10.0.0.0/8:443", "10.0.0.1", 80, False),
        ("::1", "::1", 80, True),
        ("[::1]:9000", "::1", 9000, True),
        ("[::1]:9000", "::1", 9001, False),
        ("fd00::/8", "fd00::1", 80, True),
        ("localhost", "localhost", 80, True),
        ("LocalHost:80", "LOCALHOST", 80, True),
        ("localhost:81", "localhost", 80, False),
        ("localhost", "127.0.0.1", 80, False),
    ],
)
def test_the_operator_allows_hosts_addresses_and_networks(entry, host, port, allowed):
    if allowed:
        AllowedHosts(entry).resolve(host, port)
    else:
        with pytest.raises(ForbiddenAddressError):
            AllowedHosts(entry).resolve(host, port)


@pytest.mark.parametrize(
    "entry", ["10.0.0.1/8", "http://x", "a:0", "a:99999", "a:b", "a:1:2", "*", "*.x", "[::1", "a/b"]
)
def test_an_entry_of_another_form_is_rejected(entry):
    with pytest.raises(ValueError, match="is not a host, an address or a network"):
        AllowedHosts(f"127.0.0.1, {entry}")
