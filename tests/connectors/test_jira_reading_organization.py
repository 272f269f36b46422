from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from access.entitlements import ResourceKind
from access.failures import CredentialRefused, Permanent, Transient
from connectors.jira.reading import JiraReader, Sizes, expected_calls
from connectors.reading import AccountStatus, GrantRow, Incomplete, PrincipalKind, Shifted
from simulator.jira import World
from simulator.jira.seeding import seed
from simulator.switches import change_switches
from simulator.systems import act
from tests.connectors.jira_reader_harness import (
    ADMIN,
    JiraReaderHarness,
    add_group,
    add_user,
    flat,
    jira_harness,
    part,
    sizes,
)
from tests.connectors.snapshot_engine import Snapshot, read_part

PEOPLE = "/users/search$"
GROUPS = "/groups/search$"


@pytest.fixture
def harness() -> Iterator[JiraReaderHarness]:
    with jira_harness(organization=True) as made:
        yield made


def grants(rows: set[GrantRow]) -> set[tuple[str, str, str]]:
    return {(row.resource, row.principal_kind, row.principal) for row in rows}


def taken(harness: JiraReaderHarness, **size: int) -> tuple[JiraReader, Snapshot]:
    """A reader of a site of this size with its organization, and its first snapshot."""
    seed(harness.world, **size)
    reader = harness.reader(organization=harness.organization())
    return reader, harness.take(reader)


# Full snapshots


def test_the_organization_gives_the_same_memberships_in_far_fewer_calls(
    harness: JiraReaderHarness, world: World
) -> None:
    seed(world, users=250, groups=90, projects=25, members_per_group=30)
    by_jira = harness.take(harness.reader())
    by_organization = harness.take(harness.reader(organization=harness.organization()))
    assert by_organization.plan.state["ways"]["memberships"]
    assert grants(by_organization.all_grants) == grants(by_jira.all_grants)
    assert set(by_organization.accounts) == set(by_jira.accounts)
    assert (
        by_organization.total <= 1.05 * expected_calls(sizes(world, people=len(world.directory.users))) < by_jira.total
    )


def test_an_account_that_the_directories_do_not_show_costs_a_call_of_its_own() -> None:
    without = Sizes(users=10, members=(3, 4), projects=1, roles=2, people=10)
    assert expected_calls(replace(without, strangers=3)) == expected_calls(without) + 3


def test_the_groups_that_the_directories_keep_to_themselves_are_read_from_jira(
    harness: JiraReaderHarness, world: World
) -> None:
    seed(world, users=60, groups=12, projects=0)
    user = world.user(ADMIN)
    hidden = [add_group(world, name, user) for name in ("system-administrators", "atlassian-addons-admin")]
    taken = harness.take(harness.reader(organization=harness.organization()))
    assert [taken.members(group.id) for group in hidden] == [{user.account_id}] * 2
    assert {name for name in taken.read if name.startswith("unlisted/")} == {f"unlisted/{group.id}" for group in hidden}
    assert not [name for name in taken.read if name.startswith("members/")]


def test_apps_in_groups_are_found_although_the_directories_do_not_show_apps(
    harness: JiraReaderHarness, world: World
) -> None:
    seed(world, users=60, groups=12, projects=0)
    robot = add_user(world, "Robot", account_type="app", app_type="service")
    idle = add_user(world, "Idle", account_type="app", account_status="inactive")
    for app in (robot, idle):
        world.administration.add_member(world.group("team-03"), app)
    taken = harness.take(harness.reader(organization=harness.organization()))
    assert taken.plan.state["ways"]["memberships"]
    assert {robot.account_id, idle.account_id} < taken.members(world.group("team-03").id)
    assert taken.calls["jira GET /rest/api/3/user/groups"] == 2


def disagree(harness: JiraReaderHarness, account_id: str, *, after: int) -> None:
    """The directories say once that nobody is idle in any group, or that nobody is in the group that is tried."""
    body = {"data": [{"accountId": account_id, "accountStatus": "inactive", "groups": []}]}
    harness.simulators.faults.add(system="atlassian", path=PEOPLE, status=200, body=body, after=after, times=1)


