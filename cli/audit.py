from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.decisions import Reason
from cli.options import AsJson, ConfigFile, Newest, group
from cli.os_user import os_user
from cli.output import cell, counted, moment, one_more, print_json, print_lines, print_listing
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from access.seals import Anchored
    from config.settings import Settings
    from store.unit_of_work import Store
    from tasks.audit_check import Verdict

audit = group("The audit trail: who did what to which, when; and whether it is as it was written.")

_COLUMNS = ("number", "at", "actor", "event", "entity_id", "request_id", "detail", "seal")

Offline = Annotated[bool, typer.Option("--offline", help="Ask no other system: leave out what is noted in Jira.")]


@audit.command("list")
def list_audit(
    config: ConfigFile = None,
    request: Annotated[str | None, typer.Option(metavar="ID", help="Only of this request.", show_default=False)] = None,
    event: Annotated[
        str | None, typer.Option(metavar="EVENT", help="Only this event, such as claim.ended.", show_default=False)
    ] = None,
    actor: Annotated[
        str | None, typer.Option(metavar="ACTOR", help="Only by this author, such as operator:ada.", show_default=False)
    ] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest rows. Rows without a seal were written within the last minute or so."""
    from store.queries.audit import trail

    with opened(config) as (_, store), trail(store.database) as reading:
        wanted = {"request_id": request, "event": event, "actor": actor}
        print_listing(
            reading.rows(newest_first=True, limit=one_more(limit), **wanted),
            _COLUMNS,
            none="No such rows." if any(wanted.values()) else "No rows yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: None,
            shown=lambda row: {**row, "detail": [f"{name}={cell(value)}" for name, value in row["detail"].items()]},
        )


@audit.command("verify")
def verify_audit(config: ConfigFile = None, offline: Offline = False, as_json: AsJson = False) -> None:
    """Check every row against its batch, every seal against the one before, and the chain against what is noted outside.

    Exits with 1 when something is not as it was sealed.
    """
    from store.queries.audit import trail
    from tasks.audit_check import verify
    from worker.anchors import signer_from

    with opened(config) as (settings, store):
        anchors, unread = _noted_outside(settings, store, offline=offline)
        with trail(store.database) as reading:
            verdict = verify(reading, signer=signer_from(settings), anchors=anchors)
    if as_json:
        print_json(_facts(verdict, unread))
    else:
        print_lines(*_in_words(verdict, unread, has_key=settings.audit.signing_key is not None))
    if verdict.count:
        raise typer.Exit(1)


@audit.command("erase")
def erase_audit(
    numbers: Annotated[list[int], typer.Argument(metavar="NUMBER...", help="The numbers of the rows.")],
    reason: Reason,
    config: ConfigFile = None,
) -> None:
    """Delete rows for good. Their batch stays valid, and the trail says who erased how many, and why.

    Rows that wait for their seal cannot be erased yet.
    """
    from access.clock import MeasuredClock
    from tasks.sealing import Sealing
    from worker.anchors import signer_from

    with opened(config) as (settings, store):
        sealing = Sealing(store, MeasuredClock(store.now), signer=signer_from(settings))
        erased = sealing.erase(numbers, by=os_user(), reason=reason)
    if not erased:
        raise Problem("None of these rows is there and sealed.", "See 'provisor audit list'.")
    print_lines(f"erased: {', '.join(map(str, erased))}")


def _noted_outside(settings: Settings, store: Store, *, offline: bool) -> tuple[list[Anchored], list[str]]:
    """What is noted outside, and a sentence for each place that tells nothing."""
    from access.clock import SystemClock
    from access.failures import Failure
    from worker.anchors import places_from

    anchors: list[Anchored] = []
    unread: list[str] = []
    for place in places_from(settings, store, SystemClock(), offline=offline):
        try:
            noted = place.read()
        except Failure as failure:
            unread.append(f"What is noted in {place.name} could not be read: {failure}")
            continue
        anchors += noted
        if not noted:
            unread.append(f"Nothing is noted in {place.name}.")
    return anchors, unread


def _facts(verdict: Verdict, unread: Sequence[str]) -> dict[str, Any]:
    newest = verdict.newest
    return {
        "ok": verdict.count == 0,
        "seals": verdict.seals,
        "rows": verdict.rows,
        "removed": verdict.removed,
        "waiting": verdict.waiting,
        "signed": verdict.signed,
        "signed_by_other_keys": verdict.foreign,
        "newest": None if newest is None else {"number": newest.number, "hash": newest.hash},
        "breaks": [moment(each) for each in verdict.breaks],
        "anchors": verdict.anchors,
        "lost_anchors": verdict.lost_anchors,
        "anchored_at": moment(verdict.anchored_at),
        "anchored_to": verdict.anchored_to,
        "anchors_unread": list(unread),
        "findings": [{"seal": each.seal, "row": each.row, "what": each.what} for each in verdict.findings],
        "findings_in_all": verdict.count,
    }


def _in_words(verdict: Verdict, unread: Sequence[str], *, has_key: bool) -> list[str]:
    rows = f"{counted(verdict.rows, 'row')} as they were sealed"
    others = f"{verdict.removed} removed as a seal says, {verdict.waiting} not sealed yet"
    lines = [f"{counted(verdict.seals, 'seal')}; {rows}, {others}."]
    if verdict.newest is not None:
        lines.append(f"The newest seal is {verdict.newest.number}, {verdict.newest.hash}.")
    lines += [f"An older database was put back {moment(each)}: what came between is lost." for each in verdict.breaks]
    lines += ["", *_proves(verdict, has_key=has_key), *unread]
    if verdict.count:
        lines += ["", f"{counted(verdict.count, 'finding')}:"]
        lines += [f"  {_where(each.seal, each.row)}: {each.what}" for each in verdict.findings]
        if verdict.count > len(verdict.findings):
            lines.append(f"  and {verdict.count - len(verdict.findings):,} more")
    return lines


def _proves(verdict: Verdict, *, has_key: bool) -> list[str]:
    """What this proves, and what it does not."""
    lines = []
    if has_key:
        lines.append(
            f"Signed with the key at hand: {verdict.signed} of {verdict.seals}. Who lacks the key cannot make these."
        )
    else:
        lines.append(
            "No key is at hand, so this checks hashes only: they show changes by hand, and not a chain that was written anew "
            "by somebody who may write to the database. audit.signing_key makes signed seals."
        )
    if verdict.foreign:
        lines.append(f"Signed with another key, and not checked: {verdict.foreign}.")
    if verdict.anchored_to is None:
        lines.append(
            "Nothing outside vouches for it: whether the newest seals were cut off, or an older database was put back, cannot be "
            "told. audit.anchor_issue and audit.anchor_file note seals outside."
        )
    else:
        lines.append(
            f"What is noted outside agrees: everything up to seal {verdict.anchored_to} was there {moment(verdict.anchored_at)}."
        )
    if verdict.lost_anchors:
        lines.append(f"Noted outside before an older database was put back, and lost with it: {verdict.lost_anchors}.")
    return lines


def _where(seal: int | None, row: int | None) -> str:
    parts = ([] if seal is None else [f"seal {seal}"]) + ([] if row is None else [f"row {row}"])
    return ", ".join(parts) or "the trail"
