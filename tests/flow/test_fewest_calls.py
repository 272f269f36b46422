"""How many calls access costs: the systems count them. What proves a person, or what was there before, is always read."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState
from access.operations import Lane, Purpose
from connectors.guard import FACTS_AT_MOST_OLD
from simulator.systems import act
from store.database import Database
from store.outbox import Topic, WakeUp
from store.unit_of_work import Store
from tests.fakes.passing_faults import UNDONE
from tests.flow.simulated_world import MINUTE, Example, World

KINDS = ("jumpcloud group", "jira group", "jira role")


@pytest.fixture
def store(sqlite_url: str) -> Iterator[Store]:
    database = Database(sqlite_url, pool_size=4)
    yield Store(database)
    database.close()


def begin(one: Example, request: str) -> None:
    """A worker begins with this request, and none with the others that wait."""
    with one.stack.store.write() as work:
        work.sweep.release_all()
    one.stack.handle([WakeUp(Topic.REQUEST, request, Lane.GRANT)])


def calls(world: World) -> int:
    """All calls but the one in ten minutes that asks which other directories the organization has."""
    return sum(call.path != "/api/v2/activedirectories" for call in world.simulators.calls.latest())


def known(world: World, store: Store, kind: str) -> Example:
    """A person, and a thing that somebody else was given a moment ago."""
    first = Example(world, store, kind)
    first.submit("grant", "grant")
    first.stack.run()
    person = Example(world, store, kind, stack=first.stack)
    person.ref, person.group, person.jira_group, person.jira_group_id = (
        first.ref,
        first.group,
        first.jira_group,
        first.jira_group_id,
    )
    person.project = first.project
    return person


@pytest.mark.parametrize("kind", KINDS)
def test_a_grant_of_a_thing_that_is_known_costs_four_calls_and_its_end_two(
    world: World, store: Store, kind: str
) -> None:
    one = known(world, store, kind)
    before = calls(world)
    grant = one.submit("grant", "grant", duration="PT30S")
    one.stack.run()
    assert one.holds()
    assert calls(world) - before == 4
    one.stack.clock.advance(MINUTE / 2)
    before = calls(world)
    one.stack.run()
    assert not one.holds()
    assert one.stack.claim(grant).state is ClaimState.ENDED
    # A Jira role is found by its project and its list of roles, and the end names both by their ids.
    assert calls(world) - before == 2


def test_several_grants_to_one_person_share_what_is_read_of_the_person(world: World, store: Store) -> None:
    one = Example(world, store, "jumpcloud group")
    groups = [str(act(world.jumpcloud, "add_group", name=f"shared {one.number} {n}")["id"]) for n in range(6)]
    for number, group in enumerate(groups):
        one.ref = f"jumpcloud:group:{group}:member"
        one.submit(f"grant-{number}", "grant")
    before = calls(world)
    begin(one, f"b{one.number}-grant-0")
    assert all(world.jumpcloud.members.has(group, one.user) for group in groups)
    # The person, and the person's groups before the writes and after them; of each group what it is, and the write.
    assert calls(world) - before == 3 + 2 * len(groups)


def test_of_several_grants_to_one_person_what_fails_keeps_no_other_from_being_given(world: World, store: Store) -> None:
    one = Example(world, store, "jumpcloud group")
    there = Example(world, store, "jumpcloud group", stack=one.stack)
    dynamic = there.ref
    one.submit("lost", "grant")
    there.happen("dynamic")
    one.ref = dynamic
    one.submit("dynamic", "grant")
    one.ref = "jumpcloud:group:nobody-knows-it:member"
    one.submit("unknown", "grant")
    other = str(act(world.jumpcloud, "add_group", name=f"other {one.number}")["id"])
    one.ref = f"jumpcloud:group:{other}:member"
    good = one.submit("good", "grant")
    act(world.jumpcloud, "add_member", group=other, user=one.user)
    world.faults.come(UNDONE[0], times=1, method="POST", path=f"/usergroups/{one.group}/members")
    begin(one, f"b{one.number}-lost")
    assert one.stack.request(f"b{one.number}-dynamic").state is RequestState.FULFILLING
    assert one.stack.request(f"b{one.number}-unknown").state is RequestState.REFUSED
    assert one.stack.claim(good).pre_existing, "what was there before the writes was read before them"
    one.stack.run(MINUTE)
    assert one.stack.request(f"b{one.number}-lost").state is RequestState.DONE


def test_access_that_was_protected_a_minute_ago_is_left_to_a_person(world: World, store: Store) -> None:
    one = known(world, store, "jumpcloud group")
    grant = one.submit("grant", "grant", duration="PT10S")
    one.stack.run()
    one.happen("protected")
    one.stack.clock.advance(FACTS_AT_MOST_OLD)
    one.stack.clock.advance(MINUTE / 60)
    one.stack.run()
    assert one.holds()
    assert one.stack.operation(grant, purpose=Purpose.EXPIRY).state is OperationState.WITH_PERSON


@pytest.mark.parametrize("kind", ["jumpcloud group", "jira group"])
def test_a_removal_whose_group_vanished_since_it_was_read_is_not_taken_for_done(
    world: World, store: Store, kind: str
) -> None:
    """The write meets a group that is not there, and no list of the person's groups can show one that is hidden."""
    one = known(world, store, kind)
    grant = one.submit("grant", "grant", duration="PT10S")
    one.stack.run()
    one.happen("deleted")
    one.stack.clock.advance(MINUTE / 6)
    one.stack.run()
    ended = one.stack.operation(grant, purpose=Purpose.EXPIRY)
    assert ended.state is OperationState.DONE
    assert "complete list" in str(ended.evidence)
