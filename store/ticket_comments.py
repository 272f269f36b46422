"""What Provisor has to say on tickets: owed in the transaction of what it tells, and said once for each marker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select, update

from store.rows import from_row
from store.tables import ticket_comments
from store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class OwedComment:
    """A comment (Markdown) that is not on its ticket yet, or not known to be; ``due_at`` is when it is tried next."""

    ticket_id: str
    marker: str
    text: str
    owed_since: datetime
    due_at: datetime
    tries: int
    error: str | None = None


class TicketComments:
    """Comments, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def owe(self, ticket_id: str, marker: str, text: str, *, now: datetime) -> None:
        """Note a comment that is to be made, unless one with this marker was noted before."""
        values = {"ticket_id": ticket_id, "marker": marker, "text": text, "owed_since": now, "due_at": now}
        self._connection.execute(insert_into(ticket_comments, self._connection).values(values).on_conflict_do_nothing())

    def has(self, ticket_id: str, marker: str) -> bool:
        """Whether a comment with this marker was ever owed."""
        key = (ticket_comments.c.ticket_id == ticket_id, ticket_comments.c.marker == marker)
        return self._connection.execute(select(ticket_comments.c.marker).where(*key)).first() is not None

    def owed(self, ticket_ids: Iterable[str]) -> Sequence[OwedComment]:
        """The comments that these tickets lack, in the order in which they came to be owed."""
        statement = (
            select(ticket_comments)
            .where(ticket_comments.c.ticket_id.in_(list(ticket_ids)), ticket_comments.c.due_at.is_not(None))
            .order_by(ticket_comments.c.owed_since, ticket_comments.c.marker)
        )
        return [from_row(OwedComment, row) for row in self._connection.execute(statement).mappings()]

    def said(self, comment: OwedComment, *, now: datetime) -> None:
        """The comment is on its ticket."""
        self._set(comment, said_at=now, due_at=None, error=None)

    def postpone(self, comment: OwedComment, *, until: datetime, error: str) -> None:
        """The comment could not be made; try again then."""
        self._set(comment, due_at=until, tries=comment.tries + 1, error=error)

    def give_up(self, comment: OwedComment, *, error: str) -> None:
        """The comment will not be made any more."""
        self._set(comment, due_at=None, error=error)

    def _set(self, comment: OwedComment, **columns: object) -> None:
        key = (ticket_comments.c.ticket_id == comment.ticket_id, ticket_comments.c.marker == comment.marker)
        self._connection.execute(update(ticket_comments).where(*key).values(columns))
