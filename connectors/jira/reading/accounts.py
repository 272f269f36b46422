from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import structlog

from connectors.jira.reading.lists import Lists
from connectors.jira.reading.rows import AddressOf, Known, account_row
from connectors.jira.reading.shapes import NOBODY, ListedUser
from connectors.reading import Row

_log = structlog.get_logger(__name__)


class AccountReader:
    """Reads the accounts of a site. ``skip_customers`` leaves portal customers out."""

    def __init__(self, lists: Lists, address_of: AddressOf, *, skip_customers: bool) -> None:
        self._lists = lists
        self._address_of = address_of
        self._skip_customers = skip_customers

    def read(self) -> Iterator[Sequence[Row]]:
        """All of them, as Jira alone shows them."""
        for users in self._lists.users():
            yield self.rows(users, {})

    def rows(self, users: Sequence[ListedUser], known: Mapping[str, Known]) -> list[Row]:
        """The accounts of a page, with what the organization knows of them. Damaged records name nobody [spec]: left out."""
        nobodies = sum(user.accountId == NOBODY for user in users)
        if nobodies:
            _log.warning(
                "jira.accounts_left_out", count=nobodies, why="their records are damaged and have no account id"
            )
        return [
            account_row(user, known.get(user.accountId), self._address_of) for user in users if self._is_wanted(user)
        ]

    def _is_wanted(self, user: ListedUser) -> bool:
        return user.accountId != NOBODY and not (self._skip_customers and user.accountType == "customer")
