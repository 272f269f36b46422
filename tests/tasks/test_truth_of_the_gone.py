"""What can be said of tickets about accounts that no list of the system has any more."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from access.entitlements import ResourceKind, System
from access.methods import Direction
from access.ticket_mapping import Said, TicketMapping
from access.truth import Reason, Verdict
from access.truth_naming import SaidPerson
from connectors.reading import ResourceRow
from tasks.truth.meaning import Meaning
from tasks.truth.picture import Picture
from ticketing.closed_tickets import FoundTicket
from ticketing.ports import Phase, TicketRef

NOW = datetime(2026, 11, 30, tzinfo=UTC)
GROUP = ResourceKind.GROUP
GONE = SaidPerson("Ada", "712020:ada")
MAPPING = TicketMapping(person=(), thing=(), kinds=[(System.JIRA, GROUP), (System.JUMPCLOUD, GROUP)])
TICKET = FoundTicket(TicketRef("1", "A-1", "https://acme.example/A-1"), "", "Done", None, Phase.DONE, NOW, NOW)


@pytest.mark.parametrize(
    ("person", "system", "action", "holds", "verdict"),
    [
        (GONE, System.JIRA, Direction.TAKE, False, Verdict.TRUE),
        (GONE, System.JIRA, Direction.TAKE, True, Verdict.UNSAID),
        (GONE, System.JIRA, Direction.GIVE, False, Verdict.UNSAID),
        (GONE, System.JUMPCLOUD, Direction.TAKE, False, Verdict.UNSAID),
        (SaidPerson("712020:ada"), System.JIRA, Direction.TAKE, False, Verdict.UNSAID),
        (SaidPerson("ada@acme.example"), System.JIRA, Direction.TAKE, False, Verdict.UNSAID),
    ],
    ids=["taken", "still listed", "given", "an id of another system", "a word that looks like an id", "an address"],
)
def test_only_that_an_account_that_existed_holds_nothing_is_said(
    person: SaidPerson, system: System, action: Direction, verdict: Verdict, *, holds: bool
) -> None:
    picture = Picture(system, NOW)
    picture.things[GROUP]["g"] = ResourceRow(GROUP, "g", "Team")
    if holds:
        picture.holders[GROUP, "g"].add("712020:ada")
    pictures = {
        System.JIRA: Picture(System.JIRA, NOW),
        System.JUMPCLOUD: Picture(System.JUMPCLOUD, NOW),
        system: picture,
    }
    meaning = Meaning(MAPPING, pictures, {}, connected=list(System))
    (finding,) = meaning.of(TICKET, Said(people=[person], things=["Team"], action=action))
    assert finding.judgement is not None
    assert finding.judgement.verdict is verdict
    assert (finding.judgement.reason is Reason.AS_SAID) is (verdict is Verdict.TRUE)
