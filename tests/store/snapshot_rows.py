"""Snapshots for tests: painted by the real engine from rows that a test names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from access.clock import ManualClock
from access.entitlements import ResourceKind, System
from access.snapshots import RunState, ShrinkGuard
from connectors.reading import (
    AccountKind,
    AccountRow,
    AccountStatus,
    Catalogue,
    GrantRow,
    Part,
    PrincipalKind,
    ReadPlan,
    ResourceRow,
    Row,
)
from store.unit_of_work import Store
from tasks.publisher import RecordingPublisher
from tasks.sync import Sync, SyncOptions
from tasks.sync_parts import PartReader

#: When the snapshots of tests are taken.
TAKEN = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


@dataclass
class SnapshotRows:
    """A system to be read: lists of accounts and resources, and one list of grants for each resource."""

    system: System
    rows: Sequence[Row]
    page: int = 500
    grants: dict[tuple[ResourceKind, str], list[GrantRow]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        for row in self.rows:
            if isinstance(row, GrantRow):
                self.grants[row.kind, row.resource].append(row)

    def prove(self) -> str:
        return "Acme"

    def plan(self, *, previous: datetime | None, now: datetime) -> ReadPlan:
        del previous, now
        return ReadPlan("rows", notes=["Nothing was left out."])

    def parts(self, plan: ReadPlan, stage: int, catalogue: Catalogue) -> list[Part] | None:
        del plan, catalogue
        if stage == 0:
            return [Part("accounts", large=True), Part("resources", large=True)]
        if stage == 1:
            return [Part(f"held/{kind}/{key}", {"kind": kind, "id": key}, large=True) for kind, key in self.grants]
        return None

    def read(self, plan: ReadPlan, part: Part) -> Iterator[Sequence[Row]]:
        del plan
        rows: Sequence[Row]
        if part.name == "accounts":
            rows = [row for row in self.rows if isinstance(row, AccountRow)]
        elif part.name == "resources":
            rows = [row for row in self.rows if isinstance(row, ResourceRow)]
        else:
            rows = self.grants[ResourceKind(part.about["kind"]), part.about["id"]]
        for start in range(0, len(rows), self.page):
            yield rows[start : start + self.page]


def store_snapshot(store: Store, *rows: SnapshotRows, at: datetime = TAKEN) -> None:
    """Take a snapshot of each."""
    clock = ManualClock(at)
    parts = PartReader(store, clock, ShrinkGuard(), concurrency=1, lease=timedelta(minutes=1))
    for each in rows:
        syncing = Sync(
            store,
            clock,
            RecordingPublisher(),
            readers={each.system: each},
            parts=parts,
            options=SyncOptions(),
            calls=lambda _: 0,
        )
        run_id = syncing.begin(each.system)
        syncing.work(run_id)
        with store.read() as work:
            run = work.sync_runs.get(run_id)
        assert run is not None
        assert run.state is RunState.COMPLETE, run.error
    parts.close()


def account(key: str, email: str | None = None, **more: Any) -> AccountRow:
    plain: dict[str, Any] = {
        "kind": AccountKind.USER,
        "title": key.title(),
        "status": AccountStatus.ACTIVE,
        "email": email,
        "email_source": "profile" if email else None,
    }
    return AccountRow(key, **(plain | more))


def group(key: str, name: str, *members: str) -> list[Row]:
    return [ResourceRow(ResourceKind.GROUP, key, name), *(holds(who, ResourceKind.GROUP, key) for who in members)]


def holds(
    who: str, kind: ResourceKind, resource: str, *, as_group: bool = False, since: datetime | None = None
) -> GrantRow:
    return GrantRow(kind, resource, PrincipalKind.GROUP if as_group else PrincipalKind.ACCOUNT, who, since)


def jumpcloud(**more: Any) -> SnapshotRows:
    """Ada, who is also the administrator Root, and Bob; both engineers, who have AWS; Bob has AWS himself, too."""
    aws = ResourceKind.APPLICATION
    rows: list[Row] = [
        account("ada", "Ada@Acme.example", username="ada", attributes={"admin": "root", "department": "Research"}),
        account("bob", "bob@acme.example", username="bob", status=AccountStatus.SUSPENDED),
        account("root", "root@acme.example", kind=AccountKind.ADMIN, title="Ada Root"),
        *group("eng", "Engineering", "ada", "bob"),
        *group("odd:50%", "=cmd|' /C calc'!A0", "ada"),
        ResourceRow(aws, "aws", "AWS"),
        holds("eng", aws, "aws", as_group=True),
        holds("bob", aws, "aws", since=TAKEN - timedelta(days=30)),
        ResourceRow(ResourceKind.ADMIN_ROLE, "r1", "Administrator"),
        holds("root", ResourceKind.ADMIN_ROLE, "r1"),
    ]
    return SnapshotRows(System.JUMPCLOUD, rows, **more)


def jira(**more: Any) -> SnapshotRows:
    """Ada, and somebody with the administrator's address; a project whose administrators are a group and Ada."""
    role = ResourceKind.PROJECT_ROLE
    rows: list[Row] = [
        account("j-ada", "ada@acme.EXAMPLE", kind=AccountKind.ATLASSIAN, title="Ada Lovelace", last_active=TAKEN),
        account("j-root", "root@acme.example", kind=AccountKind.ATLASSIAN, title="Röot 根"),
        account("j-eve", "eve@elsewhere.example", kind=AccountKind.ATLASSIAN, title="Eve"),
        *group("g-devs", "devs", "j-root"),
        ResourceRow(ResourceKind.PROJECT, "10000", "Payments", attributes={"key": "PAY"}),
        ResourceRow(role, "10000/10002", "Administrators", parent="10000"),
        holds("j-ada", role, "10000/10002"),
        holds("g-devs", role, "10000/10002", as_group=True),
    ]
    return SnapshotRows(System.JIRA, rows, **more)
