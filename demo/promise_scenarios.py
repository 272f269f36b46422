"""Scenarios of Provisor's promises about time, messages, policy and failures."""

from __future__ import annotations

from math import ceil

from access.lifecycle import RequestState
from demo.patience import slowness
from demo.scenario import Scenario, ScenarioRun

_ENGINEERING, _FINANCE, _ON_CALL = (
    f"jumpcloud:group:{group}:member" for group in ("Engineering", "Finance", "On-call")
)


def _expires(run: ScenarioRun) -> None:
    # Longer on a slow machine, where it takes longer until the access is looked at.
    run.send(run.request("grant", "mary", _ENGINEERING, duration=f"PT{ceil(2 * slowness())}S"))
    run.ends()
    run.sees_access("mary", _ENGINEERING, lasting=False)
    run.until("claim.ended")
    run.sees_access("mary", _ENGINEERING, held=False)


def _overlap(run: ScenarioRun) -> None:
    first, second, approvers = "first-claim", "second-claim", "jira:project-role:CRM:Approvers:assigned"
    run.send(
        run.request("grant", "dennis", approvers, id=first, duration="PT2S"),
        run.request("grant", "dennis", approvers, id=second),
    )
    run.ends(request_id=first)
    run.ends(request_id=second)
    run.until("claim.ended", request_id=first)
    run.sees_access("dennis", approvers, lasting=False)
    run.send(run.request("revoke", "dennis", approvers, id="last-call"))
    run.ends(request_id="last-call")
    run.until("claim.ended", request_id=second)
    run.sees_access("dennis", approvers, held=False)


def _extended(run: ScenarioRun) -> None:
    longer = "longer"
    run.send(run.request("grant", "radia", _FINANCE, duration=f"PT{ceil(4 * slowness())}S"))
    run.ends()
    run.send(run.request("extend", "radia", _FINANCE, id=longer, claim_of=run.request_id, duration="PT2S"))
    run.ends(request_id=longer)
    run.until("claim.ended")
    run.sees_access("radia", _FINANCE, lasting=False)
    run.until("claim.ended", request_id=longer)
    run.sees_access("radia", _FINANCE, held=False)


def _pre_existing(run: ScenarioRun) -> None:
    run.send(run.request("grant", "tim", _ON_CALL, duration="PT2S"))
    run.ends()
    run.until("claim.ended")
    run.sees_access("tim", _ON_CALL)


def _duplicate(run: ScenarioRun) -> None:
    body = run.request("grant", "annie", _FINANCE)
    run.send(body, body)
    run.ends()
    run.send(body)
    run.sees_access("annie", _FINANCE)
    run.sees("Annie was added to it once", lambda state: state.additions_to_jumpcloud_group("annie", "Finance") == 1)


def _malformed(run: ScenarioRun) -> None:
    run.send(b'{"action": "grant", "subject": {"email": "karen@northwind.example"}, "entitlement": ')
    run.until_rejected("not JSON")
    run.sees_access("karen", _FINANCE, held=False)


def _conflict(run: ScenarioRun) -> None:
    run.send(run.request("grant", "karen", _ON_CALL), run.request("grant", "karen", _FINANCE))
    run.ends()
    run.until_rejected("A different request with the id 'conflict'")
    run.sees_access("karen", _ON_CALL)
    run.sees_access("karen", _FINANCE, held=False)


def _refused_by_policy(run: ScenarioRun) -> None:
    administrators = "jira:project-role:PAY:Administrators:assigned"
    run.send(run.request("grant", "john", administrators))
    run.ends(RequestState.REFUSED, because="at most 1:00:00")
    run.sees_access("john", administrators, held=False)


def _no_such_name(run: ScenarioRun) -> None:
    run.send(run.request("grant", "john", "jumpcloud:group:Enginering:member"))
    run.ends(RequestState.REFUSED, because="did you mean Engineering")
    run.sees_access("john", _ENGINEERING, held=False)


def _heals(run: ScenarioRun) -> None:
    jira, times = run.environment.jira, 3
    role = next(role["id"] for role in jira.state()["roles"] if role["name"] == "Users")
    fault = jira.break_down(method="POST", path=f"/role/{role}$", status=503, times=times)
    run.send(run.request("grant", "mary", "jira:project-role:PAY:Users:assigned"))
    run.ends()
    run.sees("Jira answered 503 three times before", lambda _state: jira.played(fault) == times, lasting=False)
    run.sees_access("mary", "jira:project-role:PAY:Users:assigned")


PROMISE_SCENARIOS = (
    Scenario("expires", "Access for two seconds", "given, and taken away when the time is up", _expires),
    Scenario("overlap", "Two claims of one person on one role", "the last to end takes the access away", _overlap),
    Scenario("extended", "Access for seconds, extended", "stays beyond its first end, gone at its last", _extended),
    Scenario("pre-existing", "Expiry of what was there before", "the access stays", _pre_existing),
    Scenario("duplicate", "The same message three times", "one effect", _duplicate),
    Scenario("malformed", "A message that is no JSON", "a dead letter with the reason", _malformed),
    Scenario("conflict", "Another request under the same id", "the first is done, the second a dead letter", _conflict),
    Scenario("policy", "Administrator for good", "refused by policy, with the rule and the reason", _refused_by_policy),
    Scenario("misspelled", "A group that does not exist", "refused, naming the one that may be meant", _no_such_name),
    Scenario("heals", "Jira answers 503 three times", "tried again, done, seen in Jira", _heals),
)
