"""Accounts of a Jira site by what people write: an account id, or an address."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from threading import Lock
from typing import Any

import structlog

from access.failures import Permanent
from ticketing.jira.calls import JiraCalls
from ticketing.jira.fields import ASSIGNEE
from ticketing.schema_check import FieldProblem
from ticketing.schemas import TicketSchema, ValueType

_log = structlog.get_logger(__name__)


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

    def known(self, calls: JiraCalls, people: Iterable[str]) -> Iterator[str]:
        """The account ids of those of them whom the site knows."""
        for person in people:
            try:
                yield self.account_id(calls, person)
            except Permanent as failure:
                _log.warning("ticket.person_unknown", why=failure.what)

    def unknown(self, calls: JiraCalls, people: Iterable[str]) -> Iterator[FieldProblem]:
        """A problem for each of them to whom nothing can be assigned, since the site does not know them."""
        for person in people:
            try:
                self.account_id(calls, person)
            except Permanent as failure:
                yield FieldProblem(ASSIGNEE, failure.what, failure.remedy)

    def with_account_ids(
        self, calls: JiraCalls, fields: Mapping[str, Any], schema: TicketSchema | None
    ) -> Mapping[str, Any]:
        """The fields with account ids in place of the addresses of people who are known."""
        if schema is None:
            return fields
        people = {name for name in fields if any(field.type is ValueType.USER for field in schema.named(name))}
        return {name: self._ids(calls, value) if name in people else value for name, value in fields.items()}

    def _ids(self, calls: JiraCalls, value: Any) -> Any:
        if isinstance(value, list | tuple):
            return [self._ids(calls, each) for each in value]
        return next(self.known(calls, [value]), value) if isinstance(value, str) else value
