from __future__ import annotations

from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from access.failures import Permanent
from tests.ticketing.safe_documents import is_safe
from ticketing.adf import Node, plain_text, to_adf
from ticketing.escaping import Markdown
from ticketing.facts import STAYS_BEHIND, Holding, TicketFacts
from ticketing.templates import CommentKind, Templates, TicketKind

FACTS = TicketFacts(
    request_id="req-7",
    operation_id="op-9",
    action="Give access",
    subject="ada@example.com",
    system="Jira",
    account_title="Ada Lovelace",
    account_id="557058:ab-cd",
    account_email="ada@example.com",
    entitlement_title="Administrators of project Payments",
    entitlement="jira:project-role:PAY:Administrators:assigned",
    link="https://acme.atlassian.net/plugins/servlet/project-config/PAY/people",
    reason="Month-end close, see CHG-42.",
    requested_by="Bob Baker",
    approved_by="Eve Evans",
    ends_at=datetime(2026, 11, 30, 17, tzinfo=UTC),
    why_by_person="its members follow a rule (dynamic group)",
    checks=("Ada Lovelace is in the role Administrators of PAY",),
    holdings=(Holding("group", "pay-admins"), Holding("project role", "Users of OPS")),
    stays_behind=STAYS_BEHIND,
    still_wrong=("Ada Lovelace is not in the role",),
    attempt=3,
    due=date(2026, 11, 25),
    extra={"Cost centre": "4711"},
)
HOSTILE = "x](http://evil.example) **now** <!-- --> # a\n\n# b | c `d` @everyone"


def words(markdown: str) -> str:
    return plain_text(to_adf(markdown))


@pytest.mark.parametrize("kind", TicketKind)
def test_a_ticket_answers_who_what_where_why_who_approved_until_when_how_and_how_it_is_verified(
    kind: TicketKind,
) -> None:
    wording = Templates().ticket(kind, FACTS)
    said = words(wording.body)
    for answer in (
        "Ada Lovelace",
        "ada@example.com",
        "Month-end close, see CHG-42.",
        "Bob Baker",
        "Eve Evans",
        "req-7",
        "op-9",
        "its members follow a rule (dynamic group)",
        "Ada Lovelace is in the role Administrators of PAY",
        "2026-11-25",
        "Cost centre: 4711",
        "What to do",
        "Until",
        "declined",
    ):
        assert answer in said, answer
    assert str(FACTS.link) in wording.body
    assert "Ada Lovelace" in wording.title


@pytest.mark.parametrize("kind", [TicketKind.GIVE, TicketKind.CREATE_ACCOUNT])
def test_a_ticket_that_gives_says_when_it_ends(kind: TicketKind) -> None:
    assert "2026-11-30 17:00 UTC" in words(Templates().ticket(kind, FACTS).body)
    assert "standing" in words(Templates().ticket(kind, replace(FACTS, ends_at=None)).body)
    relative = words(Templates().ticket(kind, replace(FACTS, ends_at=None, lasts=timedelta(hours=4))).body)
    assert "4 hours after it was seen" in relative
    assert "standing" not in relative


@pytest.mark.parametrize("kind", [TicketKind.GIVE, TicketKind.TAKE])
def test_a_ticket_names_the_access_for_people_and_as_written(kind: TicketKind) -> None:
    said = words(Templates().ticket(kind, FACTS).body)
    assert "Administrators of project Payments" in said
    assert "jira:project-role:PAY:Administrators:assigned" in said


def test_a_deprovision_ticket_lists_what_the_account_holds_and_what_stays_behind() -> None:
    said = words(Templates().ticket(TicketKind.DEPROVISION, FACTS).body)
    for each in ("group: pay-admins", "project role: Users of OPS", *STAYS_BEHIND):
        assert each in said
    elsewhere = words(Templates().ticket(TicketKind.DEPROVISION, replace(FACTS, stays_behind=())).body)
    assert "behind" not in elsewhere


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (CommentKind.STILL_WRONG, "Ada Lovelace is not in the role"),
        (CommentKind.VERIFIED, "Ada Lovelace is in the role Administrators of PAY"),
        (CommentKind.WITHDRAWN, "Give access for Ada Lovelace is no longer needed"),
        (CommentKind.ESCALATED, "Tried 3 times"),
    ],
)
def test_a_comment_says_what_it_is_for(kind: CommentKind, said: str) -> None:
    assert said in words(Templates().comment(kind, FACTS))


def filled_with(value: str) -> TicketFacts:
    ours = {"request_id", "operation_id", "action", "system"}
    texts = {each.name for each in fields(FACTS) if isinstance(getattr(FACTS, each.name), str)} - ours
    hostile: dict[str, Any] = dict.fromkeys(texts, value)
    hostile |= dict.fromkeys(("checks", "still_wrong", "stays_behind"), (value,))
    return replace(FACTS, **hostile, holdings=(Holding(value, value),), extra={value: value})


@pytest.mark.parametrize("kind", [*TicketKind, *CommentKind])
def test_no_fact_makes_markup_whatever_it_holds(kind: TicketKind | CommentKind) -> None:
    def document(value: str) -> Node:
        facts = filled_with(value)
        if isinstance(kind, TicketKind):
            return to_adf(Templates().ticket(kind, facts).body)
        return to_adf(Templates().comment(kind, facts))

    hostile, tame = document(HOSTILE), document("x")
    assert is_safe(hostile)
    assert "'href'" not in str(hostile)
    assert [block["type"] for block in hostile["content"]] == [block["type"] for block in tame["content"]]


def test_a_title_is_one_line_of_plain_text_that_jira_takes() -> None:
    title = Templates().ticket(TicketKind.GIVE, replace(FACTS, entitlement_title="*a* _b_\nc " + "long " * 100)).title
    assert title.startswith("Give Ada Lovelace access: *a* _b_ c long")
    assert len(title) <= 254
    assert title.endswith("…")


