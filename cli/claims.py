from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.lifecycle import ClaimState
from cli.decisions import Reason, decisions
from cli.options import AsJson, ConfigFile, Newest, group
from cli.output import cell, facts_of, one_more, print_lines, print_listing
from cli.store_access import opened

if TYPE_CHECKING:
    from access.operations import Claim
    from store.unit_of_work import UnitOfWork

claims = group(
    "What Provisor gave, why, and until when. Claims are Provisor's own records; 'provisor grants' lists what the systems hold."
)

_Id = Annotated[str, typer.Argument(metavar="ID", help="The claim's own id.")]

_COLUMNS = (
    "id",
    "request",
    "state",
    "account_title",
    "access",
    "starts_at",
    "ends_at",
    "pre_existing",
    "why_ended",
    "obstacle",
    "blocked",
)


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
            (_with_obstacle(work, claim) for claim in work.claims.recent(states=state or [], limit=one_more(limit))),
            _COLUMNS,
            none="No such claims." if state else "No claims yet.",
            as_json=as_json,
            limit=limit,
            total=lambda: count_records(store, "claims", states=state or []),
            shown=lambda row: {**row, "access": row["title"]},
        )


@claims.command("retry")
def retry_claim(claim_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """Try now to give, or to take away, what a claim is about."""
    with decisions(config, claim_id) as decide:
        decide.retry_claim(claim_id, reason=reason)
    print_lines(f"{cell(claim_id)}: tried again as soon as a worker has it")


@claims.command("cancel")
def cancel_claim(claim_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """End a claim now: its access is taken away as at the end of its time, or is not given."""
    with decisions(config, claim_id) as decide:
        decide.cancel_claim(claim_id, reason=reason)
    print_lines(f"{cell(claim_id)}: ends as soon as a worker has it")


@claims.command("settle")
def settle_claim(claim_id: _Id, reason: Reason, config: ConfigFile = None) -> None:
    """End a claim whose access Provisor can neither take away nor see.

    Look in the system first: the access may still be there.
    """
    with decisions(config, claim_id) as decide:
        decide.settle(claim_id, reason=reason)
    print_lines(f"{cell(claim_id)}: ended")


def _with_obstacle(work: UnitOfWork, claim: Claim) -> dict[str, Any]:
    """One claim, and why the removal of its access is blocked."""
    removal = work.operations.get(claim.ended_by) if claim.state is ClaimState.ENDING and claim.ended_by else None
    blocked = removal is not None and removal.blocked_at is not None
    return claim_facts(claim) | {
        "issue_unreadable": None if claim.until_issue is None else _issue_error(work, claim),
        "obstacle": removal.obstacle if removal is not None and blocked else None,
        "blocked": removal.error if removal is not None and blocked else None,
    }


def _issue_error(work: UnitOfWork, claim: Claim) -> str | None:
    """Why the issue that the claim waits for cannot be read."""
    awaited = work.awaited_issues.get(claim.id)
    return None if awaited is None else awaited.error


def claim_facts(claim: Claim) -> dict[str, Any]:
    """One claim."""
    return {
        **facts_of(claim, "id", "state", "account_title", "title", "entitlement", "named", "pre_existing"),
        **facts_of(claim, "starts_at", "ends_at", "ended_at", "why_ended"),
        "request": claim.request_id,
        "account": claim.account_id,
        "until_issue": claim.until_issue,
        "extends": claim.first_request_id,
        "duration_seconds": None if claim.duration is None else claim.duration.total_seconds(),
    }
