"""Proves that tickets can be made, followed, reopened and understood, in each project that settings and policy name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from pydantic import ValidationError

from access.failures import Failure
from access.policy import TicketRoute
from access.remedies import WithRemedy
from connectors.jira.client import API
from httpclient import Response
from tasks.doctor.findings import Area, Finding
from tasks.doctor.jira_login import JiraDoor, log_in, scope_missing
from tasks.doctor.probing import Probe, members, word
from tasks.doctor.reaching import unreachable
from ticketing.jira.answers import Transitions
from ticketing.jira.workflow import missing_fields, way_back, way_out
from ticketing.status import CLOSED_CATEGORY, folded

_AREA = Area("ticketing")


#: Project, issue type and names of extra fields, to what is wrong with them.
Prove = Callable[[str, str, Sequence[str]], Sequence[WithRemedy]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketSetup:
    """What is to be proven: ``routes`` are where tickets go, ``declined`` the names that mean "will not be done"."""

    door: JiraDoor
    probe_at: Callable[[str], Probe]
    prove: Prove
    routes: Sequence[TicketRoute]
    declined: Sequence[str]
    timeout: timedelta


def examine(setup: TicketSetup) -> Iterator[Finding]:
    """All that can be said of where tickets go."""
    try:
        login = log_in(_AREA, setup.door, setup.probe_at)
        yield from login.findings
        if login.address is None:
            return
        probe = setup.probe_at(login.address)
        yield from _scope(setup, probe)
        for route in setup.routes:
            yield from _route(setup, probe, route)
    except Failure as failure:
        yield unreachable(
            _AREA,
            "address",
            setup.door.site_url,
            failure,
            setting=f"{setup.door.section}.site_url",
            timeout=setup.timeout,
        )


def _scope(setup: TicketSetup, probe: Probe) -> Iterator[Finding]:
    """Whether the token may write: asked by commenting nothing on no issue.

    The gateway refuses that when the scope is missing. Otherwise there is no such issue (ids and keys are never just 0); and
    should there be one, a comment without a body is refused: none can come of it.
    """
    if setup.door.via != "gateway":
        return
    answer = probe.ask("POST", f"{API}/issue/{{issue}}/comment", path={"issue": "0"}, body={})
    if scope_missing(answer):
        yield _AREA.problem(
            "scopes",
            "The token lacks the scope write:jira-work, which making tickets needs.",
            "Make a new token with it; a token's scopes cannot be changed.",
        )


def _route(setup: TicketSetup, probe: Probe, route: TicketRoute) -> Iterator[Finding]:
    problems = setup.prove(route.project, route.issue_type, tuple(route.fields))
    for problem in problems:
        yield _AREA.problem("tickets", problem.what, problem.remedy)
    if not problems:
        yield _AREA.ok("tickets", f"Tickets of type {route.issue_type} can be made in {route.project}.")
        yield from _statuses(setup, probe, route)
        yield from _ways(setup, probe, route)


def _statuses(setup: TicketSetup, probe: Probe, route: TicketRoute) -> Iterator[Finding]:
    """Whether the end of a ticket, and a "no", can be told from its status."""
    answer = probe.ask("GET", f"{API}/project/{{project}}/statuses", path={"project": route.project})
    found = _statuses_of(answer, route.issue_type)
    if not found:
        yield _AREA.unknown("statuses", f"Jira did not show the statuses of {route.issue_type} in {route.project}.")
        return
    where = f"{route.issue_type} in {route.project}"
    for name in (name for name, category in found.items() if category in {"", "undefined"}):
        yield _AREA.problem(
            "statuses",
            f"The status {name} of {where} has no category, so Provisor takes a ticket in it for open.",
            "Give the status a category in Jira.",
        )
    closed = [name for name, category in found.items() if category == CLOSED_CATEGORY]
    if not closed:
        yield _AREA.problem(
            "statuses",
            f"No status of {where} is in the category Done, so its tickets never end.",
            "Add one to the workflow, or put its last status into that category.",
        )
        return
    resolutions = probe.ask("GET", f"{API}/resolution")
    known = {folded(name) for name in (*closed, *_names(resolutions))}
    wanted = {folded(name) for name in setup.declined}
    if not known & wanted:
        yield _AREA.warning(
            "statuses",
            f"No closed status of {where} and no resolution is called what means declined, "
            f"so every closed ticket says that it was done.",
            f"Name yours in ticketing.declined_statuses or declined_resolutions; it has {', '.join(sorted(closed))}.",
        )
    else:
        yield _AREA.ok("statuses", f"The end of a ticket, and a refusal, can be told in {route.project}.")


def _ways(setup: TicketSetup, probe: Probe, route: TicketRoute) -> Iterator[Finding]:
    """Whether a closed ticket can be reopened and an open one withdrawn, as tickets that are there show."""
    declined = [folded(name) for name in setup.declined]
    for closed, doing in ((True, "reopened"), (False, "withdrawn")):
        issue = _example(probe, route, closed=closed)
        if issue is None:
            kind = "closed" if closed else "open"
            yield _AREA.unknown(
                "workflow",
                f"There is no {kind} {route.issue_type} in {route.project} to see whether one can be {doing}.",
            )
            continue
        key, status = issue
        ways = _transitions(probe, key)
        way = way_back(ways, before=None) if closed else way_out(ways, declined=declined)
        if way is None:
            yield _AREA.problem(
                "workflow",
                f"A ticket in {status} cannot be {doing}: the workflow of {route.project} has no such transition "
                f"(seen at {key}).",
                f"Add a transition from {status} {'back to an open status' if closed else 'to a closed one'}, "
                "or let Provisor's account use it.",
            )
        elif wants := missing_fields(way):
            yield _AREA.problem(
                "workflow",
                f"A ticket in {status} cannot be {doing}: the transition {way.name} wants {', '.join(wants)} "
                f"(seen at {key}).",
                "Make that optional on the transition's screen.",
            )
        else:
            yield _AREA.ok("workflow", f"A ticket in {status} can be {doing}, by {way.name} (seen at {key}).")


def _example(probe: Probe, route: TicketRoute, *, closed: bool) -> tuple[str, str] | None:
    """The newest ticket that is closed, or open: its key and its status."""
    project, issue_type = (name.replace('"', "") for name in (route.project, route.issue_type))
    jql = (
        f'project = "{project}" AND issuetype = "{issue_type}" AND statusCategory {"=" if closed else "!="} Done '
        "ORDER BY created DESC"
    )
    answer = probe.ask("POST", f"{API}/search/jql", body={"jql": jql, "maxResults": 1, "fields": ["status"]})
    found = members(answer, "issues")
    if not found:
        return None
    fields = found[0].get("fields")
    return word(found[0], "key"), word(fields.get("status") if isinstance(fields, dict) else None, "name")


def _transitions(probe: Probe, key: str) -> Any:
    answer = probe.ask(
        "GET", f"{API}/issue/{{issue}}/transitions", path={"issue": key}, params={"expand": "transitions.fields"}
    )
    try:
        return Transitions.model_validate(answer.body).transitions
    except ValidationError:
        return ()


def _statuses_of(answer: Response, issue_type: str) -> dict[str, str]:
    """Names of the statuses of an issue type, by name or id, and the category of each."""
    if answer.status != HTTPStatus.OK or not isinstance(answer.body, list):
        return {}
    for each in answer.body:
        if issue_type in {word(each, "id"), word(each, "name")} and isinstance(each.get("statuses"), list):
            return {word(one, "name"): word(one.get("statusCategory"), "key") for one in each["statuses"]}
    return {}


def _names(answer: Response) -> list[str]:
    return [word(each, "name") for each in answer.body] if isinstance(answer.body, list) else []
