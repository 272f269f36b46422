from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from access.failures import CredentialRefused, Permanent, Transient
from connectors.http import Manners
from connectors.jira import api_token, bearer_token
from connectors.jira.reading import JiraReader, Sizes, expected_calls, find_cloud_id
from connectors.reading import AccountKind, AccountStatus, Incomplete, PrincipalKind, ReadPlan, Shifted, ThingKind
from simulator.jira import World
from simulator.jira.people import Group, User
from simulator.jira.seeding import seed
from simulator.server import Simulators
from simulator.systems import act
from tests.connectors.jira_picture import ADMIN, SITE, Photographer, flat, part, whole
from tests.connectors.stub import TIMEOUTS, Reply, Stub

NO_GROUP = "00000000-0000-4000-8000-00000000dead"
EVERY_SCOPE = ("read:jira-user", "read:jira-work", "manage:jira-configuration")
EMPTY = {"values": [], "total": 0, "isLast": True, "maxResults": 50, "startAt": 0}


@pytest.fixture
def photographer() -> Iterator[Photographer]:
    world = World()
    world.switches.burst_bucket = 0
    with Simulators(jira=world) as simulators:
        made = Photographer(world, simulators)
        yield made
        made.close()


@pytest.fixture
def world(photographer: Photographer) -> World:
    return photographer.world


def add_user(world: World, name: str, **more: Any) -> User:
    user = User(f"712020:{world.administration.fresh_uuid()}", f"{name.lower()}@example.com", name, **more)
    return world.directory.add_user(user)


def add_group(world: World, name: str, *members: User) -> Group:
    found = Group(world.administration.fresh_uuid(), name, members=[user.account_id for user in members])
    return world.directory.add_group(found)


def plan(reader: JiraReader) -> ReadPlan:
    return reader.plan(previous=None, now=datetime.now(UTC))


# The whole


def test_a_picture_holds_exactly_what_the_site_holds(photographer: Photographer, world: World) -> None:
    seed(world, users=60, groups=8, projects=6, members_per_group=7)
    taken = photographer.take(photographer.reader())
    assert set(taken.accounts) == set(world.directory.users)
    assert {row.id: row.name for row in taken.resources(ThingKind.GROUP)} == {
        group.id: group.name for group in world.directory.groups.values()
    }
    for group in world.directory.groups.values():
        assert taken.members(group.id) == set(group.members), group.name
    assert {row.id for row in taken.resources(ThingKind.PROJECT)} == set(world.projects.by_id)
    for project in world.projects.by_id.values():
        roles = {
            role.id for role in world.catalogue.roles_of(project) if role.name != "atlassian-addons-project-access"
        }
        listed = [row for row in taken.resources(ThingKind.PROJECT_ROLE) if row.parent == project.id]
        assert {row.id for row in listed} == {f"{project.id}/{role}" for role in roles}
        for role in roles:
            held = {(actor.user or actor.group) for actor in project.roles.get(role, [])}
            assert {principal for _, principal in taken.actors(project.id, role)} == held


@pytest.mark.parametrize("page", [50, 7])
def test_a_picture_costs_no_more_calls_than_the_formula_and_a_twentieth(
    photographer: Photographer, world: World, page: int
) -> None:
    photographer.switch(groups_bulk_cap=page)
    seed(world, users=300, groups=60, projects=25, members_per_group=60)
    counted = photographer.take(photographer.reader()).total
    projects = world.projects.by_id.values()
    sizes = Sizes(
        users=len(world.directory.users),
        members=[len(group.members) for group in world.directory.groups.values()],
        projects=len(projects),
        roles=sum(len(world.catalogue.roles_of(project)) - (not project.simplified) for project in projects),
        team_managed=sum(project.simplified for project in projects),
        group_page=page,
    )
    assert counted <= 1.05 * expected_calls(sizes)


def test_the_formula_is_the_one_of_the_contract() -> None:
    example = Sizes(users=2000, members=[40] * 200, projects=150, roles=750)
    assert expected_calls(example) == 3 + 4 + 200 + 2 + 1 + 750
    assert expected_calls(Sizes(users=2000, members=[40] * 200, projects=150, roles=750, team_managed=150)) == 1109
    with_people = Sizes(users=2000, members=[40] * 200, projects=150, roles=750, people=2000, unlisted=[3, 60])
    assert expected_calls(with_people) == 3 + 4 + 20 + 2 + 3 + 2 + 1 + 750


