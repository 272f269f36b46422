from __future__ import annotations

from typing import Annotated

import typer

from cli.options import AsJson, ConfigFile, Newest
from cli.output import facts_of, one_more, print_listing
from cli.store_access import opened

_COLUMNS = ("raised_at", "kind", "what", "remedy")


def list_alarms(
    config: ConfigFile = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that are over too, newest first.")] = False,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the alarms: what a person has to look at, what raised it, and since when.

    An alarm is closed when its cause is over.
    """
    with opened(config) as (_, store), store.read() as work:
        found = work.alarms.recent(limit=one_more(limit)) if all_ else work.alarms.lasting()
        print_listing(
            (facts_of(each, "kind", "entity", "ref", "what", "remedy", "raised_at", "closed_at") for each in found),
            (*_COLUMNS, "closed_at") if all_ else _COLUMNS,
            none="No alarms.",
            as_json=as_json,
            limit=limit,
            total=(lambda: None) if all_ else None,
        )
