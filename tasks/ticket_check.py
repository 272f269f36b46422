"""Tickets before they are made: whether their kinds take what policy sends, and how the tickets of a request would look."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from access.failures import Failure
from access.lifecycle import TicketState
from access.operations import Operation, Request, Ticket
from access.remedies import WithRemedy
from access.ticket_routes import StatusRules, TicketRoute
from store.unit_of_work import Store
from tasks.ticket_text import TicketWriter
from ticketing.ports import TicketDraft, TicketProvider
from ticketing.schema_check import FieldProblem, status_problems
from ticketing.templates import Templates


@dataclass(frozen=True, slots=True)
class Unreadable(WithRemedy):
    """What keeps a road of tickets from being compared with the site: a template at fault, or the site does not tell."""

    what: str
    remedy: str
    fatal: bool = True


@dataclass(frozen=True, slots=True)
class Preview:
    """A ticket as it would be made for an operation, and what is wrong with it."""

    operation: Operation
    draft: TicketDraft
    problems: Sequence[FieldProblem | Unreadable]


def check_route(
    provider: TicketProvider, templates: Templates, route: TicketRoute, *, due: date | None = None
) -> Iterator[FieldProblem | Unreadable]:
    """What is wrong with one road of tickets, asked of the site; nothing is made. Templates get the facts of an example."""
    try:
        draft = TicketDraft(
            marker="provisor-check",
            project=route.project,
            issue_type=route.issue_type,
            summary="Check",
            body="Check",
            data={},
            labels=route.labels,
            fields=templates.example(route.fields),
            due=due,
            assignees=route.assignees,
        )
        yield from provider.check(draft)
        yield from check_statuses(provider, route)
    except Failure as failure:
        yield Unreadable(failure.what, failure.remedy)


def check_statuses(provider: TicketProvider, route: TicketRoute) -> Iterator[FieldProblem]:
    """What is wrong with what policy says about statuses. Raises failure words."""
    if route.statuses == StatusRules() and not (route.reopen_through or route.close_through):
        return
    schema = provider.schema(route.project, route.issue_type)
    yield from status_problems(schema, route.statuses, through=(*route.reopen_through, *route.close_through))


def preview(
    store: Store, writer: TicketWriter, provider: TicketProvider, request: Request, *, now: datetime
) -> Iterator[Preview]:
    """The tickets that would be made for a request's operations, were each done by a person. Nothing is sent."""
    with store.read() as work:
        operations = work.operations.of_request(request.id)
        claim = work.claims.of_request(request.id)
    for operation in operations:
        project = writer.route_of(operation, request).project
        ticket = Ticket("", operation.id, provider.name, f"provisor-{operation.id}-1", project, TicketState.INTENDED)
        draft = writer.draft(operation, request, ticket, claim, None, now=now)
        problems: Sequence[FieldProblem | Unreadable]
        try:
            problems = provider.check(draft)
        except Failure as failure:
            problems = (Unreadable(failure.what, failure.remedy),)
        yield Preview(operation, draft, problems)
