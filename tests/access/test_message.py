import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from access.accounts import Subject
from access.durations import LONGEST
from access.entitlements import EntitlementRef
from access.message import AccessRequest, Action, present_fields
from access.methods import Direction
from access.timing import end_of

GRANT: dict[str, Any] = {
    "id": "req-1",
    "action": "grant",
    "subject": {"email": "ada@example.com"},
    "entitlement": "jira:project-role:PAY:Administrators:assigned",
}
CREATE: dict[str, Any] = {
    "id": "req-2",
    "action": "create_account",
    "subject": {"email": "ada@example.com"},
    "system": "jira",
}


def request(base: dict[str, Any] = GRANT, **changes: Any) -> AccessRequest:
    return AccessRequest.model_validate(base | changes)


def refused(base: dict[str, Any] = GRANT, **changes: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        request(base, **changes)
    return str(caught.value)


# Spelling and meaning


SPELLINGS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"duration": "PT8H"}, {"duration": "PT480M"}),
    ({"duration": "PT8H"}, {"duration": 28800}),
    ({"duration": "P1W"}, {"duration": "P7D"}),
    ({"duration": "PT0.5H"}, {"duration": 1800.0}),
    ({"requested_at": "2026-01-31T12:00:00Z"}, {"requested_at": "2026-01-31T13:00:00.000+01:00"}),
    ({}, {"schema": "provisor.access-request/1", "products": [], "fields": {}, "reason": "", "system": None}),
    ({}, {"duration": None}),
    ({"subject": {"email": "a@b.c"}}, {"subject": {"email": "a@b.c", "username": None, "id": None}}),
    ({"entitlement": "jira:group:a b:member"}, {"entitlement": "jira:group:a%20b:member"}),
    ({"entitlement": "jira:group:100%25:member"}, {"entitlement": "jira:group:100%:member"}),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS)
def test_the_same_meaning_has_the_same_fingerprint(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert request(**one).fingerprint() == request(**other).fingerprint()


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "req-9"},
        {"action": "revoke"},
        {"subject": {"id": "ada@example.com"}},
        {"entitlement": "jira:project-role:PAY:Developers:assigned"},
        {"duration": "PT8H"},
        {"reason": "on call"},
        {"approved_by": "grace@example.com"},
        {"fields": {"change": "CHG-1"}},
    ],
)
def test_another_meaning_has_another_fingerprint(changes: dict[str, Any]) -> None:
    assert request(**changes).fingerprint() != request().fingerprint()


@st.composite
def messages(draw: st.DrawFn) -> dict[str, Any]:
    texts = st.text(max_size=20)
    message = dict(GRANT)
    message["fields"] = draw(st.dictionaries(texts, texts, max_size=4))
    message["reason"] = draw(texts)
    seconds = draw(st.none() | st.integers(1, int(LONGEST.total_seconds())))
    message["duration"] = seconds
    names = draw(st.permutations(sorted(message)))
    return {name: message[name] for name in names}


@given(messages())
@settings(deadline=None, max_examples=50)
def test_the_order_of_keys_means_nothing(message: dict[str, Any]) -> None:
    turned = {name: message[name] for name in reversed(message)}
    turned["fields"] = dict(reversed(message["fields"].items()))
    assert AccessRequest.model_validate(message).fingerprint() == AccessRequest.model_validate(turned).fingerprint()


@given(messages())
@settings(deadline=None, max_examples=50)
def test_the_canonical_form_is_json_that_reads_back_as_the_same_request(message: dict[str, Any]) -> None:
    first = AccessRequest.model_validate(message)
    again = AccessRequest.model_validate(json.loads(json.dumps(first.canonical())))
    assert again == first
    assert again.canonical() == first.canonical()
    assert again.fingerprint() == first.fingerprint()


@given(st.timedeltas(timedelta(seconds=1), LONGEST))
@settings(deadline=None, max_examples=100)
def test_every_duration_has_one_iso_text_that_reads_back(duration: timedelta) -> None:
    text = request(duration=duration).canonical()["duration"]
    assert text.startswith("P")
    assert "Y" not in text
    assert request(duration=text).duration == duration


# What fits together


def test_a_grant_names_an_entitlement_and_an_account_action_a_system() -> None:
    assert "grant needs an entitlement" in refused(entitlement=None)
    assert "leave system out" in refused(system="jira")
    assert "create_account needs a system, and no entitlement" in refused(CREATE, system=None)
    assert "needs a system, and no entitlement" in refused(CREATE, entitlement=GRANT["entitlement"])


def test_an_account_is_made_for_an_email() -> None:
    assert "create_account needs the subject's email" in refused(CREATE, subject={"username": "ada"})


@pytest.mark.parametrize("action", ["revoke", "deprovision_account"])
def test_what_takes_access_away_has_no_duration(action: str) -> None:
    base = GRANT if action == "revoke" else CREATE
    assert f"{action} takes no duration" in refused(base, action=action, duration="PT8H")


def test_only_revoke_and_extend_name_a_claim() -> None:
    assert request(action="revoke", claim_of="req-0").claim_of == "req-0"
    assert request(action="extend", claim_of="req-0", duration="PT1H").claim_of == "req-0"
    assert "only revoke and extend can name claim_of" in refused(claim_of="req-0")


