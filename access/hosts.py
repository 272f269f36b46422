"""Which hosts are on this machine or a private network: the way to all others is not ours."""

from __future__ import annotations

import ipaddress
import re

_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_PRIVATE_ENDINGS = (".internal", ".local", ".localhost", ".test")


def is_near(host: str) -> bool:
    """Whether a host is on this machine or a private network, where simulators and test systems are.

    A number alone is an IPv4 address to the name service, and none of a private network that anybody would write so.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.endswith(_PRIVATE_ENDINGS) or not ("." in host or _NUMBER.fullmatch(host))
    if isinstance(address, ipaddress.IPv6Address):
        address = address.ipv4_mapped or address
    return address.is_loopback or address.is_private
