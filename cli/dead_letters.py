from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli import output
from cli.options import AsJson, ConfigFile, Newest, group
from cli.os_user import os_user
from cli.output import facts_of, one_more, print_listing
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from store.dead_letters import DeadLetter, ListedLetter
    from store.unit_of_work import UnitOfWork

dead_letters = group("Messages that Provisor did not accept.")

Number = Annotated[int, typer.Argument(metavar="N", min=1, help="The dead letter's number.")]

_COLUMNS = ("number", "received_at", "source", "bytes", "resent_at", "acknowledged_at", "reason")


@dead_letters.command("list")
def list_dead_letters(
    config: ConfigFile = None,
    every: Annotated[
        bool, typer.Option("--all", "--resent", help="Also those that were sent again or acknowledged.")
    ] = False,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest dead letters."""
    from store.queries.records import count_records

    with opened(config) as (_, store), store.read() as work:
        print_listing(
            map(_facts, work.dead_letters.recent(over=every, limit=one_more(limit))),
            _COLUMNS,
            none="No dead letters.",
            as_json=as_json,
            limit=limit,
            total=lambda: count_records(store, "dead_letters", over=every),
        )


@dead_letters.command("show")
def show_dead_letter(number: Number, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show one dead letter with its body."""
    with opened(config) as (_, store), store.read() as work:
        letter = _dead_letter(work, number)
    facts = _facts(letter) | _content(letter)
    if as_json:
        output.print_json(facts)
        return
    facts.pop("properties_base64", None)
    body = facts.pop("body", None) or facts.pop("body_base64", "")
    output.print_lines(*(f"{name.replace('_', ' ')}: {output.cell(value)}" for name, value in facts.items()), "")
    output.print_lines("".join(char if char.isprintable() or char in "\n\t" else "?" for char in body))


@dead_letters.command("resend")
def resend_dead_letters(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="N…", min=1, help="Numbers of dead letters; or --all.")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All that were not sent again yet.")] = False,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Hand dead letters in again, unchanged.

    Mend first what their reasons name: a policy, a setting, or this version of Provisor.
    """
    if bool(numbers) == every:
        raise typer.BadParameter("Name the numbers of dead letters, or give --all.")
    from access.clock import MeasuredClock
    from tasks.intake import Intake
    from tasks.publisher import RecordingPublisher

    with opened(config) as (_, store):
        with store.read() as work:
            found: Sequence[ListedLetter] = [_whole_letter(work, number) for number in numbers or []]
            chosen = found or list(reversed(work.dead_letters.recent(limit=None)))
        intake = Intake(store, MeasuredClock(store.now), RecordingPublisher())
        rows = [{"number": letter.id, "resent": intake.resend(letter.id, by=os_user())} for letter in chosen]
    if as_json:
        output.print_json(rows)
    elif not rows:
        output.print_lines("No dead letters to send again.")
    else:
        output.print_lines(
            *(
                f"{row['number']}: {'handed in again' if row['resent'] else 'was sent again before, or is not whole'}"
                for row in rows
            )
        )


@dead_letters.command("acknowledge")
def acknowledge_dead_letters(
    numbers: Annotated[list[int], typer.Argument(metavar="N…", min=1, help="Numbers of dead letters.")],
    reason: Annotated[str, typer.Option(help="Why nothing more is to be done; kept in the audit trail.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Note that nothing more is to be done about dead letters. Listings leave them out from then on."""
    from access.clock import MeasuredClock
    from tasks.intake import Intake
    from tasks.publisher import RecordingPublisher

    if not reason.strip():
        raise typer.BadParameter("Give a reason.", param_hint="--reason")
    with opened(config) as (_, store):
        with store.read() as work:
            found = [_dead_letter(work, number).id for number in numbers]
        intake = Intake(store, MeasuredClock(store.now), RecordingPublisher())
        rows = [
            {"number": number, "acknowledged": intake.acknowledge(number, why=reason, by=os_user())} for number in found
        ]
    if as_json:
        output.print_json(rows)
        return
    output.print_lines(
        *(f"{row['number']}: {'acknowledged' if row['acknowledged'] else 'was over before'}" for row in rows)
    )


def _dead_letter(work: UnitOfWork, number: int) -> DeadLetter:
    found = work.dead_letters.get(number)
    if found is None:
        raise Problem(
            f"There is no dead letter {number}.", "See 'provisor dead-letters list --all' for those there are."
        )
    return found


def _whole_letter(work: UnitOfWork, number: int) -> DeadLetter:
    found = _dead_letter(work, number)
    if not found.whole:
        raise Problem(
            f"Of dead letter {number} only the beginning is kept: it had {found.length} bytes.",
            "Send it again from where it came from.",
        )
    return found


def _facts(letter: ListedLetter) -> dict[str, Any]:
    """One dead letter without what was sent."""
    return {
        "number": letter.id,
        **facts_of(
            letter,
            "reason",
            "source",
            "content_type",
            "received_at",
            "resent_at",
            "acknowledged_at",
            "acknowledged_why",
            "sha256",
        ),
        "bytes": letter.length,
    }


def _content(letter: DeadLetter) -> dict[str, Any]:
    """What was sent, as far as it is kept. What is no text is given as base64."""
    facts: dict[str, Any] = {"bytes_kept": len(letter.body)}
    if letter.properties is not None:
        facts["properties_base64"] = base64.b64encode(letter.properties).decode()
    try:
        return facts | {"body": letter.body.decode()}
    except UnicodeDecodeError:
        return facts | {"body_base64": base64.b64encode(letter.body).decode()}
