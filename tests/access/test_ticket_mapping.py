"""What the fields of a ticket say, by a mapping; and the mapping that is proposed for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from access.mapping_suggestion import FieldExamples, propose
from access.methods import Direction
from access.ticket_mapping import FieldPart, Source, TicketMapping, moment_in, read_ticket

GIVE, TAKE = Direction.GIVE, Direction.TAKE
FIELDS = TicketMapping(
    person=[Source("Who")], thing=[Source("What")], action=[Source("Type"), Source("Labels")], end=[Source("Until")]
)


def pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE | re.MULTILINE)


WHOLE = pattern(r"^(?P<action>\w+) (?P<thing>.+) (?:to|from) (?P<person>\S+)$")
SUMMARY = TicketMapping(
    person=[Source("Summary", WHOLE)], thing=[Source("Summary", WHOLE)], action=[Source("Summary", WHOLE)]
)


def fields(**texts: str) -> Mapping[str, list[FieldPart]]:
    return {name: [FieldPart(text)] for name, text in texts.items() if text}


@pytest.mark.parametrize(
    ("written", "action"),
    [
        ("Grant access", GIVE),
        ("access: REVOKE", TAKE),
        ("Remove", TAKE),
        ("Remove, or give", None),
        ("Addendum", None),
        ("offboarding", None),
    ],
)
def test_what_a_ticket_asks_for_is_said_by_whole_words(written: str, action: Direction | None) -> None:
    said = read_ticket(FIELDS, fields(Who="ada", What="Engineering", Type=written))
    assert said.action is action
    assert (said.problem is None) is (action is not None)


def test_a_ticket_that_says_neither_asks_for_what_the_mapping_says() -> None:
    mapping = replace(FIELDS, otherwise=GIVE)
    assert read_ticket(mapping, fields(Who="ada", What="Engineering")).action is GIVE
    both = read_ticket(mapping, fields(Who="ada", What="Engineering", Type="add and remove"))
    assert both.action is None, "saying both is no saying neither"


def test_the_first_field_that_is_filled_counts() -> None:
    said = read_ticket(FIELDS, {**fields(Who="ada", What="x"), "Labels": [FieldPart("urgent"), FieldPart("revoke")]})
    assert said.action is TAKE


def test_several_people_stand_in_one_field() -> None:
    said = read_ticket(FIELDS, fields(Who="ada; bob\neve", What="x", Type="give"))
    assert [each.text for each in said.people] == ["ada", "bob", "eve"]
    said = read_ticket(FIELDS, fields(Who="Ada <ada@acme.example> and bob@acme.example", What="x", Type="give"))
    assert [each.text for each in said.people] == ["ada@acme.example", "bob@acme.example"]


def test_a_pattern_cuts_facts_out_of_a_text() -> None:
    said = read_ticket(SUMMARY, fields(Summary="Remove Prod access from ada@acme.example"))
    assert (said.action, list(said.things), said.people[0].email) == (TAKE, ["Prod access"], "ada@acme.example")
    assert read_ticket(SUMMARY, fields(Summary="Broken printer")).problem == "The ticket names no person in 'Summary'."


def test_a_pattern_may_name_project_and_role() -> None:
    source = Source("Summary", pattern(r"(?P<role>\w+) of (?P<project>\w+)"))
    said = read_ticket(replace(FIELDS, thing=[source]), fields(Who="ada", Summary="Developers of PAY", Type="give"))
    assert said.things == ["PAY:Developers"]


@pytest.mark.parametrize("missing", ["Who", "What", "Type"])
def test_what_a_ticket_does_not_say_is_named(missing: str) -> None:
    whole = {"Who": "ada", "What": "x", "Type": "give"} | {missing: ""}
    problem = read_ticket(FIELDS, fields(**whole)).problem
    assert problem is not None
    assert f"'{missing}'" in problem


@pytest.mark.parametrize("text", ["", "never", "Permanent", " - "])
def test_some_words_mean_no_end(text: str) -> None:
    said = read_ticket(FIELDS, fields(Who="ada", What="x", Type="give", Until=text))
    assert (said.end, said.problem) == (None, None)


def test_an_end_that_cannot_be_read_is_not_guessed() -> None:
    said = read_ticket(FIELDS, fields(Who="ada", What="x", Type="give", Until="03/04/2026"))
    assert said.problem is not None
    assert "no known form" in said.problem


def test_a_day_ends_where_it_is() -> None:
    begin, end = moment_in("2026-11-30", (), ZoneInfo("Europe/Berlin")) or (None, None)
    assert (begin, end) == (datetime(2026, 11, 29, 23, tzinfo=UTC), datetime(2026, 11, 30, 23, tzinfo=UTC))
    moment = datetime(2026, 11, 30, 9, 30, tzinfo=UTC)
    assert moment_in("2026-11-30T10:30:00.000+0100", (), UTC) == (moment, moment)
    assert moment_in("30.11.2026 10:30", ["%d.%m.%Y %H:%M"], ZoneInfo("Europe/Berlin")) == (moment, moment)
    assert moment_in("30.11.2026", (), UTC) is None


@given(st.dictionaries(st.sampled_from(["Who", "What", "Type", "Labels", "Until", "Summary"]), st.text(max_size=80)))
def test_any_text_is_read_or_named_as_unreadable(texts: dict[str, str]) -> None:
    for mapping in (FIELDS, SUMMARY):
        said = read_ticket(mapping, fields(**texts))
        assert said.problem or (said.people and said.things and said.action)


def examples(name: str, *texts: str, type_: str = "string") -> FieldExamples:
    return FieldExamples(name, [[FieldPart(text)] if text else [] for text in texts], type_)


def test_a_mapping_is_proposed_from_names_and_examples() -> None:
    proposal = propose(
        [
            FieldExamples("Reporter", [[FieldPart("Pat", "712020:pat")]] * 2, "user"),
            FieldExamples(
                "Requested for", [[FieldPart("Ada", "712020:ada")], [FieldPart("Bob", "712020:bob")]], "user"
            ),
            examples("Group", "Engineering", "Finance"),
            examples("Request type", "Grant access", "Revoke access"),
            examples("Access until", "2026-12-01", "", type_="date"),
            examples("Created", "2026-11-01", "2026-11-02", type_="datetime"),
            examples("Summary", "Access for Ada", "Access for Bob"),
        ]
    )
    assert (proposal.person, proposal.thing, proposal.action, proposal.end, proposal.pattern) == (
        "Requested for", "Group", "Request type", "Access until", None,
    )  # fmt: skip
    assert not proposal.gaps


def test_a_pattern_of_the_summary_is_proposed_where_no_field_says_it() -> None:
    proposal = propose(
        [examples("Summary", "Give Engineering to ada@acme.example", "Remove Finance from bob@acme.example")]
    )
    assert proposal.person == proposal.thing == proposal.action == "Summary"
    assert proposal.pattern is not None
    match = pattern(proposal.pattern).search("Give Prod database to ada@acme.example")
    assert match is not None
    assert match["thing"].endswith("database")


def test_what_nothing_says_is_a_gap() -> None:
    assert set(propose([examples("Notes", "x", "y")]).gaps) == {"person", "thing", "action"}


def test_roles_are_told_from_groups() -> None:
    assert propose([examples("Access", "PAY: Developers", "CRM: Administrators")]).role_share == 1
    assert propose([examples("Access", "PAY: Developers", "Engineering")]).role_share == 0.5
    assert propose([examples("Access", "Finance", "Engineering")]).role_share == 0
