"""What a ticket says is true (G): its end is on it, or it is none, and what people do after its end is not lost."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.entitlements import EntitlementRef
from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.methods import Method
from access.operations import Request
from access.policy import Policy
from access.ticket_routes import TicketRoute
from store.alarms import AlarmKind
from tasks.ticket_text import TicketWriter
from tests.fakes.faults import Fault
from tests.fakes.local_stack import ADA, BY_HAND, START, TEMPLATES, TICKET_TERMS, LocalStack
from tests.fakes.tickets import Issue
from tests.store.records import message, operation, ticket
from ticketing.ports import Phase

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
WRITER = TicketWriter(TEMPLATES, Policy(rules=(), ticket=TicketRoute(project="OPS")))
#: Until an ended ticket has been looked at again.
LATER = TICKET_TERMS.ended_poll + MINUTE


def asked(stack: LocalStack, request_id: str = "r1", *, group: str = BY_HAND, seconds: int | None = None) -> Issue:
    """The issue of a grant that a person is to carry out."""
    before = set(stack.tickets.issues)
    stack.grant(request_id, group=group, seconds=seconds)
    stack.run()
    [new] = set(stack.tickets.issues) - before
    return stack.tickets.issues[new]


def alarms(stack: LocalStack) -> list[AlarmKind]:
    with stack.store.write() as work:
        work.alarms.close_ended(now=stack.clock.now())
        return [alarm.kind for alarm in work.alarms.lasting() if alarm.entity == "ticket"]


def wait(stack: LocalStack, lasting: timedelta) -> None:
    """Let time pass in steps, so that tickets that have ended are looked at too."""
    for _ in range(max(1, int(lasting / TICKET_TERMS.ended_poll))):
        stack.run(TICKET_TERMS.ended_poll)
        stack.run()


def decline(stack: LocalStack, issue: Issue) -> None:
    issue.phase = Phase.DECLINED
    stack.run(MINUTE)


def test_g1_a_ticket_that_cannot_be_closed_is_not_withdrawn_and_is_tried_until_it_is(stack: LocalStack) -> None:
    issue = asked(stack)
    stack.tickets.closes = False
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.WITHDRAWN
    assert stack.tickets_of("r1")[0].state is TicketState.OPEN
    assert alarms(stack) == [AlarmKind.LEFT_OPEN]
    stack.tickets.closes = True
    wait(stack, LATER)
    assert issue.phase is Phase.DECLINED
    assert stack.tickets_of("r1")[0].state is TicketState.WITHDRAWN
    assert alarms(stack) == []
    assert len(issue.comments) == 1


def test_a_ticket_that_automation_opens_again_at_once_is_not_withdrawn(stack: LocalStack) -> None:
    issue = asked(stack)
    stack.tickets.opens_again = True
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)
    assert stack.tickets_of("r1")[0].state is TicketState.OPEN
    assert alarms(stack) == [AlarmKind.LEFT_OPEN]
    stack.tickets.opens_again = False
    wait(stack, LATER)
    assert (issue.phase, len(issue.comments)) == (Phase.DECLINED, 1)
    assert stack.tickets_of("r1")[0].state is TicketState.WITHDRAWN
    assert alarms(stack) == []


def test_a_ticket_that_was_done_before_we_knew_of_it_says_so_too(stack: LocalStack) -> None:
    """The answer to the call that made it is lost; a person does it, and the system shows that before the ticket is found."""
    stack.tickets.faults.forecast(Fault.LOST)
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [issue] = stack.tickets.issues.values()
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    stack.run(HOUR)
    assert stack.request("r1").state is RequestState.DONE
    [known] = stack.tickets_of("r1")
    assert (known.state, list(issue.comments)) == (TicketState.VERIFIED, [f"{known.id}-verified"])


def test_the_resolution_of_a_ticket_that_is_closed_again_at_once_is_not_called_kept(stack: LocalStack) -> None:
    issue = asked(stack)
    issue.phase = Phase.DONE
    stack.tickets.closes_again = "Done"
    stack.run(MINUTE)
    stack.run(MINUTE)
    assert issue.comments
    assert not any(marker.endswith("-resolution") for marker in issue.comments)


def test_g1_access_that_a_person_gives_by_a_ticket_that_could_not_be_closed_is_reported(stack: LocalStack) -> None:
    issue = asked(stack)
    stack.tickets.closes = False
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    wait(stack, LATER)
    assert stack.tickets_of("r1")[0].state is TicketState.WITHDRAWN
    assert alarms(stack) == [AlarmKind.UNTRACKED]
    stack.system.change(ADA, BY_HAND, present=False)
    wait(stack, LATER)
    assert alarms(stack) == []


@pytest.mark.parametrize(
    "fault", [Fault.BUSY, Fault.REFUSED, Fault.LOST, Fault.LOST_UNDONE, Fault.KILLED_BEFORE, Fault.KILLED_AFTER]
)
@pytest.mark.parametrize("end", [Phase.DONE, Phase.DECLINED])
def test_every_end_is_said_once_whatever_came_of_the_first_try(stack: LocalStack, fault: Fault, end: Phase) -> None:
    issue = asked(stack)
    issue.phase = end
    stack.system.change(ADA, BY_HAND, present=end is Phase.DONE)
    calls_before = 1 if end is Phase.DONE else 2  # Reading the ticket, and who closed it.
    stack.run(TICKET_TERMS.poll - timedelta(seconds=1))
    stack.tickets.faults.forecast(*[Fault.FINE] * calls_before, fault)
    stack.run(MINUTE)
    wait(stack, LATER)
    assert len(issue.comments) == 1
    assert alarms(stack) == []


def test_g1_without_the_permission_to_comment_a_person_is_told_and_the_end_is_said_when_that_is_mended(
    stack: LocalStack,
) -> None:
    issue = asked(stack)
    stack.tickets.comments = False
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    stack.run(HOUR)
    assert stack.request("r1").state is RequestState.DONE
    assert alarms(stack) == [AlarmKind.UNSAID]
    stack.tickets.comments = True
    wait(stack, 2 * HOUR)
    assert list(issue.comments) == [f"{stack.tickets_of('r1')[0].id}-verified"]
    assert alarms(stack) == []


def test_a_comment_that_can_never_be_made_is_given_up_after_a_month(stack: LocalStack) -> None:
    issue = asked(stack)
    stack.tickets.comments = False
    decline(stack, issue)
    for _ in range(32):
        stack.clock.advance(DAY)
        stack.run()
    assert alarms(stack) == []
    with stack.store.read() as work:
        assert work.ticket_comments.owed([stack.tickets_of("r1")[0].id]) == []


def test_g2_declined_by_mistake_reopened_and_done_is_answered_once_and_its_access_reported(stack: LocalStack) -> None:
    issue = asked(stack, seconds=3600)
    decline(stack, issue)
    assert len(issue.comments) == 1
    issue.phase = Phase.OPEN
    wait(stack, LATER)
    assert [text for marker, text in issue.comments.items() if marker.endswith("-over")]
    assert len(issue.comments) == 2
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    wait(stack, LATER)
    assert len(issue.comments) == 2
    assert alarms(stack) == [AlarmKind.UNTRACKED]
    stack.grant("r2", group=BY_HAND)
    stack.run(MINUTE)
    assert stack.claim("r2").state is ClaimState.ACTIVE
    wait(stack, LATER)
    assert AlarmKind.UNTRACKED not in alarms(stack)


@pytest.mark.parametrize("times", [1, 5])
def test_automation_that_opens_and_closes_an_ended_ticket_again_and_again_is_answered_once(
    stack: LocalStack, times: int
) -> None:
    issue = asked(stack)
    decline(stack, issue)
    for _ in range(times):
        issue.phase = Phase.OPEN
        wait(stack, LATER)
        issue.phase = Phase.DONE
        wait(stack, LATER)
    assert len(issue.comments) == 2
    assert alarms(stack) == []


def test_automation_that_closes_on_every_comment_is_bounded(stack: LocalStack) -> None:
    issue = asked(stack)
    for _ in range(TICKET_TERMS.closings + 3):
        issue.phase = Phase.DONE
        stack.run(MINUTE)
    wait(stack, LATER)
    assert stack.request("r1").state is RequestState.FAILED
    assert stack.tickets_of("r1")[0].state is TicketState.ESCALATED
    assert len(issue.comments) == TICKET_TERMS.closings + 1


def test_an_ended_ticket_that_moves_on_among_closed_statuses_is_no_news(stack: LocalStack) -> None:
    issue = asked(stack)
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    stack.run(MINUTE)
    issue.status = "Closed by automation"
    wait(stack, LATER)
    assert len(issue.comments) == 1


def test_a_ticket_is_looked_at_for_a_month_after_its_end_and_no_longer(stack: LocalStack) -> None:
    issue = asked(stack)
    decline(stack, issue)
    stack.clock.advance(TICKET_TERMS.watch_ended)
    wait(stack, LATER)
    issue.phase = Phase.OPEN
    wait(stack, LATER)
    assert len(issue.comments) == 1
    assert stack.tickets_of("r1")[0].due_at is None


def test_g3_who_declined_is_who_closed_the_ticket_and_not_whom_it_is_assigned_to(stack: LocalStack) -> None:
    issue = asked(stack)
    issue.closed_by = "Carol"
    decline(stack, issue)
    assert "by Carol" in (stack.request("r1").reason or "")
    assert any("Declined by Carol" in text for text in issue.comments.values())


def test_g4_a_resolution_that_the_way_back_keeps_is_said(stack: LocalStack) -> None:
    issue = asked(stack)
    issue.resolution, issue.phase = "Done", Phase.DONE
    stack.run(MINUTE)
    assert issue.phase is Phase.OPEN
    assert any("resolved as Done" in text for text in issue.comments.values())


@pytest.mark.parametrize(("account_id", "verb"), [(None, "Create an account"), ("u9", "Reactivate the account")])
def test_g6_an_account_that_exists_is_asked_to_be_reactivated(account_id: str | None, verb: str) -> None:
    entitlement = EntitlementRef.parse("jira:account:exists")
    giving = operation(entitlement=entitlement, named=entitlement, account_id=account_id, via=Method.TICKET)
    asking = Request(
        id="r1",
        message=message(action="create_account", system="jira", entitlement=None),
        state=RequestState.FULFILLING,
        source="test",
        received_at=START,
    )
    draft = WRITER.draft(giving, asking, ticket(), None, None, now=START)
    assert draft.summary.startswith(verb)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_several_tickets_that_vanish_at_once_are_our_permission_and_get_no_other(stack: LocalStack, count: int) -> None:
    for number in range(count):
        asked(stack, f"r{number}", group=f"jumpcloud:group:by-hand-{number}:member")
    stack.tickets.hidden |= set(stack.tickets.issues)
    stack.run(10 * MINUTE)
    alone = count < 3
    assert (len(stack.tickets.issues) > count) is alone
    if alone:
        return
    assert {stack.tickets_of(f"r{number}")[0].state for number in range(count)} == {TicketState.OPEN}
    assert all("cannot be seen any more" in (stack.tickets_of(f"r{number}")[0].error or "") for number in range(count))
    stack.tickets.hidden.clear()
    stack.run(MINUTE)
    assert all(stack.tickets_of(f"r{number}")[0].missing_since is None for number in range(count))
    assert {stack.operation(f"r{number}").state for number in range(count)} == {OperationState.WITH_PERSON}


def test_tickets_that_are_away_together_for_a_day_count_as_deleted(stack: LocalStack) -> None:
    for number in range(3):
        asked(stack, f"r{number}", group=f"jumpcloud:group:by-hand-{number}:member")
    stack.tickets.hidden |= set(stack.tickets.issues)
    stack.run(MINUTE)
    stack.clock.advance(TICKET_TERMS.hidden_together)
    stack.run(10 * MINUTE)
    assert len(stack.tickets.open_issues()) == 6
    assert {ticket.state for ticket in stack.tickets_of("r0")} == {TicketState.HIDDEN, TicketState.OPEN}


def test_the_good_road_has_one_comment(stack: LocalStack) -> None:
    issue = asked(stack, seconds=600)
    stack.system.change(ADA, BY_HAND, present=True)
    issue.phase = Phase.DONE
    stack.run(5 * MINUTE)
    wait(stack, LATER)
    assert len(issue.comments) == 1


def test_access_that_a_person_takes_by_a_ticket_that_was_called_back_is_reported(stack: LocalStack) -> None:
    given = asked(stack)
    stack.system.change(ADA, BY_HAND, present=True)
    given.phase = Phase.DONE
    stack.run(MINUTE)
    stack.revoke("r2", group=BY_HAND)
    stack.run(MINUTE)
    [take] = stack.tickets.open_issues()
    decline(stack, take)
    assert stack.operation("r2").state is OperationState.BLOCKED
    stack.grant("r3", group=BY_HAND)
    stack.run(HOUR)
    assert stack.claim("r3").state is ClaimState.ACTIVE
    stack.system.change(ADA, BY_HAND, present=False)
    take.phase = Phase.DONE
    wait(stack, LATER)
    assert alarms(stack) == [AlarmKind.UNTRACKED]
