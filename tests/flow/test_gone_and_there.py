"""What counts as gone and as there (B), over both simulated systems with a clock that the test moves.

The simulators' worlds know the truth. Nothing ends as gone while the truth holds the access, or can come to hold it again; and
nothing counts as there that is not.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import Phase as Phase_
from hypothesis import strategies as st

from access.clock import ManualClock
from access.entitlements import System
from access.lifecycle import ClaimState, OperationState, RequestState
from access.methods import Method
from access.operations import Obstacle, Purpose
from access.policy import Rule
from connectors.jira import JiraConnector, api_token, jira_client
from connectors.jumpcloud import JumpCloudConnector, api_key, jumpcloud_client
from connectors.ports import Connector
from httpclient import ClientOptions, RetryPolicy, Timeouts
from simulator.jira import World as JiraWorld
from simulator.jira.projects import Role
from simulator.jira.world import ADMIN_EMAIL, ADMIN_TOKEN
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from simulator.systems import act
from store.database import Database
from store.unit_of_work import Store
from tasks.decisions import Decisions
from tests.fakes.local_stack import START, TICKET_TERMS, LocalStack
from tests.larger import larger
from ticketing.ports import Phase

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
NUMBERS = count()
RULES = (Rule("*:account:exists", give=Method.TICKET, take=Method.TICKET), Rule("*"))

#: Tickets are followed for days here: rarely.
TERMS = replace(TICKET_TERMS, poll=3 * MINUTE)

#: Two roles that give no administrator's power.
ROLES = (Role(10_301, "Developers", ""), Role(10_302, "Viewers", ""))

KINDS = ("jumpcloud group", "jira group", "jira role", "account")
ROADS = ("expiry", "revoke")
#: What can happen to the thing or the account, with what undoes it; None is for good.
EVENTS = {
    "jumpcloud group": ("deleted", "renamed", "dynamic", "locked", "staged", "suspended", "user deleted", "stale"),
    "jira group": ("deleted", "renamed", "inactive", "closed", "stale"),
    "jira role": ("archived", "trashed", "purged", "renamed", "inactive", "hidden", "stale"),
    "account": ("locked", "staged", "renamed user", "suspended", "user deleted", "stale"),
}


class World:
    """Both systems behind HTTP, with the clock of the test, and connectors to them."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        seconds = lambda: self.clock.now().timestamp()  # noqa: E731 - the worlds' clock
        self.jumpcloud, self.jira = JumpCloudWorld(clock=seconds), JiraWorld(clock=seconds)
        self.jira.switches.burst_bucket = 0
        self.simulators = Simulators(jumpcloud=self.jumpcloud, jira=self.jira)
        options = ClientOptions(
            timeouts=Timeouts(connect=timedelta(seconds=5), read=timedelta(seconds=5)),
            retry_policy=RetryPolicy.without_waits(2),
        )
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
            System.JUMPCLOUD: JumpCloudConnector(jumpcloud),
            System.JIRA: JiraConnector(jira, site="https://acme.atlassian.net"),
        }


class Example:
    """One person's access to one thing, in worlds that examples share."""

    def __init__(self, world: World, store: Store, kind: str) -> None:
        self.world, self.kind = world, kind
        self.number = next(NUMBERS)
        name = f"n{self.number}"
        self.email = f"{name}@example.com"
        self.stack = LocalStack.over(
            store, rules=RULES, connectors=world.connectors, clock=world.clock, ticket_terms=TERMS
        )
        self.stack.tickets.made = self.number * 1000
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
        self.subject = self.account if kind.startswith("jira") else self.user

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

    def happen(self, event: str) -> None:
        """Something happens to the thing or to the account."""
        if event == "stale":
            path = "memberof|/user/groups|/role/|/systemusers"
            self.world.simulators.faults.add(method="GET", path=path, stale=True, times=3)
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
            "locked": [(jumpcloud, "lock_user", user)],
            "not locked": [(jumpcloud, "unlock_user", user)],
            "staged": [(jumpcloud, "change_user", {**user, "state": "STAGED"})],
            "not staged": [(jumpcloud, "activate_user", user)],
            "suspended": [(jumpcloud, "suspend_user", user)],
            "not suspended": [(jumpcloud, "activate_user", user)],
            "renamed user": [(jumpcloud, "change_user", {**user, "email": f"new-{self.email}"})],
            "user deleted": [(jumpcloud, "delete_user", user)],
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
        return ways.get(f"{self.kind} {event}" if event in ("deleted", "renamed") else event, [])

    def work_on_tickets(self, *, truly: bool) -> None:
        for issue in self.stack.tickets.open_issues():
            issue.phase = Phase.DONE
            if truly and self.kind == "account" and self.world.jumpcloud.users.get(self.user):
                act(self.world.jumpcloud, "suspend_user", user=self.user)
            elif truly and self.kind == "jumpcloud group":
                act(self.world.jumpcloud, "change_group", group=self.group, membershipMethod="STATIC")
                act(self.world.jumpcloud, "remove_member", group=self.group, user=self.user)

    def is_over(self, request: str) -> bool:
        """Whether the access counts as taken away."""
        with self.stack.store.read() as work:
            claim = work.claims.of_request(f"b{self.number}-grant")
        ended = claim is not None and claim.state is ClaimState.ENDED
        return ended or (request != f"b{self.number}-grant" and self.stack.request(request).state is RequestState.DONE)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    with world.simulators:
        yield world
    for client in world.clients:
        client.close()


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=4)
    yield Store(database)
    database.close()


