"""At a rate that holds one call at a time, work ends all the same, and spends no call twice."""

from __future__ import annotations

from pathlib import Path

from tests.flow.simulated_stack import SimulatedCompany, SimulatedStack

#: To find the person and the group, to look, to write, and to read back.
CALLS_OF_A_GRANT = 5
GRANTS = 3


def calls_of_grants(company: SimulatedCompany) -> int:
    """All calls but those that ask now and then whose organization it is, and which other directories it has."""
    seldom = ("/api/organizations", "/api/v2/activedirectories")
    return sum(call.path not in seldom for call in company.simulators.calls.latest())


def test_work_put_off_by_the_rate_budget_does_not_spend_its_calls_again(
    company: SimulatedCompany, tmp_path: Path, sqlite_url: str
) -> None:
    settings = company.settings(tmp_path, sqlite_url)
    settings["jumpcloud"] |= {"rate": 10, "burst": 1}
    stack = SimulatedStack.prepared(company, settings)
    worker = stack.worker_thread()
    worker.start()
    before = calls_of_grants(company)
    people = [(company.person(), company.jumpcloud_group()) for _ in range(GRANTS)]
    try:
        asked = [stack.grant(email, f"jumpcloud:group:{group}:member") for email, group in people]
        for request in asked:
            stack.ended(request)
    finally:
        worker.stop()
        stack.store.database.close()
    assert calls_of_grants(company) - before <= GRANTS * CALLS_OF_A_GRANT
    assert all(company.in_jumpcloud(email, group) for email, group in people)
