from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from access.clock import ManualClock
from access.entitlements import ResourceKind
from access.failures import CredentialRefused, Transient
from connectors.jumpcloud.reading import MembershipMethod, expected_calls
from connectors.reading import Incomplete, Part, ReadPlan
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness
from tests.connectors.snapshot_engine import Snapshot

#: The proof of the credential, and the four calls that prove the search.
PROVE, PROBE = 1, 4


def test_the_search_costs_what_the_users_cost(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=430, groups=40, memberships=900, apps=2)
    harness.switch(search_returns_memberof=True, memberof_needs_fields=True)
    harness.calls()
    snapshot = harness.take(harness.reader("auto"))
    assert harness.calls() == PROVE + PROBE + expected_calls(MembershipMethod.SEARCH, harness.sizes)
    assert snapshot.plan.method == "search"
    assert harness.proves(snapshot)


def test_the_search_is_not_used_where_it_does_not_tell_groups(harness: JumpCloudReaderHarness) -> None:
    harness.seed()
    snapshot = harness.take(harness.reader("search"))
    assert snapshot.plan.method == "listing"
    assert any("does not tell groups" in note for note in snapshot.plan.notes)
    assert harness.proves(snapshot)


def _searched(harness: JumpCloudReaderHarness, change: Any) -> Snapshot:
    """A snapshot where the search answers what ``change`` makes of the truth."""
    users = []
    for user in sorted(harness.world.users, key=lambda user: user.id):
        groups = change(user.id, sorted(harness.world.members.lefts(user.id)))
        users.append({"_id": user.id, "memberof": groups})
    body = {"totalCount": len(users), "results": users}
    harness.simulators.faults.add(path="/search/systemusers$", status=200, body=body, times=None)
    return harness.take(harness.reader("search"))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda _user, groups: groups, None),
        (lambda _user, _groups: [], "nobody in a group"),
        (lambda _user, groups: groups[:1], "disagrees"),
        (lambda user, groups: groups if int(user, 16) % 2 else [], "disagrees"),
        (lambda _user, groups: [*groups, "f" * 24], "disagrees"),
        (lambda _user, groups: ["Crew" for _ in groups], "disagrees"),
        (lambda _user, groups: None if groups else [], "does not tell"),
        (lambda _user, groups: [{"id": group} for group in groups], "does not tell"),
    ],
)
def test_only_a_search_that_is_right_is_believed(
    harness: JumpCloudReaderHarness, change: Any, reason: str | None
) -> None:
    harness.seed(users=30, groups=6, memberships=80)
    snapshot = _searched(harness, change)
    assert snapshot.plan.method == ("search" if reason is None else "listing")
    assert reason is None or any(reason in note for note in snapshot.plan.notes)
    assert harness.proves(snapshot)


def test_a_search_that_lags_behind_is_noticed_on_the_sample(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=30, groups=1, memberships=10)
    harness.switch(search_returns_memberof=True, memberof_lag_ms=600_000)
    group = next(iter(harness.world.groups)).id
    stranger = next(user.id for user in harness.world.users if not harness.world.members.has(group, user.id))
    harness.act("add_member", group=group, user=stranger)
    assert harness.take(harness.reader("search")).plan.method == "listing"


def test_a_search_that_is_refused_makes_a_listing(harness: JumpCloudReaderHarness) -> None:
    harness.seed()
    harness.simulators.faults.add(path="/search/", status=403, times=None)
    snapshot = harness.take(harness.reader("auto"))
    assert snapshot.plan.method == "listing"
    assert harness.proves(snapshot)


def test_a_full_pass_has_the_search_proven_anew(harness: JumpCloudReaderHarness) -> None:
    harness.seed()
    harness.switch(search_returns_memberof=True)
    reader = harness.reader("auto")
    assert harness.take(reader).plan.method == "search"
    harness.switch(search_returns_memberof=False)
    snapshot = harness.take(reader)
    assert snapshot.plan.method == "listing"
    assert harness.proves(snapshot)


def test_a_search_that_stops_telling_groups_is_incomplete(harness: JumpCloudReaderHarness) -> None:
    harness.seed()
    reader = harness.reader("search")
    with pytest.raises(Incomplete, match="which groups"):
        list(reader.read(ReadPlan("search"), Part("users+memberships", large=True)))


def test_the_proof_of_the_search_is_cheap_where_everybody_is_in_one_large_group(
    harness: JumpCloudReaderHarness,
) -> None:
    harness.seed(users=1500, groups=0, apps=0)
    harness.group("Everyone", 1500)
    harness.switch(search_returns_memberof=True)
    reader = harness.reader("auto", concurrency=2)
    harness.calls()
    assert reader.plan(previous=None, now=datetime.now(UTC)).method == "search"
    assert harness.calls() <= 7


def test_the_report_is_a_few_calls_however_many_groups(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=130, groups=60, apps=2, memberships=300)
    harness.calls()
    snapshot = harness.take(harness.reader("report"))
    # One call compares a group of the report with its own list.
    assert harness.calls() == PROVE + 1 + expected_calls(MembershipMethod.REPORT, harness.sizes)
    assert harness.proves(snapshot)


@pytest.mark.parametrize(("groups", "method"), [(60, "report"), (20, "listing")])
def test_a_report_is_preferred_where_there_are_many_groups(
    harness: JumpCloudReaderHarness, groups: int, method: str
) -> None:
    harness.seed(users=10, groups=groups)
    assert harness.take(harness.reader("auto")).plan.method == method


@pytest.mark.parametrize("columns", ["documented", "aliases"])
def test_the_columns_of_a_report_are_found_by_name(harness: JumpCloudReaderHarness, columns: str) -> None:
    harness.seed(users=40, groups=6)
    harness.group("Nobody")
    harness.switch(report_columns=columns)
    snapshot = harness.take(harness.reader("report"))
    assert "memberships" in snapshot.parts
    assert harness.proves(snapshot)


