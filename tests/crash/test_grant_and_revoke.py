"""A worker that is killed between any two steps of giving or taking access: one effect, and none that is not ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState
from tests.crash.conftest import MakeSite
from tests.crash.process_stack import Fate, ProcessStack

LOOK_UP = {"system": "jumpcloud", "method": "GET", "path": r"/usergroups/[0-9a-f]+$"}
LOOK_UP_PERSON = {"system": "jumpcloud", "method": "GET", "path": "/systemusers$"}
LOOK = {"system": "jumpcloud", "method": "GET", "path": "/memberof$"}
WRITE = {"system": "jumpcloud", "method": "POST", "path": "/members$"}


@dataclass(frozen=True)
class Point:
    """A call that a worker dies at, what becomes of the call, and what the store knows by then."""

    call: dict[str, Any]
    fate: Fate
    operation: str | None
    before: str | None


LOOKING_UP = Point(LOOK_UP | {"hold": "before"}, "lost", None, None)
PLANNED = Point(LOOK | {"hold": "before"}, "lost", "running", None)
LOOKED = Point(LOOK | {"hold": "after"}, "lost", "running", None)
UNWRITTEN = Point(WRITE | {"hold": "before"}, "lost", "running", "seen")
WRITTEN_LATE = Point(WRITE | {"hold": "before"}, "late", "running", "seen")
UNANSWERED = Point(WRITE | {"hold": "after"}, "lost", "running", "seen")
READING_BACK = Point(LOOK | {"hold": "before", "after": 1}, "lost", "running", "seen")
READ_BACK = Point(LOOK | {"hold": "after", "after": 1}, "lost", "running", "seen")

POINTS = {
    "while looking up what was asked for": LOOKING_UP,
    "once planned": PLANNED,
    "once looked": LOOKED,
    "before the write took effect": UNWRITTEN,
    "before the write took effect after all": WRITTEN_LATE,
    "after the write took effect": UNANSWERED,
    "before the read back": READING_BACK,
    "before what was read back is committed": READ_BACK,
}
#: What a claim of ours gave is taken away without a look before the write.
TAKING = {
    "while looking up who is meant": Point(LOOK_UP_PERSON | {"hold": "before"}, "lost", None, None),
    **{name: point for name, point in POINTS.items() if point.call["path"] == WRITE["path"]},
    "before the read back": Point(LOOK | {"hold": "before"}, "lost", "running", "seen"),
    "before what was read back is committed": Point(LOOK | {"hold": "after"}, "lost", "running", "seen"),
}
EVERYWHERE = [pytest.param("embedded", point, id=f"embedded, {name}") for name, point in POINTS.items()]
ANYWHERE_TAKING = [
    *(pytest.param("embedded", point, id=f"embedded, {name}") for name, point in TAKING.items()),
    pytest.param("cluster", UNANSWERED, id="cluster, after the write took effect", marks=pytest.mark.long),
]
SHARED = ("once planned", "before the write took effect", "after the write took effect")
ANYWHERE = [
    *EVERYWHERE,
    *(pytest.param("cluster", POINTS[name], id=f"cluster, {name}", marks=pytest.mark.long) for name in SHARED),
]


def stands(stack: ProcessStack, request: str, point: Point, *, seen: str) -> None:
    """What a worker that died there has left is what it committed before."""
    found = stack.request(request)
    assert found is not None
    operations = stack.operations(request)
    if point.operation is None:
        assert found.state is RequestState.RECEIVED
        assert operations == []
        return
    assert found.state is RequestState.FULFILLING
    assert str(operations[0].state) == point.operation
    assert operations[0].before == (seen if point.before else None)
    assert (operations[0].wrote_at is None) is (point.before is None)


@pytest.mark.parametrize(("kind", "point"), ANYWHERE)
def test_killed_while_giving_access_it_is_given_once_and_is_ours(make_site: MakeSite, kind: str, point: Point) -> None:
    stack = make_site(kind)
    email, group = stack.company.person(), stack.company.jumpcloud_group()
    held = stack.faults.add(**point.call)
    request = stack.grant(email, f"jumpcloud:group:{group}:member")
    stack.kill_while(held, fate=point.fate)
    stands(stack, request, point, seen="absent")
    stack.up()
    stack.ended(request)
    assert stack.company.in_jumpcloud(email, group)
    assert stack.changes(group, email) == ["add"]
    claim = stack.claim(request)
    assert claim.state is ClaimState.ACTIVE
    assert claim.pre_existing is False
    assert stack.tickets(request) == []


@pytest.mark.parametrize(("kind", "point"), ANYWHERE_TAKING)
def test_killed_while_taking_access_it_is_taken_once(make_site: MakeSite, kind: str, point: Point) -> None:
    stack = make_site(kind)
    email, group = stack.company.person(), stack.company.jumpcloud_group()
    granted = stack.grant(email, f"jumpcloud:group:{group}:member")
    stack.ended(granted)
    held = stack.faults.add(**point.call)
    request = stack.revoke(email, f"jumpcloud:group:{group}:member")
    stack.kill_while(held, fate=point.fate)
    stands(stack, request, point, seen="unread")
    stack.up()
    stack.ended(request)
    assert not stack.company.in_jumpcloud(email, group)
    assert stack.changes(group, email) == ["add", "remove"]
    assert stack.claim(granted).state is ClaimState.ENDED
    assert stack.tickets(request) == []


@pytest.mark.parametrize("hold", ["before", "after"])
def test_killed_while_a_claim_ends_its_access_is_taken_once(stack: ProcessStack, hold: str) -> None:
    email, group = stack.company.person(), stack.company.jumpcloud_group()
    held = stack.faults.add(**WRITE, hold=hold, after=1)
    request = stack.grant(email, f"jumpcloud:group:{group}:member", duration="PT1S")
    stack.kill_while(held)
    assert stack.claim(request).state is ClaimState.ENDING
    stack.up()
    assert stack.claim_ended(request).state is ClaimState.ENDED
    assert stack.changes(group, email) == ["add", "remove"]


def test_killed_at_every_write_it_is_still_given_once(stack: ProcessStack) -> None:
    """Each successor dies where its predecessor did; tries are counted all the same."""
    email, group = stack.company.person(), stack.company.jumpcloud_group()
    request = ""
    for _ in range(3):
        held = stack.faults.add(**WRITE, hold="before")
        request = request or stack.grant(email, f"jumpcloud:group:{group}:member")
        stack.kill_while(held)
        stack.up()
    stack.ended(request)
    assert stack.operations(request)[0].tries == 4
    assert stack.changes(group, email) == ["add"]


def test_a_worker_that_was_thought_dead_does_not_overwrite_its_successor(make_site: MakeSite) -> None:
    stack = make_site("cluster")
    email, group = stack.company.person(), stack.company.jumpcloud_group()
    held = stack.faults.add(**WRITE, hold="before")
    request = stack.grant(email, f"jumpcloud:group:{group}:member")
    stack.until_held(held)
    asleep = stack.worker
    asleep.freeze()
    stack.let_leases_run_out()
    successor = stack.up()
    stack.ended(request)
    ended = stack.operations(request)[0]
    assert ended.state is OperationState.DONE
    stack.faults.release(held)
    asleep.thaw()
    stack.until(lambda: asleep.events()["operation.taken_over"], what="the sleeper finding its lease lost")
    assert stack.operations(request)[0] == ended
    assert stack.changes(group, email) == ["add"]
    assert stack.audited("operation.done")[request] == 1
    assert successor.events()["operation.done"] == 1


@pytest.mark.parametrize("kind", ["embedded", pytest.param("cluster", marks=pytest.mark.long)])
@pytest.mark.parametrize(("hold", "fate"), [("before", "lost"), ("before", "late"), ("after", "lost")])
def test_killed_while_making_an_account_there_is_one(make_site: MakeSite, kind: str, hold: str, fate: Fate) -> None:
    stack = make_site(kind)
    email = stack.company.person(jira=False)
    held = stack.faults.add(system="jira", method="POST", path="/rest/api/3/user$", hold=hold)
    request = stack.ask("create_account", email, system="jira")
    stack.kill_while(held, fate=fate)
    stack.up()
    stack.ended(request)
    made = [user for user in stack.company.jira.directory.users.values() if user.email == email]
    assert len(made) == 1
    assert not stack.claim(request).pre_existing
