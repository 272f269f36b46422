"""Extensions: a claim that follows another, in one step, before the end of the first or not at all."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from access.lifecycle import ClaimState, RequestState
from access.methods import Method
from access.operations import Lane, Purpose
from access.policy import Rule
from access.provisioning import Provisioning
from store.database import Database
from store.outbox import Topic
from store.unit_of_work import Store
from tasks.decisions import Decisions
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, GROUP, START, LocalStack
from tests.together import together

SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ACTIVE, ENDED = ClaimState.ACTIVE, ClaimState.ENDED
DONE, REFUSED = RequestState.DONE, RequestState.REFUSED


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Any:
    database = Database(request.getfixturevalue(f"{request.param}_url"), pool_size=4)
    yield Store(database)
    database.close()


def extend(stack: LocalStack, request_id: str, *, group: str = GROUP, seconds: int | None = 60, **more: Any) -> None:
    """Ask for Ada's access to last longer."""
    duration = {} if seconds is None else {"duration": f"PT{seconds}S"}
    about = {"id": request_id, "action": "extend", "subject": {"id": ADA}, "entitlement": group}
    stack.submit(**about | duration | more)


def reason(stack: LocalStack, request_id: str) -> str:
    found = stack.request(request_id).reason
    assert found is not None
    return found


def test_access_that_is_extended_lasts_from_the_old_end_and_is_never_taken_between(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run(30 * SECOND)
    extend(stack, "x1", seconds=60)
    stack.run()
    old, new = stack.claim("r1"), stack.claim("x1")
    assert (old.state, old.why_ended, old.ended_by) == (ENDED, "extended by request x1", None)
    assert (new.state, new.follows, new.first_request_id) == (ACTIVE, old.id, "r1")
    assert old.ends_at is not None
    assert new.ends_at == old.ends_at + MINUTE
    assert stack.request("x1").state is DONE
    stack.run(85 * SECOND)
    assert stack.has()
    stack.run(10 * SECOND)
    assert not stack.has()
    assert [each.purpose for each in _operations(stack)] == [Purpose.REQUEST, Purpose.EXPIRY]


def _operations(stack: LocalStack) -> list[Any]:
    with stack.store.read() as work:
        return [each for request in ("r1", "x1") for each in work.operations.of_request(request)]


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({"claim_of": "r1"}, id="by the request that gave it"),
        pytest.param({}, id="by account and entitlement"),
        pytest.param({"subject": {"email": "ADA@example.com"}}, id="by address and entitlement"),
    ],
)
def test_an_extension_needs_nothing_of_the_system(stack: LocalStack, named: dict[str, Any]) -> None:
    stack.grant("r1", seconds=60, subject={"email": "ada@example.com"})
    stack.run()
    calls = stack.system.faults.calls
    stack.system.faults.lasting = Fault.BUSY
    extend(stack, "x1", **named)
    stack.run()
    assert stack.request("x1").state is DONE
    assert stack.system.faults.calls == calls
    stack.run(90 * SECOND)
    assert stack.has()


