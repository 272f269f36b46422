import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.simulator.jumpcloud_client import UNKNOWN, Clock, JumpCloud

INSIGHTS = "/insights/directory/v1"
START = "2020-01-01T00:00:00Z"


def _types(jumpcloud: JumpCloud, **query: Any) -> list[str]:
    return [event["event_type"] for event in jumpcloud.events(**query)]


def test_every_change_leaves_an_event(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.change(group, "add", user)
    jumpcloud.change(group, "remove", user)
    jumpcloud.act("suspend_user", user=user)
    jumpcloud.act("activate_user", user=user)
    jumpcloud.act("change_user", user=user, account_locked=True)
    jumpcloud.act("change_user", user=user, account_locked=False)
    jumpcloud.act("change_user", user=user, jobTitle="Boss")
    jumpcloud.act("delete_user", user=user)
    jumpcloud.act("change_group", group=group, name="Renamed")
    jumpcloud.act("delete_group", group=group)
    jumpcloud.act("add_application", name="zoom")
    jumpcloud.act("delete_application", application="zoom")
    jumpcloud.act("add_admin", email="x@example.com")
    jumpcloud.act("change_admin", admin="x@example.com", roleName="Manager")
    jumpcloud.act("delete_admin", admin="x@example.com")
    assert _types(jumpcloud) == [
        *("user_create", "group_create", "association_change", "association_change"),
        *("user_suspended", "user_unsuspended", "user_lockout", "user_unlocked", "user_update", "user_delete"),
        *("group_update", "group_delete", "application_create", "application_delete"),
        *("admin_create", "admin_update", "admin_delete"),
    ]


def test_a_refused_change_leaves_no_event(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user(), jumpcloud.group()
    jumpcloud.change(group, "remove", user)
    assert "association_change" not in _types(jumpcloud)


def test_a_membership_change_names_both_ends_and_who_did_it(jumpcloud: JumpCloud) -> None:
    user, group = jumpcloud.user("ada"), jumpcloud.group("Admins")
    jumpcloud.change(group, "add", user)
    event = jumpcloud.events()[-1]
    assert event["association"]["op"] == "add"
    assert event["association"]["connection"] == {
        "from": {"type": "USER_GROUP", "object_id": group, "name": "Admins"},
        "to": {"type": "USER", "object_id": user, "name": "ada"},
    }
    assert event["initiated_by"]["email"] == "owner@example.com"
    assert (event["auth_method"], event["client_ip"], event["service"]) == ("api-key", "127.0.0.1", "directory")
    jumpcloud.switch(association_type_case="lower")
    jumpcloud.change(group, "remove", user)
    assert jumpcloud.events()[-1]["association"]["connection"]["from"]["type"] == "user_group"


def test_a_binding_made_from_the_application_can_be_turned_either_way(jumpcloud: JumpCloud) -> None:
    group = jumpcloud.group()
    jumpcloud.act("add_application", name="zoom")
    jumpcloud.act("bind_application", application="zoom", group=group)
    jumpcloud.switch(application_binding_from="user_group")
    jumpcloud.act("unbind_application", application="zoom", group=group)
    ends = [event["association"]["connection"]["from"]["type"] for event in jumpcloud.events()[-2:]]
    assert ends == ["APPLICATION", "USER_GROUP"]


def test_lost_memberships_of_the_deleted_are_told_only_when_switched(jumpcloud: JumpCloud) -> None:
    for switch in (False, True):
        jumpcloud.switch(deletion_emits_association_change=switch)
        user, group = jumpcloud.user(), jumpcloud.group()
        jumpcloud.act("add_member", group=group, user=user)
        jumpcloud.act("delete_user", user=user)
        jumpcloud.act("delete_group", group=group)
    assert _types(jumpcloud).count("association_change") == 3


def test_changes_by_rules_are_told_only_when_switched(jumpcloud: JumpCloud) -> None:
    rule = {
        "queryType": "FilterQuery",
        "filters": [{"field": "department", "operator": "eq", "value": "Finance"}],
    }
    jumpcloud.group(membershipMethod="DYNAMIC_AUTOMATED", memberQuery=rule)
    jumpcloud.user("quiet", department="Finance")
    jumpcloud.switch(dynamic_emits_association_change=True)
    jumpcloud.user("told", department="Finance")
    changes = [event for event in jumpcloud.events() if event["event_type"] == "association_change"]
    assert [event["association"]["connection"]["to"]["name"] for event in changes] == ["told"]


def test_paging_by_search_after_reads_everything_once(jumpcloud: JumpCloud) -> None:
    for number in range(7):
        jumpcloud.user(f"u{number}")
    body: dict[str, Any] = {"service": ["directory"], "start_time": START, "limit": 3}
    seen: list[str] = []
    while True:
        answer = jumpcloud.post(f"{INSIGHTS}/events", body)
        assert answer.headers["X-Limit"] == "3"
        assert answer.headers["X-Request-Id"]
        seen += [event["id"] for event in answer.json()]
        body["search_after"] = json.loads(answer.headers["X-Search_after"])
        if int(answer.headers["X-Result-Count"]) < 3:
            break
    assert len(seen) == len(set(seen)) == 7
    assert jumpcloud.post(f"{INSIGHTS}/events", body).json() == [], "the header is there on an empty page too"


def test_events_are_sorted_up_by_default_and_nonsense_means_default(jumpcloud: JumpCloud) -> None:
    jumpcloud.user("one")
    jumpcloud.group("two")
    assert _types(jumpcloud, sort="sideways", limit="many") == ["user_create", "group_create"]
    assert _types(jumpcloud, sort="DESC") == ["group_create", "user_create"]
    assert _types(jumpcloud, sort="DESC", skip=1) == ["user_create"]
    answer = jumpcloud.post(f"{INSIGHTS}/events", {"service": ["all"], "start_time": START, "limit": 20_000})
    assert answer.headers["X-Limit"] == "1000"


@pytest.mark.parametrize(
    ("term", "found"),
    [
        ({"event_type": "user_create"}, 2),
        ({"and": [{"event_type": "association_change"}, {"association.connection.from.type": "user_group"}]}, 1),
        ({"or": [{"resource.username": "ada"}, {"event_type": ["group_create", "nothing"]}]}, 2),
        ({"not": [{"event_type": "user_create"}]}, 2),
        ({"event_type": "USER_CREATE"}, 0),
    ],
)
def test_search_terms(jumpcloud: JumpCloud, term: dict[str, Any], found: int) -> None:
    user, group = jumpcloud.user("ada"), jumpcloud.group()
    jumpcloud.user("bob")
    jumpcloud.change(group, "add", user)
    assert len(jumpcloud.events(search_term=term)) == found
    counted = jumpcloud.post(f"{INSIGHTS}/events/count", {"service": ["all"], "start_time": START, "search_term": term})
    assert counted.json() == {"count": found}


def test_capitals_in_search_terms_can_be_forgiven(jumpcloud: JumpCloud) -> None:
    jumpcloud.user()
    jumpcloud.switch(search_term_case="insensitive")
    assert len(jumpcloud.events(search_term={"event_type": "USER_CREATE"})) == 1


def test_free_text_fields_and_services(jumpcloud: JumpCloud) -> None:
    jumpcloud.user("ada")
    jumpcloud.user("bob")
    assert len(jumpcloud.events(q="BOB")) == 1
    assert jumpcloud.events(fields=["event_type"]) == [{"event_type": "user_create"}] * 2
    assert jumpcloud.events(service=["sso"]) == []


@pytest.mark.parametrize(
    "body",
    [
        {"service": ["all"]},
        {"start_time": START},
        {"service": ["all"], "start_time": "yesterday"},
        {"service": ["all"], "start_time": "2099-01-01T00:00:00Z"},
        {"service": ["all"], "start_time": START, "end_time": "2019-01-01T00:00:00Z"},
        {"service": ["coffee"], "start_time": START},
        {"service": ["all"], "start_time": START, "fields": []},
        {"service": ["all"], "start_time": START, "fields": ["nonsense"]},
        {"service": ["all"], "start_time": START, "search_term": {"changes": "x"}},
        {"service": ["all"], "start_time": START, "search_after": "x"},
    ],
)
def test_a_query_that_makes_no_sense_is_400(jumpcloud: JumpCloud, body: dict[str, Any]) -> None:
    jumpcloud.user()
    answer = jumpcloud.post(f"{INSIGHTS}/events", body)
    assert answer.status_code == 400
    assert ("access_management" if body.get("service") == ["coffee"] else "") in answer.json()["message"]


def test_events_can_arrive_late(jumpcloud: JumpCloud, clock: Clock) -> None:
    jumpcloud.switch(event_lag_ms=60_000)
    jumpcloud.user()
    assert jumpcloud.events() == []
    clock.pass_by(61)
    assert len(jumpcloud.events()) == 1


def test_events_are_kept_for_a_time(jumpcloud: JumpCloud, clock: Clock) -> None:
    jumpcloud.user()
    clock.pass_by(16 * 86_400)
    assert len(jumpcloud.events()) == 1
    jumpcloud.switch(retention_days=15)
    assert jumpcloud.events() == []


def test_a_time_window_is_kept_to(jumpcloud: JumpCloud, clock: Clock) -> None:
    jumpcloud.user("old")
    clock.pass_by(3_600)
    jumpcloud.user("new")
    middle = datetime.fromtimestamp(clock() - 1_800, UTC).isoformat()
    assert [event["resource"]["username"] for event in jumpcloud.events(end_time=middle)] == ["old"]
    assert [event["resource"]["username"] for event in jumpcloud.events(start_time=middle)] == ["new"]


def test_distinct_values_and_intervals(jumpcloud: JumpCloud) -> None:
    jumpcloud.user()
    jumpcloud.group()
    body = {"service": ["all"], "start_time": START}
    answer = jumpcloud.post(f"{INSIGHTS}/events/distinct", {**body, "field": "event_type"}).json()
    assert {bucket["key"] for bucket in answer["buckets"]} == {"user_create", "group_create"}
    assert jumpcloud.post(f"{INSIGHTS}/events/distinct", body).status_code == 400
    hours = jumpcloud.post(f"{INSIGHTS}/events/interval", body).json()["buckets"]
    assert sum(bucket["doc_count"] for bucket in hours) == 2


def _order(jumpcloud: JumpCloud, kind: str = "users-to-user-groups") -> str:
    answer = jumpcloud.post(f"{INSIGHTS}/reports/{kind}")
    assert (answer.status_code, answer.json()["status"]) == (202, "PENDING")
    ident: str = answer.json()["id"]
    return ident


def _report(jumpcloud: JumpCloud, ident: str) -> dict[str, Any]:
    return next(row for row in jumpcloud.get(f"{INSIGHTS}/reports").json() if row["id"] == ident)


def _content(jumpcloud: JumpCloud, ident: str, form: str) -> str:
    artifacts = {one["format"]: one["id"] for one in _report(jumpcloud, ident)["artifacts"]}
    return jumpcloud.get(f"{INSIGHTS}/reports/{ident}/artifacts/{artifacts[form]}/content").text


def test_a_report_goes_from_pending_to_completed(jumpcloud: JumpCloud, clock: Clock) -> None:
    jumpcloud.switch(report_delay_ms=60_000)
    ident = _order(jumpcloud)
    assert _report(jumpcloud, ident)["status"] == "PENDING"
    clock.pass_by(40)
    assert (_report(jumpcloud, ident)["status"], _report(jumpcloud, ident)["artifacts"]) == ("IN_PROGRESS", [])
    clock.pass_by(40)
    assert _report(jumpcloud, ident)["status"] == "COMPLETED"


@pytest.mark.parametrize(("outcome", "status"), [("failed", "FAILED"), ("stuck", "IN_PROGRESS")])
def test_a_report_can_fail_or_never_end(jumpcloud: JumpCloud, outcome: str, status: str) -> None:
    jumpcloud.switch(report_outcome=outcome)
    report = _report(jumpcloud, _order(jumpcloud))
    assert (report["status"], report["artifacts"]) == (status, [])


def test_the_membership_report_has_a_row_for_everybody_and_everything(jumpcloud: JumpCloud) -> None:
    member, group = jumpcloud.user("member"), jumpcloud.group("Full")
    jumpcloud.user("loner")
    empty = jumpcloud.group("Empty")
    jumpcloud.change(group, "add", member)
    ident = _order(jumpcloud)
    rows = list(csv.DictReader(io.StringIO(_content(jumpcloud, ident, "CSV"))))
    assert {(row["username"], row["user_group_name"], row["user_object_id"] == member) for row in rows} == {
        ("member", "Full", True),
        ("loner", "no user group", False),
        ("no users", "Empty", False),
    }
    assert {row["user_group_object_id"] for row in rows} == {group, empty, ""}
    assert json.loads(_content(jumpcloud, ident, "JSON"))[0]["username"] == "member"


@pytest.mark.parametrize(
    ("columns", "there", "missing"),
    [("aliases", "group_id", "user_group_object_id"), ("without_ids", "email", "user_object_id")],
)
def test_columns_of_the_membership_report_vary(jumpcloud: JumpCloud, columns: str, there: str, missing: str) -> None:
    jumpcloud.user()
    jumpcloud.switch(report_columns=columns)
    header = _content(jumpcloud, _order(jumpcloud), "CSV").splitlines()[0].split(",")
    assert there in header
    assert missing not in header


def test_the_application_report_says_how_each_user_comes(jumpcloud: JumpCloud) -> None:
    jumpcloud.act("add_application", name="zoom")
    jumpcloud.act("bind_application", application="zoom", user=jumpcloud.user())
    group = jumpcloud.group()
    jumpcloud.act("add_member", group=group, user=jumpcloud.user("bob"))
    jumpcloud.act("bind_application", application="zoom", group=group)
    rows = json.loads(_content(jumpcloud, _order(jumpcloud, "users-to-sso-applications"), "JSON"))
    assert [(row["username"], row["association_type"]) for row in rows] == [("ada", "direct"), ("bob", "group")]


def test_reports_are_listed_newest_first(jumpcloud: JumpCloud, clock: Clock) -> None:
    first = _order(jumpcloud)
    clock.pass_by(1)
    second = _order(jumpcloud, "user-account-health")
    for sort, expected in (("CREATED_AT", [second, first]), ("-CREATED_AT", [first, second])):
        rows = jumpcloud.get(f"{INSIGHTS}/reports", sort=sort).json()
        assert [row["id"] for row in rows] == expected


def test_reports_can_be_missing_from_the_plan_and_unknown(jumpcloud: JumpCloud) -> None:
    assert jumpcloud.post(f"{INSIGHTS}/reports/tea-leaves").status_code == 400
    assert jumpcloud.get(f"{INSIGHTS}/reports/{UNKNOWN}/artifacts/x/content").status_code == 404
    jumpcloud.switch(report_order_status=402)
    assert jumpcloud.post(f"{INSIGHTS}/reports/users-to-user-groups").status_code == 402