def test_no_more_calls_are_in_flight_than_allowed_however_many_threads_read(
    photographer: Photographer, world: World
) -> None:
    user = add_user(world, "Alice")
    groups = [add_group(world, f"team-{number}", user) for number in range(12)]
    reader = photographer.reader(concurrency=3)
    made = plan(reader)
    held = photographer.simulators.faults.add(system="jira", path="/group/member", hold="before", times=None)
    read: list[int] = []
    threads = [
        threading.Thread(
            target=lambda group=group: read.append(
                len(flat(reader.read(made, part(f"members/{group.id}", group=group.id))))
            )
        )
        for group in groups
    ]
    for thread in threads:
        thread.start()
    faults = photographer.simulators.faults
    assert faults.wait_until(held, holding=3)
    time.sleep(0.2)  # calls are to overlap
    assert faults.get(held).holding == 3
    faults.remove(held)
    for thread in threads:
        thread.join(10)
    assert read == [1] * 12


def test_links_in_answers_are_never_followed(photographer: Photographer, world: World) -> None:
    photographer.switch(self_links="site")  # the links lead to the real service
    seed(world, users=1, groups=120, projects=110, members_per_group=0, roles_per_project=1)
    reader = photographer.reader()
    made = plan(reader)
    assert len(whole(reader, made, part("groups"))) == len(world.directory.groups)
    assert len(whole(reader, made, part("projects"))) == 110


# Accounts


def test_an_account_is_shown_with_its_kind_and_status(photographer: Photographer, world: World) -> None:
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
    accounts = {row.title: row for row in photographer.take(photographer.reader()).accounts.values()}
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


def test_customers_are_left_out_on_request(photographer: Photographer, world: World) -> None:
    buyer = add_user(world, "Buyer", account_type="customer")
    assert buyer.account_id not in photographer.take(photographer.reader(skip_customers=True)).accounts


def test_a_short_page_is_not_the_end_of_the_users(photographer: Photographer, world: World) -> None:
    photographer.switch(short_pages=True)
    seed(world, users=1500, groups=0, projects=0)
    taken = photographer.take(photographer.reader())
    assert len(taken.accounts) == 1501
    assert taken.calls["jira GET /rest/api/3/users/search"] == 3


@pytest.mark.parametrize(("pages", "most"), [(1, 2), (21, 22), (22, 24), (45, 47)])
def test_pages_asked_for_beyond_the_end_are_no_more_than_a_twentieth(stub: Stub, pages: int, most: int) -> None:
    client = Photographer(World(), _Nowhere(stub.address))  # type: ignore[arg-type] # only its address
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


class _Nowhere:
    def __init__(self, address: str) -> None:
        self.jira_url = address


def test_an_address_is_the_profiles_else_our_own_and_says_which(photographer: Photographer, world: World) -> None:
    shown = add_user(world, "Shown")
    hidden = add_user(world, "Hidden", email_hidden=True)
    secret = add_user(world, "Secret", email_hidden=True)
    ours = {hidden.account_id: "hidden@example.com", shown.account_id: "old@example.com"}
    accounts = photographer.take(photographer.reader(known_addresses=ours.get)).accounts
    addresses = {one: (accounts[one].email, accounts[one].email_source) for one in accounts}
    assert addresses[shown.account_id] == ("shown@example.com", "profile")
    assert addresses[hidden.account_id] == ("hidden@example.com", "provisor")
    assert addresses[secret.account_id] == (None, None)


def test_a_damaged_record_is_left_out(photographer: Photographer, world: World) -> None:
    world.directory.add_user(User("unknown", "", "", account_type="unknown"))
    group = add_group(world, "team", world.user(ADMIN))
    world.administration.add_member(group, world.directory.users["unknown"])
    taken = photographer.take(photographer.reader())
    assert "unknown" not in taken.accounts
    assert taken.members(group.id) == {world.user(ADMIN).account_id}


# Groups


def test_inactive_members_are_members(photographer: Photographer, world: World) -> None:
    idle = add_user(world, "Idle", account_status="inactive")
    group = add_group(world, "team", idle)
    assert photographer.take(photographer.reader()).members(group.id) == {idle.account_id}


def test_members_beyond_the_largest_page_are_read(photographer: Photographer, world: World) -> None:
    group = add_group(world, "team", *(add_user(world, f"U{number}") for number in range(101)))
    taken = photographer.take(photographer.reader())
    assert taken.members(group.id) == set(group.members)
    assert taken.calls["jira GET /rest/api/3/group/member"] == 3 + 2  # and one for each of the site's own groups


def test_system_groups_are_read_and_marked(photographer: Photographer, world: World) -> None:
    admins = world.group("site-admins")
    taken = photographer.take(photographer.reader())
    assert taken.resource(ThingKind.GROUP, admins.id).attributes["system"] is True
    assert taken.members(admins.id) == {world.user(ADMIN).account_id}


