from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.failures import Transient
from connectors.reading import ReadPlan
from httpclient import RetryPolicy
from simulator.jumpcloud.records import CONSOLE
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness

EVENTS = "/events$"


def changes_of(harness: JumpCloudReaderHarness, *, ago: timedelta = timedelta(0), **reader: Any) -> ReadPlan:
    """The plan of a reader for what changed since some time ago."""
    now = datetime.now(UTC)
    return harness.reader(**reader).plan(previous=now - ago, now=now)


@pytest.mark.parametrize("method", ["listing", "report", "search", "auto"])
def test_an_unchanged_organization_costs_two_calls_and_less_than_a_fiftieth_of_a_listing(
    harness: JumpCloudReaderHarness, method: str
) -> None:
    harness.seed(users=330, groups=80, apps=30)
    harness.switch(search_returns_memberof=True)
    reader = harness.reader(method)
    harness.calls()
    first = harness.take(reader)
    cost = harness.calls()
    again = harness.take(reader, last=first)
    assert harness.calls() == 2
    assert again.read == []
    assert harness.proves(again)
    assert cost > (100 if method == "listing" else 12)


def _first(harness: JumpCloudReaderHarness) -> dict[str, str]:
    things: dict[str, Any] = {
        "user": harness.world.users,
        "group": harness.world.groups,
        "application": harness.world.applications,
        "admin": harness.world.admins,
    }
    return {kind: max(row.id for row in rows) for kind, rows in things.items()}


