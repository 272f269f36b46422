"""Every quirk of Jira Cloud and its organization that reading may meet: the snapshot is right, or the reader says why not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.jira import World, seed
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.server import Simulators
from simulator.systems import act
from tests.connectors.jira_reader_harness import JiraReaderHarness
from tests.connectors.reader_quirks import Quirk, QuirkySystem, breakages, survive
from tests.connectors.snapshot_truth import jira_truth

USERS = "/users/search$"
GROUPS = "/group/bulk$"
MEMBERS = "/group/member$"
PROJECTS = "/project/search$"
ROLES = "/project/[^/]+/role/"
PEOPLE = "/directories/[^/]+/users/search$"
LISTED_GROUPS = "/directories/[^/]+/groups/search$"
BIG = "everybody"


def site_world() -> World:
    world = World()
    world.switches.burst_bucket = 0
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


def site_of(world: World, **reader: Any) -> Iterator[QuirkySystem]:
    with Simulators(jira=world) as simulators:
        harness = JiraReaderHarness(world, simulators)
        yield QuirkySystem(simulators, world, lambda: harness.reader(tries=3, **reader), jira_truth)
        harness.close()


@pytest.fixture
def site() -> Iterator[QuirkySystem]:
    yield from site_of(site_world())


@pytest.fixture
def organization() -> Iterator[QuirkySystem]:
    world = site_world()
    for number in range(6):  # enough groups to make their members worth having from the organization
        act(world, "create_group", name=f"squad-{number}")
        act(world, "add_member", group=f"squad-{number}", account=world.directory.user_ids[20 + number])
    with Simulators(jira=world, atlassian=True) as simulators:
        harness = JiraReaderHarness(world, simulators)
        yield QuirkySystem(
            simulators,
            harness.directory,
            lambda: harness.reader(tries=3, organization=harness.organization(tries=3)),
            jira_truth,
            site=world,
        )
        harness.close()


def late_change(system: QuirkySystem) -> None:
    """What lags is what changes while the switch is on."""
    world = system.site or system.world
    people = [one for one in world.directory.user_ids if one != ADMIN_ACCOUNT]
    for lag in ("directory_lag_ms", "new_user_lag_ms", "removal_lag_ms"):
        setattr(world.switches, lag, 60_000)
    act(world, "add_member", group="team-0", account=people[30])
    act(world, "remove_member", group=BIG, account=people[31])
    act(world, "create_user", email="late@example.com")
    act(world, "remove_user", account=people[32])


SWITCHES = [
    Quirk("nothing unusual"),
    Quirk("self links name the site", {"self_links": "site"}),
    Quirk("pages of users are short in the middle", {"short_pages": True}),
    Quirk("every address is hidden", {"hidden_emails": True}),
    Quirk("those who were removed are not readable", {"removed_user_readable": False}),
    Quirk("one group a page", {"groups_bulk_cap": 1}),
    Quirk("three groups a page", {"groups_bulk_cap": 3}),
    Quirk("the plan is free", {"free_plan": True}),
    Quirk("messages are translated", {"translated_messages": True}),
    Quirk("reads lag behind", change=late_change, late=True),
]


def revoke(site: QuirkySystem) -> object:
    return act(site.site or site.world, "revoke_token", token="sim-token")


def forbid(permission: str) -> Any:
    return lambda site: site.act("deny", account=ADMIN_ACCOUNT, permission=permission)


#: Every list that is asked for, in order; Jira answers some of them 200 to whom it does not know.
CREDENTIALS = [
    Quirk("the token is revoked before", change=revoke, fails="refused Provisor's credential"),
    *(
        Quirk(f"the token is revoked before {path}", meanwhile=(path, revoke), fails="refused")
        for path in (USERS, GROUPS, MEMBERS, PROJECTS, ROLES, "/mypermissions$", "/3/role$", "/project/[^/]+/role$")
    ),
    *(
        Quirk(f"the token is revoked before {path}: {switches}", switches, meanwhile=(path, revoke), fails="refused")
        for path, switches in (
            (MEMBERS, {"anonymous_directory_status": 403}),
            (GROUPS, {"anonymous_directory_status": 403}),
            (PROJECTS, {"unauthenticated_body": "json"}),
        )
    ),
]

#: Without these the lists that follow are shorter, and not refused.
PERMISSIONS = [
    Quirk(f"{permission} is taken before {path}", meanwhile=(path, forbid(permission)), fails="ermission")
    for permission, path in (
        ("ADMINISTER", USERS),
        ("ADMINISTER", MEMBERS),
        ("ADMINISTER", PROJECTS),
        ("ADMINISTER", ROLES),
        ("USER_PICKER", USERS),
        ("USER_PICKER", GROUPS),
        ("USER_PICKER", MEMBERS),
    )
]


def acts(verb: str, /, **details: Any) -> Any:
    return lambda site: site.act(verb, **details)


def first_member_leaves(site: QuirkySystem) -> object:
    return site.act("remove_member", group=BIG, account=site.world.group(BIG).members[0])


def tenth_user_goes(site: QuirkySystem) -> object:
    return site.act("remove_user", account=site.world.directory.user_ids[9])


CHANGES = [
    Quirk("a group goes before its members are read", meanwhile=(MEMBERS, acts("delete_group", group=BIG))),
    Quirk("a group goes while members are read", meanwhile=(MEMBERS, acts("delete_group", group=BIG)), after=3),
    Quirk("somebody leaves while members are read", meanwhile=(MEMBERS, first_member_leaves), after=2),
    Quirk(
        "somebody joins while members are read",
        meanwhile=(MEMBERS, acts("add_member", group=BIG, account=ADMIN_ACCOUNT)),
        after=2,
    ),
    Quirk("a user comes while users are read", meanwhile=(USERS, acts("create_user", email="a@example.com")), after=1),
    Quirk("a user goes while users are read", meanwhile=(USERS, tenth_user_goes), after=1),
    Quirk(
        "a group comes while groups are read",
        {"groups_bulk_cap": 2},
        meanwhile=(GROUPS, acts("create_group", name="aaa")),
        after=1,
    ),
    Quirk(
        "a group goes while groups are read",
        {"groups_bulk_cap": 2},
        meanwhile=(GROUPS, acts("delete_group", group="team-0")),
        after=1,
    ),
    Quirk("a project goes before its roles are read", meanwhile=(ROLES, acts("delete_project", project="PA"))),
    Quirk("a project comes while projects are read", meanwhile=(PROJECTS, acts("create_project", key="NEW"))),
]


@pytest.mark.parametrize(
    "quirk", [*SWITCHES, *CREDENTIALS, *PERMISSIONS, *CHANGES, *breakages("jira", USERS, MEMBERS)], ids=str
)
def test_a_quirk_is_survived(site: QuirkySystem, quirk: Quirk) -> None:
    survive(site, quirk)


@pytest.fixture
def large_site() -> Iterator[QuirkySystem]:
    """A site whose accounts and one group's members need two pages, read one call after the other."""
    world = World()
    world.switches.burst_bucket = 0
    seed(world, users=1100, groups=2, projects=1, members_per_group=4)
    act(world, "create_group", name=BIG)
    for account in world.directory.user_ids[100:170]:
        act(world, "add_member", group=BIG, account=account)
    yield from site_of(world, concurrency=1)


