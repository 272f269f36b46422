import json
import time
from collections.abc import Callable, Mapping
from typing import Any

from simulator.faults import Bucket
from simulator.jumpcloud import acts, documents, snapshot
from simulator.jumpcloud.ids import ObjectIds
from simulator.jumpcloud.journal import Journal
from simulator.jumpcloud.links import Links
from simulator.jumpcloud.records import (
    CONSOLE,
    Actor,
    Admin,
    Application,
    Directory,
    Group,
    Key,
    Role,
    ServiceAccount,
    User,
)
from simulator.jumpcloud.reports import Report
from simulator.jumpcloud.roles import BUILT_IN_ROLES
from simulator.jumpcloud.switches import Switches
from simulator.jumpcloud.tables import Table

ORGANIZATION_ID = "5f0e1d2c3b4a59687766554f"
#: The keys of the two administrators that every fresh world has.
API_KEY = "jca_simulatorAdministratorWithBilling000"
READ_ONLY_KEY = "jca_simulatorReadOnly0000000000000000000"
CLIENT_ID = "simulator-service-account"
CLIENT_SECRET = "simulator-service-secret"  # noqa: S105 - the simulator's own, printed at start


class World:
    """One JumpCloud organization: its people, groups, applications, keys and event log."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self.clock = clock
        self.switches = Switches()
        self.ids = ObjectIds()
        self.organization_id = ORGANIZATION_ID
        self.organization_name = "Example Corp"
        self.organization_created = int(clock() * 1000)
        self.users: Table[User] = Table(clock)
        self.admins: Table[Admin] = Table(clock)
        self.groups: Table[Group] = Table(clock)
        self.applications: Table[Application] = Table(clock)
        self.directories: Table[Directory] = Table(clock)
        self.roles: Table[Role] = Table(clock)
        self.members = Links(clock)  # group -> user
        self.app_groups = Links(clock)  # application -> group
        self.app_users = Links(clock)  # application -> user
        self.user_ids: dict[str, str] = {}  # by user name and by e-mail address, both in lower case
        self.group_ids: dict[str, str] = {}  # by name without regard to case
        self.keys: dict[str, Key] = {}
        self.service_accounts: dict[str, ServiceAccount] = {}
        self.tokens: dict[str, tuple[str, float]] = {}  # token -> client id, end
        self.suggestions: dict[str, dict[str, str]] = {}  # group -> user -> "add" or "remove"
        self.by_hand: dict[tuple[str, str], str] = {}  # (group, user) -> op that a rule will take back
        self.reverts_due: list[tuple[float, str]] = []
        self.drifted = 0  # times that a list drifted between pages
        self.turns = 0  # how far unsorted lists have turned
        self.requests = 0  # counted only while outages are asked for
        self.buckets: dict[tuple[str, float, float], Bucket] = {}
        self.reports: dict[str, Report] = {}
        self.journal = Journal(clock, self.ids, self.organization_id)
        self.roles.fill(BUILT_IN_ROLES)
        self._found()

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
        """The time from which reads see a change made now, after the consistency lag or another one."""
        lag = self.switches.consistency_lag_ms if ms is None else ms
        return self.clock() + lag / 1000 if lag else 0.0

    def record(self, event_type: str, by: Actor, **facts: Any) -> None:
        """Put an event into the log."""
        self.journal.record(event_type, by, lag_ms=self.switches.event_lag_ms, **facts)

    def role_named(self, name: str) -> Role | None:
        """A role by its name, in any case."""
        return next((role for role in self.roles if role.name.casefold() == name.casefold()), None)

    def user_document(self, user: User) -> dict[str, Any]:
        """A user as the service shows it."""
        return documents.user_document(user, self.switches, self.organization_id)

    def user_json(self, user: User) -> str:
        """A user as the service shows it, as JSON."""
        switches = self.switches
        if user.details or switches.missing_state or switches.users_have_organization or switches.extra_fields:
            return json.dumps(self.user_document(user))
        return documents.plain_user_json(user)

    def group_document(self, group: Group) -> dict[str, Any]:
        """A group as the service shows it."""
        return documents.group_document(group, self.suggestions.get(group.id, {}), self.switches)

    def admin_document(self, admin: Admin) -> dict[str, Any]:
        """An administrator as the service shows it."""
        document = documents.admin_document(admin, self.role_named(admin.role), self.organization_id)
        key = next((key for key in self.keys.values() if key.admin_id == admin.id), None)
        return {**document, "apiKeySet": key is not None}

    def dump(self) -> dict[str, Any]:
        """The truth of this world as plain JSON, in the shape that `load` reads."""
        return snapshot.dump(self)

    def load(self, document: Mapping[str, Any]) -> None:
        """Add what the document holds; see `snapshot` for its shape. Raises ValueError when it makes no sense."""
        snapshot.load(self, document)

    def act(self, verb: str, /, **details: Any) -> dict[str, Any]:
        """Do what a person can do in the console; see `acts` for the verbs. Raises ActError."""
        return acts.act(self, CONSOLE, verb, details)

    def credentials(self) -> dict[str, str]:
        """The keys that a fresh world has, as far as they are still good."""
        known = {"api_key": API_KEY, "read_only_api_key": READ_ONLY_KEY}
        found = {name: key for name, key in known.items() if key in self.keys}
        if CLIENT_ID in self.service_accounts:
            found |= {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        return {"org_id": self.organization_id, **found}

    def error_body(self, status: int, message: str) -> Any:
        """The JSON body this service gives with an error status."""
        if self.switches.error_bodies == "full":
            return {"code": status, "message": message, "status": message}
        return {"message": message}
