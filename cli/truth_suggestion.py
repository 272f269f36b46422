"""The mapping assistant: proposes a mapping, and shows what it reads in examples before anything is read of the systems."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import typer
import yaml

from access.failures import Failure
from access.mapping_suggestion import FieldExamples, Proposal, propose
from access.ticket_mapping import FieldPart, Said, Source, TicketMapping, read_ticket
from cli import output
from cli.problems import Problem
from cli.truth import RIGHTS, auditor_of, bytes_of

if TYPE_CHECKING:
    from access.entitlements import System
    from worker.truth import TruthAuditor

#: How many tickets a proposal is made from, and how many of them are shown.
_EXAMPLES, _SHOWN = 50, 5
#: From this share on all things of the tickets are roles of projects.
_ONLY_ROLES = 0.9
#: Fields of Jira that say nothing of access, and are large.
_LEFT_OUT = frozenset(
    {"comment", "attachment", "issuelinks", "worklog", "watches", "votes", "subtasks", "timetracking"}
)

_HEAD = """\
# What the fields of these tickets mean, for 'provisor truth'. A proposal: look at it before you use it.
"""


def suggest(config: Path | None, jql: str | None, csv: Path | None, write: Path | None, *, yes: bool) -> None:
    """Propose a mapping. Raises ``Problem``."""
    if (jql is None) is (csv is None):
        raise typer.BadParameter("Name the tickets: by --jql or by --csv, one of the two.")
    auditor = auditor_of(config, ())
    plan = (
        f"the first {_EXAMPLES} lines of {csv}"
        if csv
        else f"the names of Jira's fields, and {_EXAMPLES} tickets of {jql}"
    )
    output.print_note(f"This reads {plan}, by two calls at the most; nothing is written.")
    if not yes and sys.stdin.isatty() and not typer.confirm("Go on?", err=True):
        raise typer.Exit(1)
    fields, keys = _of_table(csv) if csv is not None else _of_query(auditor, jql or "")
    if not keys:
        raise Problem("There are no such tickets, so nothing can be proposed.", "Ask for others.")
    proposal = propose(fields, summary=_summary(fields))
    text = mapping_text(proposal, auditor.systems, summary=_summary(fields), jql=jql)
    if write is not None:
        _write(write, text)
    output.print_lines(*text.splitlines(), "", *_examples(proposal, fields, keys))
    output.print_lines("", *_next(auditor, write))
    if proposal.gaps:
        raise Problem(
            f"No field of these tickets says the {' nor the '.join(proposal.gaps)}.",
            "Name the field in the mapping, with a pattern if it says more than that.",
        )


def mapping_text(proposal: Proposal, systems: Sequence[System], *, summary: str, jql: str | None) -> str:
    """The mapping file of a proposal."""

    def where(found: str | None) -> dict[str, object]:
        source: dict[str, object] = {"field": found or "?"}
        return source | ({"pattern": proposal.pattern} if proposal.pattern and found == summary else {})

    kinds = [] if proposal.role_share >= _ONLY_ROLES else [f"{system}:group" for system in systems]
    kinds += ["jira:project-role"] if proposal.role_share else []
    content: dict[str, object] = {"jql": jql} if jql else {}
    content["person"] = where(proposal.person) | ({"names": "candidates"} if proposal.names_only else {})
    content["thing"] = where(proposal.thing) | {"kind": kinds}
    content["action"] = where(proposal.action)
    if proposal.end:
        content["end"] = {"field": proposal.end}
    return _HEAD + yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _of_query(auditor: TruthAuditor, jql: str) -> tuple[list[FieldExamples], list[str]]:
    if auditor.archive is None:
        raise Problem(
            "No Jira site is connected, so no query can be asked.", "Set a credential under jira in the settings."
        )
    try:
        names = [each for each in auditor.archive.field_names() if each.id not in _LEFT_OUT]
        page = next(auditor.archive.find(jql, fields={each.id: [each.id] for each in names}))
    except Failure as exc:
        raise Problem(f"The tickets cannot be read: {exc.what}", exc.remedy) from exc
    tickets = list(islice(page.tickets, _EXAMPLES))
    found = [FieldExamples(each.name, [ticket.fields[each.id] for ticket in tickets], each.type) for each in names]
    return [each for each in found if each.filled], [ticket.ref.key for ticket in tickets]


def _of_table(csv: Path) -> tuple[list[FieldExamples], list[str]]:
    from tasks.truth.tickets import TicketsUnusable, read_table

    try:
        header, rows = read_table(bytes_of(csv))
        some = list(islice(rows, _EXAMPLES))
    except TicketsUnusable as exc:
        raise Problem(exc.what, exc.remedy) from exc
    columns: dict[str, list[list[FieldPart]]] = {name: [[] for _ in some] for name in header}
    for number, row in enumerate(some):
        for name, cell in zip(header, row, strict=False):
            columns[name][number] += [FieldPart(cell)] if cell.strip() else []
    found = [FieldExamples(name, values) for name, values in columns.items()]
    return [each for each in found if each.filled], [row[0] if row else "?" for row in some]


def _summary(fields: Sequence[FieldExamples]) -> str:
    known = {each.name.casefold(): each.name for each in fields}
    return known.get("summary") or known.get("title") or known.get("short description") or "Summary"


def _examples(proposal: Proposal, fields: Sequence[FieldExamples], keys: Sequence[str]) -> Iterator[str]:
    """What the proposal reads in the first tickets."""
    import re

    pattern = None if proposal.pattern is None else re.compile(proposal.pattern, re.IGNORECASE | re.MULTILINE)
    summary = _summary(fields)

    def source(found: str | None) -> tuple[Source, ...]:
        return (Source(found, pattern if found == summary else None),) if found else ()

    mapping = TicketMapping(
        person=source(proposal.person),
        thing=source(proposal.thing),
        action=source(proposal.action),
        end=source(proposal.end),
    )
    yield "What it reads in the first of them:"
    for number, key in enumerate(keys[:_SHOWN]):
        said = read_ticket(mapping, {each.name: each.values[number] for each in fields})
        yield f"  {output.cell(key)}: {output.cell(_in_words(said))}"


def _in_words(said: Said) -> str:
    people = ", ".join(each.text for each in said.people) or "nobody"
    until = f" until {said.end:%Y-%m-%d %H:%M} UTC" if said.end else ""
    problem = f" ({said.problem})" if said.problem else ""
    return f"{said.action or '?'} {people}: {', '.join(said.things) or 'nothing'}{until}{problem}"


def _next(auditor: TruthAuditor, write: Path | None) -> Iterator[str]:
    systems = ", ".join(system.label for system in auditor.systems)
    yield f"'provisor truth' with it reads {systems}: accounts, groups, projects, who is in what the tickets name; then the logs,"
    yield "only for what is not as a ticket says. It writes nothing. The rights that it needs:"
    yield from (f"  - {right}" for right in RIGHTS)
    yield f"The mapping is in {write}." if write is not None else "Keep it: --write truth.yaml."


def _write(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError as exc:
        raise Problem(f"{file} is there already.", "Name another file, or move that one away.") from exc
    except OSError as exc:
        raise Problem(
            f"{file} cannot be written ({exc.strerror}).", "Check the folder and who may write there."
        ) from exc
