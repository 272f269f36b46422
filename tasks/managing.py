"""What is managed, and what was there before: kept in step with the policy and the newest snapshot.

The first complete snapshot of a managed resource is its baseline. A holder who is seen gone is doubted first, and explains the
access for a week longer: the answer may have been wrong, and what a wrong answer hides for a while is not new when it is back.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any, TypeVar

import structlog

from access.clock import Clock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.methods import Direction
from access.policy import Policy
from store.managed import Holder, Managed
from store.queries.differences import Differences
from store.queries.filled import Filling
from store.queries.shown import ShownResource
from store.unit_of_work import Store

_log = structlog.get_logger(__name__)

#: Rows that one transaction writes, so that no removal waits for it.
PIECE = 200

#: How long holders stay in a baseline who are not shown any more.
_DOUBTED_FOR = timedelta(days=7)

T = TypeVar("T")


def pieces(rows: Iterable[T], size: int = PIECE) -> Iterator[list[T]]:
    """The rows, as many at a time as one transaction writes."""
    left = iter(rows)
    while piece := list(islice(left, size)):
        yield piece


def refs_of(system: System, resource: ShownResource) -> Sequence[EntitlementRef]:
    """The entitlement of a resource by ids, and by names where it has them."""
    kind = ResourceKind(resource.kind)
    ids = tuple(resource.id.split("/", 1)) if kind is ResourceKind.PROJECT_ROLE else (resource.id,)
    ref, names = EntitlementRef(system, kind, ids), _names(resource)
    return [ref, EntitlementRef(system, kind, tuple(map(str, names)))] if all(names) else [ref]


def title_of(resource: ShownResource) -> str:
    """The name of a resource for people; of a role behind the key of its project."""
    return ": ".join(name for name in _names(resource) if name)


def _names(resource: ShownResource) -> tuple[str | None, ...]:
    is_role = resource.kind == ResourceKind.PROJECT_ROLE
    return (resource.parent_key, resource.name) if is_role else (resource.name,)


class Managing:
    """Keeps managed resources and baselines."""

    def __init__(self, store: Store, clock: Clock, policy: Policy) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy

    def update_resources(self, system: System, shown: Iterable[ShownResource], filling: Filling) -> None:
        """Manage what policy says of the resources that a snapshot shows; ``filling`` is which groups fill them."""
        with self._store.read() as work:
            known = {(each.kind, each.resource): each for each in work.managed.of(system)}
        new: list[dict[str, Any]] = []
        changed: list[tuple[int, dict[str, Any]]] = []
        over: list[int] = []
        for resource in shown:
            was = known.pop((resource.kind, resource.id), None)
            wanted = self._wanted(system, resource, filling)
            if wanted is None:
                over += [] if was is None else [was.id]
            elif was is None:
                new.append(wanted)
            elif difference := {name: value for name, value in wanted.items() if _stored(was, name) != value}:
                changed.append((was.id, difference))
        changed += [(each.id, {"gone": True}) for each in known.values() if not each.gone]
        self._write(new, changed, over)

    def take_baselines(self, system: System, differences: Differences, run_id: str) -> int:
        """Note who holds what is managed newly; how many resources that is."""
        with self._store.read() as work:
            lacking = [each.id for each in work.managed.of(system) if each.baseline_at is None and not each.gone]
        holders = 0
        for numbers in pieces(lacking):
            for some in pieces(differences.holders(numbers)):
                holders += len(some)
                with self._store.write() as work:
                    work.managed.add_holders(some)
            now = self._clock.now()
            with self._store.write() as work:
                work.managed.end_baseline(numbers, run_id=run_id, now=now)
        if lacking:
            with self._store.write() as work:
                work.audit.record(
                    "baseline.taken",
                    "sync_run",
                    run_id,
                    now=self._clock.now(),
                    system=str(system),
                    resources=len(lacking),
                    holders=holders,
                )
            _log.info("baseline.taken", system=str(system), resources=len(lacking), holders=holders)
        return len(lacking)

    def update_baselines(self, differences: Differences) -> None:
        """Doubt who is gone from the baselines, and take out who has been gone for a week."""
        now = self._clock.now()
        gone: list[Holder] = []
        doubted: list[Holder] = []
        for number, kind, holder, doubted_at in differences.left_baseline():
            if doubted_at is None:
                doubted.append((number, kind, holder))
            elif doubted_at <= now - _DOUBTED_FOR:
                gone.append((number, kind, holder))
        back = list(differences.back_in_baseline())
        for some in pieces(back):
            with self._store.write() as work:
                work.managed.doubt_holders(some, since=None)
        for some in pieces(doubted):
            with self._store.write() as work:
                work.managed.doubt_holders(some, since=now)
        for some in pieces(gone):
            with self._store.write() as work:
                work.managed.remove_holders(some)

    def _wanted(self, system: System, resource: ShownResource, filling: Filling) -> dict[str, Any] | None:
        """The row of a resource; None when policy does not manage it."""
        refs = refs_of(system, resource)
        if not self._policy.manages(*refs):
            return None
        rule = self._policy.profile_for(*refs)
        return {
            "system": str(system),
            "kind": resource.kind,
            "resource": resource.id,
            "entitlement": str(refs[0]),
            "title": title_of(resource),
            "profile": str(rule.profile),
            "auto": rule.auto,
            "ticket": rule.ticket,
            "gone": False,
            "owner": self._policy.owner_of(*refs),
            "fed_by": self._fed_by(refs, filling),
            "of_product": resource.of_product,
        }

    def _fed_by(self, refs: Sequence[EntitlementRef], filling: Filling) -> str | None:
        """The group of the directory that fills a Jira group: as policy names it, else as it is proven."""
        if (refs[0].system, refs[0].kind) != (System.JIRA, ResourceKind.GROUP):
            return None
        rule = self._policy.rule_for(*refs, direction=Direction.GIVE)
        if rule is not None and rule.fed_by is not None:
            return filling.named(rule.fed_by)
        return filling.proven.get(refs[0].path[0])

    def _write(
        self, new: Sequence[dict[str, Any]], changed: Sequence[tuple[int, dict[str, Any]]], over: Sequence[int]
    ) -> None:
        for rows in pieces(new):
            with self._store.write() as work:
                work.managed.add(rows)
        for some in pieces(changed):
            with self._store.write() as work:
                for number, columns in some:
                    work.managed.set(number, **columns)
        for numbers in pieces(over, 20):
            deleted = 1
            while deleted:
                with self._store.write() as work:
                    deleted = work.managed.forget_baselines(numbers, limit=PIECE)
            with self._store.write() as work:
                work.managed.forget(numbers)


def _stored(was: Managed, name: str) -> Any:
    value = getattr(was, name)
    return str(value) if name in ("system", "entitlement", "profile") else value
