from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from functools import partial

from access.entitlements import ResourceKind, System
from access.failures import Permanent
from connectors.atlassian.organization import AtlassianOrganization
from connectors.jira.client import MYSELF
from connectors.jira.permissions import OwnPermissions
from connectors.jira.projects import Projects
from connectors.jira.reading.change_events import ChangeEvents
from connectors.jira.reading.list_calls import ListCalls
from connectors.jira.reading.organization_directory import DirectoryReader, DirectoryUse
from connectors.jira.reading.required_permissions import naming_the_scope, require_permissions
from connectors.jira.reading.role_reader import RoleCatalogue, RoleReader
from connectors.jira.reading.snapshot_rows import (
    LISTED,
    MEMBERS_KNOWN,
    AccountRows,
    AddressOf,
    group_row,
    member_row,
    project_row,
)
from connectors.jira.shapes import User
from connectors.reading import Catalogue, ChangesUnknown, Part, ReadPlan, ResourceRow, Row
from httpclient import Fetcher, HttpClient

#: A word in the names of groups that hold everybody, such as ``jira-software-users-acme`` [docs]: large lists.
_EVERYBODY = "users"


class JiraReader:
    """Takes snapshots of one Jira Cloud site.

    ``client`` comes from ``jira_client``, for the site or the gateway; ``site`` is the address people use. At most
    ``concurrency`` calls are in flight, calls to the organization included. From the ``organization``, where there is one,
    the reader takes addresses, owners of groups and times of last use; memberships as far as they agree with Jira's; and
    what changed since the last snapshot (``use_events``). ``known_emails`` is our own record of the address of an account id.
    ``skip_customers`` leaves portal customers out; ``participants`` adds to each project whether its roles name everyone who
    can enter.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        site: str,
        concurrency: int = 5,
        organization: AtlassianOrganization | None = None,
        use_events: bool = True,
        known_emails: AddressOf = lambda _: None,
        skip_customers: bool = False,
        participants: bool = True,
    ) -> None:
        self._client = client
        self._site = site.rstrip("/")
        self._participants = participants
        self._fetching = Fetcher(concurrency=concurrency)
        self._own = OwnPermissions(client)
        projects = Projects(client, self._own)
        self._lists = ListCalls(client, self._fetching, projects)
        self._accounts = AccountRows(known_emails, skip_customers)
        self._roles = RoleReader(self._lists, projects, self._fetching)
        self._directory: DirectoryReader | None = None
        self._changes: ChangeEvents | None = None
        if organization is not None:
            within = organization.within(self._fetching)
            self._directory = DirectoryReader(within, self._lists, self._accounts, self._fetching)
            self._changes = ChangeEvents(client, self._fetching, within) if use_events else None
        self._use: DirectoryUse | None = None

    def __repr__(self) -> str:
        return f"JiraReader({self._client!r}, site={self._site!r})"

    @property
    def system(self) -> System:
        """Jira."""
        return System.JIRA

    def close(self) -> None:
        """End the threads."""
        self._fetching.close()

    def prove(self) -> str:
        """The name of Provisor's own account (``GET /myself`` [spec]). Raises ``CredentialRefused``.

        Other routes answer an unknown caller 200 with an empty list [observed].
        """
        with naming_the_scope():
            answer = self._fetching.one(partial(self._client.get, MYSELF))
            return answer.read_as(User, what="Provisor's own account").title

    def plan(self, *, previous: datetime | None, now: datetime) -> ReadPlan:
        """A plan for everything, or for the changes since ``previous`` when both logs tell them.

        Raises ``Permanent`` when Jira does not show Provisor's account everything.
        """
        del now
        notes: list[str] = []
        with naming_the_scope():
            self._fetching.one(partial(require_permissions, self._own))
            touched = self._changed_since(previous, notes)
            use = self._choose(notes, again=touched is None)
            roles = self._roles.catalogue()
        return ReadPlan(
            method="everything" if touched is None else "changes",
            full=touched is None,
            touched=() if touched is None else ("projects", "unlisted/", *touched),
            notes=notes,
            state={"ways": asdict(use), **roles.state()},
        )

    def parts(self, plan: ReadPlan, stage: int, catalogue: Catalogue) -> Sequence[Part] | None:
        """Stage 0: groups and projects; 1: members and actors; 2: actors of roles that only their project named.

        Accounts are the longest list. As a list of their own they are in stage 1, so that no other part waits for them; the
        organization's directory shows them together with the groups.
        """
        roles = RoleCatalogue.of(plan.state)
        if stage == 0:
            return [Part("directory", large=True) if self._directory else Part("groups"), Part("projects")]
        if stage == 1:
            groups = (
                _members_part(group, organized=self._directory is not None)
                for group in catalogue.resources(ResourceKind.GROUP)
            )
            users = [] if self._directory else [Part("users", large=True)]
            return [*users, *(part for part in groups if part is not None), *self._roles.parts(catalogue, roles)]
        return (self._roles.later_parts(catalogue, roles) or None) if stage == 2 else None  # noqa: PLR2004 - the last one

    def read(self, plan: ReadPlan, part: Part) -> Iterator[Sequence[Row]]:
        """The rows of a part. Raises ``Shifted`` and ``Incomplete``."""
        with naming_the_scope():
            yield from self._reading(plan, part)

    def _reading(self, plan: ReadPlan, part: Part) -> Iterator[Sequence[Row]]:
        about = part.about
        match part.name.partition("/")[0]:
            case "users":
                return (self._accounts.of(users, {}) for users in self._lists.users())
            case "groups":
                products = self._lists.product_groups()
                return ([group_row(group, product_groups=products) for group in page] for page in self._lists.groups())
            case "directory" if self._directory is not None:
                return self._directory.read(DirectoryUse(**plan.state["ways"]))
            case "projects":
                return self._projects()
            case "members" | "unlisted":
                return self._members(about["group"])
            case "roles":
                return self._roles.of_project(about["project"])
            case "actors":
                return self._roles.actors(about["project"], about["role"], about.get("name"))
        raise Permanent(
            f"Jira has no list '{part.name}' that can be read with these settings.",
            remedy="Start the sync again: the settings were changed while it ran.",
        )

    def _projects(self) -> Iterator[Sequence[Row]]:
        row: Callable[..., ResourceRow] = partial(project_row, site=self._site, participants=self._participants)
        return ([row(project) for project in page] for page in self._lists.projects())

    def _members(self, group_id: str) -> Iterator[Sequence[Row]]:
        for page in self._lists.members(group_id):
            yield [member_row(group_id, member.accountId) for member in page if member.known_id]

    def _changed_since(self, previous: datetime | None, notes: list[str]) -> Sequence[str] | None:
        """The parts that both logs name, None when the reader has to read everything."""
        if previous is None:
            return None
        if self._changes is None:
            notes.append("Everything is read: only the organization's events tell who joined a group.")
            return None
        try:
            return self._changes.since(previous)
        except ChangesUnknown as why:
            notes.append(f"Everything is read: {why}.")
            return None

    def _choose(self, notes: list[str], *, again: bool) -> DirectoryUse:
        """What to read from the organization; a plan for changes keeps the choice of the snapshot before."""
        if self._directory is None:
            return DirectoryUse()
        if self._use is None or again:
            self._use, more = self._directory.probe()
            notes += more
        return self._use


def _members_part(group: ResourceRow, *, organized: bool) -> Part | None:
    """The list of a group's members; None when they came with the organization's people.

    No event tells of groups that the organization does not show: the plan names their lists, ``unlisted/``, every time.
    """
    if group.attributes.get(MEMBERS_KNOWN):
        return None
    kind = "members" if not organized or group.attributes.get(LISTED) else "unlisted"
    return Part(f"{kind}/{group.id}", {"group": group.id}, large=_EVERYBODY in group.name.casefold().split("-"))