LATER, STILL_LATER = "2026-12-01T12:00:00Z", "2026-12-02T12:00:00Z"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"duration": "PT8H", "ends_at": LATER}, "name duration or ends_at, and not both"),
        ({"starts_at": LATER, "ends_at": LATER}, "ends_at is not after starts_at"),
        ({"until_issue": "PAY-7"}, "until_issue needs a duration, or ends_at"),
        ({"until_issue": "pay 7", "duration": "PT8H"}, "until_issue"),
        ({"action": "extend"}, "extend needs a duration, or ends_at"),
        ({"action": "extend", "duration": "PT8H", "starts_at": LATER}, "extend takes no starts_at"),
        ({"action": "revoke", "starts_at": LATER}, "revoke takes no starts_at"),
        ({"action": "revoke", "ends_at": LATER}, "revoke takes no ends_at"),
        ({"action": "revoke", "until_issue": "PAY-7"}, "revoke takes no until_issue"),
        ({"ends_at": "tomorrow"}, "write a moment with its offset"),
    ],
)
def test_times_that_do_not_fit_each_other_or_the_action_are_refused(changes: dict[str, Any], said: str) -> None:
    assert said in refused(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"starts_at": LATER},
        {"starts_at": LATER, "duration": "PT8H"},
        {"starts_at": LATER, "ends_at": STILL_LATER},
        {"ends_at": LATER, "until_issue": "PAY-7"},
        {"action": "extend", "ends_at": LATER},
        {"action": "extend", "duration": "PT8H", "until_issue": "PAY-7", "claim_of": "req-0"},
    ],
)
def test_times_that_fit_are_part_of_the_meaning(changes: dict[str, Any]) -> None:
    timed = request(**changes)
    assert timed.fingerprint() != request().fingerprint()
    assert AccessRequest.model_validate(timed.canonical()) == timed


def test_an_extension_is_served_with_removals() -> None:
    first = {action for action in Action if action.goes_first}
    assert first == {Action.EXTEND, Action.REVOKE, Action.DEPROVISION_ACCOUNT}


def test_the_subject_is_named_and_nothing_else_is_said_of_it() -> None:
    assert "name the subject by email, username or id" in refused(subject={})
    assert "Extra inputs" in refused(subject={"mail": "ada@example.com"})


@pytest.mark.parametrize("email", ["", "ada", "ada@", "@b", "ada @example.com", "a@b@c", "ada@example.com\n"])
def test_what_is_no_email_is_refused(email: str) -> None:
    assert "subject.email" in refused(subject={"email": email})


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "a\n", "ä", "x" * 129])
def test_an_id_is_a_short_plain_word(name: str) -> None:
    assert refused(id=name).count("\nid\n")


def test_unknown_fields_and_versions_are_refused() -> None:
    assert "Extra inputs" in refused(until="tomorrow")
    assert "provisor.access-request/1" in refused(schema="provisor.access-request/2")


# Durations and moments


@pytest.mark.parametrize(
    "duration",
    [
        *("", "8h", "P", "PT", "P1Y", "P1M", "P1DT", "-PT5M", "PT0S", "P0D", "PT0.5S", "08:00:00", "3600", "PT8H\n"),
        *("P3661D", "P999999999W", "P999999999DT999999999H", "P999999999D", 0, -1, 0.5, True, 1e30),
        *(float("nan"), float("inf"), [], {}),
    ],
)
def test_what_is_no_duration_of_a_second_to_ten_years_is_refused(duration: Any) -> None:
    assert "duration" in refused(duration=duration)


@pytest.mark.parametrize(
    "moment",
    [
        *(
            "2026-01-31",
            "2026-01-31T12:00:00",
            "2026-01-31 12:00:00Z",
            "1700000000",
            1700000000,
            "2026-02-30T12:00:00Z",
        ),
        *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-01-31T12:00:00Z\n"),
    ],
)
def test_a_moment_without_an_offset_or_outside_the_calendar_is_refused(moment: Any) -> None:
    assert "requested_at" in refused(requested_at=moment)


def test_a_moment_is_kept_in_utc() -> None:
    kept = request(requested_at="2026-01-31T13:00:00+01:00").requested_at
    assert kept == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert kept.tzinfo is UTC


def test_the_longest_access_that_begins_at_any_time_ends_within_the_calendar() -> None:
    start = datetime(9900, 1, 1, tzinfo=UTC)
    assert end_of(start, duration=LONGEST, fixed=None) == start + LONGEST
    assert end_of(start, duration=None, fixed=None) is None


# Reading it


def test_the_entitlement_of_an_account_action_is_the_account() -> None:
    assert request(CREATE).entitlement_ref == EntitlementRef.parse("jira:account:exists")
    assert request().entitlement_ref == EntitlementRef.parse(GRANT["entitlement"])
    assert request(subject={"id": "5b10", "username": "ada"}).who == Subject(username="ada", id="5b10")


@pytest.mark.parametrize(
    ("action", "direction"),
    [
        ("grant", "give"),
        ("extend", "give"),
        ("create_account", "give"),
        ("revoke", "take"),
        ("deprovision_account", "take"),
    ],
)
def test_every_action_gives_or_takes(action: str, direction: str) -> None:
    assert Action(action).direction is Direction(direction)


def test_facts_that_policy_can_require_are_those_that_say_something() -> None:
    said = request(reason="on call", approved_by="grace", duration="PT8H", fields={"change": "CHG-1", "note": "  "})
    assert present_fields(said) == {"reason", "approved_by", "duration", "change"}
    assert present_fields(request(reason="  ")) == frozenset()


def test_a_free_field_does_not_pass_for_a_fact_of_the_message() -> None:
    assert present_fields(request(fields={"approved_by": "me", "reason": "because"})) == frozenset()
