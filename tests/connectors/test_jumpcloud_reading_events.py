from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.failures import CredentialRefused, Transient
from httpclient import RetryPolicy
from simulator.jumpcloud.records import CONSOLE
from tests.connectors.jumpcloud_tenant import Tenant

EVENTS = "/events$"


@pytest.mark.parametrize("method", ["listing", "report", "search", "auto"])
def test_an_unchanged_organization_costs_two_calls(tenant: Tenant, method: str) -> None:
    tenant.seed(users=330, groups=60, apps=12)
    tenant.switch(search_returns_memberof=True)
    reader = tenant.reader(method)
    tenant.calls()
    first = tenant.take(reader)
    cost = tenant.calls()
    again = tenant.take(reader, last=first)
    assert tenant.calls() == 2
    assert again.read == []
    assert tenant.proves(again)
    assert cost > 12


def test_under_two_percent_of_the_first_sync(tenant: Tenant) -> None:
    tenant.seed(users=330, groups=80, apps=30)
    first = tenant.take(tenant.reader())
    cost = tenant.calls()
    tenant.take(tenant.reader(), last=first)  # another process
    assert tenant.calls() < 0.02 * cost


def _first(tenant: Tenant) -> dict[str, str]:
    things: dict[str, Any] = {
        "user": tenant.world.users,
        "group": tenant.world.groups,
        "application": tenant.world.applications,
        "admin": tenant.world.admins,
    }
    return {kind: max(row.id for row in rows) for kind, rows in things.items()}


CHANGES: list[tuple[str, Callable[[Tenant, dict[str, str]], object], str]] = [
    ("a user joins", lambda t, _: t.act("add_user", email="new@example.com"), "users"),
    ("a user changes", lambda t, k: t.act("change_user", user=k["user"], department="Moon"), "users"),
    ("a user is suspended", lambda t, k: t.act("suspend_user", user=k["user"]), "users"),
    ("a user is locked", lambda t, k: t.act("change_user", user=k["user"], account_locked=True), "users"),
    ("a user leaves", lambda t, _: t.act("delete_user", user="loner"), "users"),
    ("an admin comes", lambda t, _: t.act("add_admin", email="new@example.com"), "admins"),
    ("an admin goes", lambda t, k: t.act("delete_admin", admin=k["admin"]), "admins"),
    ("a role changes", lambda t, k: t.act("change_admin", admin=k["admin"], roleName="Manager"), "admins"),
    ("a group comes", lambda t, _: t.act("add_group", name="New"), "groups"),
    ("a group is renamed", lambda t, k: t.act("change_group", group=k["group"], name="Named"), "groups"),
    ("an app comes", lambda t, _: t.act("add_application", name="new"), "applications"),
    ("a member is added", lambda t, k: t.act("add_member", group=k["group"], user="loner"), "members/"),
    (
        "a member is removed",
        lambda t, k: t.act("remove_member", group=k["group"], user=t.world.members.rights(k["group"])[0]),
        "members/",
    ),
    (
        "a group gets an app",
        lambda t, k: t.act("bind_application", application=k["application"], group="Unbound"),
        "app-groups/",
    ),
    (
        "a user gets an app",
        lambda t, k: t.act("bind_application", application=k["application"], user="loner"),
        "app-users/",
    ),
]


@pytest.mark.parametrize(("change", "touched"), [(act, part) for _, act, part in CHANGES], ids=[c[0] for c in CHANGES])
@pytest.mark.parametrize("case", ["upper", "lower"])
@pytest.mark.parametrize("side", ["application", "user_group"])
def test_a_change_is_read_and_little_else(
    tenant: Tenant, change: Callable[[Tenant, dict[str, str]], object], touched: str, case: str, side: str
) -> None:
    tenant.seed(users=60, groups=8, apps=4)
    tenant.act("add_user", email="loner@example.com", username="loner")
    tenant.group("Unbound")
    tenant.switch(association_type_case=case, application_binding_from=side)
    keys = _first(tenant)
    keys["group"] = max(tenant.world.groups, key=lambda group: len(tenant.world.members.rights(group.id))).id
    now = datetime.now(UTC)
    reader = tenant.reader()
    first = tenant.take(reader)
    # The seed, an hour ago as far as the events are concerned.
    tenant.world.journal._events.clear()
    change(tenant, keys)
    again = tenant.take(reader, last=first, later=now + timedelta(seconds=1))
    assert not again.plan.full
    assert any(name.startswith(touched) for name in again.read)
    assert len(again.read) <= 4
    assert tenant.proves(again)


