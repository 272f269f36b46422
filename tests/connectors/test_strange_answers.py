"""What is no answer of the service is no verdict, whichever call it meets: not on who is meant, and not on what is there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from access.accounts import Subject
from access.entitlements import EntitlementRef
from access.failures import Failure, Permanent
from tests.connectors.simulated_jira import SimulatedJira
from tests.connectors.simulated_jumpcloud import SimulatedJumpCloud
from tests.connectors.simulated_system import SimulatedSystem

PAGE: dict[str, Any] = {"body": "<html>Sign in</html>", "content_type": "text/html"}
NOTHING: dict[str, Any] = {"body": "", "content_type": "text/plain"}
STRANGE: dict[str, dict[str, Any]] = {
    "a page with 200": {"status": 200, **PAGE},
    "no content": {"status": 204, **NOTHING},
    "an error with 200": {"status": 200, "body": {"errorMessages": ["Internal error"], "errors": {}}},
    "a message with 200": {"status": 200, "body": {"message": "The service is warming up"}},
    "an empty object": {"status": 200, "body": {}},
    "a redirect to a sign-in": {"status": 301, **NOTHING, "headers": {"Location": "/login.jsp"}},
    "a firewall's page": {"status": 406, **PAGE},
    "a proxy's refusal": {"status": 400, **PAGE},
    "a gateway without the route": {"status": 404, "body": {"message": "no Route matched with those values"}},
    "a gateway's refusal": {"status": 400, "body": {"message": "Bad Request"}},
    "a misdirected request": {"status": 421, **PAGE},
    "a balancer that gave up": {"status": 460, **NOTHING},
    "a proxy whose client left": {"status": 499, **PAGE},
    "a timeout within a proxy": {"status": 599, **PAGE},
}

#: Those that another one stands for in the default suite.
SIMILAR = (
    "a message with 200",
    "an empty object",
    "a proxy's refusal",
    "a misdirected request",
    "a proxy whose client left",
)
CASES = [pytest.param(each, marks=pytest.mark.long if each in SIMILAR else ()) for each in STRANGE]

#: A client repeats what may be repeated once.
TRIES = 2

Look = Callable[[], object]


def outcome(look: Look) -> object:
    try:
        return look()
    except Failure as failure:
        return failure


def tried(system: SimulatedSystem[Any, Any], looks: Mapping[str, Look], strange: str) -> list[tuple[str, int, object]]:
    """What came of each look other than without the strange answer, by the number of the call that had it."""
    faults = system.simulators.faults
    found: list[tuple[str, int, object]] = []
    for name, look in looks.items():
        without, call, played = outcome(look), 0, True
        assert not isinstance(without, Failure), without
        while played:
            fault = faults.add(times=TRIES, after=call, **STRANGE[strange])
            with_it = outcome(look)
            played = faults.get(fault).played > 0
            faults.remove(fault)
            if with_it != without:
                found.append((name, call, with_it))
            call += 1
    return found


@pytest.mark.parametrize("strange", CASES)
def test_jira(site: SimulatedJira, strange: str) -> None:
    connector, ref = site.connector, EntitlementRef.parse
    looks: dict[str, Look] = {
        "id": lambda: connector.find_account(Subject(id=site.alice)),
        "address": lambda: connector.find_account(Subject(email="alice@example.com")),
        "group": lambda: connector.find_entitlement(ref(f"jira:group:{site.developers}:member")),
        "name in another case": lambda: connector.find_entitlement(ref("jira:group:Developers:member")),
        "role": lambda: connector.find_entitlement(ref("jira:project-role:Payments:administrators:assigned")),
        "member": lambda: connector.observe(site.member(site.bob)),
        "actor": lambda: connector.observe(site.actor(site.bob)),
        "gone": lambda: connector.proof_of_gone(site.member(site.bob)),
        "take": lambda: connector.take(site.member(site.bob)),
    }
    for name, call, found in tried(site, looks, strange):
        assert isinstance(found, Failure), (name, call, found)
        assert not isinstance(found, Permanent), (name, call, found)


@pytest.mark.parametrize("strange", CASES)
def test_jumpcloud(company: SimulatedJumpCloud, strange: str) -> None:
    """A permanent failure of a read is waited for. A gateway's own JSON is none of its words that could be told apart."""
    connector, ref = company.connector, EntitlementRef.parse
    power = ref(f"jumpcloud:group:{company.engineering}:member")
    looks: dict[str, Look] = {
        "id": lambda: connector.find_account(Subject(id=company.alice)),
        "address": lambda: connector.find_account(Subject(email="alice@example.com")),
        "username": lambda: connector.find_account(Subject(username="Alice")),
        "group": lambda: connector.find_entitlement(power),
        "name in another case": lambda: connector.find_entitlement(ref("jumpcloud:group:engineering:member")),
        "rule": lambda: connector.why_by_person(ref(f"jumpcloud:group:{company.everyone}:member")),
        "member": lambda: connector.observe(company.target(user=company.bob)),
        "last": lambda: connector.is_last_holder(power, company.bob),
        "gone": lambda: connector.proof_of_gone(company.target(user=company.bob)),
    }
    for name, call, found in tried(company, looks, strange):
        assert isinstance(found, Failure), (name, call, found)
        assert not isinstance(found, Permanent) or found.status is not None, (name, call, found)
