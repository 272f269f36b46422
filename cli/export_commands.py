from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from access.entitlements import System
from cli.export_columns import ACCOUNTS, ENTITLEMENTS, GRANTS
from cli.options import ConfigFile, group

export = group("Files for access reviews, from the last complete snapshots. Nothing is exported where there is none.")


class FormatName(StrEnum):
    """The forms of exported files."""

    CSV = "csv"
    JSON_LINES = "jsonl"


Form = Annotated[
    FormatName,
    typer.Option(
        "--format",
        help="csv: RFC 4180 in UTF-8; a cell that a spreadsheet would calculate gets a ' before it. "
        "jsonl: one JSON object in each line.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        help="Write this file, readable by you alone; it appears when it is complete. Default: standard output.",
        show_default=False,
    ),
]
Manifest = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Write this file as well: when the snapshots were taken and how, the columns, the number of rows, SHA-256.",
        show_default=False,
    ),
]
OfSystem = Annotated[System | None, typer.Option("--system", help="Only this system.", show_default=False)]


def _help(what: str, columns: tuple[str, ...]) -> str:
    return f"{what}\n\nColumns, in this order: {', '.join(columns)}."


@export.command(
    "accounts",
    help=_help(
        "Export accounts. The person is known where proof joins accounts: one address in several systems, or JumpCloud's "
        "own link between a user and an administrator.",
        ACCOUNTS,
    ),
)
def export_accounts(
    config: ConfigFile = None,
    form: Form = FormatName.CSV,
    output: Output = None,
    manifest: Manifest = None,
    system: OfSystem = None,
) -> None:
    """Export accounts."""
    _export("accounts", config, form, output, manifest, system)


@export.command(
    "entitlements", help=_help("Export entitlements with the number of their direct holders.", ENTITLEMENTS)
)
def export_entitlements(
    config: ConfigFile = None,
    form: Form = FormatName.CSV,
    output: Output = None,
    manifest: Manifest = None,
    system: OfSystem = None,
) -> None:
    """Export entitlements."""
    _export("entitlements", config, form, output, manifest, system)


@export.command(
    "grants",
    help=_help(
        "Export the access-review file: who holds what, directly or through which group (a row for each way), since when, "
        "and the claim that explains it. since is filled where the system itself says it; first_seen_at is when a snapshot "
        "showed it first.",
        GRANTS,
    ),
)
def export_grants(
    config: ConfigFile = None,
    form: Form = FormatName.CSV,
    output: Output = None,
    manifest: Manifest = None,
    system: OfSystem = None,
) -> None:
    """Export grants."""
    _export("grants", config, form, output, manifest, system)


def _export(
    what: str, config: Path | None, form: FormatName, output: Path | None, manifest: Path | None, system: System | None
) -> None:
    from cli import exporting

    exporting.export(config, what, form=str(form), output=output, manifest=manifest, system=system)
