"""A ticket is asked for once, followed to its end, and believed only as far as the system shows it."""

from __future__ import annotations

from access.lifecycle import OperationState
from simulator.switches import change_switches
from simulator.systems import act
from tests.flow.simulated_stack import SimulatedStack


def by_ticket(stack: SimulatedStack, **more: str) -> tuple[str, str, str]:
    """A person, a group that only tickets change, and a request for it."""
    email, team = stack.company.person(), stack.company.jumpcloud_group("by-ticket")
    name = stack.company.group_name(team)
    return email, team, stack.grant(email, f"jumpcloud:group:{name}:member", **more)


def test_a_ticket_says_who_what_and_why(stack: SimulatedStack) -> None:
    email, team, request = by_ticket(stack, reason="Month end | <b>closing</b>", approved_by="grace@example.com")
    ticket = stack.ticket(request)
    text = stack.text(ticket)
    for said in (email, stack.company.group_name(team), request, "grace@example.com", "Month end"):
        assert said in text
    assert stack.issue(ticket).properties


def test_a_closed_ticket_that_is_true_is_done_and_thanked(stack: SimulatedStack) -> None:
    email, team, request = by_ticket(stack, duration="PT1H")
    ticket = stack.ticket(request)
    act(stack.company.jumpcloud, "add_member", group=team, user=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.ended(request)
    assert stack.tickets(request)[0].state == "verified"
    assert not stack.claim(request).pre_existing
    stack.until(lambda: stack.comments(ticket))


def test_a_ticket_closed_too_early_is_commented_reopened_and_verified_in_the_end(stack: SimulatedStack) -> None:
    email, team, request = by_ticket(stack)
    ticket = stack.ticket(request)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    status = stack.issue(ticket).status_id
    stack.until(lambda: stack.issue(ticket).status_id != status, what="reopening")
    assert "does not list" in stack.comments(ticket)[0]
    assert stack.operations(request)[0].state is OperationState.WITH_PERSON
    stack.ticket(request, "open")
    act(stack.company.jumpcloud, "add_member", group=team, user=email)
    act(stack.company.jira, "done", issue=ticket.issue_key)
    stack.ended(request)
    assert [issue.key for issue in stack.issues_about(request)] == [ticket.issue_key]


def test_a_declined_ticket_fails_the_request_with_its_reason(stack: SimulatedStack) -> None:
    _, _, request = by_ticket(stack)
    ticket = stack.ticket(request)
    act(stack.company.jira, "decline", issue=ticket.issue_key)
    failed = stack.ended(request, "failed")
    assert str(ticket.issue_key) in (failed.reason or "")
    assert "Won't Do" in (failed.reason or "") or "Declined" in (failed.reason or "")
    assert stack.claim(request).state == "void"


def test_a_declined_ticket_for_what_is_there_all_the_same_is_done(stack: SimulatedStack) -> None:
    email, team, request = by_ticket(stack)
    ticket = stack.ticket(request)
    act(stack.company.jumpcloud, "add_member", group=team, user=email)
    act(stack.company.jira, "decline", issue=ticket.issue_key)
    stack.ended(request)


def test_a_moved_ticket_is_still_followed(stack: SimulatedStack) -> None:
    email, team, request = by_ticket(stack)
    ticket = stack.ticket(request)
    moved = act(stack.company.jira, "move_issue", issue=ticket.issue_key, project="PAY")["key"]
    stack.until(lambda: stack.tickets(request)[0].issue_key == moved)
    act(stack.company.jumpcloud, "add_member", group=team, user=email)
    act(stack.company.jira, "done", issue=moved)
    stack.ended(request)


def test_a_workflow_without_a_way_back_gets_another_ticket(stack: SimulatedStack) -> None:
    email, team, request = by_ticket(stack)
    first = stack.ticket(request)
    change_switches(stack.company.jira.switches, reopen_transition=False)
    try:
        act(stack.company.jira, "done", issue=first.issue_key)
        second = stack.ticket(request, number=2)
    finally:
        change_switches(stack.company.jira.switches, reopen_transition=True)
    act(stack.company.jumpcloud, "add_member", group=team, user=email)
    act(stack.company.jira, "done", issue=second.issue_key)
    stack.ended(request)
