from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from access.entitlements import ResourceKind
from access.failures import CredentialRefused, Permanent, Transient
from connectors.jira import api_token, bearer_token, find_cloud_id
from connectors.jira.reading import JiraReader, Sizes, expected_calls
from connectors.reading import AccountKind, AccountStatus, Incomplete, PrincipalKind, ReadPlan
from httpclient import ClientOptions
from simulator.jira import World
from simulator.jira.people import User
from simulator.jira.seeding import seed
from simulator.systems import act
from tests.connectors.jira_reader_harness import (
    ADMIN,
    SITE,
    JiraReaderHarness,
    add_group,
    add_user,
    flat,
    jira_harness,
    part,
    sizes,
)
from tests.connectors.snapshot_engine import read_part
from tests.httpclient.stub import TIMEOUTS, Reply, Stub

NO_GROUP = "00000000-0000-4000-8000-00000000dead"
EVERY_SCOPE = ("read:jira-user", "read:jira-work", "manage:jira-configuration")
EMPTY = {"values": [], "total": 0, "isLast": True, "maxResults": 50, "startAt": 0}


@pytest.fixture
def harness() -> Iterator[JiraReaderHarness]:
    with jira_harness() as made:
        yield made


def plan(reader: JiraReader) -> ReadPlan:
    return reader.plan(previous=None, now=datetime.now(UTC))


# The whole


@pytest.mark.parametrize("page", [50, 7])
def test_a_snapshot_costs_no_more_calls_than_the_formula_and_a_twentieth(
    harness: JiraReaderHarness, world: World, page: int
) -> None:
    harness.switch(groups_bulk_cap=page)
    seed(world, users=300, groups=60, projects=25, members_per_group=60)
    counted = harness.take(harness.reader()).total
    assert counted <= 1.05 * expected_calls(sizes(world, group_page=page))


def test_the_formula_is_the_one_of_the_contract() -> None:
    example = Sizes(users=2000, members=[40] * 200, projects=150, roles=750)
    assert expected_calls(example) == 3 + 1 + 4 + 200 + 2 + 1 + 750
    assert expected_calls(Sizes(users=2000, members=[40] * 200, projects=150, roles=750, team_managed=150)) == 1110
    with_people = Sizes(users=2000, members=[40] * 200, projects=150, roles=750, people=2000, unlisted=[3, 60])
    assert expected_calls(with_people) == 3 + 1 + 4 + 20 + 2 + 3 + 2 + 1 + 750


def test_a_good_token_is_proven_by_one_cheap_call(harness: JiraReaderHarness) -> None:
    assert harness.reader().prove() == "Admin Person"
    assert harness.calls() == {"jira GET /rest/api/3/myself": 1}


def test_no_more_calls_are_in_flight_than_allowed_however_many_threads_read(
    harness: JiraReaderHarness, world: World
) -> None:
    user = add_user(world, "Alice")
    parts = [
        part(f"members/{group.id}", group=group.id) for group in (add_group(world, f"t{n}", user) for n in range(12))
    ]
    reader = harness.reader(concurrency=3)
    made = plan(reader)
    faults = harness.simulators.faults
    held = faults.add(system="jira", path="/group/member", hold="before", times=None)
    with ThreadPoolExecutor(12) as pool:
        reading = [pool.submit(read_part, reader, made, each) for each in parts]
        assert faults.wait_until(held, holding=3, timeout=300)
        time.sleep(0.2)  # noqa: TID251 - calls are to overlap
        assert faults.get(held).holding == 3
        faults.remove(held)
        assert [len(each.result(300)) for each in reading] == [1] * 12


# Accounts


def test_an_account_is_shown_with_its_kind_and_status(harness: JiraReaderHarness, world: World) -> None:
    for name, more in {
        "Active": {},
        "Idle": {"account_status": "inactive"},
        "Suspended": {"membership_status": "suspended"},
        "Robot": {"account_type": "app", "app_type": "service"},
        "Buyer": {"account_type": "customer"},
        "Riddle": {"account_type": "unknown"},
        "Leaver": {},
    }.items():
        add_user(world, name, **more)
    act(world, "close_account", account="leaver@example.com")
    accounts = {row.title: row for row in harness.take(harness.reader()).accounts.values()}
    shown = {title: (row.kind, row.status) for title, row in accounts.items()}
    assert shown == {
        "Admin Person": (AccountKind.ATLASSIAN, AccountStatus.ACTIVE),
        "Active": (AccountKind.ATLASSIAN, AccountStatus.ACTIVE),
        "Idle": (AccountKind.ATLASSIAN, AccountStatus.SUSPENDED),
        "Suspended": (AccountKind.ATLASSIAN, AccountStatus.SUSPENDED),
        "Robot": (AccountKind.APP, AccountStatus.ACTIVE),
        "Buyer": (AccountKind.CUSTOMER, AccountStatus.ACTIVE),
        "Riddle": (AccountKind.UNKNOWN, AccountStatus.ACTIVE),
        "Former user": (AccountKind.ATLASSIAN, AccountStatus.DELETED),
    }
    assert accounts["Robot"].attributes["app_type"] == "service"


