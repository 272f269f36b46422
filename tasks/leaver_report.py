"""What still stands of a person who has left, and why; what nobody can end is named."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from access.entitlements import System
from access.leavers import CANNOT_BE_GONE, Leaver
from access.lifecycle import LineState, PlanState
from access.people import AccountRef
from access.reactions import Reaction
from store.queries.leavers import held_by
from store.queries.people import PeopleQueries
from store.unit_of_work import UnitOfWork


@dataclass(frozen=True, slots=True)
class Standing:
    """One thing that a leaver still has, or may have. ``why`` is a sentence."""

    system: str
    account_id: str
    title: str
    why: str


def still_standing(work: UnitOfWork, leaver: Leaver) -> Sequence[Standing]:
    """What the plans have not taken, what the snapshots show besides, and accounts that may be the person's."""
    lines = work.leavers.lines(leaver)
    found = [
        Standing(line["system"], line["account_id"], line["title"], why)
        for line in lines
        if (why := _why(work, line)) is not None
    ]
    return [*found, *_unplanned(work, leaver, lines), *_disputed(work, leaver)]


def not_to_be_ended(work: UnitOfWork, leaver: Leaver) -> Sequence[str]:
    """What no removal of access ends, by the systems in which the person has accounts."""
    systems = {System.JUMPCLOUD, *(link.account.system for link in work.persons.accounts_of(leaver.person))}
    return [each for system in System if system in systems for each in CANNOT_BE_GONE[system]]


def _why(work: UnitOfWork, line: Mapping[str, Any]) -> str | None:
    """Why a line's access still stands; None when it does not."""
    if line["reaction"] == Reaction.GIVE:
        return None
    if line["reaction"] == Reaction.NONE:
        return str(line["reason"])
    if line["state"] == LineState.WAITING:
        held = line["plan_state"] == PlanState.HELD
        if held:
            return f"The fuse holds plan {line['plan_id']}."
        waits = (
            "is about to begin"
            if line["automatic"] or line["plan_state"] == PlanState.APPROVED
            else "waits for an approval"
        )
        return f"Plan {line['plan_id']} {waits}."
    if line["state"] == LineState.BEGUN:
        request = work.requests.get(line["request_id"])
        reason = "" if request is None or not request.reason else f": {request.reason}"
        return f"Request {line['request_id']} is {'on its way' if request is None else request.state}{reason}"
    if line["state"] in (LineState.FAILED, LineState.DROPPED):
        return f"Line {line['id']} was {line['state']}: {line['note']}"
    return None


def _unplanned(work: UnitOfWork, leaver: Leaver, lines: Sequence[Mapping[str, Any]]) -> Iterator[Standing]:
    planned = {(line["account_id"], line["entitlement"]) for line in lines}
    accounts = [
        AccountRef(System.JUMPCLOUD, leaver.person),
        *(link.account for link in work.persons.accounts_of(leaver.person)),
    ]
    for account in accounts:
        for held in held_by(work.connection, account):
            if (account.id, str(held.entitlement)) not in planned:
                why = "No plan has it: it is new since, or the person has not left."
                yield Standing(str(account.system), account.id, held.title, why)


def _disputed(work: UnitOfWork, leaver: Leaver) -> Iterator[Standing]:
    for row in PeopleQueries(work.connection).disputes_of(leaver.person):
        why = f"It may be this person's: {row['why']}"
        yield Standing(str(row["system"]), str(row["account_id"]), str(row["title"] or row["account_id"]), why)