@pytest.mark.parametrize("asked", ["idle", "members"])
def test_memberships_that_do_not_agree_with_jiras_are_read_from_jira(
    harness: JiraReaderHarness, world: World, asked: str
) -> None:
    seed(world, users=60, groups=12, projects=0)
    idle = next(user.account_id for user in world.directory.users.values() if not user.active)
    disagree(harness, idle if asked == "idle" else "712020:x", after=0 if asked == "idle" else 1)
    taken = harness.take(harness.reader(organization=harness.organization()))
    assert not taken.plan.state["ways"]["memberships"]
    assert len([name for name in taken.read if name.startswith("members/")]) == 14
    assert any("group by group" in note for note in taken.plan.notes)
    for group in world.directory.groups.values():
        assert taken.members(group.id) == set(group.members)


def test_accounts_that_only_jira_shows_in_great_number_make_the_snapshot_incomplete(
    harness: JiraReaderHarness, world: World
) -> None:
    seed(world, users=20, groups=12, projects=0)
    reader = harness.reader(organization=harness.organization())
    plan = reader.plan(previous=None, now=datetime.now(UTC))
    for number in range(1001):
        add_user(world, f"Robot{number}", account_type="app")
    with pytest.raises(Incomplete, match="directories do not show 1001"):
        read_part(reader, plan, part("directory"))


def test_the_organization_shows_what_profiles_hide(harness: JiraReaderHarness, world: World) -> None:
    hidden = add_user(world, "Hidden", email_hidden=True, managed=True)
    stranger = add_user(world, "Stranger", email_hidden=True)
    closed = add_user(world, "Closed", managed=True)
    closed.account_status = "closed"
    ours = {hidden.account_id: "ours@example.com"}
    reader = harness.reader(organization=harness.organization(), known_emails=ours.get)
    accounts = harness.take(reader).accounts
    row = accounts[hidden.account_id]
    assert (row.email, row.email_source) == ("hidden@example.com", "organization")
    assert row.attributes["managed"] is True
    assert row.attributes["organization_status"] == "active"
    assert accounts[stranger.account_id].email is None
    assert accounts[closed.account_id].status is AccountStatus.DELETED


def test_the_last_use_of_a_product_is_shown(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=3, groups=0, projects=0)
    user = next(iter(world.directory.users.values()))
    act(harness.directory, "use_product", account=user.account_id, at=1_760_000_000)
    reader = harness.reader(organization=harness.organization())
    row = harness.take(reader).accounts[user.account_id]
    assert row.last_active == datetime.fromtimestamp(1_760_000_000, UTC)


def test_a_group_says_whether_an_identity_provider_owns_it(harness: JiraReaderHarness, world: World) -> None:
    synced = add_group(world, "synced", external_synced=True)
    plain = add_group(world, "plain")
    taken = harness.take(harness.reader(organization=harness.organization()))
    assert taken.resource(ResourceKind.GROUP, synced.id).attributes["external_synced"] is True
    assert taken.resource(ResourceKind.GROUP, synced.id).attributes["modifiable"] is False
    assert taken.resource(ResourceKind.GROUP, plain.id).attributes["managed_by"] == "admins"


# Keys, scopes and bad days


def test_a_wrong_key_is_refused_by_the_name_of_its_api(harness: JiraReaderHarness) -> None:
    reader = harness.reader(organization=harness.organization("wrong-organization-key"))
    with pytest.raises(CredentialRefused, match="organization API refused") as refused:
        harness.take(reader)
    assert "admin.atlassian.com" in refused.value.remedy


@pytest.mark.parametrize(
    ("scopes", "people", "groups"),
    [(["read:user:admin"], True, False), (["read:group:admin"], False, True), (["read:org:admin"], False, False)],
)
def test_a_key_is_used_as_far_as_its_scopes_go(
    harness: JiraReaderHarness, world: World, scopes: list[str], *, people: bool, groups: bool
) -> None:
    seed(world, users=60, groups=12, projects=0)
    hidden = add_user(world, "Hidden", email_hidden=True, managed=True)
    act(harness.directory, "add_key", value="scoped-organization-key", scopes=scopes)
    taken = harness.take(harness.reader(organization=harness.organization("scoped-organization-key")))
    assert taken.plan.state["ways"] == {"people": people, "groups": groups, "memberships": False}
    assert any("lacks the scope" in note for note in taken.plan.notes)
    assert taken.accounts[hidden.account_id].email == ("hidden@example.com" if people else None)
    for group in world.directory.groups.values():
        assert taken.members(group.id) == set(group.members)


def test_an_organization_that_is_not_there_is_none(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=20, groups=3, projects=0)
    taken = harness.take(harness.reader(organization=harness.organization(org_id="another")))
    assert len(taken.accounts) == 21
    assert "404" in taken.plan.notes[0]


