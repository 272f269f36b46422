"""Proves that tickets can be made, followed, reopened and understood, in each project that settings and policy name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus

from pydantic import ValidationError

from access.failures import Failure
from access.remedies import WithRemedy
from access.ticket_routes import TicketRoute
from connectors.jira.client import API
from httpclient import Response
from tasks.doctor.findings import Check, Finding
from tasks.doctor.jira_login import JiraEndpoint, LoginExaminer, lacks_scope, scope_missing
from tasks.doctor.probe import Probe, objects, text
from ticketing.jira.responses import Transition, Transitions
from ticketing.jira.workflow import missing_fields, way_back, way_out
from ticketing.names import folded
from ticketing.status import StatusMap
from ticketing.status_words import CLOSED_CATEGORY

_AREA = "ticketing"
_TICKETS, _STATUSES, _WORKFLOW = (Check(_AREA, name) for name in ("tickets", "statuses", "workflow"))

#: Where tickets go, to what is wrong with that.
Prove = Callable[[TicketRoute], Sequence[WithRemedy]]


def examine(
    endpoint: JiraEndpoint, *, prove: Prove, routes: Sequence[TicketRoute], declined: Sequence[str]
) -> Iterator[Finding]:
    """All findings about the ``routes`` of tickets. ``declined`` are the names that mean "will not be done"."""
    examiner = LoginExaminer(_AREA, endpoint)
    try:
        yield from examiner.examine()
        if (login := examiner.login) is None:
            return
        if endpoint.via == "gateway" and _may_not_write(login.probe):
            yield lacks_scope(_AREA, "write:jira-work", "making tickets")
        followed: set[tuple[str, str]] = set()
        for route in routes:
            kind = (route.project, route.issue_type)
            yield from _route(
                login.probe, route, prove, None if kind in followed else StatusMap(declined, route.statuses)
            )
            followed.add(kind)
    except Failure as failure:
        yield examiner.unreachable(failure)


def _may_not_write(probe: Probe) -> bool:
    """Whether the token lacks the scope for writing: asked by commenting nothing on no issue.

    The gateway refuses that when the scope is missing. Otherwise there is no such issue (ids and keys are never just 0); and
    should there be one, Jira refuses a comment without a body, so that none is made.
    """
    return scope_missing(probe.ask("POST", f"{API}/issue/{{issue}}/comment", path={"issue": "0"}, body={}))


def _route(probe: Probe, route: TicketRoute, prove: Prove, statuses: StatusMap | None) -> Iterator[Finding]:
    """All findings about one road; those about its workflow where ``statuses`` says how that is read."""
    problems = prove(route)
    for problem in problems:
        yield _TICKETS.problem(problem.what, problem.remedy)
    if problems:
        return
    yield _TICKETS.ok(f"Tickets of type {route.issue_type} can be made in {route.project}.")
    if statuses is not None:
        yield from _statuses(probe, route, statuses)
        yield _transition(probe, route, statuses, closed=True)
        yield _transition(probe, route, statuses, closed=False)


def _statuses(probe: Probe, route: TicketRoute, statuses: StatusMap) -> Iterator[Finding]:
    """Whether the end of a ticket, and a "no", can be told from its status."""
    response = probe.ask("GET", f"{API}/project/{{project}}/statuses", path={"project": route.project})
    categories, where = _categories(response, route.issue_type), f"{route.issue_type} in {route.project}"
    if not categories:
        yield _STATUSES.unknown(f"Jira did not show the statuses of {where}.")
        return
    for name in (name for name, category in categories.items() if category in {"", "undefined"}):
        yield _STATUSES.problem(
            f"The status {name} of {where} has no category, so Provisor takes a ticket in it for open.",
            "Give the status a category in Jira.",
        )
    closed = [name for name, category in categories.items() if category == CLOSED_CATEGORY]
    if not closed:
        yield _STATUSES.problem(
            f"No status of {where} is in the category Done, so its tickets never end.",
            "Add one to the workflow, or put its last status into that category.",
        )
        return
    resolutions = probe.ask("GET", f"{API}/resolution").body
    names = [text(each, "name") for each in resolutions] if isinstance(resolutions, list) else []
    if any(folded(name) in statuses.refusals for name in (*closed, *names)):
        yield _STATUSES.ok(f"The end of a ticket, and a refusal, can be told in {route.project}.")
    else:
        yield _STATUSES.warning(
            f"No closed status of {where} and no resolution is called what means declined, "
            f"so every closed ticket says that it was done.",
            f"Name yours in ticketing.declined_statuses or declined_resolutions; it has {', '.join(sorted(closed))}.",
        )


def _transition(probe: Probe, route: TicketRoute, statuses: StatusMap, *, closed: bool) -> Finding:
    """Whether a closed ticket can be reopened, or an open one withdrawn, as the newest such ticket shows."""
    kind, done, target = (
        ("closed", "reopened", "back to an open status") if closed else ("open", "withdrawn", "to a closed one")
    )
    found = _newest(probe, route, closed=closed)
    if found is None:
        return _WORKFLOW.unknown(
            f"There is no {kind} {route.issue_type} in {route.project} to see whether one can be {done}."
        )
    key, status = found
    transitions = _transitions(probe, key)
    values = route.reopen_fields if closed else route.close_fields
    if closed:
        way = way_back(transitions, before=None, statuses=statuses, values=values)
    else:
        way = way_out(transitions, statuses=statuses, values=values)
    if way is None:
        return _WORKFLOW.problem(
            f"A ticket in {status} cannot be {done}: the workflow of {route.project} has no such transition (seen at {key}).",
            f"Add a transition from {status} {target}, or let Provisor's account use it.",
        )
    if fields := missing_fields(way, values):
        return _WORKFLOW.problem(
            f"A ticket in {status} cannot be {done}: the transition {way.name} wants {', '.join(fields)} (seen at {key}).",
            "Give it a value in policy (reopen_fields, close_fields), or make it optional on the transition's screen.",
        )
    return _WORKFLOW.ok(f"A ticket in {status} can be {done}, by {way.name} (seen at {key}).")


def _newest(probe: Probe, route: TicketRoute, *, closed: bool) -> tuple[str, str] | None:
    """The newest ticket that is closed, or open: its key and its status."""
    project, issue_type = (name.replace('"', "") for name in (route.project, route.issue_type))
    jql = (
        f'project = "{project}" AND issuetype = "{issue_type}" AND statusCategory {"=" if closed else "!="} Done '
        "ORDER BY created DESC"
    )
    response = probe.ask("POST", f"{API}/search/jql", body={"jql": jql, "maxResults": 1, "fields": ["status"]})
    for issue in objects(response, "issues"):
        fields = issue.get("fields")
        return text(issue, "key"), text(fields.get("status") if isinstance(fields, dict) else None, "name")
    return None


def _transitions(probe: Probe, key: str) -> Sequence[Transition]:
    route, params = f"{API}/issue/{{issue}}/transitions", {"expand": "transitions.fields"}
    try:
        return Transitions.model_validate(probe.ask("GET", route, path={"issue": key}, params=params).body).transitions
    except ValidationError:
        return ()


def _categories(response: Response, issue_type: str) -> dict[str, str]:
    """The category of each status of an issue type, which is given by its name or id; empty when Jira does not say."""
    if response.status != HTTPStatus.OK or not isinstance(response.body, list):
        return {}
    for each in response.body:
        if issue_type in {text(each, "id"), text(each, "name")} and isinstance(each.get("statuses"), list):
            return {text(one, "name"): text(one.get("statusCategory"), "key") for one in each["statuses"]}
    return {}
