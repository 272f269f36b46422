from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from simulator.faults import Bucket
from simulator.jumpcloud.ids import ObjectIds
from simulator.jumpcloud.journal import Journal
from simulator.jumpcloud.links import Links
from simulator.jumpcloud.records import (
    Actor,
    Admin,
    Application,
    Directory,
    Group,
    Key,
    Report,
    Role,
    ServiceAccount,
    User,
)
from simulator.jumpcloud.roles import BUILT_IN_ROLES
from simulator.jumpcloud.switches import Switches
from simulator.jumpcloud.tables import Table

ORGANIZATION_ID = "5f0e1d2c3b4a59687766554f"
API_KEY = "jca_simulatorAdministratorWithBilling000"
"""The keys of the two administrators that every fresh world has."""
READ_ONLY_KEY = "jca_simulatorReadOnly0000000000000000000"
CLIENT_ID = "simulator-service-account"
CLIENT_SECRET = "simulator-service-secret"  # noqa: S105 - the simulator's own, printed at start


class World:
    """One JumpCloud organization: its people, groups, applications, keys and event log.

    Without `founded` nobody can get in until administrators and keys are loaded.
    """

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.time,
        organization_id: str = ORGANIZATION_ID,
        founded: bool = True,
    ) -> None:
        self.clock = clock
        self.switches = Switches()
        self.ids = ObjectIds()
        self.organization_id = organization_id
        self.organization_name = "Example Corp"
        self.organization_created = int(clock() * 1000)
        self.users: Table[User] = Table(clock, self._filter_lag)
        self.admins: Table[Admin] = Table(clock)
        self.groups: Table[Group] = Table(clock, self._filter_lag)
        self.applications: Table[Application] = Table(clock)
        self.directories: Table[Directory] = Table(clock)
        self.roles: Table[Role] = Table(clock)
        self.members = Links(clock, self._filter_lag)
        """Group -> user."""
        self.app_groups = Links(clock)
        """Application -> group."""
        self.app_users = Links(clock)
        """Application -> user."""
        self.user_ids: dict[str, str] = {}
        """By user name and by e-mail address, both in lower case."""
        self.group_ids: dict[str, str] = {}
        """By name without regard to case."""
        self.keys: dict[str, Key] = {}
        self.service_accounts: dict[str, ServiceAccount] = {}
        self.tokens: dict[str, tuple[str, float]] = {}
        """Token -> client id, end."""
        self.suggestions: dict[str, dict[str, str]] = {}
        """Group -> user -> "add" or "remove"."""
        self.unlocks_due: dict[str, float] = {}
        """User -> when the lock ends."""
        self.organizations: dict[str, World] = {}
        """The other organizations that keys of several organizations open, by id."""
        self.by_hand: dict[tuple[str, str], str] = {}
        """(group, user) -> op that a rule will take back."""
        self.reverts_due: list[tuple[float, str]] = []
        self.drifted = 0
        """Times that a list drifted between pages."""
        self.turns = 0
        """How far unsorted lists have turned."""
        self.events = 0
        """Events so far, lost ones too."""
        self.requests = 0
        """Counted only while outages are asked for."""
        self.buckets: dict[tuple[str, float, float], Bucket] = {}
        self.reports: dict[str, Report] = {}
        self.journal = Journal(clock, self.ids, self.organization_id)
        self.roles.fill(BUILT_IN_ROLES)
        if founded:
            self._found()

    def _filter_lag(self) -> float:
        return self.switches.filter_lag_ms / 1000

    def _found(self) -> None:
        """Every organization begins with somebody who can get in."""
        now = self.clock()
        for name, role, key in (
            ("owner", "Administrator With Billing", API_KEY),
            ("auditor", "Read Only", READ_ONLY_KEY),
        ):
            admin = Admin(
                id=self.ids.next(),
                email=f"{name}@example.com",
                created=int(now * 1000),
                firstname=name.title(),
                lastname="Admin",
                role=role,
            )
            self.admins.put(admin)
            self.keys[key] = Key(key, admin.id, now)
        self.service_accounts[CLIENT_ID] = ServiceAccount(CLIENT_ID, (CLIENT_SECRET,), "Administrator")

    def later(self, ms: int | None = None) -> float:
        """Return the time from which reads see a change made now, after the consistency lag or another one."""
        lag = self.switches.consistency_lag_ms if ms is None else ms
        return self.clock() + lag / 1000 if lag else 0.0

    def record(self, event_type: str, by: Actor, **facts: Any) -> None:
        """Put an event into the log, unless it gets lost."""
        self.events += 1
        every = self.switches.events_lost_every
        if not every or self.events % every:
            self.journal.record(event_type, by, lag_ms=self.switches.event_lag_ms, **facts)

    def role_named(self, name: str) -> Role | None:
        """Return a role by its name, in any case."""
        return next((role for role in self.roles if role.name.casefold() == name.casefold()), None)

    def credentials(self) -> dict[str, str]:
        """Return the keys that a fresh world has, as far as they are still good."""
        known = {"api_key": API_KEY, "read_only_api_key": READ_ONLY_KEY}
        found = {name: key for name, key in known.items() if key in self.keys}
        if CLIENT_ID in self.service_accounts:
            found |= {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return {"org_id": self.organization_id, **found}
