"""Reconciliation: compares each complete snapshot with what should be, keeps the findings, and makes plans for them.

Everything is read first, in the database and of one moment. It is written in small transactions, so that removals never wait.
The snapshot of a run that failed is none, and nothing is compared while a restore is under way.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog

from access.clock import Clock
from access.entitlements import System
from access.findings import WATCHED, Difference, Finding, FindingKind, React, react
from access.plans import Line, PlanKind
from access.policy import Policy
from access.snapshots import Snapshot
from store.findings import Reconciled
from store.plans import NUMBERS
from store.queries.differences import Differences
from store.queries.shown import Shown
from store.unit_of_work import Store
from tasks.attribution import Attributing, ReadLog, no_log
from tasks.certificates import certificate_of
from tasks.digests import Digests
from tasks.managing import PIECE, Managing, pieces
from tasks.plans import add_plan

_log = structlog.get_logger(__name__)

#: How long one process may be at a system and say nothing before another takes over.
_LEASE = timedelta(minutes=15)

#: New findings of one run. More are found by the next: so many differences are a cause, and not so many cases.
_MOST_NEW = 20_000

#: Findings that one transaction writes, each with its row of the audit.
_WRITTEN = 100

#: Findings that are looked up together when plans are made.
_LOOKED_AT = 500

#: How far back the log is asked about what the first comparison of all finds.
_FIRST_LOOK = timedelta(days=1)


class Superseded(Exception):  # noqa: N818 - an event: a newer snapshot is compared instead
    """A newer snapshot came while the last was compared."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it. ``why_not``: why nothing was compared; ``cut``: there are more differences than were taken up."""

    system: System
    run_id: str | None = None
    found: int = 0
    closed: int = 0
    baselines: int = 0
    plans: Sequence[str] = ()
    why_not: str | None = None
    cut: bool = False
    counts: Mapping[str, int] = field(default_factory=dict)