def test_a_report_without_ids_makes_a_listing(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=40, groups=6)
    harness.switch(report_columns="without_ids")
    snapshot = harness.take(harness.reader("report"))
    assert "memberships" not in snapshot.parts
    assert harness.proves(snapshot)


@pytest.mark.parametrize("status", [402, 403, 500])
def test_a_report_that_is_refused_makes_a_listing(harness: JumpCloudReaderHarness, status: int) -> None:
    harness.seed(users=40, groups=6)
    harness.simulators.faults.add(path="/reports/users-to-user-groups$", status=status, times=None)
    snapshot = harness.take(harness.reader("report"))
    assert snapshot.plan.method == "listing"
    assert any(str(status) in note for note in snapshot.plan.notes)
    assert harness.proves(snapshot)


def test_a_report_that_fails_makes_a_listing(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=40, groups=6)
    harness.switch(report_outcome="failed")
    assert harness.proves(harness.take(harness.reader("report")))


def test_a_report_that_is_being_made_is_waited_for_outside_and_then_given_up(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=40, groups=6)
    harness.switch(report_outcome="stuck")
    clock = ManualClock(datetime.now(UTC))
    reader = harness.reader("report", clock=clock)
    plan = reader.plan(previous=None, now=clock.now())
    snapshot = Snapshot(plan)
    with pytest.raises(Transient) as caught:
        reader.parts(plan, 1, snapshot)
    assert caught.value.retry_after == timedelta(seconds=10)
    clock.advance(timedelta(minutes=2))
    with pytest.raises(Transient):
        reader.parts(plan, 1, snapshot)
    clock.advance(timedelta(microseconds=1))
    assert list(reader.parts(plan, 1, snapshot) or ()) == []
    harness.switch(report_outcome="completed")
    (part,) = reader.parts(plan, 1, snapshot) or ()
    assert part.name == "memberships"


def test_a_finished_report_is_read_by_another_worker(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=40, groups=6)
    one, other = harness.reader("report"), harness.reader("report")
    snapshot = Snapshot(one.plan(previous=None, now=datetime.now(UTC)))
    (part,) = one.parts(snapshot.plan, 1, snapshot) or ()
    snapshot.parts["memberships"] = [row for page in other.read(snapshot.plan, part) for row in page]
    assert snapshot.grants(ResourceKind.GROUP) == harness.memberships


def test_a_group_made_after_the_report_is_listed(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=40, groups=6)

    def late(stage: int) -> None:
        if stage == 0:
            harness.act("add_member", group=harness.group("Late"), user=next(iter(harness.world.users)).id)

    empty = [group.id for group in harness.world.groups if not harness.world.members.rights(group.id)]
    rows = table(*((user, group) for group, user in harness.memberships), *(("", group) for group in empty))
    harness.simulators.faults.add(path="/content$", status=200, body=rows, content_type="text/csv", times=None)
    snapshot = harness.take(harness.reader("report"), between=late)
    assert "memberships" in snapshot.parts
    assert harness.proves(snapshot)


HEAD = "user_object_id,user_group_object_id"

#: What stands in a report, made of the truth: who is in which group.
WRONG_REPORTS: dict[str, Callable[[list[tuple[str, str]]], object]] = {
    "HTML": lambda _: "<html>gateway</html>",
    "nothing": lambda _: "",
    "a head alone": lambda _: f"{HEAD}\n",
    "a cell too many": lambda _: f"{HEAD}\n1,2,3\n",
    "other columns": lambda _: "username,user_group_name\nada,Crew\n",
    "an empty list": lambda _: [],
    "an object": lambda _: {"message": "no"},
    "members are missing": lambda held: table(*((user, group) for group, user in held if int(user, 16) % 3)),
    "a group is empty and has members": lambda held: table(
        *(row for group, user in held for row in ((user, group), ("", group)))
    ),
    "groups are missing": lambda held: table(*((user, group) for group, user in held if group == held[0][0])),
}


def table(*rows: tuple[str, str]) -> str:
    return "\n".join([HEAD, *map(",".join, rows)])


@pytest.mark.parametrize("wrong", WRONG_REPORTS)
def test_a_report_that_is_not_the_truth_makes_a_listing(harness: JumpCloudReaderHarness, wrong: str) -> None:
    harness.seed(users=40, groups=6)
    content = WRONG_REPORTS[wrong](harness.memberships)
    harness.simulators.faults.add(path="/content$", status=200, body=content, content_type="text/csv", times=None)
    snapshot = harness.take(harness.reader("report"))
    assert "memberships" not in snapshot.parts
    assert harness.proves(snapshot)


def test_a_report_in_json_is_read_too(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=40, groups=6)
    rows = [{"userObjectId": user, "userGroupObjectId": group} for group, user in harness.memberships]
    rows += [
        {"userObjectId": "no users", "userGroupObjectId": group.id}
        for group in harness.world.groups
        if not harness.world.members.rights(group.id)
    ]
    rows += [{"userObjectId": "a" * 24, "userGroupObjectId": "no user group"}, rows[0]]
    harness.simulators.faults.add(path="/content$", status=200, body=rows, times=None)
    snapshot = harness.take(harness.reader("report"))
    assert "memberships" in snapshot.parts
    assert harness.proves(snapshot)


def test_a_refused_credential_is_no_reason_to_read_in_another_way(harness: JumpCloudReaderHarness) -> None:
    now = datetime.now(UTC)
    for method, previous in (("search", None), ("report", None), ("listing", now)):
        with pytest.raises(CredentialRefused):
            harness.reader(method, key="jca_wrong").plan(previous=previous, now=now)
