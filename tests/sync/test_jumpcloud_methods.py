"""JumpCloud's quirks that concern what is told of changes, the other ways of reading memberships, and service accounts."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from simulator.jumpcloud import World
from tests.sync.sync_harness import Quirk, SyncHarness, survive
from tests.sync.test_jumpcloud_quirks import MEMBERS, USERS, company_of, give_and_take, member_of, user_of


@pytest.fixture
def company(sqlite_url: str, tmp_path: Path) -> Iterator[SyncHarness]:
    yield from company_of(sqlite_url, tmp_path)


def delete_user(company: SyncHarness) -> None:
    company.act("delete_user", user=member_of(company, 3))


def rules_decide(company: SyncHarness) -> None:
    """A change of a user makes a rule put him into a group."""
    query = {"queryType": "FilterQuery", "filters": [{"field": "department", "operator": "eq", "value": "Rules"}]}
    company.act("change_group", group="By rule", memberQuery=query)
    company.act("change_user", user=user_of(company, 9), department="Rules")
    company.act("evaluate_rules")


EVENTS = [
    Quirk("nothing has changed", full=False),
    Quirk("changes of every sort", change=give_and_take, full=False),
    Quirk("a user is deleted, and no event tells of the groups", change=delete_user, full=False),
    Quirk(
        "a user is deleted, and events tell of the groups",
        {"deletion_emits_association_change": True},
        delete_user,
        full=False,
    ),
    Quirk("a rule decides, and no event tells", change=rules_decide, full=False),
    Quirk("a rule decides, and events tell", {"dynamic_emits_association_change": True}, rules_decide, full=False),
    Quirk("types are written small", {"association_type_case": "lower"}, give_and_take, full=False),
    Quirk("bindings come from the group", {"application_binding_from": "user_group"}, give_and_take, full=False),
    Quirk("options match in any case", {"search_term_case": "insensitive"}, give_and_take, full=False),
    Quirk("events are kept for fifteen days", {"retention_days": 15}, give_and_take, full=False),
    Quirk("events may not be read", change=give_and_take, faults=[{"path": "/insights/", "status": 403}], full=False),
    Quirk("events are away", change=give_and_take, faults=[{"path": "/insights/", "status": 500}], full=False),
    Quirk("events are busy", change=give_and_take, faults=[{"path": "/insights/", "status": 503}], full=False),
    Quirk("events refuse", faults=[{"path": "/insights/", "status": 401}], full=False, fails="refused"),
]


@pytest.mark.parametrize("quirk", EVENTS, ids=str)
def test_events_tell_or_not(company: SyncHarness, quirk: Quirk) -> None:
    survive(company, quirk)


def lagging(switch: str) -> Quirk:
    def change(company: SyncHarness) -> None:
        company.switch(**{switch: 300_000})
        give_and_take(company)

    return Quirk(switch, change=change, full=False, settles=True)


@pytest.mark.parametrize("quirk", [lagging("event_lag_ms"), lagging("consistency_lag_ms")], ids=str)
def test_what_is_shown_late_is_in_the_next_snapshot(company: SyncHarness, quirk: Quirk) -> None:
    survive(company, quirk)


REPORT = [
    Quirk("nothing unusual", change=give_and_take),
    Quirk("the report takes a while", {"report_delay_ms": 4_000}, give_and_take),
    Quirk("the report fails", {"report_outcome": "failed"}, give_and_take),
    Quirk("its columns have other names", {"report_columns": "aliases"}, give_and_take),
    Quirk("its columns have no ids", {"report_columns": "without_ids"}, give_and_take),
    Quirk("the plan has no reports", {"report_order_status": 402}, give_and_take),
    Quirk("reports are forbidden", {"report_order_status": 403}, give_and_take),
    Quirk("events tell", change=give_and_take, full=False),
]


@pytest.mark.parametrize("quirk", REPORT, ids=str)
def test_memberships_come_by_report(sqlite_url: str, tmp_path: Path, quirk: Quirk) -> None:
    for company in company_of(sqlite_url, tmp_path, sync="report"):
        survive(company, quirk)


@pytest.mark.long
def test_a_report_that_is_never_made_is_given_up(sqlite_url: str, tmp_path: Path) -> None:
    quirk = Quirk("the report is never made", {"report_outcome": "stuck"}, give_and_take)
    for company in company_of(sqlite_url, tmp_path, sync="report"):
        survive(company, quirk)


def report_of(company: SyncHarness, *, bytes_each: int) -> str:
    """The report as the service would make it, with long lines."""
    lines = ["username,email,user_object_id,user_group_object_id"]
    for group in company.world.groups:
        members = company.world.members.rights(group.id)
        lines += [f"{'x' * bytes_each},,{user},{group.id}" for user in members] or [f"no users,,,{group.id}"]
    return "\r\n".join([*lines, ""])


def test_a_report_larger_than_other_answers_may_be_is_taken_in(sqlite_url: str, tmp_path: Path) -> None:
    for company in company_of(sqlite_url, tmp_path, sync="report"):
        body = report_of(company, bytes_each=130_000)
        assert len(body) > 16 * 1024 * 1024
        company.simulators.faults.add(path="/content$", status=200, body=body, content_type="text/csv")
        company.is_right(company.sync())
        listed = [call.path for call in company.simulators.calls.latest() if call.path.endswith("/members")]
        assert len(listed) == 1, "one group's list, to compare the report with"


SEARCH = [
    Quirk("search tells of no groups", change=give_and_take),
    Quirk("search tells of groups", {"search_returns_memberof": True}, give_and_take),
    Quirk("search tells when asked", {"search_returns_memberof": True, "memberof_needs_fields": True}, give_and_take),
    Quirk("search tells, and events", {"search_returns_memberof": True}, give_and_take, full=False),
    Quirk("search is away", change=give_and_take, faults=[{"path": "/search/systemusers", "status": 500, "times": 3}]),
]


@pytest.mark.parametrize("quirk", SEARCH, ids=str)
def test_memberships_come_by_search(sqlite_url: str, tmp_path: Path, quirk: Quirk) -> None:
    for company in company_of(sqlite_url, tmp_path, sync="auto"):
        survive(company, quirk)


def revoke_tokens(company: SyncHarness) -> object:
    return company.act("revoke_tokens")


def change_secret(company: SyncHarness) -> None:
    company.act("change_service_account", client_id=KNOWN["client_id"], secrets=["another"])
    company.act("revoke_tokens")


def give_secret_back(company: SyncHarness) -> None:
    company.act("change_service_account", client_id=KNOWN["client_id"], secrets=[KNOWN["client_secret"]])


KNOWN = World().credentials()
TOKENS = [
    Quirk("tokens live for a second", {"token_seconds": 1}),
    Quirk("tokens do not tell how long they live", {"token_tells_life": False}),
    Quirk("tokens are revoked half-way", meanwhile=(MEMBERS, revoke_tokens)),
    Quirk("tokens are revoked while users are read", meanwhile=(USERS, revoke_tokens), after=1),
    Quirk("the secret is another half-way", meanwhile=(MEMBERS, change_secret), fails="refused", mend=give_secret_back),
]


@pytest.mark.parametrize("quirk", TOKENS, ids=str)
def test_a_service_account_reads(sqlite_url: str, tmp_path: Path, quirk: Quirk) -> None:
    client_id, client_secret = KNOWN["client_id"], KNOWN["client_secret"]
    for company in company_of(sqlite_url, tmp_path, client_id=client_id, client_secret=client_secret):
        survive(company, quirk)


def test_a_header_that_is_not_allowed_fails_the_run_and_says_so(sqlite_url: str, tmp_path: Path) -> None:
    quirk = Quirk("no organization may be named", {"single_org_header": "forbidden"}, fails="403")
    for company in company_of(sqlite_url, tmp_path, org_id=KNOWN["org_id"]):
        survive(company, quirk)