class Reconciliation:
    """Compares snapshots with claims."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        policy: Policy,
        *,
        attribution: ReadLog = no_log,
        most_new: int = _MOST_NEW,
    ) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._attributing = Attributing(store, clock, attribution)
        self._most_new = most_new
        self._managing = Managing(store, clock, policy)
        self._digests = Digests(store, clock)

    def due(self) -> Sequence[System]:
        """The systems with a snapshot that was not compared by the policy of today."""
        return [system for system in System if self._is_due(system)]

    def run_due(self) -> None:
        """Compare what is due; safe with any number of processes."""
        for system in self.due():
            self.reconcile(system)

    def reconcile(self, system: System, *, maker: str | None = None) -> Outcome:
        """Compare the newest snapshot of a system, unless that was done, and plan what is to be done about its findings.

        ``maker`` is who asked for it by command: also what a plan before did not mend is planned again.
        """
        with self._store.read() as work:
            if work.restores.under_way():
                return Outcome(system, why_not="A restore is under way.")
            snapshot = work.snapshots.current(system)
            before = work.findings.reconciled(system)
        if snapshot is None:
            return Outcome(system, why_not="There is no complete snapshot yet. Use 'provisor sync'.")
        policy = _fingerprint(self._policy)
        is_new = before is None or (before.run_id, before.policy) != (snapshot.run_id, policy)
        if not is_new and maker is None:
            return Outcome(system, snapshot.run_id, why_not="It was compared before.")
        with self._leased(system) as mine:
            if not mine:
                return Outcome(system, why_not="Another process is at it.")
            try:
                return self._reconcile(snapshot, before, policy, maker=maker, is_new=is_new)
            except Superseded:
                return Outcome(system, why_not="A newer snapshot came meanwhile.")

    def _is_due(self, system: System) -> bool:
        with self._store.read() as work:
            snapshot, before = work.snapshots.current(system), work.findings.reconciled(system)
            if snapshot is None or work.restores.under_way():
                return False
        policy = _fingerprint(self._policy)
        if before is None:
            return True
        held = before.lease_until is not None and before.lease_until > self._clock.now()
        return not held and (before.run_id, before.policy) != (snapshot.run_id, policy)

    @contextmanager
    def _leased(self, system: System) -> Iterator[bool]:
        with self._store.write() as work:
            mine = work.findings.take_lease(system, now=self._clock.now(), lasting=_LEASE)
        try:
            yield mine
        finally:
            if mine:
                with self._store.write() as work:
                    work.findings.give_lease_back(system)

    def _reconcile(
        self, snapshot: Snapshot, before: Reconciled | None, policy: str, *, maker: str | None, is_new: bool
    ) -> Outcome:
        system, found, closed, baselines, cut = snapshot.system, 0, 0, 0, False
        if is_new:
            since = before.began_at if before is not None and before.began_at else snapshot.began_at - _FIRST_LOOK
            baselines = self._update_managed(snapshot, since)
            new, over, figures, cut = self._compare(snapshot, since)
            found = self._add(self._attributing.ask(new, snapshot, since=since), snapshot)
            closed = self._close(over, before)
            with self._store.write() as work:
                # With more differences than were taken up, the same snapshot is compared again.
                done = {} if cut else {"run_id": snapshot.run_id, "policy": policy}
                now = self._clock.now()
                work.findings.note_reconciled(system, **done, began_at=snapshot.began_at, reconciled_at=now, **figures)
        plans = self._plan(snapshot, maker=maker)
        with self._store.read() as work:
            counts = work.findings.counts(system)
        if is_new:
            self._digests.tell()
            _log.info("reconciled", system=str(system), found=found, closed=closed, plans=plans, open=counts)
        return Outcome(system, snapshot.run_id, found, closed, baselines, plans, cut=cut, counts=counts)

    @contextmanager
    def _one_moment(self, snapshot: Snapshot, since: datetime) -> Iterator[Differences]:
        """The differences as of one moment. Raises ``Superseded`` when there is a newer snapshot by then."""
        with self._store.database.one_moment() as connection:
            shown = Shown(snapshot.system, snapshot.run_id, snapshot.began_at, since)
            differences = Differences(connection, shown)
            if not differences.is_current():
                raise Superseded
            yield differences

    def _update_managed(self, snapshot: Snapshot, since: datetime) -> int:
        with self._one_moment(snapshot, since) as differences:
            self._managing.update_resources(snapshot.system, differences.resources(), differences.filling())
        with self._one_moment(snapshot, since) as differences:
            baselines = self._managing.take_baselines(snapshot.system, differences, snapshot.run_id)
        with self._one_moment(snapshot, since) as differences:
            self._managing.update_baselines(differences)
        return baselines

    def _compare(self, snapshot: Snapshot, since: datetime) -> tuple[list[Difference], list[int], dict[str, int], bool]:
        """What is new, the numbers of the findings that are over, what the snapshot shows, and whether there is more."""
        with self._store.read() as work:
            known = work.findings.open_keys(snapshot.system)
        new: list[Difference] = []
        cut = False
        with self._one_moment(snapshot, since) as differences:
            for each in differences.all():
                if known.pop((str(each.kind), each.key), None) is not None:
                    continue
                cut = len(new) >= self._most_new
                if not cut:
                    new.append(each)
            figures = {"managed_grants": differences.managed_grants(), "people": differences.people()}
        return new, list(known.values()), figures, cut

    def _add(self, new: Sequence[tuple[Difference, dict[str, Any]]], snapshot: Snapshot) -> int:
        found = 0
        for some in pieces(new, _WRITTEN):
            now = self._clock.now()
            with self._store.write() as work:
                stored = work.findings.add(some, run_id=snapshot.run_id, now=now)
                for each in stored:
                    work.audit.record(
                        "finding.opened",
                        "finding",
                        str(each.id),
                        now=now,
                        request_id=each.request_id,
                        kind=str(each.kind),
                        account=each.account_title,
                        detail=each.detail,
                        done_by=each.done_by,
                        not_known=each.not_known,
                    )
            found += len(stored)
        return found

    def _close(self, over: Sequence[int], before: Reconciled | None) -> int:
        for numbers in pieces(over, _WRITTEN):
            now = self._clock.now()
            with self._store.write() as work:
                last = None if before is None else before.began_at
                work.findings.close(numbers, why="The snapshot shows it no more.", last_seen_at=last, now=now)
                for number in numbers:
                    work.audit.record("finding.closed", "finding", str(number), now=now)
        return len(over)

    def _plan(self, snapshot: Snapshot, *, maker: str | None) -> list[str]:
        """Make plans of what policy does about findings: one that runs by itself, and one to be approved."""
        self._drop_outdated(snapshot.system)
        lines: dict[bool, list[Line]] = {True: [], False: []}
        for finding, reaction in self._reactions(snapshot.system, again=maker is not None):
            lines[reaction.automatic].append(self._line(finding, reaction))
        return [self._store_plan(snapshot, some, automatic=auto, maker=maker) for auto, some in lines.items() if some]

    def _drop_outdated(self, system: System) -> None:
        """Drop the lines of plans whose findings are over."""
        while True:
            with self._store.read() as work:
                outdated = work.findings.outdated_lines(system, limit=PIECE)
            if not outdated:
                return
            with self._store.write() as work:
                work.plans.drop_lines(outdated, note="The difference is gone.")

    def _reactions(self, system: System, *, again: bool) -> Iterator[tuple[Finding, React]]:
        after = 0
        while True:
            with self._store.read() as work:
                found = work.findings.undecided(
                    system, now=self._clock.now(), again=again, after=after, limit=_LOOKED_AT
                )
                named = {str(each.entitlement) for each in found if each.entitlement is not None}
                managed = work.managed.by_entitlement(sorted(named)) if named else {}
            for each in found:
                resource = managed.get(str(each.entitlement))
                rule = WATCHED if resource is None else resource.rule
                reaction = react(each.kind, rule, ours=each.may_be_ours, group=each.holder_is_group)
                if reaction is not None:
                    yield each, reaction
            if len(found) < _LOOKED_AT:
                return
            after = found[-1].id

    def _line(self, finding: Finding, reaction: React) -> Line:
        assert finding.entitlement is not None
        return Line(
            reaction=reaction.reaction,
            system=finding.system,
            account_id=finding.account_id,
            account_title=finding.account_title,
            title=finding.title,
            reason=f"{finding.kind} access: {reaction.why}",
            entitlement=finding.entitlement,
            finding_id=str(finding.id),
            claim_id=finding.claim_id if finding.kind is FindingKind.MISSING else None,
            weight=int(self._policy.gives_power(finding.entitlement)),
        )

    def _store_plan(self, snapshot: Snapshot, lines: Sequence[Line], *, automatic: bool, maker: str | None) -> str:
        """Store the plan piece by piece. It is automatic only once it is complete."""
        count = f"{len(lines):,} finding" + ("s" if len(lines) > 1 else "")
        how = "mend by itself" if automatic else "to be approved"
        first, *rest = pieces(lines)
        with self._store.read() as work:
            certificate = certificate_of(work, snapshot)
        with self._store.write(holding=NUMBERS) as work:
            if work.snapshots.current(snapshot.system) != snapshot:
                raise Superseded
            plan = add_plan(
                work,
                PlanKind.RECONCILE,
                f"{snapshot.system.label}: {count}, {how}",
                first,
                now=self._clock.now(),
                maker=maker,
                automatic=automatic and not rest,
                certificate={str(snapshot.system): certificate},
            )
        written = len(first)
        for some in rest:
            with self._store.write() as work:
                work.plans.add_lines(plan.id, some, after=written)
            written += len(some)
        if automatic and rest:
            with self._store.write() as work:
                work.plans.set(plan.id, automatic=True)
        return plan.id


def _fingerprint(policy: Policy) -> str:
    """A digest of what policy says of reconciliation."""
    rules = [(rule.pattern, str(rule.give), str(rule.fed_by)) for rule in policy.rules]
    said = ([*policy.manage], [*policy.profiles], [*policy.owners], rules)
    return hashlib.sha256(repr(said).encode()).hexdigest()
