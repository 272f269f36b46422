"""The addresses of accounts that Provisor made, kept because Jira hides addresses."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select

from access.entitlements import System
from store.tables import known_emails


class KnownEmails:
    """Addresses of accounts, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def learn(self, system: System, email: str, account_id: str, *, source: str, now: datetime) -> None:
        """Store the address of an account, in place of an earlier one."""
        key = {"system": str(system), "email": email.casefold()}
        self._connection.execute(
            delete(known_emails).where(known_emails.c.system == key["system"], known_emails.c.email == key["email"])
        )
        self._connection.execute(
            known_emails.insert().values(**key, account_id=account_id, source=source, learned_at=now)
        )

    def all(self, system: System) -> dict[str, str]:
        """Every known address of a system, by account."""
        statement = select(known_emails.c.account_id, known_emails.c.email).where(known_emails.c.system == str(system))
        return {row.account_id: row.email for row in self._connection.execute(statement)}

    def account(self, system: System, email: str) -> str | None:
        """The account with this address; None when it is not known."""
        statement = select(known_emails.c.account_id).where(
            known_emails.c.system == str(system), known_emails.c.email == email.casefold()
        )
        return self._connection.execute(statement).scalar()
