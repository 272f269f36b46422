"""Exceptions: findings that a person leaves as they are, by a claim with an owner, or until a date with a reason."""

from __future__ import annotations

from datetime import datetime, timedelta

from access.clock import Clock
from access.durations import iso
from access.findings import ADOPTION, Finding
from access.message import AccessRequest
from store.requests import ORDER, Received
from store.unit_of_work import Store, UnitOfWork
from tasks.decisions import NotPossible
from tasks.intake import Intake
from tasks.publisher import Publisher

_SEE = "See 'provisor findings list'."


class Exceptions:
    """Makes exceptions; ``by`` names who. All raise ``NotPossible``."""

    def __init__(self, store: Store, clock: Clock, intake: Intake, publisher: Publisher, *, by: str) -> None:
        self._store = store
        self._clock = clock
        self._intake = intake
        self._publisher = publisher
        self._by = by

    def adopt(self, number: int, *, owner: str, reason: str, lasting: timedelta | None = None) -> str:
        """Have the access that was found held by a claim of its own; the id of the request for it.

        ``lasting``: the access is taken away after that; None for standing access.
        """
        now = self._clock.now()
        with self._store.write(holding=ORDER) as work:
            finding = _open(work, number)
            if not finding.kind.is_access or finding.holder_is_group or finding.entitlement is None:
                raise NotPossible(f"Nothing is adopted of a finding of this kind: {finding.kind}.", _SEE)
            message = self._message(work, finding, owner, reason, lasting)
            wake_ups = self._intake.add(work, [Received(message, ADOPTION, now)])
            work.findings.set(number, adopted_by_request=message.id, ignored_until=None)
            work.audit.record(
                "finding.adopted",
                "finding",
                str(number),
                now=now,
                request_id=message.id,
                actor=self._by,
                owner=owner,
                reason=reason,
            )
        self._publisher.send(wake_ups)
        return message.id

    def ignore(self, number: int, *, until: datetime, reason: str) -> None:
        """Leave the difference as it is until then."""
        now = self._clock.now()
        if until <= now:
            raise NotPossible("That is over already.", "Name a moment to come.")
        with self._store.write() as work:
            _open(work, number)
            work.findings.set(number, ignored_until=until, ignored_by=self._by, ignored_why=reason)
            work.audit.record(
                "finding.ignored",
                "finding",
                str(number),
                now=now,
                actor=self._by,
                until=until.isoformat(),
                reason=reason,
            )

    def _message(
        self, work: UnitOfWork, finding: Finding, owner: str, reason: str, lasting: timedelta | None
    ) -> AccessRequest:
        ids = [f"adopt-{finding.id}", *(f"adopt-{finding.id}.{count}" for count in range(2, 100))]
        there = work.requests.fingerprints(ids)
        return AccessRequest.model_validate(
            {
                "id": next(each for each in ids if each not in there),
                "action": "grant",
                "subject": {"id": finding.account_id},
                "entitlement": str(finding.entitlement),
                "reason": reason,
                "requested_by": owner,
                "approved_by": self._by,
            }
            | ({} if lasting is None else {"duration": iso(lasting)})
        )


def _open(work: UnitOfWork, number: int) -> Finding:
    finding = work.findings.get(number)
    if finding is None:
        raise NotPossible("There is no such finding.", _SEE)
    if finding.closed_at is not None:
        raise NotPossible("The finding is closed already.", _SEE)
    return finding
