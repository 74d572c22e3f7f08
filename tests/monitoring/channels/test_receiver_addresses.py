"""Where a webhook may connect to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring.channels.receiver_addresses import checked, meant, refusal

PRIVATE = (
    "127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "::1",
    "fd12::1", "fec0::1", "::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "2002:0a00:0001::1",
    "2001:0:4136:e378:8000:63bf:f5ff:fffe",
)  # fmt: skip
CLOSED = (
    "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "100.100.100.200",
    "168.63.129.16", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1",
    "224.0.0.1", "ff02::1", "0.0.0.0", "::", "240.0.0.1", "255.255.255.255", "::7f00:1",
)  # fmt: skip
OPEN = ("93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:93.184.215.14")


@pytest.mark.parametrize("address", PRIVATE)
def test_private_networks_and_this_machine_need_a_setting(address: str) -> None:
    assert "private" in refusal(address, allow_private=False)
    assert refusal(address, allow_private=True) == ""


@pytest.mark.parametrize("address", CLOSED)
@pytest.mark.parametrize("allow_private", [False, True])
def test_what_is_no_receiver_stays_closed_whatever_is_set(
    address: str, allow_private: bool
) -> None:
    assert refusal(address, allow_private=allow_private)


@pytest.mark.parametrize("address", OPEN)
def test_public_addresses_are_open(address: str) -> None:
    assert refusal(address, allow_private=False) == ""


def test_one_bad_address_of_several_is_enough() -> None:
    assert checked(OPEN, allow_private=False) == OPEN[0]
    with pytest.raises(ValueError, match="private"):
        checked([*OPEN, "10.0.0.1"], allow_private=False)
    with pytest.raises(ValueError, match="no address"):
        checked([], allow_private=True)


@given(st.ip_addresses(v=4))
def test_an_ipv4_address_is_the_same_in_each_disguise(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    disguises = [
        ipaddress.IPv6Address(f"::ffff:{address}"),
        ipaddress.IPv6Address(f"64:ff9b::{address}"),
        ipaddress.IPv6Address(f"64:ff9b:1::{address}"),
        ipaddress.IPv6Address((0x2002 << 112) | (number << 80)),
    ]
    assert {meant(each) for each in disguises} == {address}


@given(st.ip_addresses())
def test_what_is_open_without_the_setting_is_routed_in_the_internet(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    if not refusal(str(address), allow_private=False):
        assert meant(address).is_global
