"""The smallest engine that drives a reader: a snapshot in memory, each part read again while it shifts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from access.entitlements import ResourceKind
from connectors.reading import (
    AccountRow,
    GrantRow,
    Incomplete,
    Part,
    PrincipalKind,
    Reader,
    ReadPlan,
    ResourceRow,
    Row,
    Shifted,
)

_READINGS = 4


class Snapshot:
    """What a run found, by part; the catalogue of its later stages, too. ``read`` names the parts that were not kept."""

    def __init__(self, plan: ReadPlan) -> None:
        self.plan = plan
        self.parts: dict[str, list[Row]] = {}
        self.read: list[str] = []
        self.calls: Counter[str] = Counter()

    @property
    def rows(self) -> list[Row]:
        return [row for rows in self.parts.values() for row in rows]

    @property
    def accounts(self) -> dict[str, AccountRow]:
        return {row.id: row for row in self.rows if isinstance(row, AccountRow)}

    @property
    def all_grants(self) -> set[GrantRow]:
        found = [row for row in self.rows if isinstance(row, GrantRow)]
        assert len(found) == len(set(found)), "a grant was read twice"
        return set(found)

    def grants(self, kind: ResourceKind, through: PrincipalKind = PrincipalKind.ACCOUNT) -> list[tuple[str, str]]:
        return sorted(
            (row.resource, row.principal)
            for row in self.rows
            if isinstance(row, GrantRow) and row.kind is kind and row.principal_kind is through
        )

    def members(self, group_id: str) -> set[str]:
        return {account for group, account in self.grants(ResourceKind.GROUP) if group == group_id}

    def actors(self, project_id: str, role_id: int | str) -> set[tuple[PrincipalKind, str]]:
        path = f"{project_id}/{role_id}"
        return {(row.principal_kind, row.principal) for row in self.all_grants if row.resource == path}

    def resources(self, kind: ResourceKind) -> Iterator[ResourceRow]:
        found = [row for row in self.rows if isinstance(row, ResourceRow) and row.kind is kind]
        yield from sorted(found, key=lambda row: row.id)

    def resource(self, kind: ResourceKind, ident: str) -> ResourceRow:
        return next(row for row in self.resources(kind) if row.id == ident)

    def count(self, kind: ResourceKind) -> int:
        return len(list(self.resources(kind)))

    @property
    def total(self) -> int:
        return self.calls.total()

    def touches(self, name: str) -> bool:
        return any(name == one or (one.endswith("/") and name.startswith(one)) for one in self.plan.touched)


def take(
    reader: Reader,
    *,
    last: Snapshot | None = None,
    since: datetime | None = None,
    now: datetime | None = None,
    between: Callable[[int], None] = lambda _stage: None,
) -> Snapshot:
    """A snapshot; with ``last``, of what changed ``since``. ``between`` happens before each stage is read."""
    now = now or datetime.now(UTC)
    reader.prove()
    snapshot = Snapshot(reader.plan(previous=None if last is None else since or now, now=now))
    stage = 0
    while (parts := reader.parts(snapshot.plan, stage, snapshot)) is not None:
        found: dict[str, list[Row]] = {}
        parts = list(parts)
        between(stage)
        for part in parts:
            assert part.name not in found | snapshot.parts
            kept = None if last is None or snapshot.plan.full or snapshot.touches(part.name) else last.parts
            if kept is not None and part.name in kept:
                found[part.name] = kept[part.name]
            else:
                found[part.name] = read_part(reader, snapshot.plan, part)
                snapshot.read.append(part.name)
        snapshot.parts |= found
        stage += 1
    return snapshot


def read_part(reader: Reader, plan: ReadPlan, part: Part) -> list[Row]:
    """A part, read again while it shifts."""
    for _ in range(_READINGS):
        try:
            return [row for page in reader.read(plan, part) for row in page]
        except Shifted:
            continue
    raise Incomplete(f"{part.name} changed every time")