def test_customers_are_left_out_on_request(harness: JiraReaderHarness, world: World) -> None:
    buyer = add_user(world, "Buyer", account_type="customer")
    assert buyer.account_id not in harness.take(harness.reader(skip_customers=True)).accounts


def test_a_short_page_is_not_the_end_of_the_users(harness: JiraReaderHarness, world: World) -> None:
    harness.switch(short_pages=True)
    seed(world, users=1500, groups=0, projects=0)
    taken = harness.take(harness.reader())
    assert len(taken.accounts) == 1501
    assert taken.calls["jira GET /rest/api/3/users/search"] == 3


@pytest.mark.parametrize(("pages", "most"), [(1, 2), (21, 22), (22, 24), (45, 47)])
def test_pages_asked_for_beyond_the_end_are_no_more_than_a_twentieth(stub: Stub, pages: int, most: int) -> None:
    client = JiraReaderHarness(World(), SimpleNamespace(jira_url=stub.url))  # type: ignore[arg-type] # only its address
    reader = client.reader()
    people = [
        {"accountId": f"{number}", "accountType": "atlassian", "displayName": "Somebody", "active": True}
        for number in range(pages + 1)
    ]

    def page(path: str) -> Reply:
        """Each has somebody in common with the one before; several are on their way at once."""
        number = int(parse_qs(urlsplit(path).query)["startAt"][0]) // 990
        return Reply(body=people[number : number + 2] if number < pages else [])

    stub.by_path = page
    assert len(flat(reader.read(ReadPlan("everything"), part("users")))) == len(people)
    assert pages + 1 <= len(stub.seen) <= most <= 1.05 * (pages + 1) + 0.95
    client.close()


def test_an_address_is_the_profiles_else_our_own_and_says_which(harness: JiraReaderHarness, world: World) -> None:
    shown = add_user(world, "Shown")
    hidden = add_user(world, "Hidden", email_hidden=True)
    secret = add_user(world, "Secret", email_hidden=True)
    ours = {hidden.account_id: "hidden@example.com", shown.account_id: "old@example.com"}
    accounts = harness.take(harness.reader(known_emails=ours.get)).accounts
    addresses = {one: (accounts[one].email, accounts[one].email_source) for one in accounts}
    assert addresses[shown.account_id] == ("shown@example.com", "profile")
    assert addresses[hidden.account_id] == ("hidden@example.com", "provisor")
    assert addresses[secret.account_id] == (None, None)


def test_a_damaged_record_is_left_out(harness: JiraReaderHarness, world: World) -> None:
    world.directory.add_user(User("unknown", "", "", account_type="unknown"))
    group = add_group(world, "team", world.user(ADMIN))
    world.administration.add_member(group, world.directory.users["unknown"])
    taken = harness.take(harness.reader())
    assert "unknown" not in taken.accounts
    assert taken.members(group.id) == {world.user(ADMIN).account_id}


# Groups


def test_system_groups_are_read_and_marked(harness: JiraReaderHarness, world: World) -> None:
    admins = world.group("site-admins")
    taken = harness.take(harness.reader())
    assert taken.resource(ResourceKind.GROUP, admins.id).attributes["system"] is True
    assert taken.members(admins.id) == {world.user(ADMIN).account_id}


def test_a_larger_page_of_groups_than_the_service_takes_is_not_the_end(
    harness: JiraReaderHarness, world: World
) -> None:
    for number in range(60):
        add_group(world, f"team-{number}")
    harness.simulators.faults.add(path="/group/bulk", status=400, times=1)
    assert harness.take(harness.reader()).count(ResourceKind.GROUP) == 62


def test_a_group_that_is_gone_since_is_an_empty_list(harness: JiraReaderHarness) -> None:
    reader = harness.reader()
    assert read_part(reader, plan(reader), part(f"members/{NO_GROUP}", group=NO_GROUP)) == []


def test_a_group_that_is_listed_and_not_found_is_waited_for(harness: JiraReaderHarness, world: World) -> None:
    group = add_group(world, "team", add_user(world, "Alice"))
    reader = harness.reader()
    made = plan(reader)
    harness.simulators.faults.add(path="/group/member", status=404, times=1)
    with pytest.raises(Transient, match="lists group"):
        read_part(reader, made, part(f"members/{group.id}", group=group.id))