def test_an_extension_is_extended_and_each_of_the_line_is_meant_by_any_of_its_requests(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    for number, named in enumerate(("r1", "x0", "r1", "x1")):
        extend(stack, f"x{number}", claim_of=named)
        stack.run()
        assert stack.request(f"x{number}").state is DONE
    began, ends = stack.claim("r1").starts_at, stack.claim("x3").ends_at
    assert began is not None
    assert ends == began + 5 * MINUTE
    assert {stack.claim(f"x{number}").first_request_id for number in range(4)} == {"r1"}


@pytest.mark.parametrize("named", ["r1", "x1"])
def test_a_revoke_of_the_grant_or_of_its_extension_ends_the_claim_that_stands(stack: LocalStack, named: str) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    extend(stack, "x1")
    stack.run()
    stack.revoke("v1", claim_of=named)
    stack.run()
    assert not stack.has()
    assert (stack.request("v1").state, stack.claim("x1").state) == (DONE, ENDED)


def test_the_same_extension_twice_extends_once(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    extend(stack, "x1")
    stack.run()
    end = stack.claim("x1").ends_at
    extend(stack, "x1")
    stack.handle(stack.sweep())
    for _ in range(2):
        stack.handlers[Topic.REQUEST]("x1")
    assert stack.claim("x1").ends_at == end
    assert stack.claim("x1").state is ACTIVE


def test_access_from_before_the_first_claim_stays_after_the_last_extension(stack: LocalStack) -> None:
    stack.system.change(ADA, GROUP, present=True)
    stack.grant("r1", seconds=60)
    stack.run()
    extend(stack, "x1")
    stack.run(5 * MINUTE)
    assert stack.claim("x1").why_ended == "the access was there before the first claim"
    assert stack.has()


# When it is too late, or not possible


def test_an_extension_after_the_end_is_to_be_asked_for_anew(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run(2 * MINUTE)
    extend(stack, "x1", claim_of="r1")
    extend(stack, "x2")
    stack.run()
    assert (stack.request("x1").state, stack.request("x2").state) == (REFUSED, REFUSED)
    assert reason(stack, "x1") == (
        "The access of request r1 is ended, because the access was taken away, and seen gone. "
        "Ask anew with a request to grant."
    )
    assert "no access to jumpcloud:group:api:member that can be extended. Ask anew" in reason(stack, "x2")
    assert not stack.has()


def test_an_extension_while_the_access_is_taken_away_is_too_late(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run(59 * SECOND)
    stack.system.faults.forecast(*[Fault.BUSY] * 3)
    stack.run(2 * SECOND)
    assert stack.claim("r1").state is ClaimState.ENDING
    extend(stack, "x1", claim_of="r1")
    stack.run()
    assert reason(stack, "x1") == "The access of request r1 is ending. Ask anew with a request to grant."


def test_access_that_a_person_has_ended_is_not_extended(stack: LocalStack) -> None:
    stack.grant("r1", seconds=600)
    stack.run()
    extend(stack, "x1")
    Decisions(stack.store, stack.clock, by="grace").cancel_claim(stack.claim("r1").id, reason="over")
    extend(stack, "x2")
    stack.run()
    assert [stack.request(each).state for each in ("x1", "x2")] == [REFUSED, REFUSED]
    assert reason(stack, "x1") == "The access of request r1 is being ended. Ask anew with a request to grant."
    assert not stack.has()


@pytest.mark.parametrize("order", ["as they are found", "the end first"])
def test_an_extension_that_came_before_the_end_was_committed_comes_before_it(stack: LocalStack, order: str) -> None:
    """Both are due: a Provisor that was away finds the claim's end and the extension at the same moment."""
    stack.grant("r1", seconds=60)
    stack.run()
    extend(stack, "x1", seconds=600)
    stack.publisher.wake_ups.clear()
    stack.clock.advance(2 * MINUTE)
    due = stack.sweep()
    assert [each.topic for each in due] == [Topic.REQUEST, Topic.CLAIM]
    assert {each.lane for each in due} == {Lane.REVOKE}
    stack.handle(due if order == "as they are found" else reversed(due))
    assert (stack.request("x1").state, stack.claim("x1").state) == (DONE, ACTIVE)
    assert stack.has()


def test_what_would_end_in_the_past_is_asked_for_anew(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    extend(stack, "x1", seconds=30)
    stack.publisher.wake_ups.clear()
    stack.clock.advance(5 * MINUTE)
    stack.run()
    assert "which is past. Ask anew with a request to grant." in reason(stack, "x1")
    assert not stack.has()


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"claim_of": "r9"}, "claim_of names 'r9', which is no request that gave access."),
        ({"claim_of": "v1"}, "claim_of names 'v1', which is no request that gave access."),
        ({"claim_of": "r1", "group": BY_HAND}, "grants jumpcloud:group:api:member, and not jumpcloud:group:by-hand:"),
        ({"claim_of": "r1", "subject": {"id": "u2"}}, "which is for u1 and not for u2."),
        ({"claim_of": "r1", "subject": {"id": ADA, "email": "bob@example.com"}}, "and not for"),
        ({"claim_of": "r1", "subject": {"username": "ada"}}, "and not for"),
        ({"subject": {"id": "u2"}}, "u2 has no access to jumpcloud:group:api:member that can be extended."),
        ({"subject": {"username": "ada"}}, "has no access to"),
        ({"claim_of": "r2", "group": "jumpcloud:group:other:member"}, "has no end, so there is nothing to extend."),
    ],
)
def test_what_cannot_be_extended_is_refused_with_the_reason(stack: LocalStack, more: dict[str, Any], said: str) -> None:
    stack.grant("r1", seconds=600)
    stack.grant("r2", group="jumpcloud:group:other:member")
    stack.revoke("v1", group=BY_HAND)
    stack.run()
    extend(stack, "x1", **more)
    stack.run()
    assert stack.request("x1").state is REFUSED
    assert said in reason(stack, "x1")
    assert stack.claim("r1").state is ACTIVE


def test_where_several_claims_match_the_one_that_is_meant_is_named(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60)
    stack.grant("r2", seconds=120)
    stack.run()
    extend(stack, "x1")
    extend(stack, "x2", claim_of="r2")
    stack.run()
    assert stack.request("x1").state is REFUSED
    assert "Several claims match: request r1 of" in reason(stack, "x1")
    assert "request r2 of" in reason(stack, "x1")
    assert (stack.claim("r1").state, stack.claim("r2").state, stack.claim("x2").state) == (ACTIVE, ENDED, ACTIVE)


def test_an_extension_by_name_finds_the_claim_of_a_request_by_username(stack: LocalStack) -> None:
    stack.grant("r1", seconds=60, subject={"id": ADA, "username": "ada"})
    stack.run()
    extend(stack, "x1", subject={"id": ADA, "username": "ada"}, claim_of="r1")
    stack.run()
    assert stack.request("x1").state is DONE


def test_nothing_is_extended_for_an_account_that_is_being_deprovisioned(stack: LocalStack) -> None:
    rules = (Rule("jumpcloud:account:*", take=Method.TICKET), Rule("jumpcloud:*"))
    other = LocalStack.over(stack.store, like=stack, rules=rules)
    other.grant("r1", seconds=600)
    other.run()
    other.submit(id="d1", action="deprovision_account", subject={"id": ADA}, system="jumpcloud")
    other.run()
    extend(other, "x1")
    other.run()
    assert other.request("x1").state is REFUSED
    assert reason(other, "x1").startswith("Request d1 deprovisions")


# Policy


@pytest.mark.parametrize(
    ("rule", "more", "said"),
    [
        (Rule("*", max_duration=3 * MINUTE), {"seconds": 121}, "allows at most 0:03:00 from the first start at"),
        (Rule("*", required=("approved_by",)), {}, "requires approved_by."),
        (Rule("*", give=Method.DENY), {}, "does not allow to give"),
        (Rule("jira:*"), {}, "No policy rule matches"),
    ],
)
def test_an_extension_is_asked_for_under_the_same_rule(
    stack: LocalStack, rule: Rule, more: dict[str, Any], said: str
) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    other = LocalStack.over(stack.store, like=stack, rules=[rule])
    extend(other, "x1", **more)
    other.run()
    assert other.request("x1").state is REFUSED
    assert said in reason(other, "x1")
    other.run(2 * MINUTE)
    assert not other.has()


def test_the_maximum_counts_from_the_first_start_over_all_extensions(stack: LocalStack) -> None:
    other = LocalStack.over(stack.store, like=stack, rules=[Rule("*", max_duration=3 * MINUTE)])
    other.grant("r1", seconds=60)
    for number in range(3):
        other.run(20 * SECOND)
        extend(other, f"x{number}")
    other.run()
    assert [other.request(f"x{number}").state for number in range(3)] == [DONE, DONE, REFUSED]
    other.run(3 * MINUTE)
    assert not other.has()


def test_a_fixed_end_is_later_than_the_one_before(stack: LocalStack) -> None:
    stack.grant("r1", seconds=600)
    stack.run()
    for request_id, end in (("x1", START + 5 * MINUTE), ("x2", START + 20 * MINUTE)):
        extend(stack, request_id, seconds=None, ends_at=end.isoformat())
    stack.run()
    assert "is no later. To end it early, revoke it." in reason(stack, "x1")
    assert stack.claim("x2").ends_at == START + 20 * MINUTE
    stack.run(20 * MINUTE)
    assert not stack.has()


@pytest.mark.parametrize("mode", [Provisioning.OFF, Provisioning.PLAN])
def test_nothing_is_extended_until_told_to(stack: LocalStack, mode: Provisioning) -> None:
    stack.grant("r1", seconds=60)
    stack.run()
    other = LocalStack.over(stack.store, like=stack, mode=mode)
    extend(other, "x1")
    extend(other, "x2", claim_of="r9")
    other.run()
    assert (stack.request("x1").state, stack.request("x2").state) == (RequestState.RECEIVED, RequestState.RECEIVED)
    if mode is Provisioning.PLAN:
        assert reason(stack, "x1").startswith("Would extend the access of request r1 until 2026-11-22 09:02:")
    again = LocalStack.over(stack.store, like=stack)
    with again.store.write() as work:
        work.requests.wake_planned(now=again.clock.now())
    again.run()
    assert (again.request("x1").state, again.request("x2").state) == (DONE, REFUSED)


# Races and order


def test_a_revoke_that_came_before_the_extension_takes_it_too(stack: LocalStack) -> None:
    """Whichever is planned first: an extension gives nothing that a request before it had taken away."""
    for number, extension_first in enumerate((True, False)):
        grant, revoke, extension = f"r{number}", f"v{number}", f"x{number}"
        stack.grant(grant, seconds=600)
        stack.run()
        stack.revoke(revoke)
        extend(stack, extension)
        stack.publisher.wake_ups.clear()
        order = (extension, revoke) if extension_first else (revoke, extension)
        for each in order:
            stack.handlers[Topic.REQUEST](each)
        stack.run(MINUTE)
        assert not stack.has()


@pytest.mark.parametrize(
    "removal",
    [
        pytest.param({"action": "revoke", "entitlement": GROUP}, id="revoke"),
        pytest.param({"action": "revoke", "entitlement": GROUP, "claim_of": "r1"}, id="claim_of"),
        pytest.param({"action": "deprovision_account", "system": "jumpcloud"}, id="deprovision"),
    ],
)
def test_nothing_is_extended_before_it_is_decided_what_an_earlier_removal_takes(
    stack: LocalStack, removal: dict[str, Any]
) -> None:
    """An extension needs no system, and a removal that came before it does."""
    stack.grant("r1", seconds=3600, subject={"email": "ada@example.com"})
    stack.run()
    stack.system.faults.lasting = Fault.BUSY
    stack.submit(id="r2", subject={"email": "ada@example.com"}, **removal)
    extend(stack, "x1", seconds=600)
    stack.run(MINUTE)
    assert (stack.request("x1").state, reason(stack, "x1")) == (RequestState.RECEIVED, "Request r2 comes first.")
    stack.system.faults.clear()
    stack.run(5 * MINUTE)
    assert stack.request("x1").state is REFUSED
    with stack.store.read() as work:
        assert [claim.request_id for claim in work.claims.line_of("r1")] == ["r1"]


def test_an_extension_goes_on_when_the_removal_before_it_is_refused(stack: LocalStack) -> None:
    stack.grant("r1", seconds=3600)
    stack.run()
    stack.system.faults.lasting = Fault.BUSY
    stack.submit(id="r2", action="revoke", subject={"id": ADA, "email": "bob@example.com"}, entitlement=GROUP)
    stack.revoke("r3", claim_of="nobody")
    extend(stack, "x1", seconds=600)
    stack.system.faults.clear()
    stack.run(5 * MINUTE)
    assert stack.request("x1").state is DONE


def test_an_extension_and_the_end_at_one_moment_have_one_winner(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=8)
    stack = LocalStack.over(Store(database))
    for round_ in range(5):
        grant, extension = f"r{round_}", f"x{round_}"
        stack.grant(grant, seconds=10)
        stack.run()
        stack.clock.advance(MINUTE)
        claim = stack.claim(grant).id
        _race(stack, claim, grant, extension)
        won = stack.request(extension).state is DONE
        stack.run()
        assert stack.has() is won
        assert stack.claim(grant).state is ENDED
        stack.run(HOUR)
        assert not stack.has()
    database.close()


def _race(stack: LocalStack, claim: str, grant: str, extension: str) -> None:
    """The request comes in while the claim is being ended."""

    def ask() -> None:
        extend(stack, extension, claim_of=grant, seconds=600)
        stack.handlers[Topic.REQUEST](extension)

    both: list[Callable[[], object]] = [ask, partial(stack.handlers[Topic.CLAIM], claim)]
    together(both)


def test_two_extensions_at_one_moment_follow_on_each_other(postgresql_url: str) -> None:
    database = Database(postgresql_url, pool_size=8)
    stack = LocalStack.over(Store(database))
    stack.grant("r1", seconds=60)
    stack.run()
    end = stack.claim("r1").ends_at
    assert end is not None
    for name in ("x1", "x2", "x3"):
        extend(stack, name, claim_of="r1")
    together(partial(stack.handlers[Topic.REQUEST], name) for name in ("x1", "x2", "x3"))
    claims = [stack.claim(name) for name in ("x1", "x2", "x3")]
    assert sorted(claim.ends_at for claim in claims if claim.ends_at) == [end + n * MINUTE for n in (1, 2, 3)]
    assert [claim.state for claim in claims].count(ACTIVE) == 1
    database.close()