@pytest.mark.parametrize("side", ["application", "user_group"])
def test_an_application_that_a_group_gets_is_read_from_the_groups_where_those_are_fewer(
    tenant: Tenant, side: str
) -> None:
    tenant.seed(users=10, groups=3, apps=9)
    group = tenant.group("Unbound")
    tenant.switch(application_binding_from=side)
    reader = tenant.reader()
    first = tenant.take(reader)
    tenant.world.journal._events.clear()
    tenant.act("bind_application", application=_first(tenant)["application"], group="Unbound")
    again = tenant.take(reader, last=first)
    assert again.read == [f"group-apps/{group}"]
    assert tenant.proves(again)


@pytest.mark.parametrize("method", ["report", "search"])
@pytest.mark.parametrize("act", ["add", "remove"])
def test_a_membership_that_changed_is_read_by_every_method(tenant: Tenant, method: str, act: str) -> None:
    tenant.seed(users=60, groups=8, apps=4)
    tenant.switch(search_returns_memberof=True)
    loner = tenant.act("add_user", email="loner@example.com", username="loner")["id"]
    crew = tenant.group("Crew", 5)
    reader = tenant.reader(method)
    first = tenant.take(reader)
    tenant.world.journal._events.clear()
    user = loner if act == "add" else tenant.world.members.rights(crew)[0]
    tenant.act(f"{act}_member", group=crew, user=user)
    again = tenant.take(reader, last=first)
    assert not again.plan.full
    assert len(again.read) == 1
    assert tenant.proves(again)


def test_a_method_that_changes_reads_memberships_anew_and_loses_none(tenant: Tenant) -> None:
    tenant.seed(users=60, groups=8, apps=4)
    tenant.switch(search_returns_memberof=True)
    searched = tenant.take(tenant.reader("search"))
    listed = tenant.take(tenant.reader("listing"), last=searched)
    reported = tenant.take(tenant.reader("report"), last=listed)
    tenant.switch(search_returns_memberof=False)
    again = tenant.take(tenant.reader("search"), last=tenant.take(tenant.reader("search"), last=reported))
    for snapshot in (searched, listed, reported, again):
        assert tenant.proves(snapshot)


def test_the_members_of_a_group_with_a_rule_are_read_when_any_user_changed(tenant: Tenant) -> None:
    tenant.seed(users=10, groups=2, apps=0)
    ruled = tenant.group("Engineers", membershipMethod="DYNAMIC_AUTOMATED")
    tenant.world.journal._events.clear()
    reader = tenant.reader()
    first = tenant.take(reader)
    tenant.act("change_user", user=next(iter(tenant.world.users)).id, department="Moon")
    again = tenant.take(reader, last=first)
    assert set(again.read) == {"users", f"members-by-rule/{ruled}"}


def test_events_that_come_late_are_found_by_looking_back_further(tenant: Tenant) -> None:
    tenant.seed(users=10, groups=3)
    group = tenant.group("Crew")
    tenant.world.journal._events.clear()
    tenant.act("add_member", group=group, user=next(iter(tenant.world.users)).id)
    reader = tenant.reader()
    first = tenant.take(reader)
    now = datetime.now(UTC)
    for minutes, found in ((14, True), (16, False)):
        plan = reader.plan(previous=now + timedelta(minutes=minutes), now=now + timedelta(hours=1))
        assert (f"members/{group}" in plan.touched) is found
    assert tenant.proves(first)


def test_events_that_come_twice_or_have_unknown_types_do_no_harm(tenant: Tenant) -> None:
    tenant.seed(users=10, groups=3)
    group, user = tenant.group("Crew"), next(iter(tenant.world.users)).id
    ends = {"from": {"type": "USER", "object_id": user}, "to": {"type": "User Group", "object_id": group}}
    event = {"id": "1", "event_type": "access_management_association_change", "association": {"connection": ends}}
    device = {"from": {"type": "SYSTEM", "object_id": "d" * 24}, "to": {"type": "USER", "object_id": user}}
    events: list[Any] = [
        event,
        event,
        {"event_type": "moon_rise"},
        {"id": None, "event_type": None},
        {"id": "2", "event_type": "association_change", "association": {"connection": device}},
        {"id": "3", "event_type": "admin_update", "success": False},
    ]
    tenant.simulators.faults.add(path=EVENTS, status=200, body=events)
    now = datetime.now(UTC)
    plan = tenant.reader().plan(previous=now, now=now)
    assert list(plan.touched) == [f"members/{group}", f"members-by-rule/{group}"]