def test_a_larger_page_of_groups_than_the_service_takes_is_not_the_end(
    photographer: Photographer, world: World
) -> None:
    for number in range(60):
        add_group(world, f"team-{number}")
    photographer.simulators.faults.add(path="/group/bulk", status=400, times=1)
    assert photographer.take(photographer.reader()).count(ThingKind.GROUP) == 62


def test_a_group_that_is_gone_since_is_an_empty_list(photographer: Photographer) -> None:
    reader = photographer.reader()
    assert whole(reader, plan(reader), part(f"members/{NO_GROUP}", group=NO_GROUP)) == []


def test_a_group_that_is_listed_and_not_found_is_waited_for(photographer: Photographer, world: World) -> None:
    group = add_group(world, "team", add_user(world, "Alice"))
    reader = photographer.reader()
    made = plan(reader)
    photographer.simulators.faults.add(path="/group/member", status=404, times=1)
    with pytest.raises(Transient, match="lists group"):
        whole(reader, made, part(f"members/{group.id}", group=group.id))


def test_a_404_that_is_not_jiras_own_says_nothing_about_a_group(photographer: Photographer) -> None:
    reader = photographer.reader()
    made = plan(reader)
    photographer.simulators.faults.add(path="/group/member", status=404, body="<html>lost</html>", times=1)
    with pytest.raises(Transient, match="not Jira"):
        whole(reader, made, part(f"members/{NO_GROUP}", group=NO_GROUP))


def test_a_list_that_grows_while_it_is_read_is_read_again(photographer: Photographer, world: World) -> None:
    group = add_group(world, "team", *(add_user(world, f"U{number}") for number in range(120)))
    late = add_user(world, "Late")
    reader = photographer.reader()
    made, members = plan(reader), part(f"members/{group.id}", group=group.id)
    faults = photographer.simulators.faults
    held = faults.add(path="/group/member", hold="before", after=1, times=None)
    shifted: list[bool] = []

    def read() -> None:
        try:
            flat(reader.read(made, members))
        except Shifted:
            shifted.append(True)

    thread = threading.Thread(target=read)
    thread.start()
    assert faults.wait_until(held, holding=1)
    world.administration.add_member(group, late)
    faults.remove(held)
    thread.join(10)
    assert shifted == [True]
    assert len(whole(reader, made, members)) == 121


# Projects and roles


def test_a_project_says_who_leads_it_and_whether_its_roles_tell_all(photographer: Photographer, world: World) -> None:
    lead = add_user(world, "Lead")
    world.add_project("PAY", "Payments", lead=lead.account_id)
    world.add_project("OPEN", "Open", style="next-gen", access_level="open")
    world.add_project("LTD", "Limited", style="next-gen", access_level="limited")
    world.add_project("HID", "Hidden", style="next-gen", access_level="private", type_key="service_desk")
    taken = photographer.take(photographer.reader())
    rows = {row.attributes["key"]: row for row in taken.resources(ThingKind.PROJECT)}
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
    plain = photographer.take(photographer.reader(participants=False))
    assert all("participants_complete" not in row.attributes for row in plain.resources(ThingKind.PROJECT))


def test_those_in_a_role_as_a_group_are_shown_as_the_group(photographer: Photographer, world: World) -> None:
    alice = add_user(world, "Alice")
    team = add_group(world, "team", alice)
    project = world.add_project("PAY", "Payments")
    world.enter_role(project, world.catalogue.roles[10002], alice)
    world.enter_role(project, world.catalogue.roles[10002], team)
    taken = photographer.take(photographer.reader())
    assert taken.actors(project.id, 10002) == {
        (PrincipalKind.ACCOUNT, alice.account_id),
        (PrincipalKind.GROUP, team.id),
    }
    role = taken.resource(ThingKind.PROJECT_ROLE, f"{project.id}/10002")
    assert (role.name, role.parent) == ("Administrators", project.id)


def test_the_actor_of_a_deleted_group_is_left_out_and_the_others_stay(photographer: Photographer, world: World) -> None:
    alice = add_user(world, "Alice")
    team = add_group(world, "team", alice)
    project = world.add_project("PAY", "Payments")
    world.enter_role(project, world.catalogue.roles[10002], alice)
    world.enter_role(project, world.catalogue.roles[10002], team)
    act(world, "delete_group", group="team")
    taken = photographer.take(photographer.reader())
    assert taken.actors(project.id, 10002) == {(PrincipalKind.ACCOUNT, alice.account_id)}


