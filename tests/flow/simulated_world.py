"""Both systems behind HTTP with a clock that the test moves, and one person's access to one thing in them.

The simulators' worlds know the truth.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

from access.clock import ManualClock
from access.entitlements import System
from access.lifecycle import ClaimState, RequestState
from access.methods import Method
from access.policy import Rule
from connectors.jira import JiraConnector, api_token, jira_client
from connectors.jumpcloud import JumpCloudConnector, api_key, jumpcloud_client
from connectors.ports import Connector
from simulator.jira import World as JiraWorld
from simulator.jira.projects import Role
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from simulator.systems import act
from store.unit_of_work import Store
from tasks.services import FulfilmentOptions
from tests.fakes.local_stack import START, TERMS, TICKET_TERMS, LocalStack
from tests.fakes.passing_faults import STALE, PassingFaults, patient
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)
NUMBERS = count()
RULES = (Rule("*:account:exists", give=Method.TICKET, take=Method.TICKET), Rule("*"))

#: Tickets are followed for days here: rarely.
SLOWLY = replace(TICKET_TERMS, poll=3 * MINUTE)

#: Names of groups that the settings protect, one for each example.
PROTECTED = [f"crown jewels {number}" for number in range(10_000)]

#: Two roles that give no administrator's power.
ROLES = (Role(10_301, "Developers", ""), Role(10_302, "Viewers", ""))

KINDS = ("jumpcloud group", "jira group", "jira role", "account")


class World:
    """Both systems behind HTTP, with the clock of the test, and connectors to them."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        seconds = lambda: self.clock.now().timestamp()  # noqa: E731 - the worlds' clock
        self.jumpcloud, self.jira = JumpCloudWorld(clock=seconds), JiraWorld(clock=seconds)
        self.jira.switches.burst_bucket = 0
        self.simulators = Simulators(jumpcloud=self.jumpcloud, jira=self.jira)
        self.faults, options = PassingFaults(self.simulators.faults), replace(patient(), clock=self.clock)
        #: Ids of groups that an identity provider fills.
        self.external: set[str] = set()
        jumpcloud = jumpcloud_client(
            base_url=self.simulators.jumpcloud_url,
            credential=api_key(self.jumpcloud.credentials()["api_key"]),
            options=options,
        )
        jira = jira_client(
            base_url=self.simulators.jira_url, credential=api_token(ADMIN_EMAIL, ADMIN_TOKEN), options=options
        )
        self.clients = (jumpcloud, jira)
        # Lists that are empty prove nothing.
        act(self.jumpcloud, "add_group", name="Everybody")
        act(self.jumpcloud, "add_user", email="somebody@example.com", username="somebody")
        act(self.jira, "create_project", key="BASE", name="Base")
        for role in ROLES:
            self.jira.catalogue.add_role(role)
        self.connectors: dict[System, Connector] = {
            System.JUMPCLOUD: JumpCloudConnector(jumpcloud, protected_groups=PROTECTED),
            System.JIRA: JiraConnector(
                jira,
                site="https://acme.atlassian.net",
                protected_groups=PROTECTED,
                idp_groups=self.external.__contains__,
            ),
        }

    def stack(self, store: Store, *, first_ticket: int, options: FulfilmentOptions = TERMS) -> LocalStack:
        """A Provisor on these systems."""
        stack = LocalStack.over(
            store,
            rules=RULES,
            connectors=self.connectors,
            clock=self.clock,
            ticket_terms=SLOWLY,
            options=options,
        )
        stack.tickets.made = first_ticket
        return stack