@pytest.mark.parametrize(
    "connection",
    [
        {},
        None,
        {"from": {"type": "user"}, "to": {"type": "user_group", "object_id": "1"}},
        {"from": {"object_id": "2"}, "to": {"type": "user_group", "object_id": "1"}},
    ],
)
def test_an_event_that_does_not_say_what_changed_makes_a_full_pass(tenant: Tenant, connection: Any) -> None:
    event = {"id": "1", "event_type": "association_change", "association": {"connection": connection}}
    tenant.simulators.faults.add(path=EVENTS, status=200, body=[event])
    now = datetime.now(UTC)
    plan = tenant.reader().plan(previous=now, now=now)
    assert plan.full
    assert any("does not say" in note for note in plan.notes)


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 403},
        {"status": 402},
        {"status": 400},
        {"status": 500},
        {"status": 200, "body": "<html>proxy</html>", "content_type": "text/html"},
        {"status": 200, "body": {"message": "ok"}},
    ],
)
def test_events_that_cannot_be_had_make_a_full_pass(tenant: Tenant, fault: dict[str, Any]) -> None:
    tenant.seed()
    first = tenant.take(tenant.reader())
    tenant.simulators.faults.add(path=EVENTS, times=None, **fault)
    snapshot = tenant.take(tenant.reader(), last=first)
    assert snapshot.plan.full
    assert snapshot.plan.notes
    assert tenant.proves(snapshot)


@pytest.mark.parametrize("status", [429, 503])
def test_events_that_are_to_be_had_later_are_waited_for(tenant: Tenant, status: int) -> None:
    tenant.simulators.faults.add(path=EVENTS, status=status, times=None)
    now = datetime.now(UTC)
    with pytest.raises(Transient):
        tenant.reader(retry_policy=RetryPolicy.none()).plan(previous=now, now=now)


def test_a_credential_refused_for_events_stops_everything(tenant: Tenant) -> None:
    now = datetime.now(UTC)
    with pytest.raises(CredentialRefused):
        tenant.reader(key="jca_wrong").plan(previous=now, now=now)


def test_events_older_than_they_are_kept_make_a_full_pass(tenant: Tenant) -> None:
    now = datetime.now(UTC)
    plan = tenant.reader().plan(previous=now - timedelta(days=15), now=now)
    assert plan.full
    assert any("older" in note for note in plan.notes)


def test_events_may_be_turned_off(tenant: Tenant) -> None:
    now = datetime.now(UTC)
    tenant.calls()
    plan = tenant.reader(use_events=False).plan(previous=now, now=now)
    assert plan.full
    assert tenant.calls() == 0


def _flood(tenant: Tenant, pages: int, *, moves: bool = True) -> str:
    """Full pages of events, and then whatever the simulator has."""
    for number in range(pages):
        tenant.simulators.faults.add(
            path=EVENTS,
            status=200,
            body=[{"id": f"{number}-{n}", "event_type": "user_login"} for n in range(3)],
            headers={"X-Limit": "3", "X-Result-Count": "3", "X-Search_after": f'[{number if moves else 1}, "x"]'},
        )
    group = tenant.group("Crew")
    tenant.act("add_member", group=group, user=tenant.act("add_user", email="a@example.com")["id"])
    return group


def test_events_are_paged_to_the_page_that_is_not_full(tenant: Tenant) -> None:
    group = _flood(tenant, 3)
    now = datetime.now(UTC)
    tenant.calls()
    plan = tenant.reader().plan(previous=now, now=now)
    assert tenant.calls() == 4
    assert f"members/{group}" in plan.touched


def test_events_are_paged_from_where_the_page_before_ended(tenant: Tenant) -> None:
    for _ in range(10_005):
        tenant.world.journal.record("user_update", CONSOLE, resource={"id": "a" * 24})
    group = tenant.group("Crew")
    now = datetime.now(UTC)
    tenant.calls()
    plan = tenant.reader().plan(previous=now, now=now)
    assert tenant.calls() == 2
    assert set(plan.touched) >= {"users", "groups", f"members/{group}"}


@pytest.mark.parametrize("pages", [2, 12])
def test_events_that_do_not_end_make_a_full_pass(tenant: Tenant, pages: int) -> None:
    _flood(tenant, pages, moves=pages > 2)
    now = datetime.now(UTC)
    assert tenant.reader().plan(previous=now, now=now).full