def test_an_inactive_account_in_a_role_is_shown(photographer: Photographer, world: World) -> None:
    idle = add_user(world, "Idle", account_status="inactive")
    project = world.add_project("PAY", "Payments")
    world.enter_role(project, world.catalogue.roles[10002], idle)
    assert photographer.take(photographer.reader()).actors(project.id, 10002) == {
        (PrincipalKind.ACCOUNT, idle.account_id)
    }


def test_internal_roles_of_apps_are_left_out(photographer: Photographer, world: World) -> None:
    world.add_project("PAY", "Payments")
    taken = photographer.take(photographer.reader())
    assert not [row for row in taken.resources(ThingKind.PROJECT_ROLE) if "addons" in row.name]


@pytest.mark.parametrize("listed", ["nothing", "something else"])
def test_team_managed_projects_are_asked_for_their_roles_unless_the_sites_list_agrees(
    photographer: Photographer, world: World, listed: str
) -> None:
    world.add_project("PAY", "Payments")
    own = world.add_project("OWN", "Own", style="next-gen")
    user = add_user(world, "Alice")
    role = world.catalogue.roles_of(own)[0]
    world.enter_role(own, role, user)
    roles: list[dict[str, Any]] = [{"id": 10002, "name": "Administrators"}]
    if listed == "something else":
        roles.append({"id": 77, "name": "Other", "scope": {"type": "PROJECT", "project": {"id": own.id}}})
    photographer.simulators.faults.add(path="/rest/api/3/role$", status=200, body=roles, times=1)
    taken = photographer.take(photographer.reader())
    assert f"roles/{own.id}" in taken.read
    assert taken.actors(own.id, role.id) == {(PrincipalKind.ACCOUNT, user.account_id)}
    assert len([row for row in taken.resources(ThingKind.PROJECT_ROLE) if row.parent == own.id]) == 3


def test_a_project_that_is_gone_since_is_an_empty_list(photographer: Photographer, world: World) -> None:
    own = world.add_project("OWN", "Own", style="next-gen")
    reader = photographer.reader()
    made = plan(reader)
    act(world, "delete_project", project="OWN")
    assert whole(reader, made, part("actors/x/y", project=own.id, role="10002", name="Administrators")) == []
    assert whole(reader, made, part("roles/x", project=own.id)) == []


def test_a_role_that_is_hidden_from_us_is_not_empty(photographer: Photographer, world: World) -> None:
    project = world.add_project("PAY", "Payments")
    reader = photographer.reader()
    made = plan(reader)
    for permission in ("ADMINISTER", "ADMINISTER_PROJECTS"):
        act(world, "deny", account=ADMIN, permission=permission)
    with pytest.raises(Permanent):
        whole(reader, made, part("actors/x/y", project=project.id, role="10002"))


# Who we are, and what we are shown


def test_a_wrong_token_is_refused_before_anything_is_read(photographer: Photographer, world: World) -> None:
    act(world, "revoke_token", token="sim-token")
    with pytest.raises(CredentialRefused):
        photographer.reader().prove()


@pytest.mark.parametrize("name", ["users", "groups", "projects", "members/x", "actors/x/y", "roles/x"])
def test_a_token_that_expires_on_the_way_never_empties_a_list(
    photographer: Photographer, world: World, name: str
) -> None:
    project = world.add_project("PAY", "Payments")
    group = add_group(world, "team", add_user(world, "Alice"))
    reader = photographer.reader()
    made = plan(reader)
    act(world, "revoke_token", token="sim-token")
    with pytest.raises(CredentialRefused):
        whole(reader, made, part(name, project=project.id, role="10002", group=group.id))


def test_an_empty_list_of_projects_counts_only_when_jira_knows_us(photographer: Photographer) -> None:
    reader = photographer.reader()
    made = plan(reader)
    assert whole(reader, made, part("projects")) == []
    photographer.simulators.faults.add(path="/myself", status=401, times=1)
    with pytest.raises(CredentialRefused):
        whole(reader, made, part("projects"))


@pytest.mark.parametrize(("name", "path", "body"), [("users", "/users/search", []), ("groups", "/group/bulk", EMPTY)])
def test_a_site_without_anybody_is_not_believed(photographer: Photographer, name: str, path: str, body: Any) -> None:
    reader = photographer.reader()
    made = plan(reader)
    photographer.simulators.faults.add(path=path, status=200, body=body, times=None)
    with pytest.raises(Incomplete, match="Browse users and groups"):
        whole(reader, made, part(name))


