from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from access.clock import SystemClock
from cli import output
from cli.facts import letter_facts
from cli.problems import Problem
from cli.store_access import opened
from store.unit_of_work import Store
from tasks.intake import Intake
from tasks.publisher import RecordingPublisher

_COLUMNS = {
    "number": "number",
    "received_at": "received",
    "source": "source",
    "bytes": "bytes",
    "resent_at": "sent again",
    "reason": "reason",
}
#: Dead letters that ``--all`` takes up at once.
_MOST = 10_000


def show_list(config: Path | None, *, resent: bool, limit: int, as_json: bool) -> None:
    """Print the newest dead letters."""
    with opened(config) as (_, store), store.read() as work:
        rows = [letter_facts(letter) for letter in work.dead_letters.recent(resent=resent, limit=limit)]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(rows, _COLUMNS, none="No dead letters.")


def show_one(config: Path | None, number: int, *, as_json: bool) -> None:
    """Print one dead letter."""
    with opened(config) as (_, store), store.read() as work:
        letter = work.dead_letters.get(number)
    if letter is None:
        raise _missing(number)
    facts = letter_facts(letter)
    if as_json:
        output.print_json(facts)
        return
    body = facts.pop("body", None) or facts.pop("body_base64", "")
    output.print_lines(*(f"{name.replace('_', ' ')}: {output.cell(value)}" for name, value in facts.items()), "")
    output.print_lines("".join(char if char.isprintable() or char in "\n\t" else "?" for char in body))


def resend(config: Path | None, numbers: Sequence[int] | None, *, as_json: bool) -> None:
    """Hand dead letters in again; all that were not yet when ``numbers`` is None. Raises ``Problem``."""
    with opened(config) as (_, store):
        if numbers is None:
            with store.read() as work:
                numbers = sorted(letter.id for letter in work.dead_letters.recent(limit=_MOST))
        else:
            _check(store, numbers)
        intake = Intake(store, SystemClock(), RecordingPublisher())
        rows: list[dict[str, Any]] = [{"number": number, "resent": intake.resend(number)} for number in numbers]
    if as_json:
        output.print_json(rows)
    elif not rows:
        output.print_lines("No dead letters to send again.")
    else:
        output.print_lines(
            *(f"{row['number']}: {'handed in again' if row['resent'] else 'was sent again before'}" for row in rows)
        )


def _check(store: Store, numbers: Sequence[int]) -> None:
    with store.read() as work:
        for number in numbers:
            if work.dead_letters.get(number) is None:
                raise _missing(number)


def _missing(number: int) -> Problem:
    return Problem(
        f"There is no dead letter {number}.", "See 'provisor dead-letters list --resent' for those there are."
    )
