"""Email addresses: when two of them are one.

Two addresses are equal when their local parts are equal after ASCII lower-casing and their domains name the same host
(IDNA). No other letter is folded: ``maße@acme.example`` and ``masse@acme.example`` are two people.
"""

from __future__ import annotations

import idna

from access.text import ascii_lower


def lower_case(address: str) -> str:
    """The address as people write it, trimmed and in lower case: ASCII letters of the local part, all of the domain."""
    local, at, domain = address.strip().rpartition("@")
    return f"{ascii_lower(local)}{at}{domain.lower()}"


def normalized(address: str) -> str:
    """The one form of equal addresses, for keys: in lower case, with the domain in its ASCII form (``xn--…``).

    A domain that IDNA refuses stays as it is written.
    """
    local, at, domain = lower_case(address).rpartition("@")
    return f"{local}{at}{_ascii_domain(domain)}"


def same(one: str, other: str) -> bool:
    """Whether two addresses are one."""
    return normalized(one) == normalized(other)


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except idna.IDNAError:
        return domain
