"""A ticket is asked for once, followed to its end, and believed only as far as the system shows it."""

from __future__ import annotations

from access.lifecycle import OperationState
from simulator.switches import change_switches
from simulator.systems import act
from tests.flow.estate import Estate


def by_ticket(estate: Estate, **more: str) -> tuple[str, str, str]:
    """A person, a group that only tickets change, and a request for it."""
    email, team = estate.company.person(), estate.company.jumpcloud_group("by-ticket")
    name = estate.company.group_name(team)
    return email, team, estate.grant(email, f"jumpcloud:group:{name}:member", **more)


def test_a_ticket_says_who_what_and_why(estate: Estate) -> None:
    email, team, request = by_ticket(estate, reason="Month end | <b>closing</b>", approved_by="grace@example.com")
    ticket = estate.ticket(request)
    text = estate.text(ticket)
    for said in (email, estate.company.group_name(team), request, "grace@example.com", "Month end"):
        assert said in text
    assert estate.issue(ticket).properties


def test_a_closed_ticket_that_is_true_is_done_and_thanked(estate: Estate) -> None:
    email, team, request = by_ticket(estate, duration="PT1H")
    ticket = estate.ticket(request)
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ended(request)
    assert estate.tickets(request)[0].state == "verified"
    assert not estate.claim(request).pre_existing
    estate.until(lambda: estate.comments(ticket))


def test_a_ticket_closed_too_early_is_commented_reopened_and_verified_in_the_end(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    ticket = estate.ticket(request)
    act(estate.company.jira, "done", issue=ticket.issue_key)
    status = estate.issue(ticket).status_id
    estate.until(lambda: estate.issue(ticket).status_id != status, what="reopening")
    assert "does not list" in estate.comments(ticket)[0]
    assert estate.operations(request)[0].state is OperationState.WITH_PERSON
    estate.ticket(request, "open")
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ended(request)
    assert [issue.key for issue in estate.issues_about(request)] == [ticket.issue_key]


def test_what_shows_only_a_moment_after_the_ticket_was_closed_is_believed_without_a_word(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    ticket = estate.ticket(request)
    act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ticket(request, "answered")
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    estate.ended(request)
    assert not any("does not list" in comment for comment in estate.comments(ticket))


def test_a_ticket_closed_too_often_is_handed_to_the_operator(estate: Estate) -> None:
    _, _, request = by_ticket(estate)
    ticket = estate.ticket(request)
    for answer in range(1, 4):
        estate.ticket(request, "open")
        act(estate.company.jira, "done", issue=ticket.issue_key)

        def judged(answer: int = answer) -> bool:
            found = estate.tickets(request)[-1]
            return found.answers == answer and found.state != "answered"

        estate.until(judged)
    failed = estate.ended(request, "failed")
    assert "3 times without being done" in (failed.reason or "")
    assert estate.tickets(request)[0].state == "escalated"


def test_a_declined_ticket_fails_the_request_with_its_reason(estate: Estate) -> None:
    _, _, request = by_ticket(estate)
    ticket = estate.ticket(request)
    act(estate.company.jira, "decline", issue=ticket.issue_key)
    failed = estate.ended(request, "failed")
    assert str(ticket.issue_key) in (failed.reason or "")
    assert "Won't Do" in (failed.reason or "") or "Declined" in (failed.reason or "")
    assert estate.claim(request).state == "void"


def test_a_declined_ticket_for_what_is_there_all_the_same_is_done(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    ticket = estate.ticket(request)
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    act(estate.company.jira, "decline", issue=ticket.issue_key)
    estate.ended(request)


def test_a_deleted_ticket_gets_a_new_one(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    first = estate.ticket(request)
    act(estate.company.jira, "delete_issue", issue=first.issue_key)
    second = estate.ticket(request, number=2)
    assert second.issue_key != first.issue_key
    assert estate.tickets(request)[0].state == "lost"
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    act(estate.company.jira, "done", issue=second.issue_key)
    estate.ended(request)


def test_a_moved_ticket_is_still_followed(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    ticket = estate.ticket(request)
    moved = act(estate.company.jira, "move_issue", issue=ticket.issue_key, project="PAY")["key"]
    estate.until(lambda: estate.tickets(request)[0].issue_key == moved)
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    act(estate.company.jira, "done", issue=moved)
    estate.ended(request)


def test_a_workflow_without_a_way_back_gets_another_ticket(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    first = estate.ticket(request)
    change_switches(estate.company.jira.switches, reopen_transition=False)
    try:
        act(estate.company.jira, "done", issue=first.issue_key)
        second = estate.ticket(request, number=2)
    finally:
        change_switches(estate.company.jira.switches, reopen_transition=True)
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    act(estate.company.jira, "done", issue=second.issue_key)
    estate.ended(request)


def test_a_withdrawn_request_closes_its_ticket(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    ticket = estate.ticket(request)
    other = estate.ask("revoke", email, f"jumpcloud:group:{team}:member")
    estate.ended(request, "withdrawn")
    estate.ended(other)
    estate.ticket(request, "withdrawn")
    category = estate.company.jira.catalogue.statuses[estate.issue(ticket).status_id].category
    assert category == "done"
    assert estate.comments(ticket)


def test_the_index_of_the_search_lags_and_there_is_one_ticket_all_the_same(estate: Estate) -> None:
    """The answer to the creation is lost, and the search does not know of the issue for longer than we would wait."""
    change_switches(estate.company.jira.switches, search_lag_ms=60_000)
    try:
        lost = estate.faults.add(system="jira", method="POST", path="/issue$", drop="after", times=1)
        _, _, request = by_ticket(estate)
        estate.ticket(request)
        assert estate.faults.get(lost).played == 1
        assert len(estate.issues_about(request)) == 1
    finally:
        change_switches(estate.company.jira.switches, search_lag_ms=0)


def test_a_creation_that_did_not_happen_is_made_once_more(estate: Estate) -> None:
    estate.faults.add(system="jira", method="POST", path="/issue$", drop="before", times=1)
    _, _, request = by_ticket(estate)
    estate.ticket(request)
    assert len(estate.issues_about(request)) == 1


def test_ticketing_that_throttles_is_waited_for(estate: Estate) -> None:
    estate.faults.add(system="jira", method="POST", path="/issue$", status=429, headers={"Retry-After": "1"}, times=2)
    _, _, request = by_ticket(estate)
    estate.ticket(request)
    assert len(estate.issues_about(request)) == 1


def test_ticketing_that_refuses_for_good_fails_the_request_and_says_why(estate: Estate) -> None:
    estate.faults.add(system="jira", method="POST", path="/issue$", status=403, times=None)
    _, _, request = by_ticket(estate)
    failed = estate.ended(request, "failed")
    assert "No ticket could be made" in (failed.reason or "")


def test_one_ticket_that_cannot_be_judged_does_not_keep_the_others(estate: Estate) -> None:
    email, team, request = by_ticket(estate)
    stuck, stuck_team, other = by_ticket(estate)
    first, second = estate.ticket(other), estate.ticket(request)
    user = estate.company.jumpcloud.user_ids[stuck]
    estate.faults.add(system="jumpcloud", path=f"/users/{user}/", status=500, times=None)
    act(estate.company.jumpcloud, "add_member", group=stuck_team, user=stuck)
    act(estate.company.jumpcloud, "add_member", group=team, user=email)
    for ticket in (first, second):
        act(estate.company.jira, "done", issue=ticket.issue_key)
    estate.ended(request)
    estate.faults.clear()
    estate.ended(other)