CHANGES: list[tuple[str, Callable[[JumpCloudReaderHarness, dict[str, str]], object], str]] = [
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
@pytest.mark.parametrize(("case", "side"), [("upper", "application"), ("lower", "user_group")])
def test_a_change_is_read_and_little_else(
    harness: JumpCloudReaderHarness,
    change: Callable[[JumpCloudReaderHarness, dict[str, str]], object],
    touched: str,
    case: str,
    side: str,
) -> None:
    harness.seed(users=60, groups=8, apps=4)
    harness.act("add_user", email="loner@example.com", username="loner")
    harness.group("Unbound")
    harness.switch(association_type_case=case, application_binding_from=side)
    keys = _first(harness)
    keys["group"] = max(harness.world.groups, key=lambda group: len(harness.world.members.rights(group.id))).id
    now = datetime.now(UTC)
    reader = harness.reader()
    first = harness.take(reader)
    # The seed, an hour ago as far as the events are concerned.
    harness.world.journal._events.clear()
    change(harness, keys)
    again = harness.take(reader, last=first, later=now + timedelta(seconds=1))
    assert not again.plan.full
    assert any(name.startswith(touched) for name in again.read)
    assert len(again.read) <= 4
    assert harness.proves(again)


@pytest.mark.parametrize("side", ["application", "user_group"])
def test_an_application_that_a_group_gets_is_read_from_the_groups_where_those_are_fewer(
    harness: JumpCloudReaderHarness, side: str
) -> None:
    harness.seed(users=10, groups=3, apps=9)
    group = harness.group("Unbound")
    harness.switch(application_binding_from=side)
    reader = harness.reader()
    first = harness.take(reader)
    harness.world.journal._events.clear()
    harness.act("bind_application", application=_first(harness)["application"], group="Unbound")
    again = harness.take(reader, last=first)
    assert again.read == [f"group-apps/{group}"]
    assert harness.proves(again)


@pytest.mark.parametrize("method", ["report", "search"])
@pytest.mark.parametrize("act", ["add", "remove"])
def test_a_membership_that_changed_is_read_by_every_method(
    harness: JumpCloudReaderHarness, method: str, act: str
) -> None:
    harness.seed(users=60, groups=8, apps=4)
    harness.switch(search_returns_memberof=True)
    loner = harness.act("add_user", email="loner@example.com", username="loner")["id"]
    crew = harness.group("Crew", 5)
    reader = harness.reader(method)
    first = harness.take(reader)
    harness.world.journal._events.clear()
    user = loner if act == "add" else harness.world.members.rights(crew)[0]
    harness.act(f"{act}_member", group=crew, user=user)
    again = harness.take(reader, last=first)
    assert not again.plan.full
    assert len(again.read) == 1
    assert harness.proves(again)


def test_a_method_that_changes_reads_memberships_anew_and_loses_none(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=60, groups=8, apps=4)
    harness.switch(search_returns_memberof=True)
    searched = harness.take(harness.reader("search"))
    listed = harness.take(harness.reader("listing"), last=searched)
    reported = harness.take(harness.reader("report"), last=listed)
    harness.switch(search_returns_memberof=False)
    again = harness.take(harness.reader("search"), last=harness.take(harness.reader("search"), last=reported))
    for snapshot in (searched, listed, reported, again):
        assert harness.proves(snapshot)


def test_the_members_of_a_group_with_a_rule_are_read_when_any_user_changed(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=10, groups=2, apps=0)
    ruled = harness.group("Engineers", membershipMethod="DYNAMIC_AUTOMATED")
    harness.world.journal._events.clear()
    reader = harness.reader()
    first = harness.take(reader)
    harness.act("change_user", user=next(iter(harness.world.users)).id, department="Moon")
    again = harness.take(reader, last=first)
    assert set(again.read) == {"users", f"members-by-rule/{ruled}"}


def test_events_that_come_late_are_found_by_looking_back_further(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=10, groups=3)
    group = harness.group("Crew")
    harness.world.journal._events.clear()
    harness.act("add_member", group=group, user=next(iter(harness.world.users)).id)
    reader = harness.reader()
    first = harness.take(reader)
    now = datetime.now(UTC)
    for minutes, found in ((14, True), (16, False)):
        plan = reader.plan(previous=now + timedelta(minutes=minutes), now=now + timedelta(hours=1))
        assert (f"members/{group}" in plan.touched) is found
    assert harness.proves(first)


def test_events_that_come_twice_or_have_unknown_types_do_no_harm(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=10, groups=3)
    group, user = harness.group("Crew"), next(iter(harness.world.users)).id
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
    harness.simulators.faults.add(path=EVENTS, status=200, body=events)
    plan = changes_of(harness)
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
def test_an_event_that_does_not_say_what_changed_makes_a_full_pass(
    harness: JumpCloudReaderHarness, connection: Any
) -> None:
    event = {"id": "1", "event_type": "association_change", "association": {"connection": connection}}
    harness.simulators.faults.add(path=EVENTS, status=200, body=[event])
    plan = changes_of(harness)
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
def test_events_that_cannot_be_had_make_a_full_pass(harness: JumpCloudReaderHarness, fault: dict[str, Any]) -> None:
    harness.seed()
    first = harness.take(harness.reader())
    harness.simulators.faults.add(path=EVENTS, times=None, **fault)
    snapshot = harness.take(harness.reader(), last=first)
    assert snapshot.plan.full
    assert snapshot.plan.notes
    assert harness.proves(snapshot)


@pytest.mark.parametrize("status", [429, 503])
def test_events_that_are_to_be_had_later_are_waited_for(harness: JumpCloudReaderHarness, status: int) -> None:
    harness.simulators.faults.add(path=EVENTS, status=status, times=None)
    with pytest.raises(Transient):
        changes_of(harness, retry_policy=RetryPolicy.none())


def test_events_older_than_they_are_kept_make_a_full_pass(harness: JumpCloudReaderHarness) -> None:
    plan = changes_of(harness, ago=timedelta(days=15))
    assert plan.full
    assert any("older" in note for note in plan.notes)


def test_events_may_be_turned_off(harness: JumpCloudReaderHarness) -> None:
    harness.calls()
    plan = changes_of(harness, use_events=False)
    assert plan.full
    assert harness.calls() == 0


def _flood(harness: JumpCloudReaderHarness, pages: int, *, moves: bool = True) -> str:
    """Full pages of events, and then whatever the simulator has."""
    for number in range(pages):
        harness.simulators.faults.add(
            path=EVENTS,
            status=200,
            body=[{"id": f"{number}-{n}", "event_type": "user_login"} for n in range(3)],
            headers={"X-Limit": "3", "X-Result-Count": "3", "X-Search_after": f'[{number if moves else 1}, "x"]'},
        )
    group = harness.group("Crew")
    harness.act("add_member", group=group, user=harness.act("add_user", email="a@example.com")["id"])
    return group


def test_events_are_paged_to_the_page_that_is_not_full(harness: JumpCloudReaderHarness) -> None:
    group = _flood(harness, 3)
    harness.calls()
    plan = changes_of(harness)
    assert harness.calls() == 4
    assert f"members/{group}" in plan.touched


def test_events_are_paged_from_where_the_page_before_ended(harness: JumpCloudReaderHarness) -> None:
    for _ in range(10_005):
        harness.world.journal.record("user_update", CONSOLE, resource={"id": "a" * 24})
    group = harness.group("Crew")
    harness.calls()
    plan = changes_of(harness)
    assert harness.calls() == 2
    assert set(plan.touched) >= {"users", "groups", f"members/{group}"}


@pytest.mark.parametrize("pages", [2, 12])
def test_events_that_do_not_end_make_a_full_pass(harness: JumpCloudReaderHarness, pages: int) -> None:
    _flood(harness, pages, moves=pages > 2)
    assert changes_of(harness).full