@pytest.mark.parametrize(
    ("permission", "name"), [("ADMINISTER", "Administer Jira"), ("USER_PICKER", "Browse users and groups")]
)
def test_an_account_that_is_not_shown_everything_is_told_which_permission_it_lacks(
    photographer: Photographer, world: World, permission: str, name: str
) -> None:
    act(world, "deny", account=ADMIN, permission=permission)
    reader = photographer.reader()
    with pytest.raises(Permanent, match=name):
        plan(reader)


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
def test_a_scoped_token_reads_through_the_gateway(photographer: Photographer, world: World, scheme: str) -> None:
    seed(world, users=10, groups=2, projects=3)
    act(world, "issue_token", account=ADMIN, token="scoped-token", scopes=list(EVERY_SCOPE))
    credential = bearer_token("scoped-token") if scheme == "bearer" else api_token(ADMIN, "scoped-token")
    taken = photographer.take(photographer.reader(credential, address=photographer.gateway))
    assert len(taken.accounts) == 11
    assert taken.count(ThingKind.PROJECT) == 3
    assert taken.count(ThingKind.PROJECT_ROLE) == 15


@pytest.mark.parametrize(
    ("scope", "name"),
    [("manage:jira-configuration", "members/x"), ("read:jira-user", "users"), ("read:jira-work", "projects")],
)
def test_a_token_without_a_scope_is_told_which(photographer: Photographer, world: World, scope: str, name: str) -> None:
    scopes = [one for one in EVERY_SCOPE if one != scope]
    act(world, "issue_token", account=ADMIN, token="scoped-token", scopes=scopes)
    reader = photographer.reader(bearer_token("scoped-token"), address=photographer.gateway)
    with pytest.raises(CredentialRefused) as refused:
        whole(reader, ReadPlan("everything"), part(name, group=NO_GROUP))
    assert scope in refused.value.remedy


def test_the_cloud_id_is_found_without_showing_a_credential(photographer: Photographer, stub: Stub) -> None:
    manners = Manners(timeouts=TIMEOUTS)
    found = find_cloud_id(photographer.simulators.jira_url, manners=manners)
    assert found == photographer.world.site.cloud_id
    stub.will(Reply(body={"cloudId": "11111111-2222-4333-8444-555555555555"}))
    find_cloud_id(stub.address, manners=manners)
    assert "authorization" not in stub.seen[0].headers


# Bad days


@pytest.mark.parametrize(("reason", "wait"), [("jira-burst-based", 1), ("gateway", None)])
def test_a_429_is_bridged_or_handed_up_with_the_wait_it_asks_for(
    photographer: Photographer, reason: str, wait: int | None
) -> None:
    patient, hasty = photographer.reader(tries=2), photographer.reader()
    made = plan(patient)
    photographer.switch(throttle_next=1, throttle_reason=reason, retry_after_s=0 if wait is None else 1)
    with pytest.raises(Transient) as failure:
        whole(hasty, made, part("groups"))
    asked = failure.value.retry_after
    assert (None if asked is None else asked.total_seconds()) == wait
    photographer.switch(throttle_next=1, throttle_reason="gateway")
    assert whole(patient, made, part("groups"))


def test_a_broken_connection_is_bridged_or_handed_up(photographer: Photographer) -> None:
    patient, hasty = photographer.reader(tries=2), photographer.reader()
    made = plan(patient)
    photographer.simulators.faults.add(path="/users/search", drop="before", times=1)
    with pytest.raises(Transient):
        whole(hasty, made, part("users"))
    photographer.simulators.faults.add(path="/users/search", drop="after", times=1)
    assert whole(patient, made, part("users"))


def test_a_list_of_users_that_takes_jira_too_long_is_asked_for_again(photographer: Photographer) -> None:
    reader = photographer.reader(tries=2)
    made = plan(reader)
    photographer.simulators.faults.add(path="/users/search", status=409, times=1)
    with pytest.raises(Transient, match="too long"):
        whole(reader, made, part("users"))
    assert whole(reader, made, part("users"))


def test_a_failure_in_the_middle_of_a_list_loses_the_list_and_not_a_page(
    photographer: Photographer, world: World
) -> None:
    group = add_group(world, "team", *(add_user(world, f"U{number}") for number in range(400)))
    reader = photographer.reader()
    made = plan(reader)
    photographer.simulators.faults.add(path="/group/member", status=503, after=4, times=1)
    with pytest.raises(Transient):
        whole(reader, made, part(f"members/{group.id}", group=group.id))


def test_without_an_organization_every_picture_is_a_full_one_and_says_why(photographer: Photographer) -> None:
    reader = photographer.reader()
    again = photographer.take(reader, previous=photographer.take(reader))
    assert again.plan.full
    assert "organization" in again.plan.notes[0]
