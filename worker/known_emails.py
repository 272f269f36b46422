"""The store's record of email addresses, in the form that connectors and readers take."""

from __future__ import annotations

from datetime import timedelta

from access.clock import Clock
from access.entitlements import System
from store.unit_of_work import Store

#: How long a listing uses one copy of all addresses.
_FRESH_FOR = timedelta(minutes=1)


class StoredEmails:
    """The addresses of one system's accounts, kept in the store."""

    def __init__(self, store: Store, clock: Clock, system: System) -> None:
        self._store = store
        self._clock = clock
        self._system = system
        self._known: dict[str, str] = {}
        self._fresh_until = clock.now()

    def account(self, email: str) -> str | None:
        """The account with this address, as far as we know."""
        with self._store.read() as work:
            return work.known_emails.account(self._system, email)

    def address(self, account_id: str) -> str | None:
        """The address of an account, as far as we know. It may be a minute old: listings ask for every account."""
        now = self._clock.now()
        if now >= self._fresh_until:
            with self._store.read() as work:
                self._known = work.known_emails.all(self._system)
            self._fresh_until = now + _FRESH_FOR
        return self._known.get(account_id)

    def learn(self, email: str, account_id: str, *, shown: bool) -> None:
        """Remember whose the address is: the account shows it, or it is new. New is what a complete snapshot does not list."""
        with self._store.write() as work:
            snapshot = work.snapshots.current(self._system)
            is_new = snapshot is not None and not work.snapshots.has_account(snapshot.run_id, account_id)
            if shown or is_new:
                source = "shown by the system" if shown else "made by Provisor"
                work.known_emails.learn(self._system, email, account_id, source=source, now=self._clock.now())
