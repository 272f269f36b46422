import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from simulator.atlassian import acts
from simulator.atlassian.refusals import RefusalError, error_body
from simulator.atlassian.switches import Switches
from simulator.faults import Bucket
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.jira.world import World as JiraWorld
from simulator.world import change_switches

if TYPE_CHECKING:
    from collections.abc import Iterator

    from simulator.jira.people import Group, User

ORGANIZATION_KEY = "sim-organization-key"
ORG_ADMIN = "atlassian/org-admin"
_PARTS = ("switches", "keys", "platform_roles", "last_active", "deletions", "domains", "mfa")
_KEPT_SELECTIONS = 16


@dataclass(frozen=True, slots=True)
class Key:
    """An organization API key: without scopes when those are None; times are seconds since 1970."""

    value: str
    account_id: str = ADMIN_ACCOUNT
    scopes: tuple[str, ...] | None = None
    expires: float | None = None


class World:
    """The organization that a Jira world belongs to: its keys, its admins, and what it knows beyond Jira.

    People, groups and memberships are those of the Jira world; a change on one side is a change on the other.
    """

    def __init__(self, jira: JiraWorld) -> None:
        self.jira = jira
        self.switches = Switches()
        self.keys: dict[str, Key] = {ORGANIZATION_KEY: Key(ORGANIZATION_KEY)}
        self.platform_roles: dict[str, list[str]] = {ADMIN_ACCOUNT: [ORG_ADMIN]}
        self.last_active: dict[str, dict[str, float]] = {}  # account -> application -> time
        self.deletions: dict[str, float] = {}  # account -> when it is to be closed
        self.mfa: set[str] = set()
        self.domains = ["example.com"]
        self.buckets: dict[tuple[str, str, int], Bucket] = {}
        self._numbers = itertools.count(1)
        self._selections: dict[object, list[str]] = {}

    def next_number(self) -> str:
        """An id for an error or request."""
        return f"{next(self._numbers):08x}"

    def site_url(self) -> str:
        """The address of the Jira site as its own links name it."""
        site: str = self.jira.site.url
        return self.jira.address if self.jira.switches.self_links == "served" else site

    def resources(self) -> dict[str, str]:
        """The applications of the site by their resource names (ARI)."""
        return {self.jira.site.resource(name): name for name in self.jira.site.applications}

    def applications_of(self, resource: str) -> list[str]:
        """The applications that a resource name means: one, or all of them for the site itself."""
        known = self.resources()
        if resource in known:
            return [known[resource]]
        whole = {f"ari:cloud:{kind}::site/{self.jira.site.cloud_id}" for kind in ("jira", "platform")}
        return list(known.values()) if resource in whole else []

    def granting_groups(self, applications: Iterable[str]) -> list["Group"]:
        """The groups that give access to any of these applications."""
        wanted = set(applications)
        return [group for group in self.jira.directory.groups.values() if wanted & set(group.grants)]

    def products_of(self, user: "User") -> list[str]:
        """The applications that somebody has access to, as reads see it."""
        if self.membership_status(user) != "active" or user.account_status != "active":
            return []
        granted = {name for group in self.jira.directory.groups_of(user.account_id) for name in group.grants}
        return [name for name in self.jira.site.applications if name in granted]

    def membership_status(self, user: "User") -> str:
        """Where somebody stands in the directory, as reads see it: a removal is seen after its delay."""
        if user.membership_status == "no_membership" and user.removal_seen_from > self.jira.now():
            return "active"
        return user.membership_status

    def settle(self) -> None:
        """Close the accounts whose grace time is over."""
        now = self.jira.now()
        for account_id, at in list(self.deletions.items()):
            if at <= now:
                del self.deletions[account_id]
                self.jira.administration.set_account_status(self.jira.directory.users[account_id], "closed")

    def selection(self, key: Sequence[object], make: Callable[[], list[str]]) -> list[str]:
        """A sorted list of ids, made once and kept until the directory changes."""
        if self.jira.switches.directory_lag_ms or self.switches.role_lag_ms:
            return make()
        full = (*key, len(self.jira.journal.entries), len(self.jira.directory.users))
        if full not in self._selections:
            if len(self._selections) >= _KEPT_SELECTIONS:
                self._selections.pop(next(iter(self._selections)))
            self._selections[full] = make()
        return self._selections[full]

    @contextmanager
    def role_lag(self) -> "Iterator[None]":
        """Let the membership changes made inside be seen only after the lag of role changes."""
        usual = self.jira.switches.directory_lag_ms
        self.jira.switches.directory_lag_ms = max(usual, self.switches.role_lag_ms)
        try:
            yield
        finally:
            self.jira.switches.directory_lag_ms = usual

    def dump(self) -> dict[str, Any]:
        """What the organization knows beyond Jira, as plain JSON; the rest is in the dump of the Jira world."""
        keys = [asdict(key) for key in self.keys.values()]
        return {
            "switches": self.switches.model_dump(mode="json"),
            "keys": [{**key, "scopes": None if key["scopes"] is None else list(key["scopes"])} for key in keys],
            "platform_roles": {account: list(roles) for account, roles in self.platform_roles.items()},
            "last_active": {account: dict(products) for account, products in self.last_active.items()},
            "deletions": dict(self.deletions),
            "domains": list(self.domains),
            "mfa": sorted(self.mfa),
        }

    def load(self, document: Mapping[str, Any]) -> None:
        """Add what the document holds; raises ValueError when it makes no sense."""
        if unknown := sorted(set(document) - set(_PARTS)):
            raise ValueError(f"Unknown parts: {', '.join(unknown)}. Choose from: {', '.join(_PARTS)}.")
        change_switches(self.switches, document.get("switches", {}))
        for row in document.get("keys", ()):
            scopes = row.get("scopes")
            key = Key(**{**row, "scopes": None if scopes is None else tuple(scopes)})
            self.keys[key.value] = key
        for who, roles in document.get("platform_roles", {}).items():
            self.platform_roles[self.jira.user(who).account_id] = list(roles)
        for who, products in document.get("last_active", {}).items():
            self.last_active[self.jira.user(who).account_id] = dict(products)
        self.deletions.update(document.get("deletions", {}))
        self.domains = list(document.get("domains", self.domains))
        self.mfa.update(self.jira.user(who).account_id for who in document.get("mfa", ()))

    def act(self, verb: str, /, **details: Any) -> dict[str, Any]:
        """Do what a person can do in the administration site; what is not its own goes to the Jira world."""
        return acts.act(self, verb, details)

    def credentials(self) -> dict[str, str]:
        """What a client needs to get in."""
        organization = self.jira.organization
        facts = {"org_id": organization.id, "directory_id": organization.directory_id}
        return {**facts, "org_key": ORGANIZATION_KEY} if ORGANIZATION_KEY in self.keys else facts

    def error_body(self, status: int, message: str) -> Any:
        """The JSON body this service gives with an error status."""
        return error_body("errors", self.next_number(), RefusalError(status, str(status), message))


def as_world(world: "JiraWorld | World") -> World:
    """The organization over a Jira world, or the one that is given."""
    return world if isinstance(world, World) else World(world)
