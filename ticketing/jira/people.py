"""Accounts of a Jira site by what people write: an account id, or an address."""

from __future__ import annotations

from threading import Lock

from access.failures import Permanent
from ticketing.jira.calls import JiraCalls


class JiraPeople:
    """Finds accounts and remembers those that were found. May be shared by threads."""

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self._lock = Lock()

    def account_id(self, calls: JiraCalls, person: str) -> str:
        """The account id of a person. An address counts only where the site shows it on one active account.

        Raises ``Permanent`` for an address that nobody is shown to have.
        """
        if "@" not in person:
            return person
        wanted = person.casefold()
        with self._lock:
            if wanted in self._known:
                return self._known[wanted]
        found = [each for each in calls.people(person) if (each.email or "").casefold() == wanted and each.account_id]
        if len(found) != 1 or found[0].account_id is None:
            raise Permanent(
                f"No account of the ticketing site is shown to have the address {person}.",
                remedy="Write the account id, or let the site show the address.",
            )
        with self._lock:
            self._known[wanted] = found[0].account_id
        return found[0].account_id
