from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

from simulator.jira.administration import Administration, named_group, named_user
from simulator.jira.automation import Automation
from simulator.jira.books import IssueBook, ProjectBook
from simulator.jira.catalogue import DECLINED, REQUEST_TYPE, Catalogue
from simulator.jira.credentials import Tokens
from simulator.jira.directory import Directory
from simulator.jira.issues import Approval, Issue
from simulator.jira.journal import Journal, Named
from simulator.jira.jql.names import Names
from simulator.jira.people import Group, User
from simulator.jira.permissions import Permissions
from simulator.jira.projects import Actor, Project, RequestType, Role, Transition
from simulator.jira.search import Cursors
from simulator.jira.site import Organization, Site
from simulator.jira.switches import Switches
from simulator.jira.tracker import Tracker
from simulator.jira.webhooks import Webhooks

TRASH_SECONDS = 60 * 86_400
"""How long the trash keeps a project [docs]."""
ADMIN_EMAIL = "admin@example.com"
ADMIN_TOKEN = "sim-token"  # noqa: S105 -- the published credential of an empty world
ADMIN_ACCOUNT = "712020:00000000-0000-4000-8000-000000000001"


class World:
    """The truth behind one simulated Jira site and its organization.

    A new world has one site administrator (`admin@example.com`, token `sim-token`) in `site-admins` and in the default
    access group, and the shared statuses, issue types and roles; nothing else. Without `founded` there is no
    administrator. The Atlassian administration simulator works on the same object.
    """

    def __init__(
        self,
        *,
        site: str = "example",
        cloud_id: str = "",
        switches: Switches | None = None,
        clock: Callable[[], float] = time.time,
        ticks: Callable[[], float] = time.monotonic,
        rng_seed: int = 1,
        founded: bool = True,
    ) -> None:
        self.switches = switches or Switches()
        self.site = Site(site, cloud_id)
        self.organization = Organization()
        self.random = Random(rng_seed)
        self.ahead = 0.0
        self.address = self.site.url
        """Where the site was last reached, which links name unless a switch says otherwise."""
        self.clock = clock
        self.ticks = ticks
        """Seconds by which the limits of calls refill."""
        self.journal = Journal(self.now)
        self.directory = Directory(self.switches, self.now)
        self.administration = Administration(self.directory, self.journal, self.site, self.random)
        self.tokens = Tokens()
        self.catalogue = Catalogue()
        self.projects = ProjectBook()
        self.issues = IssueBook()
        self.permissions = Permissions(self.directory)
        self.cursors = Cursors()
        self.tracker = Tracker(
            projects=self.projects,
            issues=self.issues,
            catalogue=self.catalogue,
            directory=self.directory,
            switches=self.switches,
            now=self.now,
        )
        self.tracker.listeners.append(Automation(self.projects, self.catalogue, self.tracker).hear)
        self.webhooks = Webhooks(self.switches)
        if founded:
            self._add_administrator()

    def __repr__(self) -> str:
        size = f"{len(self.projects.by_id)} projects, {len(self.issues.by_id)} issues"
        return f"<World {self.site.name}: {self.directory!r}, {size}>"

    def now(self) -> float:
        """Return the world's time in seconds since 1970."""
        return self.clock() + self.ahead

    def advance(self, seconds: float) -> None:
        """Let the world's time jump ahead."""
        self.ahead += seconds

    def user(self, who: str) -> User:
        """Find a person by account id or address; raises ValueError."""
        found = self.directory.users.get(who) or self.directory.user_by_email(who)
        if found is None:
            raise ValueError(f"There is no account {who!r}. Name one by account id or address.")
        return found

    def group(self, which: str) -> Group:
        """Find a group by id or name; raises ValueError."""
        found = self.directory.groups.get(which) or self.directory.group_by_name(which)
        if found is None:
            raise ValueError(f"There is no group {which!r}. Name one by id or name.")
        return found

    def project(self, which: str) -> Project:
        """Find a project by id or key; raises ValueError."""
        found = self.projects.find(which)
        if found is None:
            raise ValueError(f"There is no project {which!r}. Name one by id or key.")
        return found

    def role(self, project: str, which: str | int) -> Role:
        """Find a role of a project by id or name; raises ValueError."""
        roles = self.catalogue.roles_of(self.project(project))
        for role in roles:
            if str(which) in {str(role.id), role.name}:
                return role
        raise ValueError(f"There is no role {which!r} there. Choose from: {', '.join(role.name for role in roles)}.")

    def enter_issue(self, issue: Issue, actor: str) -> Issue:
        """Enter a new issue; a request of a type that names approvers waits for them."""
        self.tracker.create(issue, actor)
        kind = self.request_type(issue)
        if kind is not None and kind.approvers:
            self.ask_approval(issue, kind.approvers)
        return issue

    def issue(self, which: str) -> Issue:
        """Find an issue by id or any key it ever had; raises ValueError."""
        found = self.issues.find(which)
        if found is None:
            raise ValueError(f"There is no issue {which!r}. Name one by id or key.")
        return found

    def actor(self, who: str | None) -> str:
        """Return the account id of who acts: the one named, else the first person who has no token, else the administrator."""
        if who is not None:
            return self.user(who).account_id
        holders = {token.account_id for token in self.tokens.by_value.values()}
        first = self.directory.user_ids[: len(holders) + 50]
        people = (each for each in first if each not in holders and self.directory.users[each].active)
        return next(people, ADMIN_ACCOUNT)

    def credentials(self) -> dict[str, str]:
        """Return what a client needs to get in."""
        return {"email": ADMIN_EMAIL, "token": ADMIN_TOKEN, "cloud_id": self.site.cloud_id}

    def add_project(self, key: str, name: str, **fields: Any) -> Project:
        """Make a project with the issue types, statuses, workflow and roles of its style."""
        if self.projects.find(key):
            raise ValueError(f"There is a project {key!r} already.")
        fields.setdefault("id", str(10_000 + len(self.projects.by_id)))
        project = Project(key=key, name=name, **fields)
        self.catalogue.roles_of(project)
        self.catalogue.furnish(project)
        return self.projects.add(project)

    def is_purged(self, project: Project) -> bool:
        """Return whether a project is gone for good: purged, or longer in the trash than the trash keeps."""
        return project.trashed_at is not None and self.now() - project.trashed_at > TRASH_SECONDS

    def names(self, caller: User | None) -> Names:
        """Return what looks up the names in somebody's JQL."""
        return Names(
            projects=self.projects,
            issues=self.issues,
            catalogue=self.catalogue,
            directory=self.directory,
            caller=caller,
        )

    def ways_out(self, issue: Issue) -> list[Transition]:
        """Return the transitions from the issue's status, without those that the switches take out."""
        project, done = (
            self.projects.by_id[issue.project_id],
            self.catalogue.statuses[issue.status_id].category == "done",
        )
        if done and not self.switches.reopen_transition:
            return []
        waits = any(each.decision == "pending" for each in issue.approvals)
        if waits and self.switches.pending_approval_blocks:
            return []
        return [each for each in project.workflow if not each.from_statuses or issue.status_id in each.from_statuses]

    def request_type(self, issue: Issue) -> RequestType | None:
        """Return the request type of an issue; None for an issue that is no request."""
        kinds, wanted = self.projects.by_id[issue.project_id].request_types, issue.values.get(REQUEST_TYPE.id)
        return next((each for each in kinds if each.id == wanted), None)

    def ask_approval(self, issue: Issue, approvers: list[str], name: str = "Approval") -> Approval:
        """Let a request wait for the approval of these accounts."""
        made = Approval(str(self.tracker.next_number()), name, dict.fromkeys(approvers, "pending"), self.now())
        issue.approvals.append(made)
        return made

    def answer_approval(self, issue: Issue, approval: Approval, who: str, *, approve: bool) -> None:
        """Let an approver answer; a request that is declined goes the way that says so, in the approver's name."""
        approval.answers[who] = "approved" if approve else "declined"
        if approval.decision == "pending":
            return
        approval.completed = self.now()
        if approval.decision == "declined":
            way = next((each for each in self.ways_out(issue) if each.resolution == DECLINED), None)
            if way is not None:
                self.tracker.transition(issue, way, who)

    def enter_role(self, project: Project, role: Role, who: User | Group, *, actor: str = "") -> Actor:
        """Put a user or group that is not in it into a role of a project."""
        if isinstance(who, User):
            entry, about = Actor(self.tracker.next_number(), user=who.account_id), named_user(who)
        else:
            entry, about = Actor(self.tracker.next_number(), group=who.id, group_name=who.name), named_group(who)
        actors = project.roles.setdefault(role.id, [])
        before = list(actors)
        actors.append(entry)
        changes = _changed_actors(entry, before, actors)
        self.journal.note("role_actor_added", about, actor=actor, target=_named_role(project, role), changes=changes)
        return entry

    def leave_role(
        self, project: Project, role: Role, *, user: str | None = None, group: str | None = None, actor: str = ""
    ) -> bool:
        """Take an account or a group, by its id, out of a role; returns whether it was there."""
        actors = project.roles.get(role.id, [])
        which = user if group is None else group
        entry = next((each for each in actors if which == (each.user if group is None else each.group)), None)
        if entry is None:
            return False
        before = list(actors)
        actors.remove(entry)
        about = Named("USER" if entry.user else "GROUP", which or "", which or "")
        changes = _changed_actors(entry, before, actors)
        self.journal.note("role_actor_removed", about, actor=actor, target=_named_role(project, role), changes=changes)
        return True

    def _add_administrator(self) -> None:
        admin = User(ADMIN_ACCOUNT, ADMIN_EMAIL, "Admin Person", managed=True, added=self.now())
        self.directory.add_user(admin)
        access = self.administration.access_groups(["jira-software"])[0]
        self.directory.add_member(access, ADMIN_ACCOUNT)
        admins = Group(self.administration.fresh_uuid(), "site-admins", access_type="site-admin")
        self.directory.add_group(admins)
        self.directory.add_member(admins, ADMIN_ACCOUNT)
        self.tokens.add(ADMIN_TOKEN, ADMIN_ACCOUNT)


def _named_role(project: Project, role: Role) -> Named:
    return Named("PROJECT_ROLE", f"{project.id}/{role.id}", f"{role.name} of {project.name}")


def _changed_actors(entry: Actor, before: list[Actor], after: list[Actor]) -> tuple[tuple[str, str, str], ...]:
    """Return the users, or the groups, of a role before and after a change, as the audit log lists them [assumed]."""
    if entry.user:
        return (("Users", _users(before), _users(after)),)
    return (("Groups", _groups(before), _groups(after)),)


def _users(actors: list[Actor]) -> str:
    return ", ".join(each.user for each in actors if each.user)


def _groups(actors: list[Actor]) -> str:
    return ", ".join(each.group for each in actors if each.group)
