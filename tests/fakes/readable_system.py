"""A system that is read for snapshots: in memory, and as restless, broken or slow as a test wants it."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from access.entitlements import ResourceKind, System
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


@dataclass
class FakeReadableSystem:
    """Users and groups with members. ``when_read`` is called with a part's name before each of its pages.

    ``events`` are the parts that changed, for readings that are not full; None where the system tells of no changes.
    """

    users: list[str] = field(default_factory=list)
    members: dict[str, list[str]] = field(default_factory=dict)
    when_read: Callable[[str], None] = lambda _: None
    when_proved: Callable[[], None] = lambda: None
    events: Sequence[str] | None = None
    page: int = 3
    reads: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def system(self) -> System:
        return System.JUMPCLOUD

    def prove(self) -> str:
        self.when_proved()
        return "Acme"

    def plan(self, *, previous: datetime | None, now: datetime) -> ReadPlan:
        del now
        if previous is None or self.events is None:
            return ReadPlan("listing")
        return ReadPlan("listing", full=False, touched=list(self.events))

    def parts(self, plan: ReadPlan, stage: int, catalogue: Catalogue) -> list[Part] | None:
        del plan
        if stage == 0:
            return [Part("users", large=True), Part("groups")]
        if stage == 1:
            return [
                Part(f"members/{group.id}", {"group": group.id}) for group in catalogue.resources(ResourceKind.GROUP)
            ]
        return None

    def read(self, plan: ReadPlan, part: Part) -> Iterator[Sequence[Row]]:
        del plan
        with self._lock:
            self.reads[part.name] += 1
        rows = self._rows(part.name, part.about)
        for start in range(0, max(len(rows), 1), self.page):
            self.when_read(part.name)
            yield rows[start : start + self.page]

    def _rows(self, name: str, about: Mapping[str, str]) -> list[Row]:
        if name == "users":
            return [
                AccountRow(
                    user, AccountKind.USER, user.title(), AccountStatus.ACTIVE, user, f"{user}@example.com", "profile"
                )
                for user in self.users
            ]
        if name == "groups":
            return [ResourceRow(ResourceKind.GROUP, group, group.title()) for group in self.members]
        group = about["group"]
        return [
            GrantRow(ResourceKind.GROUP, group, PrincipalKind.ACCOUNT, user) for user in self.members.get(group, ())
        ]
