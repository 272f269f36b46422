from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from access.clock import SystemClock
from access.truth import Verdict
from cli import output
from cli.options import AsJson, ConfigFile, group
from cli.problems import Problem
from cli.store_access import load_settings, settings_problems

if TYPE_CHECKING:
    from config.truth_mapping import MappingFile
    from tasks.truth.report import TruthReport
    from tasks.truth.tickets import Tickets
    from worker.truth import TruthAuditor

#: The mapping that is read when none is named.
_MAPPING = Path("truth.yaml")

RIGHTS = (
    "JumpCloud: an administrator's role that reads users, groups and Directory Insights, such as Read Only.",
    "Jira: Browse users and groups and Administer Jira for who has access, Browse projects for the tickets.",
    "The Atlassian organization's key (atlassian.api_key), where there is one, for changes of groups and hidden addresses.",
)

truth = group(
    "Say of closed access tickets, whoever made them, whether they are true: read the tickets, read the systems, write nothing. "
    "Needs credentials and a mapping (see 'provisor truth suggest'), and no store. What the credentials do not show cannot be "
    f"said. Rights: {' '.join(RIGHTS)} Exit 1 when a system could not be read.",
    runs_alone=True,
)

_COLUMNS = ("ticket", "verdict", "because")

Jql = Annotated[
    str | None,
    typer.Option(metavar="JQL", help="The closed tickets of this query, those changed last first.", show_default=False),
]
CsvFile = Annotated[
    Path | None,
    typer.Option(
        "--csv", metavar="FILE", help="The tickets of this CSV file, of any ticketing system.", show_default=False
    ),
]
Last = Annotated[int, typer.Option("--last", min=1, help="At most so many tickets.")]


@truth.callback()
def tell_the_truth(
    context: typer.Context,
    config: ConfigFile = None,
    jql: Jql = None,
    csv: CsvFile = None,
    mapping: Annotated[
        Path, typer.Option("--mapping", "-m", metavar="FILE", help="What the fields of the tickets mean.")
    ] = _MAPPING,
    last: Last = 1000,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report to hand on as HTML.", show_default=False)
    ] = None,
    table: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="Write the report as CSV.", show_default=False),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, help="Print at most so many lines; 0 for all.")] = 50,
    as_json: AsJson = False,
) -> None:
    """Audit tickets, unless another command of the group follows."""
    if context.invoked_subcommand is not None:
        return
    from cli.truth_report import in_order, lines_of, report_facts, row_facts, write_table
    from config.truth_mapping import load_truth_mapping

    with settings_problems():
        file = load_truth_mapping(mapping)
    auditor = auditor_of(config, file.declined)
    tickets = tickets_of(auditor, file, jql, csv, last)
    output.print_note(
        f"{len(tickets.found)} tickets are read. Now the systems that they name are read; nothing is written."
    )
    with _progress() as progress:
        report = auditor.audit(progress).run(tickets, file.mapping)
    if html is not None:
        from cli.truth_html import write_html

        write_html(html, report)
    if table is not None:
        write_table(table, report)
    if as_json:
        output.print_json(report_facts(report))
    else:
        rows = (row_facts(line) for line in in_order(report))
        output.print_listing(
            rows,
            _COLUMNS,
            none="No closed ticket says anything.",
            as_json=False,
            limit=limit,
            shown=lambda row: {**row, "verdict": Verdict(row["verdict"]).label},
        )
        output.print_lines("", *lines_of(report))
    raise typer.Exit(_unread(report))


@truth.command("suggest")
def suggest_mapping(
    config: ConfigFile = None,
    jql: Jql = None,
    csv: CsvFile = None,
    write: Annotated[
        Path | None,
        typer.Option("--write", "-w", metavar="FILE", help="Write the mapping to this new file.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before anything is read.")] = False,
) -> None:
    """Propose a mapping from the names of fields and from examples, and show what it reads in these.

    Says before it reads what it reads: the names of the fields, and the 50 tickets changed last.
    """
    from cli.truth_suggestion import suggest

    suggest(config, jql, csv, write, yes=yes)


def auditor_of(config: Path | None, declined: tuple[str, ...]) -> TruthAuditor:
    """What makes audits, by the settings. Raises ``Problem``."""
    from httpclient.redaction import Redaction
    from worker.telemetry import start_logging
    from worker.truth import TruthAuditor

    settings = load_settings(config)
    start_logging(level="critical", form="auto", redaction=Redaction(settings.secrets()))
    with settings_problems():
        auditor = TruthAuditor(settings, SystemClock(), declined=declined)
    if not auditor.systems:
        raise Problem(
            "No system is connected, so nothing can be compared with the tickets.",
            "Set a credential under jumpcloud or jira in the settings; see 'provisor settings'.",
        )
    return auditor


def tickets_of(auditor: TruthAuditor, file: MappingFile, jql: str | None, csv: Path | None, last: int) -> Tickets:
    """The tickets that are asked for. Raises ``Problem``."""
    from access.failures import Failure
    from tasks.truth.tickets import Columns, TicketsUnusable, tickets_of_query, tickets_of_table

    query = jql or (None if csv else file.jql)
    if (query is None) is (csv is None):
        raise typer.BadParameter("Name the tickets: by --jql or by --csv, one of the two.")
    try:
        if csv is not None:
            columns = Columns(**file.columns) if file.columns else Columns()
            return tickets_of_table(
                bytes_of(csv), file.mapping, columns, name=csv.name, statuses=auditor.statuses, most=last
            )
        assert query is not None
        if auditor.archive is None:
            raise Problem(
                "No Jira site is connected, so no query can be asked.", "Set a credential under jira in the settings."
            )
        return tickets_of_query(auditor.archive, file.mapping, query, most=last)
    except TicketsUnusable as exc:
        raise Problem(exc.what, exc.remedy) from exc
    except Failure as exc:
        raise Problem(f"The tickets cannot be read: {exc.what}", exc.remedy) from exc


def bytes_of(csv: Path) -> bytes:
    """The content of a file, or of standard input for ``-``. Raises ``Problem``."""
    try:
        return sys.stdin.buffer.read() if str(csv) == "-" else csv.read_bytes()
    except OSError as exc:
        raise Problem(f"{csv} cannot be read ({exc.strerror}).", "Check the path and who may read it.") from exc


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """What shows on a terminal what is read; nothing in a pipe."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("Reading") as status:
        yield lambda words: status.update(output.cell(words))


def _unread(report: TruthReport) -> bool:
    """Whether a system that tickets name something of could not be read."""
    from access.truth import Reason

    return any(line.judgement.reason is Reason.SYSTEM_UNREADABLE for line in report.lines)
