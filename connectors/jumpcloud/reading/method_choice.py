"""Chooses the method of reading memberships: the one with the fewest calls that passes its probe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from access.failures import Permanent, Transient
from connectors.jumpcloud.reading.list_calls import ListCalls
from connectors.jumpcloud.reading.report_client import ReportClient, ReportUnusable
from connectors.jumpcloud.reading.search_probe import search_fault
from httpclient import Fetcher, HttpClient

#: From so many groups on, a report saves enough calls to be worth its wait.
_MANY_GROUPS = 50

#: Statuses from this one on are the server's failures.
_SERVER_ERRORS = 500


class MembershipMethod(StrEnum):
    """How Provisor reads memberships."""

    #: The method with the fewest calls that passes its probe.
    AUTO = "auto"
    #: The members of each group, by published calls only [spec]: at least one call for each group.
    LISTING = "listing"
    #: The report of users and user groups: a few calls for any number of groups. JumpCloud makes it while Provisor reads on.
    REPORT = "report"
    #: The search for users, which also tells the groups of each [spec, contents assumed]: no call besides those for users.
    SEARCH = "search"


@dataclass(frozen=True, slots=True)
class Choice:
    """A method, the reader's state for it, and why cheaper methods are out."""

    method: MembershipMethod
    state: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class MethodChooser:
    """Chooses, and remembers its choice while the process lives."""

    def __init__(
        self, asked: MembershipMethod, client: HttpClient, fetching: Fetcher, lists: ListCalls, reports: ReportClient
    ) -> None:
        self._asked = asked
        self._client = client
        self._fetching = fetching
        self._lists = lists
        self._reports = reports
        self._known: MembershipMethod | None = None

    def remember(self, method: MembershipMethod) -> None:
        """Keep this method for plans of changes."""
        self._known = method

    def choose(self, *, now: datetime, full: bool, memberships: bool) -> Choice:
        """The method. Probes again for a full pass, and when ``memberships`` changed and the last method needed a probe.

        Makes no call otherwise, as long as there was a choice before.
        """
        if not full and self._known is not None and (not memberships or self._known is MembershipMethod.LISTING):
            return Choice(self._known)
        choice = self._best(now, memberships=memberships)
        self._known = choice.method
        return choice

    def _best(self, now: datetime, *, memberships: bool) -> Choice:
        notes: list[str] = []
        if self._asked in {MembershipMethod.SEARCH, MembershipMethod.AUTO}:
            reason = search_fault(self._lists, self._client, self._fetching)
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
        except ReportUnusable as reason:
            return {}, str(reason)
        except Permanent as refusal:
            return {}, f"it was refused ({refusal.status})"
        except Transient as failure:
            if failure.status is None or failure.status < _SERVER_ERRORS:
                raise
            return {}, f"it could not be ordered ({failure.status})"
