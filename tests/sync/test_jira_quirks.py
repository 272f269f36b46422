"""Every quirk of Jira Cloud's contract that reading may meet: the picture is right, or the run failed and said so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from access.entitlements import System
from simulator.jira import World, seed
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.server import Simulators
from simulator.systems import act
from tests.sync.breakages import always, breakages, refusals
from tests.sync.survey import HurriedClock, Quirk, Survey, survive, wide, wire
from tests.sync.truth import jira_truth

USERS = "/users/search$"
GROUPS = "/group/bulk$"
MEMBERS = "/group/member$"
PROJECTS = "/project/search$"
ROLES = "/project/[^/]+/role/"
BIG = "everybody"


def site_world(clock: HurriedClock) -> World:
    world = World(clock=clock.seconds)
    seed(world, users=60, groups=3, projects=2, members_per_group=4, team_managed_every=2)
    act(world, "create_group", name=BIG)
    people = [one for one in world.directory.user_ids if one != ADMIN_ACCOUNT]
    for account in people[:55]:
        act(world, "add_member", group=BIG, account=account)
    act(world, "close_account", account=people[3])
    act(world, "remove_user", account=people[4])
    act(world, "suspend", account=people[5])
    act(world, "deactivate", account=people[6])
    act(world, "change_profile", account=people[7], hidden=True)
    act(world, "create_service_account", name="robot")
    return world


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Iterator[Survey]:
    clock = HurriedClock()
    world = site_world(clock)
    with Simulators(jira=world) as simulators:
        known = world.credentials()
        jira = wide(site_url=simulators.jira_url, email=known["email"], api_token=known["token"])
        provisor = wire({"jira": jira}, sqlite_url, tmp_path, clock)
        yield Survey(System.JIRA, simulators, provisor, clock, world, jira_truth)
        provisor.store.database.close()


def give_and_take(site: Survey) -> None:
    """Changes of every sort."""
    people = [one for one in site.world.directory.user_ids if one != ADMIN_ACCOUNT]
    site.act("create_user", email="new@example.com")
    site.act("deactivate", account=people[10])
    site.act("close_account", account=people[11])
    site.act("remove_user", account=people[12])
    site.act("activate", account=people[6])
    site.act("add_member", group="team-0", account="new@example.com")
    site.act("remove_member", group=BIG, account=people[20])
    site.act("delete_group", group="team-1")
    site.act("rename_group", group="team-2", name="the second team")
    site.act("create_group", name="added")
    site.act("add_member", group="added", account="new@example.com")
    site.act("create_project", key="NEW", style="next-gen")
    site.act("archive_project", project="PA")
    site.act("add_role_actor", project="PB", role=role_of(site, "PB"), group="added")
    site.act("add_role_actor", project="NEW", role=role_of(site, "NEW"), user="new@example.com")


def role_of(site: Survey, project: str) -> str:
    return str(site.world.catalogue.roles_of(site.world.project(project))[0].id)


SWITCHES = [
    Quirk("nothing unusual", change=give_and_take),
    Quirk("self links name the site", {"self_links": "site"}, give_and_take),
    Quirk("pages of users are short in the middle", {"short_pages": True}, give_and_take),
    Quirk("every address is hidden", {"hidden_emails": True}),
    Quirk("those who were removed are not readable", {"removed_user_readable": False}),
    Quirk("one group a page", {"groups_bulk_cap": 1}, give_and_take),
    Quirk("three groups a page", {"groups_bulk_cap": 3}),
    Quirk("the plan is free", {"free_plan": True}),
    Quirk("messages are translated", {"translated_messages": True}, give_and_take),
    Quirk("memberships are seen late", {"directory_lag_ms": 60_000}, settles=True),
    Quirk("new users are seen late", {"new_user_lag_ms": 60_000}, settles=True),
    Quirk("removed users are seen active for a while", {"removal_lag_ms": 60_000}, settles=True),
    Quirk("the bucket is small", {"burst_bucket": 3}, give_and_take),
    Quirk("there is no limit", {"burst_bucket": 0}),
    *(
        Quirk(f"calls are throttled by {reason}", {"throttle_next": 2, "throttle_reason": reason, **more})
        for reason, more in (
            ("jira-burst-based", {}),
            ("jira-burst-based", {"retry_after_s": 60}),
            ("jira-quota-tenant-based", {"reset_without_seconds": True}),
            ("gateway", {}),
        )
    ),
]


@pytest.mark.parametrize("quirk", SWITCHES, ids=str)
def test_a_switch_is_turned(site: Survey, quirk: Quirk) -> None:
    survive(site, quirk)


def late_change(site: Survey) -> None:
    """What lags is what is changed while the switch is on."""
    people = [one for one in site.world.directory.user_ids if one != ADMIN_ACCOUNT]
    site.switch(directory_lag_ms=60_000, new_user_lag_ms=60_000, removal_lag_ms=60_000)
    site.act("add_member", group="team-0", account=people[30])
    site.act("remove_member", group=BIG, account=people[31])
    site.act("create_user", email="late@example.com")
    site.act("remove_user", account=people[32])


LAGS = [Quirk("reads lag behind", change=late_change, settles=True)]


@pytest.mark.parametrize("quirk", LAGS, ids=str)
def test_reads_lag_behind_writes(site: Survey, quirk: Quirk) -> None:
    survive(site, quirk)


FAULTS = [
    *breakages("jira", users=USERS, members=MEMBERS),
    *refusals("jira", users=USERS, members=MEMBERS),
]


@pytest.mark.long  # all systems are read through one HTTP layer: JumpCloud's are in the default suite
@pytest.mark.parametrize("quirk", FAULTS, ids=str)
def test_an_answer_is_lost_or_broken(site: Survey, quirk: Quirk) -> None:
    survive(site, quirk)


def revoke(site: Survey) -> object:
    return site.act("revoke_token", token="sim-token")


def issue(site: Survey) -> object:
    return site.act("issue_token", account=ADMIN_ACCOUNT, token="sim-token")


def forbid(permission: str) -> Any:
    return lambda site: site.act("deny", account=ADMIN_ACCOUNT, permission=permission)


def permit(permission: str) -> Any:
    return lambda site: site.act("allow", account=ADMIN_ACCOUNT, permission=permission)


#: Every list that is asked for, in order; Jira answers some of them 200 to whom it does not know.
CREDENTIALS = [
    Quirk("the token is revoked before", change=revoke, fails="refused Provisor's credential", mend=issue),
    *(
        Quirk(f"the token is revoked before {path}", meanwhile=(path, revoke), fails="refused", mend=issue)
        for path in (USERS, GROUPS, MEMBERS, PROJECTS, ROLES, "/mypermissions$", "/3/role$")
    ),
    *(
        Quirk(
            f"the token is revoked before {path}, which is a 403",
            switches,
            meanwhile=(path, revoke),
            fails="refused",
            mend=issue,
        )
        for path, switches in (
            (MEMBERS, {"anonymous_directory_status": 403}),
            (GROUPS, {"anonymous_directory_status": 403}),
            (PROJECTS, {"unauthenticated_body": "json"}),
        )
    ),
    *(
        Quirk(
            f"{permission} is taken before",
            change=forbid(permission),
            fails="lacks the global permission",
            mend=permit(permission),
        )
        for permission in ("ADMINISTER", "USER_PICKER")
    ),
]


@pytest.mark.parametrize("quirk", CREDENTIALS, ids=str)
def test_the_credential_stops_being_good(site: Survey, quirk: Quirk) -> None:
    survive(site, quirk)


#: Without these the lists that follow are shorter, and not refused.
SIGHT = [
    Quirk(
        f"{permission} is taken before {path}",
        meanwhile=(path, forbid(permission)),
        fails=fails,
        mend=permit(permission),
    )
    for permission, path, fails in (
        ("ADMINISTER", USERS, "ermission"),
        ("ADMINISTER", MEMBERS, "ermission"),
        ("ADMINISTER", PROJECTS, "ermission"),
        ("ADMINISTER", ROLES, "ermission"),
        ("USER_PICKER", USERS, "ermission"),
        ("USER_PICKER", GROUPS, "ermission"),
        ("USER_PICKER", MEMBERS, "ermission"),
    )
]


@pytest.mark.parametrize("quirk", SIGHT, ids=str)
def test_a_permission_is_taken_half_way(site: Survey, quirk: Quirk) -> None:
    survive(site, quirk)


def delete_group(site: Survey) -> object:
    return site.act("delete_group", group=BIG)


def first_member_leaves(site: Survey) -> object:
    group = site.world.group(BIG)
    return site.act("remove_member", group=BIG, account=group.members[0])


def somebody_joins(site: Survey) -> object:
    return site.act("add_member", group=BIG, account=ADMIN_ACCOUNT)


CHANGES = [
    Quirk("a group goes between the lists and its members", meanwhile=(MEMBERS, delete_group)),
    Quirk("a group goes while members are read", meanwhile=(MEMBERS, delete_group), after=3),
    Quirk("somebody leaves while members are read", meanwhile=(MEMBERS, first_member_leaves), after=2),
    Quirk("somebody joins while members are read", meanwhile=(MEMBERS, somebody_joins), after=2),
    Quirk(
        "a user comes while users are read",
        meanwhile=(USERS, lambda one: one.act("create_user", email="a@example.com")),
        after=1,
    ),
    Quirk(
        "a user goes while users are read",
        meanwhile=(USERS, lambda one: one.act("remove_user", account=one.world.directory.user_ids[9])),
        after=1,
    ),
    Quirk(
        "a group comes while groups are read",
        {"groups_bulk_cap": 2},
        meanwhile=(GROUPS, lambda one: one.act("create_group", name="aaa")),
        after=1,
    ),
    Quirk(
        "a group goes while groups are read",
        {"groups_bulk_cap": 2},
        meanwhile=(GROUPS, lambda one: one.act("delete_group", group="team-0")),
        after=1,
    ),
    Quirk(
        "a project goes between the list and its roles",
        meanwhile=(ROLES, lambda one: one.act("delete_project", project="PA")),
    ),
    Quirk(
        "a project comes while projects are read",
        meanwhile=(PROJECTS, lambda one: one.act("create_project", key="NEW")),
    ),
]


@pytest.mark.parametrize("quirk", CHANGES, ids=str)
def test_somebody_changes_what_is_being_read(site: Survey, quirk: Quirk) -> None:
    survive(site, quirk)


NOBODY = {"users": ([], "no users at all"), "groups": ({"values": [], "total": 0, "isLast": True}, "no groups at all")}
EMPTY = [
    Quirk(
        f"no {what} at all", faults=[always("jira", path=path, status=200, body=NOBODY[what][0])], fails=NOBODY[what][1]
    )
    for what, path in (("users", USERS), ("groups", GROUPS))
]


@pytest.mark.parametrize("quirk", EMPTY, ids=str)
def test_a_list_that_cannot_be_empty_is(site: Survey, quirk: Quirk) -> None:
    survive(site, quirk)
