"""What commands share that carry a person's decision out."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.os_user import os_user
from cli.output import cell
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from tasks.decisions import Decisions
    from tasks.held_revokes import HeldRevokes

Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit trail.", show_default=False)]


@contextmanager
def decided_by_a_person(named: str) -> Iterator[None]:
    """Turn a decision about what is ``named`` that cannot be carried out into a ``Problem``."""
    from tasks.decisions import NotPossible

    try:
        yield
    except NotPossible as exc:
        raise Problem(f"{cell(named)}: {exc.what}", exc.remedy) from exc


@contextmanager
def held_revokes(config: Path | None, named: str) -> Iterator[HeldRevokes]:
    """What may be decided about removals that the fuse holds. Raises ``Problem`` where a decision is not possible."""
    from access.clock import MeasuredClock
    from tasks.held_revokes import HeldRevokes

    with opened(config) as (_, store), decided_by_a_person(named):
        yield HeldRevokes(store, MeasuredClock(store.now), by=os_user())


@contextmanager
def decisions(config: Path | None, named: str) -> Iterator[Decisions]:
    """The decisions of whoever types the command, about what is ``named``. Raises ``Problem`` where one is not possible."""
    from access.clock import MeasuredClock
    from tasks.decisions import Decisions

    with opened(config) as (_, store), decided_by_a_person(named):
        yield Decisions(store, MeasuredClock(store.now), by=os_user())