def test_the_templates_that_come_with_provisor_render_with_all_facts_and_with_few() -> None:
    assert list(Templates().prove()) == []


def test_a_template_of_the_settings_stands_before_ours(tmp_path: Path) -> None:
    (tmp_path / "give.md.j2").write_text("# Bitte: {{ facts.subject }}\n\n{% include '_why.md.j2' %}", encoding="utf-8")
    templates = Templates(tmp_path)
    assert templates.ticket(TicketKind.GIVE, FACTS).title == "Bitte: ada@example.com"
    assert templates.ticket(TicketKind.TAKE, FACTS).title.startswith("Take access from Ada")


@pytest.mark.parametrize(
    "template",
    [
        "# {{ facts.no_such_fact }}\n\nx",
        "# {{ subject }}\n\nx",
        "# {% if %}\n\nx",
        "no heading\n\nx",
        "# only a title",
        "# t\n\n{{ facts.__class__.__mro__[1].__subclasses__() }}",
        "# t\n\n{{ 1 / 0 }}",
        "# t\n\n{% include 'missing.md.j2' %}",
    ],
)
def test_a_template_at_fault_is_a_permanent_failure_that_names_it(tmp_path: Path, template: str) -> None:
    (tmp_path / "give.md.j2").write_text(template, encoding="utf-8")
    with pytest.raises(Permanent, match=r"give\.md\.j2") as caught:
        Templates(tmp_path).ticket(TicketKind.GIVE, FACTS)
    assert caught.value.remedy
    assert any("give.md.j2" in problem for problem in Templates(tmp_path).prove())


@pytest.mark.parametrize(("length", "kept"), [(254, 254), (255, 254)])
def test_a_title_is_cut_only_above_what_jira_takes(tmp_path: Path, length: int, kept: int) -> None:
    (tmp_path / "give.md.j2").write_text(f"# {'x' * length}\n\nbody", encoding="utf-8")
    title = Templates(tmp_path).ticket(TicketKind.GIVE, FACTS).title
    assert len(title) == kept
    assert title.endswith("…") is (length > kept)


def test_a_text_of_65_536_characters_is_kept_whole(tmp_path: Path) -> None:
    for beyond in (0, 1):
        (tmp_path / "give.md.j2").write_text("# t\n\n" + "x" * (65_536 - 5 + beyond), encoding="utf-8")
        assert len(Templates(tmp_path).ticket(TicketKind.GIVE, FACTS).body) == 65_536 - 5


def test_a_template_cannot_grow_without_end(tmp_path: Path) -> None:
    loop = "{% for a in range(90000) %}{% for b in range(90000) %}xxxxxxxxxx{% endfor %}{% endfor %}"
    (tmp_path / "give.md.j2").write_text(f"# t\n\n{loop}", encoding="utf-8")
    assert len(Templates(tmp_path).ticket(TicketKind.GIVE, FACTS).body) <= 65_536


def test_a_filter_or_a_join_does_not_take_the_escape_off(tmp_path: Path) -> None:
    template = "{{ facts.subject | upper }} {{ 'a' ~ facts.subject }} {{ facts.subject | safe }}"
    (tmp_path / "verified.md.j2").write_text(template, encoding="utf-8")
    said = Templates(tmp_path).comment(CommentKind.VERIFIED, replace(FACTS, subject="[a](http://b.c) **d**"))
    assert "marks" not in str(to_adf(said))


def test_values_of_fields_may_be_templates_and_one_of_nothing_is_left_out() -> None:
    fields = {
        "Until": "{{ facts.ends_at | iso }}",
        "Who": ["{{ facts.account_email }}", "{{ facts.instead }}"],
        "Nested": {"value": "{{ facts.kind }}"},
        "Unknown": "{{ facts.instead }}",
        "Plain": "4711",
        "Number": 4711,
    }
    assert Templates().fields(fields, FACTS) == {
        "Until": "2026-11-30T17:00:00+00:00",
        "Who": ["ada@example.com"],
        "Nested": {"value": "give"},
        "Plain": "4711",
        "Number": 4711,
    }


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_what_somebody_wrote_stays_words_in_a_field_whatever_its_type(text: str) -> None:
    rendered = Templates().fields({"Why": "Because: {{ facts.reason }}."}, replace(FACTS, reason=text))["Why"]
    document = to_adf(rendered.markdown)
    assert is_safe(document)
    assert "marks" not in str(document)
    assert rendered == plain_text(document)


@pytest.mark.parametrize(
    "template", ["{{ facts.nothing }}", "{{ 1 / 0 }}", "{{ facts.", "{{ facts.__class__.__mro__ }}"]
)
def test_a_template_of_a_field_that_is_at_fault_names_the_field(template: str) -> None:
    with pytest.raises(Permanent, match="template of the field Cost centre"):
        Templates().fields({"Cost centre": template}, FACTS)


def test_the_variables_that_other_tools_have_and_those_they_lack_are_there() -> None:
    template = (
        "{{ facts.kind }}/{{ facts.resource }}/{{ facts.right }}/{{ facts.attempt }}/{{ facts.state_now }}/"
        "{{ facts.lasts | duration }}/{{ facts.extra['Cost centre'] }}/{{ facts.instructions }}"
    )
    facts = replace(
        FACTS,
        resource="PAY / Administrators",
        right="assigned",
        state_now="not there",
        lasts=timedelta(hours=4),
        instructions=Markdown("Ask *first*."),
    )
    rendered = Templates().fields({"All": template}, facts)["All"]
    assert rendered == "give/PAY / Administrators/assigned/3/not there/4 hours/4711/Ask first."
