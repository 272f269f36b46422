"""Scenes of what Provisor promises about time, messages, policy and failures."""

from __future__ import annotations

from access.lifecycle import RequestState
from demo.stage import Scene, Stage, Surprise


def _expires(stage: Stage) -> None:
    stage.send(stage.request("grant", "mary", "jumpcloud:group:Engineering:member", duration="PT2S"))
    stage.ends()
    stage.sees("Mary is in Engineering", lambda truth: truth.in_jumpcloud_group("mary", "Engineering"), lasting=False)
    stage.until("claim.ended")
    stage.sees("Mary is not in Engineering any more", lambda truth: not truth.in_jumpcloud_group("mary", "Engineering"))


def _overlap(stage: Stage) -> None:
    first, second = (f"{place}-claim" for place in ("first", "second"))
    entitlement = "jira:project-role:CRM:Approvers:assigned"
    stage.send(
        stage.request("grant", "dennis", entitlement, id=first, duration="PT2S"),
        stage.request("grant", "dennis", entitlement, id=second, duration="PT6S"),
    )
    stage.ends(request_id=first)
    stage.ends(request_id=second)
    stage.until("claim.ended", request_id=first)
    stage.sees(
        "Dennis is still an Approver of CRM when the first claim has ended",
        lambda truth: truth.in_role("dennis", "CRM", "Approvers"),
        lasting=False,
    )
    stage.until("claim.ended", request_id=second)
    stage.sees(
        "Dennis is no Approver of CRM when the last has", lambda truth: not truth.in_role("dennis", "CRM", "Approvers")
    )


def _pre_existing(stage: Stage) -> None:
    stage.send(stage.request("grant", "tim", "jumpcloud:group:On-call:member", duration="PT2S"))
    stage.ends()
    stage.until("claim.ended")
    stage.sees("Tim, who was in On-call before, still is", lambda truth: truth.in_jumpcloud_group("tim", "On-call"))


def _duplicate(stage: Stage) -> None:
    body = stage.request("grant", "annie", "jumpcloud:group:Finance:member")
    stage.send(body, body)
    stage.ends()
    stage.send(body)
    stage.sees(
        "Annie was added to Finance once, and is in it",
        lambda truth: (
            truth.in_jumpcloud_group("annie", "Finance") and truth.additions_to_jumpcloud_group("annie", "Finance") == 1
        ),
    )


def _malformed(stage: Stage) -> None:
    stage.send(b'{"action": "grant", "subject": {"email": "karen@northwind.example"}, "entitlement": ')
    stage.until_rejected("not JSON")
    stage.sees("nothing was given to Karen", lambda truth: not truth.in_jumpcloud_group("karen", "Finance"))


def _conflict(stage: Stage) -> None:
    stage.send(
        stage.request("grant", "karen", "jumpcloud:group:On-call:member"),
        stage.request("grant", "karen", "jumpcloud:group:Finance:member"),
    )
    stage.ends()
    stage.until_rejected("A different request with the id 'conflict'")
    stage.sees(
        "Karen is in On-call, as the first one asked", lambda truth: truth.in_jumpcloud_group("karen", "On-call")
    )
    stage.sees(
        "Karen is not in Finance, as the second one asked",
        lambda truth: not truth.in_jumpcloud_group("karen", "Finance"),
    )


def _refused_by_policy(stage: Stage) -> None:
    stage.send(stage.request("grant", "john", "jira:project-role:PAY:Administrators:assigned"))
    row = stage.ends(RequestState.REFUSED)
    _mentions(row.detail["reason"], "at most 1:00:00")
    stage.sees("John is no Administrator of PAY", lambda truth: not truth.in_role("john", "PAY", "Administrators"))


def _no_such_name(stage: Stage) -> None:
    stage.send(stage.request("grant", "john", "jumpcloud:group:Enginering:member"))
    row = stage.ends(RequestState.REFUSED)
    _mentions(row.detail["reason"], "did you mean Engineering")
    stage.sees("John is not in Engineering", lambda truth: not truth.in_jumpcloud_group("john", "Engineering"))


def _heals(stage: Stage) -> None:
    jira = stage.theatre.jira
    users = next(role["id"] for role in jira.state()["roles"] if role["name"] == "Users")
    times = 3
    fault = jira.break_down(method="POST", path=f"/role/{users}$", status=503, times=times)
    stage.send(stage.request("grant", "mary", "jira:project-role:PAY:Users:assigned"))
    stage.ends()
    stage.sees("Jira answered 503 three times before", lambda _truth: jira.played(fault) == times, lasting=False)
    stage.sees("Mary is in role Users of PAY", lambda truth: truth.in_role("mary", "PAY", "Users"))


def _mentions(reason: str, words: str) -> None:
    if words not in reason:
        raise Surprise(f"The reason does not say '{words}': {reason}")


PROMISE_SCENES = (
    Scene("expires", "Access for two seconds", "given, and taken away when the time is up", _expires),
    Scene(
        "overlap",
        "Two claims of one person on one role",
        "the first to end leaves the access, the last takes it",
        _overlap,
    ),
    Scene("pre-existing", "Expiry of what was there before", "the access stays", _pre_existing),
    Scene("duplicate", "The same message three times", "one effect", _duplicate),
    Scene("malformed", "A message that is no JSON", "a dead letter with the reason", _malformed),
    Scene("conflict", "Another request under the same id", "the first is done, the second a dead letter", _conflict),
    Scene("policy", "Administrator for good", "refused by policy, with the rule and the reason", _refused_by_policy),
    Scene("misspelled", "A group that does not exist", "refused, naming the one that may be meant", _no_such_name),
    Scene("heals", "Jira answers 503 three times", "tried again, done, seen in Jira", _heals),
)
