from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cli import output
from cli.facts import claim_facts
from cli.store_access import opened

_COLUMNS = {
    "request": "request",
    "state": "state",
    "account_title": "who",
    "title": "access",
    "starts_at": "from",
    "ends_at": "until",
    "pre_existing": "was there before",
    "why_ended": "why ended",
}


def show_list(config: Path | None, *, states: Sequence[str], limit: int, as_json: bool) -> None:
    """Print the newest claims."""
    with opened(config) as (_, store), store.read() as work:
        rows = [claim_facts(claim) for claim in work.claims.recent(states=list(map(str, states)), limit=limit)]
    if as_json:
        output.print_json(rows)
    else:
        output.print_table(rows, _COLUMNS, none="No such claims." if states else "No claims yet.")
