"""What the database refuses whatever the code does."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from store.unit_of_work import Conflict, Store
from tests.store.records import MINUTE, NOW, add_request, claim, operation, plan, ticket


def with_operation(store: Store, operation_id: str = "op1", **changes: Any) -> None:
    with store.write() as work:
        if work.requests.get("r1") is None:
            add_request(work)
        work.operations.add(operation(operation_id, **changes))


@pytest.mark.parametrize("missing", ["evidence", "verified_at"])
def test_done_needs_evidence_and_its_moment(store: Store, missing: str) -> None:
    with_operation(store, state=OperationState.RUNNING, fence=1)
    proof = {"evidence": "the list shows it", "verified_at": NOW} | {missing: None}
    with pytest.raises(Conflict, match="done_means_seen"), store.write() as work:
        work.operations.settle("op1", fence=1, state="done", **proof)
    with store.read() as work:
        found = work.operations.get("op1")
    assert found is not None
    assert found.state is OperationState.RUNNING


def test_failed_needs_a_reason(store: Store) -> None:
    with_operation(store, state=OperationState.RUNNING, fence=1)
    with pytest.raises(Conflict, match="failed_means_a_reason"), store.write() as work:
        work.operations.settle("op1", fence=1, state="failed", error=None)


def test_a_refusal_needs_a_reason(store: Store) -> None:
    with store.write() as work:
        add_request(work)
    with pytest.raises(Conflict, match="no_means_a_reason"), store.write() as work:
        work.requests.step("r1", to=RequestState.REFUSED, states=[RequestState.RECEIVED])


def test_a_connector_writes_nothing_before_it_looked(store: Store) -> None:
    with_operation(store, state=OperationState.RUNNING, fence=1)
    with pytest.raises(Conflict, match="looked_before_writing"), store.write() as work:
        work.operations.settle("op1", fence=1, wrote_at=NOW)


@pytest.mark.parametrize("first", [OperationState.RUNNING, OperationState.WITH_PERSON])
def test_one_operation_runs_at_an_access(store: Store, first: OperationState) -> None:
    with_operation(store, state=OperationState.RUNNING, fence=1)
    with store.write() as work:
        work.operations.step("op1", to=first, states=[OperationState.RUNNING])
    with_operation(store, "op2", state=OperationState.READY)
    with pytest.raises(Conflict, match=r"one_at_an_access|access_key"), store.write() as work:
        work.operations.step("op2", to=OperationState.RUNNING, states=[OperationState.READY])


def test_operations_at_two_accesses_run_together(store: Store) -> None:
    with_operation(store, state=OperationState.RUNNING, fence=1)
    with_operation(store, "op2", state=OperationState.RUNNING, account_id="u2")


def test_an_operation_has_one_living_ticket(store: Store) -> None:
    with_operation(store)
    with store.write() as work:
        work.tickets.add(ticket("tk1"))
    with pytest.raises(Conflict), store.write() as work:
        work.tickets.add(ticket("tk2"))
    with store.write() as work:
        work.tickets.step("tk1", to=TicketState.LOST, states=[TicketState.INTENDED])
        work.tickets.add(ticket("tk2"))
    with store.read() as work:
        living = work.tickets.living_of("op1")
    assert living is not None
    assert living.id == "tk2"


def test_one_line_of_a_plan_that_may_still_ask_for_something_is_about_a_finding(store: Store) -> None:
    made, [line] = plan()
    line = replace(line, finding_id="7")
    with store.write() as work:
        first = work.plans.add(made, [line])
    with pytest.raises(Conflict), store.write() as work:
        work.plans.add(made, [line])
    with store.write() as work:
        work.plans.drop_lines([f"{first.id}.1"], note="it is over")
        work.plans.add(made, [line])


def test_tickets_of_an_operation_come_in_the_order_they_were_made(store: Store) -> None:
    with_operation(store)
    for number in range(1, 12):
        with store.write() as work:
            work.tickets.add(ticket(f"tk{number}", marker=f"provisor-op1-{number}"))
            work.tickets.step(f"tk{number}", to=TicketState.LOST, states=[TicketState.INTENDED])
    with store.read() as work:
        assert [ticket.id for ticket in work.tickets.of_operation("op1")] == [f"tk{n}" for n in range(1, 12)]


def test_one_issue_belongs_to_one_ticket(store: Store) -> None:
    with_operation(store)
    with_operation(store, "op2", account_id="u2")
    with store.write() as work:
        work.tickets.add(ticket("tk1"))
        work.tickets.add(ticket("tk2", operation_id="op2"))
        work.tickets.step("tk1", to=TicketState.OPEN, states=[TicketState.INTENDED], issue_id="10001")
    with pytest.raises(Conflict), store.write() as work:
        work.tickets.step("tk2", to=TicketState.OPEN, states=[TicketState.INTENDED], issue_id="10001")


def test_an_open_ticket_is_one_that_exists(store: Store) -> None:
    with_operation(store)
    with store.write() as work:
        work.tickets.add(ticket("tk1"))
    with pytest.raises(Conflict, match="open_means_it_exists"), store.write() as work:
        work.tickets.step("tk1", to=TicketState.OPEN, states=[TicketState.INTENDED])


@pytest.mark.parametrize("missing", ["starts_at", "account_id", "pre_existing"])
def test_no_claim_is_active_without_having_been_seen(store: Store, missing: str) -> None:
    with store.write() as work:
        add_request(work)
        work.claims.add(claim(account_id=None))
    seen: dict[str, Any] = {"starts_at": NOW, "account_id": "u1", "pre_existing": False} | {missing: None}
    with pytest.raises(Conflict, match="active_means_seen"), store.write() as work:
        work.claims.step("cl1", to=ClaimState.ACTIVE, states=[ClaimState.PENDING], **seen)


def test_a_claim_for_a_time_has_an_end_once_it_began(store: Store) -> None:
    with store.write() as work:
        add_request(work, duration="PT1H")
        work.claims.add(claim(duration=60 * MINUTE))
    with pytest.raises(Conflict, match="an_end_is_kept"), store.write() as work:
        work.claims.step(
            "cl1", to=ClaimState.ACTIVE, states=[ClaimState.PENDING], starts_at=NOW, account_id="u1", pre_existing=False
        )


def test_a_request_makes_one_claim(store: Store) -> None:
    with store.write() as work:
        add_request(work)
        work.claims.add(claim())
    with pytest.raises(Conflict), store.write() as work:
        work.claims.add(claim("cl2"))


def test_a_moment_without_a_time_zone_is_not_stored(store: Store) -> None:
    with pytest.raises(Exception, match="without a time zone"), store.write() as work:
        add_request(work, now=NOW.replace(tzinfo=None))
