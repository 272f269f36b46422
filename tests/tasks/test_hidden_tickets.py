"""Tickets that vanish from our sight and come back (B5): one answer counts, and nobody is left with a second ticket."""

from __future__ import annotations

from datetime import timedelta

import pytest

from access.lifecycle import ClaimState, RequestState, TicketState
from tests.fakes.local_stack import ADA, BY_HAND, LocalStack
from tests.fakes.tickets import Issue
from ticketing.ports import Phase

MINUTE = timedelta(minutes=1)


def hidden(stack: LocalStack) -> tuple[Issue, Issue]:
    """A grant whose ticket is hidden from us, and the ticket that was made in its place."""
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [first] = stack.tickets.issues.values()
    stack.tickets.hidden.add(first.ref.id)
    stack.run(MINUTE)
    second = stack.tickets.issues[max(stack.tickets.issues)]
    assert second is not first
    return first, second


def test_b5_the_second_ticket_says_deleted_or_hidden_and_names_the_first(stack: LocalStack) -> None:
    first, second = hidden(stack)
    assert f"replaces {first.ref.key}" in second.draft.body.replace("\\", "")
    assert "deleted or hidden from Provisor" in second.draft.body
    assert [ticket.state for ticket in stack.tickets_of("r1")] == [TicketState.HIDDEN, TicketState.OPEN]


def test_b5_a_first_ticket_that_was_done_while_hidden_counts_and_the_second_is_closed(stack: LocalStack) -> None:
    first, second = hidden(stack)
    first.phase = Phase.DONE
    stack.system.change(ADA, BY_HAND, present=True)
    stack.tickets.hidden.clear()
    stack.run(MINUTE)
    assert stack.claim("r1").state is ClaimState.ACTIVE
    assert stack.request("r1").state is RequestState.DONE
    assert second.phase is not Phase.OPEN
    assert any(f"Duplicate of {first.ref.key}" in text.replace("\\", "") for text in second.comments.values())
    assert not stack.tickets.open_issues()


def test_b5_a_first_ticket_that_comes_back_open_is_closed_with_a_comment(stack: LocalStack) -> None:
    first, second = hidden(stack)
    stack.tickets.hidden.clear()
    stack.run(MINUTE)
    assert stack.tickets.open_issues() == [second]
    assert any(f"Duplicate of {second.ref.key}" in text.replace("\\", "") for text in first.comments.values())
    stack.system.change(ADA, BY_HAND, present=True)
    second.phase = Phase.DONE
    stack.run(MINUTE)
    assert stack.claim("r1").state is ClaimState.ACTIVE


@pytest.mark.parametrize("phase", [Phase.DONE, Phase.DECLINED])
def test_b5_a_first_ticket_that_comes_back_closed_and_not_done_leaves_the_second_to_decide(
    stack: LocalStack, phase: Phase
) -> None:
    first, second = hidden(stack)
    first.phase = phase
    stack.tickets.hidden.clear()
    stack.run(MINUTE)
    assert stack.tickets.open_issues() == [second]
    assert stack.request("r1").state is RequestState.FULFILLING
    second.phase = Phase.DECLINED
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.FAILED


def test_b5_access_that_was_given_by_a_hidden_ticket_is_seen_and_asked_for_once(stack: LocalStack) -> None:
    stack.grant("r1", group=BY_HAND)
    stack.run()
    [first] = stack.tickets.issues.values()
    stack.system.change(ADA, BY_HAND, present=True)
    stack.tickets.hidden.add(first.ref.id)
    stack.run(MINUTE)
    assert stack.request("r1").state is RequestState.DONE
    assert len(stack.tickets.issues) == 1


def test_b5_a_hidden_ticket_is_read_only_as_long_as_its_operation_lives(stack: LocalStack) -> None:
    _, second = hidden(stack)
    stack.system.change(ADA, BY_HAND, present=True)
    second.phase = Phase.DONE
    stack.run(5 * MINUTE)
    assert [ticket.state for ticket in stack.tickets_of("r1")] == [TicketState.LOST, TicketState.VERIFIED]
    assert stack.next_due() is None
