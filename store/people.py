"""Which accounts belong to one person: by proof, never by guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from access import email_address
from store.queries.snapshots import Queries


class People:
    """The persons behind accounts of the current snapshots.

    Two things are proof: the same address shown for accounts of different systems, and JumpCloud's own link between a user
    and an administrator. Equal addresses within one system are no proof, and neither are equal names. Only joined accounts
    are held in memory: addresses that stand in more than one system, and administrators.
    """

    def __init__(self, shared: Iterable[str], linked: Iterable[Mapping[str, Any]]) -> None:
        self._shared = set(shared)
        self._by_account: dict[str, str] = {}
        self._by_address: dict[str, str] = {}
        for link in linked:
            user, admin = _folded(link["user_email"]), _folded(link["admin_email"])
            person = user or admin or link["user"]
            self._by_account |= {link["user"]: person, link["admin"]: person}
            if admin:
                self._by_address[admin] = person

    @classmethod
    def of(cls, look: Queries) -> People:
        """The persons of the snapshots that the queries show."""
        return cls(look.shared_addresses(), look.linked_administrators())

    def person(self, account: str, email: str | None) -> str | None:
        """The person an account belongs to, as an address in lower case; None when nothing joins it to another account."""
        address = _folded(email)
        linked = self._by_account.get(account) or self._by_address.get(address)
        if linked is not None:
            return linked
        return address if address in self._shared else None


def _folded(email: str | None) -> str:
    return email_address.lower_case(email or "")