def test_a_404_that_is_not_jiras_own_says_nothing_about_a_group(harness: JiraReaderHarness) -> None:
    reader = harness.reader()
    made = plan(reader)
    harness.simulators.faults.add(path="/group/member", status=404, body="<html>lost</html>", times=1)
    with pytest.raises(Transient, match="own words"):
        read_part(reader, made, part(f"members/{NO_GROUP}", group=NO_GROUP))


# Projects and roles


def test_a_project_says_who_leads_it_and_whether_its_roles_tell_all(harness: JiraReaderHarness, world: World) -> None:
    lead = add_user(world, "Lead")
    world.add_project("PAY", "Payments", lead=lead.account_id)
    world.add_project("OPEN", "Open", style="next-gen", access_level="open")
    world.add_project("LTD", "Limited", style="next-gen", access_level="limited")
    world.add_project("HID", "Hidden", style="next-gen", access_level="private", type_key="service_desk")
    taken = harness.take(harness.reader())
    rows = {row.attributes["key"]: row for row in taken.resources(ResourceKind.PROJECT)}
    assert rows["PAY"].attributes["lead"] == lead.account_id
    assert rows["PAY"].url == f"{SITE}/browse/PAY"
    assert rows["HID"].attributes["type"] == "service_desk"
    assert rows["HID"].attributes["style"] == "next-gen"
    assert {key: row.attributes["participants_complete"] for key, row in rows.items()} == {
        "PAY": False,
        "OPEN": False,
        "LTD": False,
        "HID": True,
    }
    assert "permission scheme" in rows["PAY"].attributes["participants_note"]
    assert "everyone" in rows["OPEN"].attributes["participants_note"]
    plain = harness.take(harness.reader(participants=False))
    assert all("participants_complete" not in row.attributes for row in plain.resources(ResourceKind.PROJECT))


def test_those_in_a_role_as_a_group_are_shown_as_the_group(harness: JiraReaderHarness, world: World) -> None:
    alice = add_user(world, "Alice")
    team = add_group(world, "team", alice)
    project = world.add_project("PAY", "Payments")
    world.enter_role(project, world.catalogue.roles[10002], alice)
    world.enter_role(project, world.catalogue.roles[10002], team)
    taken = harness.take(harness.reader())
    assert taken.actors(project.id, 10002) == {
        (PrincipalKind.ACCOUNT, alice.account_id),
        (PrincipalKind.GROUP, team.id),
    }
    role = taken.resource(ResourceKind.PROJECT_ROLE, f"{project.id}/10002")
    assert (role.name, role.parent) == ("Administrators", project.id)


def test_the_actor_of_a_deleted_group_is_left_out_and_the_others_stay(harness: JiraReaderHarness, world: World) -> None:
    alice = add_user(world, "Alice")
    team = add_group(world, "team", alice)
    project = world.add_project("PAY", "Payments")
    world.enter_role(project, world.catalogue.roles[10002], alice)
    world.enter_role(project, world.catalogue.roles[10002], team)
    act(world, "delete_group", group="team")
    taken = harness.take(harness.reader())
    assert taken.actors(project.id, 10002) == {(PrincipalKind.ACCOUNT, alice.account_id)}


def test_an_inactive_account_in_a_role_is_shown(harness: JiraReaderHarness, world: World) -> None:
    idle = add_user(world, "Idle", account_status="inactive")
    project = world.add_project("PAY", "Payments")
    world.enter_role(project, world.catalogue.roles[10002], idle)
    assert harness.take(harness.reader()).actors(project.id, 10002) == {(PrincipalKind.ACCOUNT, idle.account_id)}


def test_internal_roles_of_apps_are_left_out(harness: JiraReaderHarness, world: World) -> None:
    world.add_project("PAY", "Payments")
    taken = harness.take(harness.reader())
    assert not [row for row in taken.resources(ResourceKind.PROJECT_ROLE) if "addons" in row.name]


@pytest.mark.parametrize("listed", ["nothing", "something else"])
def test_team_managed_projects_are_asked_for_their_roles_unless_the_sites_list_agrees(
    harness: JiraReaderHarness, world: World, listed: str
) -> None:
    world.add_project("PAY", "Payments")
    own = world.add_project("OWN", "Own", style="next-gen")
    user = add_user(world, "Alice")
    role = world.catalogue.roles_of(own)[0]
    world.enter_role(own, role, user)
    roles: list[dict[str, Any]] = [{"id": 10002, "name": "Administrators"}]
    if listed == "something else":
        roles.append({"id": 77, "name": "Other", "scope": {"type": "PROJECT", "project": {"id": own.id}}})
    harness.simulators.faults.add(path="/rest/api/3/role$", status=200, body=roles, times=1)
    taken = harness.take(harness.reader())
    assert f"roles/{own.id}" in taken.read
    assert taken.actors(own.id, role.id) == {(PrincipalKind.ACCOUNT, user.account_id)}
    assert len([row for row in taken.resources(ResourceKind.PROJECT_ROLE) if row.parent == own.id]) == 3


