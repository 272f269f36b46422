from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import structlog

from connectors.jira.reading.list_calls import ListCalls
from connectors.jira.reading.snapshot_rows import AddressOf, DirectoryFacts, account_row
from connectors.jira.shapes import ListedUser
from connectors.reading import Row

_log = structlog.get_logger(__name__)


class AccountReader:
    """Reads the accounts of a site. ``skip_customers`` leaves portal customers out."""

    def __init__(self, lists: ListCalls, address_of: AddressOf, *, skip_customers: bool) -> None:
        self._lists = lists
        self._address_of = address_of
        self._skip_customers = skip_customers

    def read(self) -> Iterator[Sequence[Row]]:
        """All accounts, as Jira alone shows them."""
        for users in self._lists.users():
            yield self.rows(users, {})

    def rows(self, users: Sequence[ListedUser], known: Mapping[str, DirectoryFacts]) -> list[Row]:
        """The accounts of a page, with what the organization knows of each. Leaves out damaged records without an id [spec]."""
        damaged = sum(user.known_id is None for user in users)
        if damaged:
            _log.warning(
                "jira.accounts_left_out", count=damaged, why="their records are damaged and have no account id"
            )
        return [
            account_row(user, known.get(user.accountId), self._address_of) for user in users if self._is_wanted(user)
        ]

    def _is_wanted(self, user: ListedUser) -> bool:
        return user.known_id is not None and not (self._skip_customers and user.accountType == "customer")