@pytest.mark.parametrize("says_when", [True, False])
def test_a_429_of_the_organization_is_handed_up_with_its_wait(
    harness: JiraReaderHarness, world: World, *, says_when: bool
) -> None:
    seed(world, users=20, groups=12, projects=0)
    change_switches(harness.directory.switches, requests_per_minute=1, retry_after=says_when)
    reader = harness.reader(organization=harness.organization())
    with pytest.raises(Transient) as failure:
        harness.take(reader)
    assert (failure.value.retry_after is not None) is says_when


def test_a_cursor_that_is_not_good_any_more_makes_the_list_be_read_again(
    harness: JiraReaderHarness, world: World
) -> None:
    seed(world, users=250, groups=12, projects=0)
    reader = harness.reader(organization=harness.organization())
    plan = reader.plan(previous=None, now=datetime.now(UTC))
    harness.simulators.faults.add(system="atlassian", path=PEOPLE, status=400, after=1, times=1)
    with pytest.raises(Shifted):
        flat(reader.read(plan, part("directory")))
    assert read_part(reader, plan, part("directory"))


# Changes


def test_an_unchanged_site_costs_less_than_a_fiftieth(harness: JiraReaderHarness, world: World) -> None:
    reader, first = taken(harness, users=250, groups=90, projects=90, members_per_group=30)
    again = harness.take(reader, previous=first)
    assert not again.plan.full
    assert again.total < 0.02 * first.total
    assert grants(again.all_grants) == grants(first.all_grants)
    assert again.accounts == first.accounts


def test_a_membership_that_changed_is_read_again_and_the_roles_are_not(
    harness: JiraReaderHarness, world: World
) -> None:
    reader, first = taken(harness, users=60, groups=12, projects=3)
    group = world.group("team-03")
    gone = group.members[0]
    late = add_user(world, "Late")
    act(world, "remove_member", group=group.id, account=gone)
    act(world, "add_member", group=group.id, account=late.account_id)
    again = harness.take(reader, previous=first)
    assert not again.plan.full
    assert again.members(group.id) == set(group.members)
    assert late.account_id in again.accounts
    assert not [name for name in again.read if name.startswith("actors/")]


def test_one_group_is_read_again_when_members_come_from_jira(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=60, groups=12, projects=0)
    disagree(harness, "712020:x", after=1)
    reader = harness.reader(organization=harness.organization())
    first = harness.take(reader)
    assert len([name for name in first.read if name.startswith("members/")]) == 14
    for each in world.directory.groups.values():
        assert first.members(each.id) == set(each.members)
    group = world.group("team-03")
    act(world, "remove_member", group=group.id, account=group.members[0])
    again = harness.take(reader, previous=first)
    assert [name for name in again.read if name.startswith("members/")] == [f"members/{group.id}"]
    assert again.members(group.id) == set(group.members)


def test_a_role_that_changed_is_read_again_and_no_other_project(harness: JiraReaderHarness, world: World) -> None:
    reader, first = taken(harness, users=20, groups=12, projects=5)
    projects = list(world.projects.by_id.values())
    late = add_user(world, "Late")
    world.enter_role(projects[0], world.catalogue.roles[10002], late)
    again = harness.take(reader, previous=first)
    read = [name for name in again.read if name.startswith("actors/")]
    assert read
    assert all(name.startswith(f"actors/{projects[0].id}/") for name in read)
    assert (PrincipalKind.ACCOUNT, late.account_id) in again.actors(projects[0].id, 10002)


def test_a_new_project_and_a_new_role_are_read(harness: JiraReaderHarness, world: World) -> None:
    reader, first = taken(harness, users=20, groups=12, projects=2)
    project = world.add_project("NEW", "New", style="next-gen")
    again = harness.take(reader, previous=first)
    assert not again.plan.full
    assert again.resource(ResourceKind.PROJECT, project.id).name == "New"
    assert len([row for row in again.resources(ResourceKind.PROJECT_ROLE) if row.parent == project.id]) == 3


def test_a_deleted_group_is_gone_from_the_snapshot_with_all_it_was_in(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=20, groups=12, projects=2)
    project = next(iter(world.projects.by_id.values()))
    group = world.group("team-03")
    world.enter_role(project, world.catalogue.roles[10002], group)
    reader = harness.reader(organization=harness.organization())
    first = harness.take(reader)
    act(world, "delete_group", group=group.id)
    again = harness.take(reader, previous=first)
    assert not again.plan.full
    assert group.id not in {row.resource for row in again.all_grants} | {row.principal for row in again.all_grants}


