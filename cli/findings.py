from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.durations import parse_duration
from access.findings import FindingKind
from cli import output
from cli.decisions import Reason, decided_by_a_person
from cli.options import AsJson, ConfigFile, Newest, OfSystem, group
from cli.os_user import os_user
from cli.output import cell, facts_of, one_more, print_listing
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from access.findings import Finding
    from store.digests import Digest
    from store.unit_of_work import UnitOfWork
    from tasks.exceptions import Exceptions

findings = group("Findings: differences between what should be and what the newest snapshots show.")

_Number = Annotated[int, typer.Argument(metavar="NUMBER", help="The finding's number.")]

_COLUMNS = ("id", "kind", "account_title", "title", "first_seen_at", "last_seen_at", "done_by", "reaction")

_SUMMARY = ("owner", "open", "kinds", "oldest", "findings")


@findings.command("list")
def list_findings(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Annotated[FindingKind | None, typer.Option(help="Only those of this kind.", show_default=False)] = None,
    all_: Annotated[bool, typer.Option("--all", help="Those that are closed too.")] = False,
    limit: Newest = 50,
    as_json: AsJson = False,
) -> None:
    """List the open findings, newest first, and what is done about each."""
    narrowed = {"system": None if system is None else str(system), "kind": None if kind is None else str(kind)}
    with opened(config) as (_, store), store.read() as work:
        print_listing(
            (_facts(work, each) for each in work.findings.listed(**narrowed, over=all_, limit=one_more(limit))),
            (*_COLUMNS, "closed_at") if all_ else _COLUMNS,
            none="No findings.",
            as_json=as_json,
            limit=limit,
            total=lambda: work.findings.count(**narrowed, over=all_),
        )


@findings.command("show")
def show_finding(number: _Number, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show one finding: what differs, since when, who did it where that is known, and what is done about it."""
    with opened(config) as (_, store), store.read() as work:
        finding = work.findings.get(number)
        if finding is None:
            raise Problem(f"There is no finding {number}.", "See 'provisor findings list' for those there are.")
        facts = _facts(work, finding)
    if as_json:
        output.print_json(facts)
    else:
        state = "closed" if finding.closed_at else "open"
        hidden = {"id", "kind", "key", "detail", "holder_is_group", "ours"}
        shown = {name: value for name, value in facts.items() if name not in hidden}
        output.print_lines(
            f"Finding {finding.id}: {finding.kind}, {state} - {cell(finding.detail)}", *output.labelled_lines(shown)
        )


@findings.command("digest")
def show_digest(
    owner: Annotated[
        str | None, typer.Option(metavar="WHO", help="Only theirs, with each finding.", show_default=False)
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Sum the open findings up by who answers for them: 'owners' in the policy says who, for which entitlements."""
    with opened(config) as (_, store), store.read() as work:
        summaries = [each for each in work.digests.all() if owner is None or each.owner == owner]
        if owner is None:
            print_listing(map(_summary, summaries), _SUMMARY, none="No findings.", as_json=as_json)
            return
        found = [finding for each in summaries for number in each.numbers if (finding := work.findings.get(number))]
        print_listing((_facts(work, each) for each in found), _COLUMNS, none="No findings.", as_json=as_json)


@findings.command("adopt")
def adopt_finding(
    number: _Number,
    owner: Annotated[str, typer.Option(metavar="WHO", help="Who answers for the access.", show_default=False)],
    reason: Reason,
    lasting: Annotated[
        str | None, typer.Option("--for", metavar="DURATION", help="Take it away after this, such as 30d.")
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Leave access that was found to somebody: a claim holds it from now on, with an owner and a reason, under policy."""
    with _exceptions(config, number) as decide:
        request = decide.adopt(number, owner=owner, reason=reason, lasting=_duration(lasting))
    output.print_lines(f"Finding {number}: request {request} claims the access as soon as a worker has it")


@findings.command("ignore")
def ignore_finding(
    number: _Number,
    until: Annotated[str, typer.Option(metavar="DATE", help="A date or a moment (UTC).", show_default=False)],
    reason: Reason,
    config: ConfigFile = None,
) -> None:
    """Leave a difference as it is until a date: nothing is done about it, and it stays listed."""
    try:
        moment = datetime.fromisoformat(until)
    except ValueError:
        raise Problem(f"'{cell(until)}' is no date.", "Write one such as 2026-12-31.") from None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    with _exceptions(config, number) as decide:
        decide.ignore(number, until=moment, reason=reason)
    output.print_lines(f"Finding {number}: left as it is until {output.moment(moment)}")


def _duration(text: str | None) -> Any:
    try:
        return None if text is None else parse_duration(text)
    except ValueError as exc:
        raise Problem(f"'{cell(text)}' is no duration.", "Write one such as 8h or 30d.") from exc


@contextmanager
def _exceptions(config: Path | None, number: int) -> Iterator[Exceptions]:
    from access.clock import MeasuredClock
    from tasks.exceptions import Exceptions
    from tasks.intake import Intake
    from tasks.publisher import RecordingPublisher

    with opened(config) as (_, store), decided_by_a_person(f"Finding {number}"):
        clock, publisher = MeasuredClock(store.now), RecordingPublisher()
        yield Exceptions(store, clock, Intake(store, clock, publisher), publisher, by=os_user())


def _facts(work: UnitOfWork, finding: Finding) -> dict[str, Any]:
    facts = facts_of(finding, "id", "kind", "system", "key", "account_id", "account_title", "title", "entitlement")
    facts |= facts_of(finding, "detail", "claim_id", "request_id", "holder_is_group", "ours", "first_seen_at")
    facts |= facts_of(finding, "last_seen_at", "first_run_id", "ignored_until", "ignored_by", "ignored_why")
    facts |= facts_of(finding, "adopted_by_request", "closed_at", "closed_why")
    facts |= facts_of(finding, "done_at", "done_record", "not_known")
    return facts | {"done_by": finding.done_by or "not known", "reaction": _reaction(work, finding)}


def _summary(digest: Digest) -> dict[str, Any]:
    return {
        "owner": digest.owner or None,
        "open": digest.open,
        "kinds": ", ".join(f"{count} {kind}" for kind, count in digest.kinds.items()),
        "oldest": output.moment(digest.oldest),
        "findings": list(digest.numbers),
    }


def _reaction(work: UnitOfWork, finding: Finding) -> str:
    """What is done about it, in a few words."""
    if finding.closed_at is not None:
        return "closed"
    if finding.adopted_by_request is not None:
        return f"adopted by request {finding.adopted_by_request}"
    if finding.ignored_until is not None and finding.ignored_until > datetime.now(UTC):
        return f"ignored until {output.moment(finding.ignored_until)}"
    line = work.plans.line_of_finding(str(finding.id))
    return "reported" if line is None else f"{line.reaction} by plan {line.plan_id}: {line.state}"
