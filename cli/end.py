from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.decisions import Reason
from cli.extend import ApprovedBy
from cli.leavers import end_everything
from cli.options import AsJson, ConfigFile, Yes, confirm
from cli.os_user import os_user
from cli.output import facts_of
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from store.unit_of_work import Store
    from tasks.ending import Endable, HandedIn

_COLUMNS = ("request", "state", "account_title", "access", "ends_at", "pre_existing")


def end_access(
    reason: Reason,
    requests: Annotated[
        list[str] | None, typer.Argument(metavar="[REQUEST]...", help="The requests that gave the access.")
    ] = None,
    config: ConfigFile = None,
    person: Annotated[
        str | None,
        typer.Option("--person", metavar="WHO", help="All of one person: address, account id, or name of the account."),
    ] = None,
    entitlement: Annotated[
        str | None,
        typer.Option("--entitlement", metavar="PATTERN", help="All that match, such as 'jira:project-role:PAY:*'."),
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--file", metavar="FILE", help="The requests that this file names, one a line.")
    ] = None,
    approved_by: ApprovedBy = None,
    everything: Annotated[
        bool,
        typer.Option(
            "--everything",
            help="With --person: plan to take all that the person holds, as 'provisor leavers end' does.",
        ),
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be ended.")] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """End access that Provisor gave, or is about to give, before its time.

    Shows what would be ended and asks. Then a request to revoke is handed in for each, which policy decides about; several are a
    plan, which the fuse may hold. What was there before the first request stays. With --everything it goes too: that is a plan,
    which somebody else approves.
    """
    from tasks.ending import HandIn, hand_in_ends

    if everything:
        if person is None or requests or file or entitlement or approved_by or dry_run or as_json:
            raise typer.BadParameter("--everything goes with --person and --reason alone.")
        end_everything(person, reason, config)
        return
    if as_json and not (yes or dry_run):
        raise typer.BadParameter("--json asks nothing: add --yes or --dry-run.")
    with opened(config) as (_, store):
        found = _meant(store, requests or [], file=file, person=person, entitlement=entitlement)
        if not as_json:
            output.print_listing(map(_facts, found), _COLUMNS, none="There is nothing to end.", as_json=False)
        handed_in: HandedIn | None = None
        if found and not dry_run:
            confirm(
                f"End {output.counted(len(found), 'access')}?" if len(found) == 1 else f"End all {len(found)}?", yes=yes
            )
            handed_in = hand_in_ends(store, found, HandIn(os_user(), reason, approved_by), now=store.now())
    if as_json:
        ids: Sequence[str | None] = handed_in.ids if handed_in else [None] * len(found)
        output.print_json_rows(_facts(each) | {"handed_in": one} for each, one in zip(found, ids, strict=True))
    elif handed_in:
        see = f"plans show {handed_in.plan}" if handed_in.plan else f"requests show {handed_in.ids[0]}"
        output.print_lines(f"{len(handed_in.ids)} handed in; see 'provisor {see}'")


def _meant(
    store: Store, requests: Sequence[str], *, file: Path | None, person: str | None, entitlement: str | None
) -> Sequence[Endable]:
    from tasks.ending import NothingMeant, matching, named

    ids = [*requests, *(_lines(file) if file else ())]
    by_match = person is not None or entitlement is not None
    if bool(ids) == by_match:
        raise typer.BadParameter("Name requests or --file, or else --person, --entitlement, or both of these.")
    if by_match:
        return matching(store, person=person, pattern=entitlement)
    try:
        return named(store, ids)
    except NothingMeant as exc:
        raise Problem(exc.what, exc.remedy) from exc


def _lines(file: Path) -> Sequence[str]:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as exc:
        raise Problem(
            f"{file} cannot be read ({type(exc).__name__}).", "Name a text file with one request a line."
        ) from exc
    found = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not found:
        raise Problem(f"There is no request in {file}.", "Write the id of one request a line.")
    return found


def _facts(each: Endable) -> dict[str, Any]:
    return {
        "request": each.request_id,
        **facts_of(each, "state", "account_title", "entitlement", "ends_at", "pre_existing"),
        "access": each.title,
    }
