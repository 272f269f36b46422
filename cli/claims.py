from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.lifecycle import ClaimState
from cli.options import AsJson, ConfigFile, Newest, group
from cli.output import facts_of, one_more, print_listing
from cli.store_access import opened

if TYPE_CHECKING:
    from access.operations import Claim

claims = group(
    "What Provisor gave, why, and until when. Claims are Provisor's own records; 'provisor grants' lists what the systems hold."
)

_COLUMNS = ("request", "state", "account_title", "access", "starts_at", "ends_at", "pre_existing", "why_ended")


@claims.command("list")
def list_claims(
    config: ConfigFile = None,
    state: Annotated[list[ClaimState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the newest claims."""
    from store.queries.records import count_records

    with opened(config) as (_, store), store.read() as work:
        print_listing(
            map(claim_facts, work.claims.recent(states=state or [], limit=one_more(limit))),
            _COLUMNS,
            none="No such claims." if state else "No claims yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: count_records(store, "claims", states=state or []),
            shown=lambda row: {**row, "access": row["title"]},
        )


def claim_facts(claim: Claim) -> dict[str, Any]:
    """One claim."""
    return {
        **facts_of(claim, "id", "state", "account_title", "title", "entitlement", "named", "pre_existing"),
        **facts_of(claim, "starts_at", "ends_at", "ended_at", "why_ended"),
        "request": claim.request_id,
        "account": claim.account_id,
        "duration_seconds": None if claim.duration is None else claim.duration.total_seconds(),
    }
