"""Which method memberships are read by: the one with the fewest calls that proves itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from access.failures import Permanent, Transient
from connectors.jumpcloud.reading.lists import Lists
from connectors.jumpcloud.reading.methods import MembershipMethod
from connectors.jumpcloud.reading.reports import Reports, Unusable
from connectors.jumpcloud.reading.searching import why_not_search
from httpclient import Fetcher, HttpClient

#: Groups from which on a report costs so many fewer calls that its wait is worth it.
_MANY_GROUPS = 50

#: From this status on a failure is the server's own.
_SERVER_ERRORS = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, what the reader has to remember of it, and why it is not a better one."""

    method: MembershipMethod
    state: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class Chooser:
    """Chooses, and remembers what it chose as long as the process lives."""

    def __init__(
        self, asked: MembershipMethod, client: HttpClient, fetching: Fetcher, lists: Lists, reports: Reports
    ) -> None:
        self._asked = asked
        self._client = client
        self._fetching = fetching
        self._lists = lists
        self._reports = reports
        self._known: MembershipMethod | None = None

    def remember(self, method: MembershipMethod) -> None:
        """Memberships have been read by this method."""
        self._known = method

    def choose(self, *, now: datetime, full: bool, memberships: bool) -> Choice:
        """The method, proven anew for a full pass and whenever ``memberships`` will be read by what had to prove itself.

        Without a call when the last choice is known and still good.
        """
        if not full and self._known is not None and (not memberships or self._known is MembershipMethod.LISTING):
            return Choice(self._known)
        choice = self._best(now, memberships=memberships)
        self._known = choice.method
        return choice

    def _best(self, now: datetime, *, memberships: bool) -> Choice:
        notes: list[str] = []
        if self._asked in {MembershipMethod.SEARCH, MembershipMethod.AUTO}:
            reason = why_not_search(self._lists, self._client, self._fetching)
            if reason is None:
                return Choice(MembershipMethod.SEARCH)
            notes.append(f"Memberships are not read by search: {reason}.")
        if self._asked is MembershipMethod.REPORT or (self._asked is MembershipMethod.AUTO and self._many_groups()):
            if not memberships:
                return Choice(MembershipMethod.REPORT, notes=tuple(notes))
            state, reason = self._order(now)
            if reason is None:
                return Choice(MembershipMethod.REPORT, state, tuple(notes))
            notes.append(f"Memberships are not read by report: {reason}.")
        return Choice(MembershipMethod.LISTING, notes=tuple(notes))

    def _many_groups(self) -> bool:
        return (self._lists.count_groups() or 0) >= _MANY_GROUPS

    def _order(self, now: datetime) -> tuple[Mapping[str, Any], str | None]:
        try:
            return {"report": self._reports.order(), "ordered_at": now.isoformat()}, None
        except Unusable as reason:
            return {}, str(reason)
        except Permanent as refusal:
            return {}, f"it was refused ({refusal.status})"
        except Transient as failure:
            if failure.status is None or failure.status < _SERVER_ERRORS:
                raise
            return {}, f"it could not be ordered ({failure.status})"
