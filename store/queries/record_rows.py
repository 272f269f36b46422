"""Provisor's own records as rows for exports: one after the other, in an order that stays, all as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select, select

from store.finding_tables import findings
from store.findings import SHOWN
from store.tables import claims, operations, requests, tickets

#: Rows fetched from the database at a time.
_FETCH = 1000

_ASKED = (requests.c.body, requests.c.source)
_REQUESTS = select(requests).order_by(requests.c.sequence)
_CLAIMS = select(claims, *_ASKED).join(requests, requests.c.id == claims.c.request_id).order_by(requests.c.sequence)
_OPERATIONS = (
    select(operations)
    .join(requests, requests.c.id == operations.c.request_id)
    .order_by(requests.c.sequence, operations.c.created_at, operations.c.id)
)
_FINDINGS = SHOWN.order_by(findings.c.id)
_TICKETS = (
    select(tickets, operations.c.request_id)
    .join(operations, operations.c.id == tickets.c.operation_id)
    .order_by(tickets.c.id)
)


class RecordRows:
    """Reads records. ``body`` of a request, also of a claim's, is the message as it was stored."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection.execution_options(stream_results=True, yield_per=_FETCH)

    def requests(self) -> Iterator[dict[str, Any]]:
        """All requests, in the order in which they came in."""
        return self._rows(_REQUESTS)

    def claims(self) -> Iterator[dict[str, Any]]:
        """All claims, with the message and the source of their requests."""
        return self._rows(_CLAIMS)

    def operations(self) -> Iterator[dict[str, Any]]:
        """All operations."""
        return self._rows(_OPERATIONS)

    def tickets(self) -> Iterator[dict[str, Any]]:
        """All tickets, each with its operation's request."""
        return self._rows(_TICKETS)

    def findings(self) -> Iterator[dict[str, Any]]:
        """All findings, the closed ones too."""
        return self._rows(_FINDINGS)

    def of_requests(self, request_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """The claims of these requests, each with the request's message and source."""
        statement = select(claims.c.request_id, claims.c.pre_existing, *_ASKED).join(
            requests, requests.c.id == claims.c.request_id
        )
        found = self._rows(statement.where(claims.c.request_id.in_(list(request_ids))))
        return {row["request_id"]: row for row in found}

    def _rows(self, statement: Select[Any]) -> Iterator[dict[str, Any]]:
        return map(dict, self._connection.execute(statement).mappings())
