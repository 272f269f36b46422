"""Access until an issue is closed: looks at those issues, and ends the claims whose issue is closed.

An issue that cannot be read ends nothing: the claim lasts until its own end, which it always has, and what keeps the issue
from being read is said.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from access.failures import Failure
from access.lifecycle import ClaimState
from access.operations import Claim, Lane
from store.awaited_issues import AwaitedIssue
from store.unit_of_work import UnitOfWork
from tasks import claims
from tasks.services import Services
from ticketing.ports import Phase, TicketProvider, TicketSnapshot

_log = structlog.get_logger(__name__)

#: How many issues one call reads (the largest bulk fetch of Jira [spec]).
_BATCH = 100


class IssueWatch:
    """Looks at the issues that claims wait for, each every ``poll``."""

    def __init__(self, services: Services, provider: TicketProvider, *, poll: timedelta) -> None:
        self._services = services
        self._provider = provider
        self._poll = poll

    def follow(self) -> None:
        """Look at the issues that are due, as many at a time as one call reads."""
        while due := self._take_due():
            found = self._read([issue.issue_key for issue in due])
            for issue in due:
                self._judge(issue, found[issue.issue_key])
            if len(due) < _BATCH:
                return

    def _take_due(self) -> Sequence[AwaitedIssue]:
        """Issues to be read; those of claims that are over are forgotten."""
        with self._services.store.write() as work:
            if work.restores.under_way():
                return ()
            due = work.awaited_issues.take_due(now=self._services.clock.now(), again_after=self._poll, limit=_BATCH)
            over = {each.id for each in due if not _waits(work.claims.get(each.id))}
            for claim_id in over:
                work.awaited_issues.remove(claim_id)
        return [each for each in due if each.id not in over]

    def _read(self, keys: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        try:
            return self._provider.in_lane(Lane.REVOKE).read(keys)
        except Failure as failure:
            return dict.fromkeys(keys, failure)

    def _judge(self, issue: AwaitedIssue, seen: TicketSnapshot | Failure) -> None:
        if isinstance(seen, Failure):
            self._unreadable(issue, str(seen))
        elif seen.phase is Phase.GONE:
            self._unreadable(issue, "It was deleted, or is hidden from Provisor.")
        elif seen.phase is Phase.OPEN:
            with self._services.store.write() as work:
                work.awaited_issues.note(issue.id, None)
        else:
            self._closed(issue, seen)

    def _unreadable(self, issue: AwaitedIssue, why: str) -> None:
        now = self._services.clock.now()
        with self._services.store.write() as work:
            claim = work.claims.get(issue.id)
            work.awaited_issues.note(issue.id, why)
            if claim is not None and issue.error is None:
                _record(work, "issue_unreadable", claim, now=now, issue=issue.issue_key, why=why)
        _log.warning("claim.issue_unreadable", claim_id=issue.id, issue=issue.issue_key, why=why)

    def _closed(self, issue: AwaitedIssue, seen: TicketSnapshot) -> None:
        now = self._services.clock.now()
        with self._services.store.read() as work:
            found = work.claims.get(issue.id)
        if found is None:
            return
        with self._services.store.write(holding=found.access_key) as work:
            work.awaited_issues.remove(issue.id)
            claim = work.claims.get(issue.id)
            if claim is not None and claims.end_now(work, claim, now=now):
                _record(work, "issue_closed", claim, now=now, issue=issue.issue_key, status=seen.status)


def _waits(claim: Claim | None) -> bool:
    return claim is not None and claim.state is ClaimState.ACTIVE


def _record(work: UnitOfWork, event: str, claim: Claim, *, now: datetime, **detail: object) -> None:
    work.audit.record(f"claim.{event}", "claim", claim.id, now=now, request_id=claim.request_id, **detail)
