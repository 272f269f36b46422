from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.failures import Failure
from cli import output
from cli.options import AsJson, ConfigFile, group
from cli.problems import Problem
from cli.store_access import load_settings, opened_store, settings_problems

if TYPE_CHECKING:
    from config.settings import Settings
    from tasks.ticket_check import Preview
    from ticketing.schemas import SchemaField, TicketSchema
    from worker.ticketing import Ticketing

ticketing = group("The ticketing system: which kinds of tickets there are, and what Provisor would send.")

_KINDS = ("project", "type", "name", "project_name", "needs_parent")
_FIELDS = ("id", "name", "type", "needed", "choices")
_PROBLEMS = ("outcome", "ticket", "what", "remedy")
#: So many choices of a field are shown.
_CHOICES = 12


@ticketing.command("schemas")
def list_schemas(
    project: Annotated[
        str | None, typer.Argument(metavar="[PROJECT]", help="Only those of this project's key.")
    ] = None,
    issue_type: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="Show the fields and statuses of this type: its id or name.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """List the kinds of tickets that Provisor's account can make, or the fields and statuses of one. Only reads."""
    provider = _ticketing(load_settings(config)).provider
    if project is not None and issue_type is not None:
        with _site_problems():
            _print_schema(provider.schema(project, issue_type), as_json=as_json)
        return
    with _site_problems():
        found = [each for each in provider.schemas() if project in {None, each.project}]
    rows = [
        {
            "project": each.project,
            "type": each.type,
            "name": each.type_name,
            "project_name": each.project_name,
            "needs_parent": each.needs_parent,
        }
        for each in found
    ]
    output.print_listing(rows, _KINDS, none="No kinds of tickets that the account may make.", as_json=as_json)


@ticketing.command("check")
def check(config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Compare what policy sends with what each kind of ticket takes, and its statuses with what they are said to mean.

    Makes nothing. Exit 1 where a ticket could not be made. 'provisor doctor' proves permissions and the workflow.
    """
    from tasks.ticket_check import check_route

    settings = load_settings(config)
    parts = _ticketing(settings)
    routes = parts.policy.ticket_routes
    if not routes:
        raise Problem("Neither settings nor policy say where tickets go.", "Set ticketing.project.")
    rows: list[dict[str, Any]] = []
    for route in routes:
        problems = list(check_route(parts.provider, parts.templates, route, due=parts.due_on(route)))
        ticket = f"{route.issue_type} in {route.project}"
        rows += [
            {
                "outcome": "problem" if each.fatal else "left out",
                "ticket": ticket,
                "what": each.what,
                "remedy": each.remedy,
            }
            for each in problems
        ] or [{"outcome": "ok", "ticket": ticket, "what": "It takes what policy sends.", "remedy": ""}]
    output.print_listing(rows, _PROBLEMS, none="", as_json=as_json)
    if any(row["outcome"] == "problem" for row in rows):
        raise typer.Exit(1)


@ticketing.command("preview")
def preview(
    request_id: Annotated[str, typer.Argument(metavar="REQUEST", help="The id of a request that is planned.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Show the tickets of a request as they would be made, were each of its operations done by a person.

    Makes nothing. What an account holds is read when the ticket is made, and not shown here.
    """
    from tasks.ticket_check import preview as previews

    settings = load_settings(config)
    parts = _ticketing(settings)
    with opened_store(settings) as store, settings_problems():
        with store.read() as work:
            request = work.requests.get(request_id)
        if request is None:
            raise Problem(f"There is no request '{output.cell(request_id)}'.", "See 'provisor requests list'.")
        with _site_problems():
            found = list(previews(store, parts.writer, parts.provider, request, now=parts.clock.now()))
    if not found:
        raise Problem(
            f"The request '{output.cell(request_id)}' has no operations.", "It is refused, or not planned yet."
        )
    if as_json:
        output.print_json([_facts(each) for each in found])
        return
    for each in found:
        output.print_lines(*_in_words(each))


def _facts(found: Preview) -> dict[str, Any]:
    draft = found.draft
    return {
        "operation": found.operation.id,
        "project": draft.project,
        "issue_type": draft.issue_type,
        "summary": draft.summary,
        "labels": [draft.marker, *draft.labels],
        "fields": {name: _plain(value) for name, value in draft.fields.items()},
        "due": None if draft.due is None else draft.due.isoformat(),
        "assignees": list(draft.assignees),
        "body": draft.body,
        "problems": [{"what": each.what, "remedy": each.remedy, "fatal": each.fatal} for each in found.problems],
    }


def _in_words(found: Preview) -> list[str]:
    facts = _facts(found)
    body, problems = facts.pop("body"), facts.pop("problems")
    shown = {name: value for name, value in facts.items() if value not in (None, [], {})}
    said = [f"{'problem' if each['fatal'] else 'left out'}: {each['what']} {each['remedy']}" for each in problems]
    return [*output.labelled_lines(shown), *said, "", body, ""]


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | list | dict) else str(value)


def _print_schema(schema: TicketSchema, *, as_json: bool) -> None:
    fields = [_field_facts(each) for each in schema.fields]
    if as_json:
        statuses = [{"id": each.id, "name": each.name, "category": each.category} for each in schema.statuses]
        output.print_json({"schema": str(schema.ref), "fields": fields, "statuses": statuses})
        return
    output.print_listing(fields, _FIELDS, none="It has no fields.", as_json=False)
    output.print_lines("", *(f"status {each.name} ({each.id}): {each.category}" for each in schema.statuses))


def _field_facts(field: SchemaField) -> dict[str, Any]:
    choices = None
    if field.choices is not None:
        names = [f"{each.name} > {low.name}" for each in field.choices for low in each.below] or [
            each.name for each in field.choices
        ]
        choices = ", ".join(names[:_CHOICES]) + (", …" if len(names) > _CHOICES else "")
    return {
        "id": field.id,
        "name": field.name,
        "type": f"{field.type}, several" if field.several else str(field.type),
        "needed": "yes" if field.must_be_given else "has a default" if field.required else "no",
        "choices": choices,
    }


@contextmanager
def _site_problems() -> Iterator[None]:
    """Turn a failure of the ticketing system into a ``Problem``."""
    try:
        yield
    except Failure as failure:
        raise Problem(failure.what, failure.remedy) from failure


def _ticketing(settings: Settings) -> Ticketing:
    from worker.ticketing import ticketing_from

    with settings_problems():
        return ticketing_from(settings)