def test_a_project_that_is_gone_since_is_an_empty_list(harness: JiraReaderHarness, world: World) -> None:
    own = world.add_project("OWN", "Own", style="next-gen")
    reader = harness.reader()
    made = plan(reader)
    act(world, "delete_project", project="OWN")
    assert read_part(reader, made, part("actors/x/y", project=own.id, role="10002", name="Administrators")) == []
    assert read_part(reader, made, part("roles/x", project=own.id)) == []


# Who we are, and what we are shown


def test_an_empty_list_of_projects_counts_only_when_jira_knows_us(harness: JiraReaderHarness) -> None:
    reader = harness.reader()
    made = plan(reader)
    assert read_part(reader, made, part("projects")) == []
    harness.simulators.faults.add(path="/myself", status=401, times=1)
    with pytest.raises(CredentialRefused):
        read_part(reader, made, part("projects"))


@pytest.mark.parametrize(("name", "path", "body"), [("users", "/users/search", []), ("groups", "/group/bulk", EMPTY)])
def test_a_site_without_anybody_is_not_believed(harness: JiraReaderHarness, name: str, path: str, body: Any) -> None:
    reader = harness.reader()
    made = plan(reader)
    harness.simulators.faults.add(path=path, status=200, body=body, times=None)
    with pytest.raises(Incomplete, match="Browse users and groups"):
        read_part(reader, made, part(name))


@pytest.mark.parametrize(
    ("permission", "name"), [("ADMINISTER", "Administer Jira"), ("USER_PICKER", "Browse users and groups")]
)
def test_an_account_that_is_not_shown_everything_is_told_which_permission_it_lacks(
    harness: JiraReaderHarness, world: World, permission: str, name: str
) -> None:
    act(world, "deny", account=ADMIN, permission=permission)
    reader = harness.reader()
    with pytest.raises(Permanent, match=name):
        plan(reader)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_scoped_token_reads_through_the_gateway(harness: JiraReaderHarness, world: World, scheme: str) -> None:
    seed(world, users=10, groups=2, projects=3)
    act(world, "issue_token", account=ADMIN, token="scoped-token", scopes=list(EVERY_SCOPE))
    credential = bearer_token("scoped-token") if scheme == "bearer" else api_token(ADMIN, "scoped-token")
    taken = harness.take(harness.reader(credential, address=harness.gateway))
    assert len(taken.accounts) == 11
    assert taken.count(ResourceKind.PROJECT) == 3
    assert taken.count(ResourceKind.PROJECT_ROLE) == 15


@pytest.mark.parametrize(
    ("scope", "name"),
    [("manage:jira-configuration", "members/x"), ("read:jira-user", "users"), ("read:jira-work", "projects")],
)
def test_a_token_without_a_scope_is_told_which(harness: JiraReaderHarness, world: World, scope: str, name: str) -> None:
    scopes = [one for one in EVERY_SCOPE if one != scope]
    act(world, "issue_token", account=ADMIN, token="scoped-token", scopes=scopes)
    reader = harness.reader(bearer_token("scoped-token"), address=harness.gateway)
    with pytest.raises(CredentialRefused) as refused:
        read_part(reader, ReadPlan("everything"), part(name, group=NO_GROUP))
    assert scope in refused.value.remedy


def test_the_cloud_id_is_found_without_showing_a_credential(harness: JiraReaderHarness, stub: Stub) -> None:
    options = ClientOptions(timeouts=TIMEOUTS)
    found = find_cloud_id(harness.simulators.jira_url, options=options)
    assert found == harness.world.site.cloud_id
    stub.will(Reply(body={"cloudId": "11111111-2222-4333-8444-555555555555"}))
    find_cloud_id(stub.url, options=options)
    assert "authorization" not in stub.seen[0].headers


# Bad days


def test_a_list_of_users_that_takes_jira_too_long_is_asked_for_again(harness: JiraReaderHarness) -> None:
    reader = harness.reader(tries=2)
    made = plan(reader)
    harness.simulators.faults.add(path="/users/search", status=409, times=1)
    with pytest.raises(Transient, match="too long"):
        read_part(reader, made, part("users"))
    assert read_part(reader, made, part("users"))


def test_without_an_organization_every_snapshot_is_a_full_one_and_says_why(harness: JiraReaderHarness) -> None:
    reader = harness.reader()
    again = harness.take(reader, previous=harness.take(reader))
    assert again.plan.full
    assert "organization" in again.plan.notes[0]
