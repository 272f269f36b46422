from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from access.entitlements import ResourceKind
from connectors.reading import Part, ReadPlan, Shifted
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness
from tests.connectors.snapshot_engine import read_part

PLAN = ReadPlan("listing")
USERS = Part("users", large=True)


def test_never_more_calls_in_flight_than_the_reader_may(harness: JumpCloudReaderHarness) -> None:
    harness.seed(users=320, groups=30, memberships=900)
    harness.simulators.faults.latency(15)
    reader = harness.reader(concurrency=3)
    parts = [USERS, *(Part(f"members/{group.id}", {"group": group.id}) for group in harness.world.groups)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda part: read_part(reader, PLAN, part), parts))
    spans = [(call.at, call.at + call.ms / 1000) for call in harness.simulators.calls.latest()]
    assert max(sum(begin <= at < end for begin, end in spans) for at, _ in spans) in {2, 3}


@pytest.mark.parametrize("totals", [True, False])
def test_a_group_that_is_deleted_while_it_is_paged_is_gone(harness: JumpCloudReaderHarness, totals: bool) -> None:  # noqa: FBT001 - a parameter of the rule
    harness.seed(users=230)
    harness.switch(total_count_header=totals)
    group = harness.group("Everyone", 230)
    part = Part(f"members/{group}", {"group": group})
    reading = harness.reader(concurrency=1).read(PLAN, part)
    next(reading)
    harness.act("delete_group", group=group)
    with pytest.raises(Shifted):
        list(reading)
    assert read_part(harness.reader(), PLAN, part) == []


@pytest.mark.parametrize("method", ["listing", "search"])
def test_users_are_read_by_their_ids_in_whatever_order_jumpcloud_keeps_them(
    harness: JumpCloudReaderHarness, method: str
) -> None:
    """Pages of an order of its own may miss or repeat rows [docs]."""
    harness.seed(users=230)
    harness.switch(search_returns_memberof=True, memberof_needs_fields=True)
    users = sorted(harness.world.users, key=lambda user: user.id, reverse=True)
    for user in users:
        harness.world.users.remove(user.id)
    for user in users:
        harness.world.users.put(user)
    snapshot = harness.take(harness.reader(method))
    assert snapshot.plan.method == method
    assert harness.proves(snapshot)


def test_connections_to_nothing_shorten_no_list(harness: JumpCloudReaderHarness) -> None:
    """A null association in a page made a public client stop early [observed: TheJumpCloud/support 369]."""
    harness.seed(users=5, groups=1, memberships=3)
    group = next(iter(harness.world.groups)).id
    rows = [{"to": {"id": "a" * 24, "type": "user"}}, {"to": None}, None, {"to": {"id": "b" * 24, "type": "USER"}}]
    rows.append({"to": {"id": "c" * 24, "type": "system"}})
    harness.simulators.faults.add(path="/members$", status=200, body=rows, headers={"x-total-count": "5"})
    snapshot = harness.take(harness.reader())
    assert snapshot.grants(ResourceKind.GROUP) == [(group, "a" * 24), (group, "b" * 24)]
