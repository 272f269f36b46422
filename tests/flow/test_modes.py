"""Nothing changes until told to: off, plan and on, each with a worker of its own over one store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from access.lifecycle import OperationState, RequestState
from access.operations import Request
from tests.flow.simulated_stack import SimulatedCompany, SimulatedStack


@contextmanager
def provisioning(company: SimulatedCompany, mode: str, folder: Path, store: str) -> Iterator[SimulatedStack]:
    stack = SimulatedStack.prepared(company, company.settings(folder, store, provisioning=mode))
    worker = stack.worker_thread()
    worker.start()
    try:
        yield stack
    finally:
        worker.stop()
        stack.store.database.close()


@pytest.mark.parametrize("mode", ["off", "plan"])
def test_nothing_is_changed_until_it_is_switched_on(
    company: SimulatedCompany, memory: Path, sqlite_url: str, mode: str
) -> None:
    email, team = company.person(), company.jumpcloud_group("by-ticket")
    other, other_team = company.person(), company.jumpcloud_group()
    name = company.group_name(team)
    issues = len(company.jira.issues.by_id)
    with provisioning(company, mode, memory, sqlite_url) as stack:
        asked = stack.grant(email, f"jumpcloud:group:{name}:member")
        automatic = stack.grant(other, f"jumpcloud:group:{other_team}:member")
        state = RequestState.PLANNED if mode == "plan" else RequestState.RECEIVED
        for request in (asked, automatic):

            def rests(request: str = request) -> Request | None:
                found = stack.request(request)
                return found if found is not None and found.due_at is None else None

            assert stack.until(rests).state is state
        if mode == "plan":
            [by_person], [by_api] = stack.operations(asked), stack.operations(automatic)
            assert (by_person.state, by_person.via, by_api.via) == (OperationState.READY, "ticket", "connector")
            assert "has a person do it" in by_person.why
            assert by_api.account_title
        assert len(company.jira.issues.by_id) == issues
        assert not company.in_jumpcloud(other, other_team)
    with provisioning(company, "on", memory, sqlite_url) as stack:
        stack.ended(automatic)
        assert company.in_jumpcloud(other, other_team)
        stack.ticket(asked)