@pytest.fixture
def small(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


CASES = [(kind, event) for kind in KINDS for event in EVENTS[kind]]
#: Examples cost hundreds of calls: a failing one is shown as it was drawn.
PHASES = (Phase_.explicit, Phase_.reuse, Phase_.generate)

AMOUNTS = pytest.mark.parametrize("amount", [3, pytest.param(larger(20), marks=pytest.mark.long)])


def examples(number: int) -> settings:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    return settings(max_examples=number, deadline=None, suppress_health_check=checks, phases=PHASES)


@AMOUNTS
@pytest.mark.timeout(900)
def test_b_nothing_ends_as_gone_while_the_truth_holds_it_or_can_hold_it_again(
    world: World, store: Store, amount: int
) -> None:
    @examples(amount)
    @given(st.sampled_from(CASES), st.sampled_from(ROADS), st.booleans(), st.booleans())
    def check(case: tuple[str, str], road: str, truly: bool, early: bool) -> None:  # noqa: FBT001 - drawn by Hypothesis
        kind, event = case
        one = Example(world, store, kind)
        request = one.submit("grant", "grant", duration="PT10M") if kind != "account" else ""
        one.stack.run()
        assert kind == "account" or one.holds()
        if early:
            one.happen(event)
        if kind == "account":
            request = one.submit("deprovision", "deprovision_account")
        elif road == "revoke":
            request = one.submit("revoke", "revoke")
        else:
            one.stack.clock.advance(10 * MINUTE)
        if not early:
            one.happen(event)
        for _ in range(4):
            one.stack.run(5 * MINUTE)
            assert not one.is_over(request) or not one.holds(), (case, road, "over while the truth holds it")
            one.work_on_tickets(truly=truly)
        if (
            kind != "account" or one.holds()
        ):  # A suspended account is what was asked for: to activate it is another matter.
            one.undo(event)
        one.stack.run(26 * HOUR)
        world.simulators.faults.clear()
        assert not one.is_over(request) or not one.holds(), (case, road, "held again after the end")
        if truly or (kind != "account" and event != "dynamic"):
            for _ in range(4):
                one.work_on_tickets(truly=True)
                one.stack.run(HOUR)
            # A request that names an account which is gone already has nothing to take away, and may be refused.
            nobody = case == ("account", "user deleted") and not one.holds()
            assert one.is_over(request) or nobody, (case, road, "never taken away")
        assert not one.is_over(request) or not one.holds()

    check()


@AMOUNTS
@pytest.mark.timeout(900)
def test_b7_nothing_counts_as_there_before_that_is_not_there(world: World, store: Store, amount: int) -> None:
    kinds = st.sampled_from([kind for kind in KINDS if kind != "account"])

    @examples(amount)
    @given(kinds, st.booleans(), st.sampled_from((0, 5, 19, 21, 300)), st.integers(0, 1))
    def check(kind: str, before: bool, wait: int, stale: int) -> None:  # noqa: FBT001 - drawn by Hypothesis
        one = Example(world, store, kind)
        one.submit("grant", "grant", duration="PT1M")
        one.stack.run()
        one.stack.run(2 * MINUTE)
        assert not one.holds()
        one.stack.run(timedelta(seconds=wait))
        if before:
            _give_by_hand(one)
        if stale:
            _show_the_opposite(one, stale)
        again = one.submit("again", "grant", duration="PT5M")
        one.stack.run(2 * MINUTE)
        assert one.stack.request(again).state is RequestState.DONE
        assert one.holds()
        claim = one.stack.claim(again)
        assert before or not claim.pre_existing
        one.stack.run(10 * MINUTE)
        assert one.holds() is bool(claim.pre_existing)

    check()


def _give_by_hand(one: Example, verb: str = "add") -> None:
    role = {"project": one.project, "role": str(one.role), "user": one.account}
    match one.kind:
        case "jumpcloud group":
            act(one.world.jumpcloud, f"{verb}_member", group=one.group, user=one.user)
        case "jira group":
            act(one.world.jira, f"{verb}_member", group=one.jira_group, account=one.account)
        case _:
            act(one.world.jira, f"{verb}_role_actor", **role)


def _show_the_opposite(one: Example, reads: int) -> None:
    """A replica that stands still shows the membership as it is not."""
    held = one.holds()
    _give_by_hand(one, "remove" if held else "add")
    one.world.simulators.faults.add(method="GET", path="memberof|/user/groups|/role/", stale=True, times=reads)
    _give_by_hand(one, "add" if held else "remove")


def test_b2_what_cannot_be_seen_is_unresolved_after_sixty_days_and_only_a_person_ends_it(
    world: World, small: Store
) -> None:
    one = Example(world, small, "jira role")
    grant = one.submit("grant", "grant", duration="PT10M")
    one.stack.run(MINUTE)
    one.happen("hidden")
    one.stack.run(HOUR)
    one.stack.clock.advance(59 * DAY)
    one.stack.run(HOUR)
    operation = one.stack.operation(grant, purpose=Purpose.EXPIRY)
    assert (operation.state, operation.obstacle) == (OperationState.BLOCKED, Obstacle.UNSEEN)
    assert "cannot be seen" in (operation.error or "")
    one.stack.run(2 * DAY)
    operation = one.stack.operation(grant, purpose=Purpose.EXPIRY)
    assert operation.obstacle is Obstacle.UNRESOLVED
    assert operation.due_at is not None
    assert operation.due_at - one.stack.clock.now() > DAY
    one.stack.clock.advance(100 * DAY)
    one.stack.run(HOUR)
    claim = one.stack.claim(grant)
    assert claim.state is ClaimState.ENDING
    assert Decisions(small, one.stack.clock, by="grace").settle(claim.id, reason="the project is another team's")
    assert one.stack.claim(grant).state is ClaimState.ENDED


def test_b2_one_look_serves_all_removals_that_wait_for_the_same_project(world: World, small: Store) -> None:
    one = Example(world, small, "jira role")
    people = [str(act(world.jira, "create_user", email=f"o{n}@example.com")["account_id"]) for n in range(4)]
    for account in people:
        for role in (each.id for each in ROLES):
            ref = f"jira:project-role:{one.project}:{role}:assigned"
            one.stack.submit(
                id=f"{account}-{role}", action="grant", subject={"id": account}, entitlement=ref, duration="PT10M"
            )
    one.stack.run(MINUTE)
    one.happen("trashed")
    one.stack.run(2 * HOUR)
    world.simulators.calls.reset()
    one.stack.run(3 * HOUR + MINUTE)
    searched = sum("status=archived" in call.query for call in world.simulators.calls.latest())
    assert 2 <= searched <= 4, "one look an hour, and not one for each of eight removals"
    one.undo("trashed")
    one.stack.run(2 * HOUR)
    states = {one.stack.claim(f"{account}-{role}").state for account in people for role in (each.id for each in ROLES)}
    assert states == {ClaimState.ENDED}


@pytest.mark.parametrize(
    ("event", "over"),
    [
        pytest.param("renamed user", False, id="b3 renamed"),
        pytest.param("locked", False, id="b4 locked"),
        pytest.param("staged", False, id="b4 staged"),
        pytest.param("suspended", True, id="suspended"),
        pytest.param("user deleted", True, id="deleted"),
    ],
)
def test_b3_b4_deprovisioned_is_suspended_or_deleted_by_its_stored_id_and_nothing_else(
    world: World, small: Store, event: str, *, over: bool
) -> None:
    one = Example(world, small, "account")
    request = one.submit("deprovision", "deprovision_account")
    one.stack.run(2 * MINUTE)
    one.happen(event)
    for issue in one.stack.tickets.open_issues():
        issue.phase = Phase.DONE
    one.stack.run(10 * MINUTE)
    assert one.is_over(request) is over
    if event == "locked":
        early = Example(world, small, "account")
        early.happen("locked")
        again = early.submit("deprovision", "deprovision_account")
        early.stack.run(5 * MINUTE)
        assert not early.is_over(again)
        assert early.stack.tickets.open_issues()


def test_b2_a_role_claim_that_runs_out_in_the_trash_is_taken_when_the_project_comes_back(
    world: World, small: Store
) -> None:
    one = Example(world, small, "jira role")
    grant = one.submit("grant", "grant", duration="PT10M")
    one.stack.run(MINUTE)
    one.happen("trashed")
    one.stack.run(HOUR)
    one.stack.clock.advance(30 * DAY)
    one.stack.run(HOUR)
    assert one.stack.claim(grant).state is ClaimState.ENDING
    one.undo("trashed")
    assert one.holds()
    one.stack.run(DAY + HOUR)
    assert one.stack.claim(grant).state is ClaimState.ENDED
    assert not one.holds()


def test_b2_a_role_claim_ends_when_the_trash_has_let_go_of_its_project(world: World, small: Store) -> None:
    one = Example(world, small, "jira role")
    grant = one.submit("grant", "grant", duration="PT10M")
    one.stack.run(MINUTE)
    one.happen("trashed")
    one.stack.run(HOUR)
    one.stack.clock.advance(62 * DAY)
    one.stack.run(HOUR)
    claim = one.stack.claim(grant)
    assert claim.state is ClaimState.ENDED
    assert "live, archived and in the trash" in (claim.why_ended or "")
