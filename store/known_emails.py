"""Whose an address was when that was last seen, kept because Jira hides addresses. It proves nothing."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, select

from access import email_address
from access.entitlements import System
from store.tables import known_emails
from store.upsert import insert_into


class KnownEmails:
    """Addresses of accounts, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def learn(self, system: System, email: str, account_id: str, *, source: str, now: datetime) -> None:
        """Remember it, in place of what was known."""
        key = email_address.normalized(email)
        earlier_form = (*_is(system, email), known_emails.c.email != key)
        self._connection.execute(delete(known_emails).where(*earlier_form))
        values = {"account_id": account_id, "source": source, "learned_at": now}
        learned = insert_into(known_emails, self._connection).values(system=str(system), email=key, **values)
        key_columns = [known_emails.c.system, known_emails.c.email]
        self._connection.execute(learned.on_conflict_do_update(index_elements=key_columns, set_=values))

    def all(self, system: System) -> dict[str, str]:
        """Every known address of a system, by account."""
        statement = select(known_emails.c.account_id, known_emails.c.email).where(known_emails.c.system == str(system))
        return {row.account_id: row.email for row in self._connection.execute(statement)}

    def account(self, system: System, email: str) -> str | None:
        """The account with this address, as far as we know."""
        statement = select(known_emails.c.account_id).where(*_is(system, email))
        return self._connection.execute(statement.order_by(known_emails.c.learned_at.desc())).scalar()


def _is(system: System, email: str) -> tuple[ColumnElement[bool], ...]:
    # Rows of earlier versions have a domain outside ASCII as it is written.
    forms = {email_address.normalized(email), email_address.lower_case(email)}
    return known_emails.c.system == str(system), known_emails.c.email.in_(forms)
