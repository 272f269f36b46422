"""Managed resources and their baselines in the store."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from access.entitlements import EntitlementRef, System
from access.findings import WATCHED, Profile, ProfileRule
from store.finding_tables import baseline, managed
from store.rows import from_row

#: A holder in a baseline: the number of the resource, the kind of holder, and its id.
Holder = tuple[int, str, str]


@dataclass(frozen=True, slots=True)
class Managed:
    """One managed resource. ``baseline_at`` is None until its baseline is complete; ``gone``: the newest snapshot lacks it.

    ``owner`` answers for it. Of a Jira group, ``fed_by`` is the JumpCloud group that fills it, and ``of_product`` says that Jira
    puts new accounts of a product into it.
    """

    id: int
    system: System
    kind: str
    resource: str
    entitlement: EntitlementRef
    title: str
    profile: Profile
    auto: bool
    ticket: bool
    gone: bool
    owner: str | None
    fed_by: str | None
    of_product: bool
    baseline_run_id: str | None
    baseline_at: datetime | None

    @property
    def rule(self) -> ProfileRule:
        """What is done about findings on it; those on a group that is filled elsewhere are only reported."""
        if self.fed_by is not None:
            return WATCHED
        return ProfileRule(str(self.entitlement), self.profile, self.auto, self.ticket)


class ManagedResources:
    """Managed resources, in the caller's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert

    def of(self, system: System) -> Iterator[Managed]:
        """All of a system."""
        found = select(managed).where(managed.c.system == str(system)).order_by(managed.c.id)
        return (from_row(Managed, row) for row in self._connection.execute(found).mappings())

    def by_entitlement(self, entitlements: Sequence[str]) -> dict[str, Managed]:
        """Those of these entitlements that are managed."""
        found = select(managed).where(managed.c.entitlement.in_(list(entitlements)))
        return {row["entitlement"]: from_row(Managed, row) for row in self._connection.execute(found).mappings()}

    def add(self, rows: Sequence[dict[str, Any]]) -> None:
        """Manage these from now on; they have no baseline yet."""
        if rows:
            self._connection.execute(self._insert(managed).on_conflict_do_nothing(), rows)

    def set(self, number: int, **columns: Any) -> None:
        """Write facts about one."""
        self._connection.execute(update(managed).where(managed.c.id == number).values(columns))

    def forget_baselines(self, numbers: Sequence[int], *, limit: int) -> int:
        """Delete holders of these, at most so many of each; how many."""
        deleted = 0
        for number in numbers:
            some = select(baseline.c.holder).where(baseline.c.managed_id == number).limit(limit).scalar_subquery()
            gone = delete(baseline).where(baseline.c.managed_id == number, baseline.c.holder.in_(some))
            deleted += self._connection.execute(gone).rowcount
        return deleted

    def forget(self, numbers: Sequence[int]) -> None:
        """Do not manage these any more. They have no baseline left."""
        self._connection.execute(delete(managed).where(managed.c.id.in_(list(numbers))))

    def add_holders(self, holders: Sequence[Holder]) -> None:
        """These were there before."""
        rows = [{"managed_id": number, "holder_kind": kind, "holder": holder} for number, kind, holder in holders]
        if rows:
            self._connection.execute(self._insert(baseline).on_conflict_do_nothing(), rows)

    def explain(self, holders: Sequence[tuple[Holder, str]]) -> None:
        """The system's own gave these the access, each with a clause on what did."""
        rows = [
            {"managed_id": number, "holder_kind": kind, "holder": holder, "cause": cause}
            for (number, kind, holder), cause in holders
        ]
        if rows:
            self._connection.execute(self._insert(baseline).on_conflict_do_nothing(), rows)

    def end_baseline(self, numbers: Sequence[int], *, run_id: str, now: datetime) -> None:
        """The baselines of these are complete."""
        mine = update(managed).where(managed.c.id.in_(list(numbers)))
        self._connection.execute(mine.values(baseline_run_id=run_id, baseline_at=now))

    def remove_holders(self, holders: Sequence[Holder]) -> None:
        """These are gone: when they come back, they were not there before."""
        if holders:
            self._connection.execute(delete(baseline).where(*_THIS), [_bound(each) for each in holders])

    def doubt_holders(self, holders: Sequence[Holder], *, since: datetime | None) -> None:
        """Whether these are gone is doubted since then; None: they are there."""
        if holders:
            rows = [_bound(each) | {"since": since} for each in holders]
            doubt = (
                update(baseline).where(*_THIS).values(doubted_at=bindparam("since", type_=baseline.c.doubted_at.type))
            )
            self._connection.execute(doubt, rows)


_THIS = (
    baseline.c.managed_id == bindparam("this_resource"),
    baseline.c.holder_kind == bindparam("this_kind"),
    baseline.c.holder == bindparam("this_holder"),
)


def _bound(holder: Holder) -> dict[str, Any]:
    return dict(zip(("this_resource", "this_kind", "this_holder"), holder, strict=True))
