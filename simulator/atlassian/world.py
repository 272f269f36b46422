import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from simulator.atlassian.switches import Switches
from simulator.faults import Bucket
from simulator.jira.people import Group, User
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.jira.world import World as JiraWorld

ORGANIZATION_KEY = "sim-organization-key"
ORG_ADMIN = "atlassian/org-admin"
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
        self.last_active: dict[str, dict[str, float]] = {}
        """Account -> application -> time."""
        self.deletions: dict[str, float] = {}
        """Account -> when it is to be closed."""
        self.mfa: set[str] = set()
        self.domains = ["example.com"]
        self.buckets: dict[tuple[str, str, int], Bucket] = {}
        self._numbers = itertools.count(1)
        self._selections: dict[object, list[str]] = {}

    def next_number(self) -> str:
        """Return an id for an error or request."""
        return f"{next(self._numbers):08x}"

    def site_url(self) -> str:
        """Return the address of the Jira site as its own links name it."""
        site: str = self.jira.site.url
        return self.jira.address if self.jira.switches.self_links == "served" else site

    def resources(self) -> dict[str, str]:
        """Return the applications of the site by their resource names (ARI)."""
        return {self.jira.site.resource(name): name for name in self.jira.site.applications}

    def applications_of(self, resource: str) -> list[str]:
        """Return the applications that a resource name means: one, or all of them for the site itself."""
        known = self.resources()
        if resource in known:
            return [known[resource]]
        whole = {f"ari:cloud:{kind}::site/{self.jira.site.cloud_id}" for kind in ("jira", "platform")}
        return list(known.values()) if resource in whole else []

    def granting_groups(self, applications: Iterable[str]) -> list[Group]:
        """Return the groups that give access to any of these applications."""
        wanted = set(applications)
        return [group for group in self.jira.directory.groups.values() if wanted & set(group.grants)]

    def products_of(self, user: User) -> list[str]:
        """Return the applications that somebody has access to, as reads see it."""
        if self.membership_status(user) != "active" or user.account_status != "active":
            return []
        granted = {name for group in self.jira.directory.groups_of(user.account_id) for name in group.grants}
        return [name for name in self.jira.site.applications if name in granted]

    def membership_status(self, user: User) -> str:
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
        """Return a sorted list of ids, made once and kept until the directory changes."""
        if self.jira.switches.directory_lag_ms or self.switches.role_lag_ms:
            return make()
        full = (*key, len(self.jira.journal.entries), len(self.jira.directory.users))
        if full not in self._selections:
            if len(self._selections) >= _KEPT_SELECTIONS:
                self._selections.pop(next(iter(self._selections)))
            self._selections[full] = make()
        return self._selections[full]

    @contextmanager
    def role_lag(self) -> Iterator[None]:
        """Let the membership changes made inside be seen only after the lag of role changes."""
        usual = self.jira.switches.directory_lag_ms
        self.jira.switches.directory_lag_ms = max(usual, self.switches.role_lag_ms)
        try:
            yield
        finally:
            self.jira.switches.directory_lag_ms = usual

    def credentials(self) -> dict[str, str]:
        """Return what a client needs to get in."""
        organization = self.jira.organization
        facts = {"org_id": organization.id, "directory_id": organization.directory_id}
        return {**facts, "org_key": ORGANIZATION_KEY} if ORGANIZATION_KEY in self.keys else facts