def test_groups_that_no_event_tells_of_are_always_read_again(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=60, groups=12, projects=0)
    hidden = add_group(world, "system-administrators", world.user(ADMIN))
    reader = harness.reader(organization=harness.organization())
    first = harness.take(reader)
    late = add_user(world, "Late")
    world.directory.add_member(hidden, late.account_id)  # behind the back of the log
    again = harness.take(reader, previous=first)
    assert not again.plan.full
    assert late.account_id in again.members(hidden.id)


def test_events_are_not_asked_for_when_they_are_not_to_be_used(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=20, groups=3, projects=1)
    reader = harness.reader(organization=harness.organization(), use_events=False)
    again = harness.take(reader, previous=harness.take(reader))
    assert again.plan.full
    assert not [call for call in again.calls if "events" in call]


def test_an_account_that_was_deactivated_is_seen(harness: JiraReaderHarness, world: World) -> None:
    reader, first = taken(harness, users=20, groups=12, projects=0)
    leaver = next(user for user in world.directory.users.values() if user.active and user.email != ADMIN)
    act(world, "deactivate", account=leaver.account_id)
    again = harness.take(reader, previous=first)
    assert not again.plan.full
    assert again.accounts[leaver.account_id].status is AccountStatus.SUSPENDED


def test_an_event_that_comes_late_is_not_missed(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=20, groups=12, projects=0)
    change_switches(harness.directory.switches, event_lag_ms=6 * 3600 * 1000)
    reader = harness.reader(organization=harness.organization())
    first = harness.take(reader)
    group = world.group("team-03")
    act(world, "remove_member", group=group.id, account=group.members[0])
    early = harness.take(reader, previous=first)
    assert not [name for name in early.read if name == "directory"]
    world.advance(6 * 3600)
    later = harness.take(reader, previous=early, since=datetime.now(UTC) + timedelta(hours=5))
    assert not later.plan.full
    assert later.members(group.id) == set(group.members)


def test_a_free_plan_has_no_audit_log_and_everything_is_read(harness: JiraReaderHarness, world: World) -> None:
    reader, first = taken(harness, users=20, groups=3, projects=1)
    harness.switch(free_plan=True)
    again = harness.take(reader, previous=first)
    assert again.plan.full
    assert "audit log (403)" in again.plan.notes[0]


def test_a_key_that_does_not_show_events_makes_everything_be_read(harness: JiraReaderHarness, world: World) -> None:
    seed(world, users=20, groups=3, projects=1)
    scopes = ["read:user:admin", "read:group:admin"]
    act(harness.directory, "add_key", value="scoped-organization-key", scopes=scopes)
    reader = harness.reader(organization=harness.organization("scoped-organization-key"))
    again = harness.take(reader, previous=harness.take(reader))
    assert again.plan.full
    assert "events (403)" in again.plan.notes[0]


def test_more_events_than_can_be_looked_through_make_everything_be_read(
    harness: JiraReaderHarness, world: World
) -> None:
    reader, first = taken(harness, users=20, groups=3, projects=1)
    event = {"id": "e", "attributes": {"action": "user_login", "context": []}}
    harness.simulators.faults.add(
        system="atlassian",
        path="/events-stream",
        status=200,
        body={"data": [event], "links": {"next": "https://api.atlassian.com/x?cursor=again"}},
        times=None,
    )
    again = harness.take(reader, previous=first)
    assert again.plan.full
    assert "too many" in again.plan.notes[0]


def test_logins_touch_nothing(harness: JiraReaderHarness, world: World) -> None:
    reader, first = taken(harness, users=20, groups=3, projects=1)
    event = {"id": "e", "attributes": {"action": "user_login", "context": [{"id": "712020:x", "type": "users"}]}}
    harness.simulators.faults.add(
        system="atlassian", path="/events-stream", status=200, body={"data": [event]}, times=1
    )
    assert "directory" not in harness.take(reader, previous=first).read


def test_a_list_of_other_settings_is_refused_in_words(harness: JiraReaderHarness) -> None:
    reader = harness.reader()
    plan = reader.plan(previous=None, now=datetime.now(UTC))
    with pytest.raises(Permanent, match="directory"):
        read_part(reader, plan, part("directory"))
