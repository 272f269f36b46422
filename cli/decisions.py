"""What commands share that carry a person's decision out."""

from __future__ import annotations

from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from store.unit_of_work import Store
    from tasks.decisions import Decisions

Reason = Annotated[str, typer.Option("--reason", help="Why, for the audit trail.", show_default=False)]


def decisions(store: Store) -> Decisions:
    """The decisions of whoever types the command."""
    from access.clock import MeasuredClock
    from tasks.decisions import Decisions

    return Decisions(store, MeasuredClock(store.now), by=getuser())
