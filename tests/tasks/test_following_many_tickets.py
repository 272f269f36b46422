from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from access.failures import Failure
from store.unit_of_work import Store
from tests.fakes.local_stack import ADA, TICKET_TERMS, LocalStack
from ticketing.ports import TicketSnapshot


@pytest.mark.parametrize(
    ("tickets", "most_calls"), [(12, 2), pytest.param(1000, 12, marks=pytest.mark.long)], ids=["12", "1000"]
)
def test_a_round_of_open_tickets_reads_a_hundred_in_a_call_and_makes_no_other(
    store: Store, monkeypatch: pytest.MonkeyPatch, tickets: int, most_calls: int
) -> None:
    """Two in three take access away: their calls go in a lane of their own."""
    stack = LocalStack.over(store)
    for number in range(tickets):
        group = f"jumpcloud:group:by-hand-{number}:member"
        if number % 3:
            stack.system.change(ADA, group, present=True)
            stack.revoke(f"r{number}", group=group)
        else:
            stack.grant(f"r{number}", group=group)
    stack.run()
    assert len(stack.tickets.open_issues()) == tickets
    read = stack.tickets.read
    calls: list[int] = []

    def counted(ids: Sequence[str]) -> Mapping[str, TicketSnapshot | Failure]:
        calls.append(len(ids))
        return read(ids)

    monkeypatch.setattr(stack.tickets, "read", counted)
    before = stack.tickets.faults.calls
    stack.clock.advance(TICKET_TERMS.poll)
    stack.handle(stack.sweep())
    assert sum(calls) == tickets
    assert len(calls) <= most_calls
    assert stack.tickets.faults.calls - before == len(calls)