class Example:
    """One person's access to one thing, in worlds that examples share."""

    def __init__(self, world: World, store: Store, kind: str, *, stack: LocalStack | None = None) -> None:
        self.world, self.kind = world, kind
        self.number = next(NUMBERS)
        name = f"n{self.number}"
        self.email = f"{name}@example.com"
        self.stack = stack or world.stack(store, first_ticket=self.number * 1000)
        self.user = str(act(world.jumpcloud, "add_user", email=self.email, username=name)["id"])
        self.account = str(act(world.jira, "create_user", email=self.email, name=name)["account_id"])
        self.group = str(act(world.jumpcloud, "add_group", name=f"group {name}")["id"])
        self.jira_group = f"group {name}"
        act(world.jira, "create_group", name=self.jira_group)
        self.jira_group_id = world.jira.group(self.jira_group).id
        self.project = str(act(world.jira, "create_project", key=f"P{self.number}", name=f"Project {name}")["id"])
        self.role = ROLES[0].id
        self.ref = {
            "jumpcloud group": f"jumpcloud:group:{self.group}:member",
            "jira group": f"jira:group:{self.jira_group_id}:member",
            "jira role": f"jira:project-role:{self.project}:{self.role}:assigned",
            "account": "jumpcloud:account:exists",
        }[kind]
        self.system = "jira" if kind.startswith("jira") else "jumpcloud"
        self.subject = self.account if self.system == "jira" else self.user

    def submit(self, name: str, action: str, **more: str) -> str:
        request = f"b{self.number}-{name}"
        about = {"system": "jumpcloud"} if action == "deprovision_account" else {"entitlement": self.ref}
        self.stack.submit(id=request, action=action, subject={"id": self.subject}, **about, **more)
        return request

    def holds(self) -> bool:
        """Whether the truth holds the access, or holds it again as soon as somebody restores or unlocks what is there."""
        match self.kind:
            case "jumpcloud group":
                return self.world.jumpcloud.members.has(self.group, self.user)
            case "jira group":
                groups = self.world.jira.directory.groups
                there = self.jira_group_id in groups
                return there and self.world.jira.directory.is_member(groups[self.jira_group_id], self.account)
            case "jira role":
                project = self.world.jira.projects.by_id[self.project]
                actors = project.roles.get(self.role, [])
                return not self.world.jira.is_purged(project) and any(each.user == self.account for each in actors)
        user = self.world.jumpcloud.users.get(self.user)
        return user is not None and user.state != "SUSPENDED" and not user.suspended

    def change_by_hand(self, verb: str = "add") -> None:
        """Somebody gives the access, or takes it away ("remove"), behind our back."""
        role = {"project": self.project, "role": str(self.role), "user": self.account}
        match self.kind:
            case "jumpcloud group":
                act(self.world.jumpcloud, f"{verb}_member", group=self.group, user=self.user)
            case "jira group":
                act(self.world.jira, f"{verb}_member", group=self.jira_group_id, account=self.account)
            case _:
                act(self.world.jira, f"{verb}_role_actor", **role)

    def happen(self, event: str) -> None:
        """Something happens to the thing or to the account."""
        if event == "provider":
            self.world.external.add(self.jira_group_id)
            return
        if event == "stale":
            path = "memberof|/user/groups|/role/|/systemusers"
            self.world.faults.come(STALE, method="GET", path=path, times=3)
            return
        for world, verb, details in self._done_by(event):
            act(world, verb, **details)

    def undo(self, event: str) -> None:
        """Somebody takes it back, where that can be done."""
        for world, verb, details in self._done_by(f"not {event}"):
            act(world, verb, **details)

    def _done_by(self, event: str) -> list[tuple[Any, str, dict[str, Any]]]:
        jumpcloud, jira, name = self.world.jumpcloud, self.world.jira, f"new {self.number}"
        user, account, project = {"user": self.user}, {"account": self.account}, {"project": self.project}
        group, jira_group = {"group": self.group}, {"group": self.jira_group_id}
        ours = {"account": ADMIN_EMAIL, "permission": "ADMINISTER"}
        ours_here = {"account": ADMIN_EMAIL, "permission": "BROWSE_PROJECTS", **project}
        dynamic = "membershipMethod"
        ways: dict[str, list[tuple[Any, str, dict[str, Any]]]] = {
            "jumpcloud group deleted": [(jumpcloud, "delete_group", group)],
            "jumpcloud group renamed": [(jumpcloud, "change_group", {**group, "name": name})],
            "dynamic": [(jumpcloud, "change_group", {**group, dynamic: "DYNAMIC_AUTOMATED"})],
            "not dynamic": [(jumpcloud, "change_group", {**group, dynamic: "STATIC"})],
            "mastered": [(jumpcloud, "master_group", {**group, "directory": f"ad-{self.number}.example.com"})],
            "locked": [(jumpcloud, "lock_user", user)],
            "not locked": [(jumpcloud, "unlock_user", user)],
            "staged": [(jumpcloud, "change_user", {**user, "state": "STAGED"})],
            "not staged": [(jumpcloud, "activate_user", user)],
            "suspended": [(jumpcloud, "suspend_user", user)],
            "not suspended": [(jumpcloud, "activate_user", user)],
            "renamed user": [(jumpcloud, "change_user", {**user, "email": f"new-{self.email}"})],
            "user deleted": [(jumpcloud, "delete_user", user)],
            "jumpcloud group protected": [(jumpcloud, "change_group", {**group, "name": PROTECTED[self.number]})],
            "jira group protected": [(jira, "rename_group", {**jira_group, "name": PROTECTED[self.number]})],
            "jira group deleted": [(jira, "delete_group", jira_group)],
            "jira group renamed": [(jira, "rename_group", {**jira_group, "name": name})],
            "jira role renamed": [(jira, "rename_project", {**project, "key": f"X{self.number}"})],
            "inactive": [(jira, "deactivate", account)],
            "not inactive": [(jira, "activate", account)],
            "closed": [(jira, "close_account", account)],
            "archived": [(jira, "archive_project", project)],
            "not archived": [(jira, "restore_project", project)],
            "trashed": [(jira, "delete_project", project)],
            "not trashed": [(jira, "restore_project", project)],
            "purged": [(jira, "purge_project", project)],
            "hidden": [(jira, "deny", ours), (jira, "deny", ours_here)],
            "not hidden": [(jira, "allow", ours), (jira, "allow", ours_here)],
        }
        of_kind = event in ("deleted", "renamed", "protected")
        return ways.get(f"{self.kind} {event}" if of_kind else event, [])

    def work_on_tickets(self, *, truly: bool) -> None:
        """People close the tickets about this access, and have done what these ask, or not."""
        for issue in self.stack.tickets.open_issues():
            if not issue.draft.data["request"].startswith(f"b{self.number}-"):
                continue
            issue.phase = Phase.DONE
            if truly and self.kind == "account" and self.world.jumpcloud.users.get(self.user):
                act(self.world.jumpcloud, "suspend_user", user=self.user)
            elif truly and self.kind == "jumpcloud group":
                act(self.world.jumpcloud, "change_group", group=self.group, membershipMethod="STATIC")
                act(self.world.jumpcloud, "release_group", group=self.group)
                act(self.world.jumpcloud, "remove_member", group=self.group, user=self.user)
            elif truly and self.kind == "jira group" and self.holds():
                self.change_by_hand("remove")

    def is_over(self, request: str) -> bool:
        """Whether the access counts as taken away."""
        with self.stack.store.read() as work:
            claim = work.claims.of_request(f"b{self.number}-grant")
        ended = claim is not None and claim.state is ClaimState.ENDED
        return ended or (request != f"b{self.number}-grant" and self.stack.request(request).state is RequestState.DONE)