def swap_members(site: QuirkySystem) -> None:
    members = site.world.group(BIG).members
    stranger = next(one for one in reversed(site.world.directory.user_ids) if one > members[-1])
    site.act("remove_member", group=BIG, account=members[0])
    site.act("add_member", group=BIG, account=stranger)


def swap_users(how_many: int) -> Any:
    def swap(site: QuirkySystem) -> None:
        directory = site.world.directory
        for number in range(how_many):
            gone = directory.user_ids[200]
            site.act("remove_user", account=gone)
            directory.user_ids.remove(gone)
            del directory.users[gone]
            site.act("create_user", email=f"late-{number}@example.com")

    return swap


@pytest.mark.parametrize(
    ("path", "swap"),
    [("/group/member", swap_members), ("/users/search", swap_users(1)), ("/users/search", swap_users(30))],
)
def test_a_row_that_moves_past_the_offset_is_read(large_site: QuirkySystem, path: str, swap: Any) -> None:
    """One row leaves and another joins between two pages: the total stays what it was."""
    calls = large_site.simulators.calls
    survive(large_site, Quirk("a first look"))
    queries = [call.query for call in calls.latest() if call.path.endswith(path)]
    second = next(number for number, query in enumerate(queries) if "startAt=0" not in query)
    survive(large_site, Quirk("a swap", meanwhile=(f"{path}$", swap), after=second))


#: The reader does without an organization whose answers cannot be used from the start; half-way it does not.
DONE_WITHOUT = ("half a body", "an HTML page and 200", "another shape", "a redirect", "a call that is gone")

ORGANIZATION = [
    Quirk("nothing unusual"),
    Quirk("lists end with null", {"end_of_list": "null"}),
    Quirk("removals are seen late", {"removal_delay_ms": 60_000}),
    Quirk("reads lag behind", change=late_change, late=True),
    *(
        replace(quirk, fails=None) if quirk.name.removesuffix(", always") in DONE_WITHOUT else quirk
        for quirk in breakages("atlassian", LISTED_GROUPS, PEOPLE)
    ),
    *(
        Quirk(
            f"{path} is gone half-way",
            faults=[{"system": "atlassian", "path": path, "status": 410, "times": None, "after": after}],
            fails="needs an update",
        )
        for path, after in ((PEOPLE, 2), (LISTED_GROUPS, 1))
    ),
    Quirk("the key is revoked before", change=acts("revoke_key", value=ORGANIZATION_KEY), fails="refused"),
    *(
        Quirk(
            f"the key is revoked before {path}, {after} calls on",
            meanwhile=(path, acts("revoke_key", value=ORGANIZATION_KEY)),
            after=after,
            fails="refused",
        )
        for path, after in ((LISTED_GROUPS, 0), (LISTED_GROUPS, 1), (PEOPLE, 0), (PEOPLE, 1))
    ),
    Quirk(
        "the site's token is revoked while the directory is read", meanwhile=(PEOPLE, revoke), after=1, fails="refused"
    ),
    Quirk(
        "somebody joins a group while people are read",
        meanwhile=(PEOPLE, acts("add_member", group=BIG, account=ADMIN_ACCOUNT)),
        after=1,
    ),
    Quirk("a group goes while people are read", meanwhile=(PEOPLE, acts("delete_group", group="team-0")), after=1),
    Quirk(
        "a group goes before people are read", meanwhile=(LISTED_GROUPS, acts("delete_group", group="team-0")), after=1
    ),
]


@pytest.mark.parametrize("quirk", ORGANIZATION, ids=str)
def test_a_quirk_of_the_organization_is_survived(organization: QuirkySystem, quirk: Quirk) -> None:
    survive(organization, quirk)
