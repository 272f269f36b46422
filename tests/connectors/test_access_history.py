"""What the logs of the systems tell of who got and lost access: every change once, by whom, and how far back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from access.entitlements import ResourceKind
from access.truth import Log, Reason
from connectors.jira.client import api_token, jira_client
from connectors.jira.reading import JiraHistory
from connectors.jumpcloud import api_key, jumpcloud_client
from connectors.jumpcloud.reading import JumpCloudHistory
from httpclient import ClientOptions, RetryPolicy
from simulator.systems import act
from tests.connectors.jira_reader_harness import ADMIN, TOKEN, JiraReaderHarness, jira_harness
from tests.connectors.jumpcloud_reader_harness import JumpCloudReaderHarness
from tests.httpclient.stub import TIMEOUTS

GROUP, ROLE, ACCOUNT, APPLICATION = (
    ResourceKind.GROUP, ResourceKind.PROJECT_ROLE, ResourceKind.ACCOUNT, ResourceKind.APPLICATION,
)  # fmt: skip
OPTIONS = ClientOptions(timeouts=TIMEOUTS, retry_policy=RetryPolicy.none())


def lately() -> datetime:
    return datetime.now(UTC) - timedelta(hours=1)


def told(log: Log, *, of: str | None = None) -> list[tuple[ResourceKind, str, str, bool]]:
    """The changes, oldest first; only those ``of`` a resource, and of accounts."""
    changes = [each for each in reversed(log.changes) if of is None or each.resource in {"", of}]
    return [(each.kind, each.resource, each.principal, each.present) for each in changes]


@pytest.fixture
def events(harness: JumpCloudReaderHarness) -> Iterator[JumpCloudHistory]:
    client = jumpcloud_client(
        base_url=harness.simulators.jumpcloud_url,
        credential=api_key(harness.world.credentials()["api_key"]),
        options=OPTIONS,
    )
    yield JumpCloudHistory(client)
    client.close()


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_jumpcloud_tells_members_bindings_and_suspensions(
    harness: JumpCloudReaderHarness, events: JumpCloudHistory, case: str
) -> None:
    harness.switch(association_type_case=case)
    user = harness.act("add_user", email="ada@acme.example")["id"]
    group = harness.act("add_group", name="Engineering")["id"]
    application = harness.act("add_application", name="github", label="GitHub")["id"]
    harness.act("add_member", group="Engineering", user=user)
    harness.act("bind_application", application=application, user=user)
    harness.act("bind_application", application=application, group=group)
    harness.act("suspend_user", user=user)
    harness.act("activate_user", user=user)
    harness.act("remove_member", group="Engineering", user=user)
    reading = events.read(lately())
    assert sorted(told(reading.log)) == sorted(
        [
            (GROUP, group, user, True),
            (APPLICATION, application, user, True),
            (APPLICATION, application, group, True),
            (ACCOUNT, "", user, False),
            (ACCOUNT, "", user, True),
            (GROUP, group, user, False),
        ]
    )
    assert [each.of_group for each in reading.log.changes if each.principal == group] == [True]
    assert all(each.by for each in reading.log.changes)


def test_jumpclouds_log_reaches_back_to_its_oldest_event(
    harness: JumpCloudReaderHarness, events: JumpCloudHistory
) -> None:
    user = harness.act("add_user", email="ada@acme.example")["id"]
    harness.group("Engineering")
    harness.act("add_member", group="Engineering", user=user)
    log = events.read(lately()).log
    assert log.gap(GROUP, datetime.now(UTC)) is None
    assert log.gap(ACCOUNT, datetime.now(UTC)) is None
    before = log.gap(GROUP, lately())
    assert before is not None
    assert before[0] is Reason.BEFORE_THE_LOG
    roles = log.gap(ResourceKind.ADMIN_ROLE, datetime.now(UTC))
    assert roles is not None, "the log does not tell the roles of administrators"


def test_a_log_without_a_single_membership_may_not_keep_them(
    harness: JumpCloudReaderHarness, events: JumpCloudHistory
) -> None:
    harness.act("add_user", email="ada@acme.example")
    gap = events.read(lately()).log.gap(GROUP, datetime.now(UTC))
    assert gap is not None
    assert gap[0] is Reason.LOG_UNREADABLE


def test_a_refused_log_names_the_right(harness: JumpCloudReaderHarness, events: JumpCloudHistory) -> None:
    harness.simulators.faults.add(
        system="jumpcloud", path="/insights/", times=None, status=403, body={"message": "Forbidden"}
    )
    reading = events.read(lately())
    assert reading.log.gap(GROUP, datetime.now(UTC)) == (
        Reason.LOG_UNREADABLE, "the credential may not read Directory Insights (403); give it a role that reads events",
    )  # fmt: skip


@pytest.mark.parametrize("entries", ["own", "both"])
def test_jumpcloud_tells_what_its_own_access_requests_gave(
    harness: JumpCloudReaderHarness, events: JumpCloudHistory, entries: str
) -> None:
    harness.switch(access_request_events=entries)
    user = harness.act("add_user", email="ada@acme.example")["id"]
    group = harness.act("add_group", name="Engineering")["id"]
    harness.act("approve_access_request", group="Engineering", user=user)
    harness.act("end_access_request", group="Engineering", user=user)
    harness.act("add_member", group="Engineering", user=user)
    changes = events.read(lately()).log.of(GROUP, group, user)
    noted = {event.id for event in harness.world.journal}
    assert all(each.record in noted for each in changes)
    assert [(each.present, each.cause is not None) for each in changes if each.cause or each.present] == (
        [(True, False), (False, True), (True, True)] if entries == "own" else
        [(True, False), (False, True), (True, False), (True, True)]
    )  # fmt: skip


def test_a_log_that_is_late_or_lost_an_event_tells_the_rest(
    harness: JumpCloudReaderHarness, events: JumpCloudHistory
) -> None:
    user = harness.act("add_user", email="ada@acme.example")["id"]
    groups = [harness.act("add_group", name=name)["id"] for name in ("one", "two", "three")]
    harness.act("add_member", group="one", user=user)
    harness.switch(events_lost_every=1)
    harness.act("add_member", group="two", user=user)
    harness.switch(events_lost_every=0, event_lag_ms=3_600_000)
    harness.act("add_member", group="three", user=user)
    log = events.read(lately()).log
    assert [len(log.of(GROUP, group, user)) for group in groups] == [1, 0, 0]


@pytest.fixture
def jira() -> Iterator[JiraReaderHarness]:
    with jira_harness(organization=True) as made:
        act(made.world, "create_project", key="PAY")
        for who in ("ada", "bob"):
            act(made.world, "create_user", email=f"{who}@acme.example")
        act(made.world, "create_group", name="team")
        yield made


def audit(jira: JiraReaderHarness, *, organized: bool = False) -> JiraHistory:
    client = jira_client(base_url=jira.simulators.jira_url, credential=api_token(ADMIN, TOKEN), options=OPTIONS)
    return JiraHistory(client, jira.organization() if organized else None)


def test_jira_tells_who_came_into_a_role_and_left_it(jira: JiraReaderHarness) -> None:
    where = {"project": "PAY", "role": "Developers"}
    ada, bob = (jira.world.user(f"{who}@acme.example").account_id for who in ("ada", "bob"))
    act(jira.world, "add_role_actor", **where, user=ada)
    act(jira.world, "add_role_actor", **where, user=bob)
    act(jira.world, "remove_role_actor", **where, user=ada)
    act(jira.world, "add_role_actor", **where, group="team")
    project, role = jira.world.project("PAY").id, jira.world.role("PAY", "Developers").id
    log = audit(jira).read(lately()).log
    path, group = f"{project}/{role}", jira.world.group("team").id
    assert told(log) == [
        (ROLE, path, ada, True),
        (ROLE, path, bob, True),
        (ROLE, path, ada, False),
        (ROLE, path, group, True),
    ]
    assert [each.of_group for each in log.changes] == [True, False, False, False]
    assert log.gap(ROLE, datetime.now(UTC)) is None


def test_a_record_that_is_not_understood_stands_for_any_change_of_that_role(jira: JiraReaderHarness) -> None:
    ada = jira.world.user("ada@acme.example").account_id
    act(jira.world, "add_role_actor", project="PAY", role="Developers", user=ada)
    entries = jira.world.journal.entries
    entries[-1] = replace(entries[-1], changes=())
    (change,) = audit(jira).read(lately()).log.changes
    assert (change.kind, change.of_group, change.principal) == (ROLE, True, "")


def test_without_the_organization_groups_and_accounts_are_gaps(jira: JiraReaderHarness) -> None:
    act(jira.world, "add_role_actor", project="PAY", role="Developers", user="ada@acme.example")
    act(jira.world, "add_member", group="team", account="ada@acme.example")
    log = audit(jira).read(lately()).log
    assert [gap is None for gap in (log.gap(kind, datetime.now(UTC)) for kind in (ROLE, GROUP, ACCOUNT))] == [
        True, False, False,
    ]  # fmt: skip


def test_an_older_sites_own_log_tells_its_groups(jira: JiraReaderHarness) -> None:
    jira.switch(audit_membership_events=True)
    ada, group = jira.world.user("ada@acme.example").account_id, jira.world.group("team").id
    act(jira.world, "add_member", group="team", account=ada)
    act(jira.world, "remove_member", group="team", account=ada)
    log = audit(jira).read(lately()).log
    assert told(log, of=group) == [(GROUP, group, ada, True), (GROUP, group, ada, False)]
    assert log.gap(GROUP, datetime.now(UTC)) is None


@pytest.mark.parametrize("own_log", [False, True])
def test_the_organization_tells_groups_and_suspensions_once(jira: JiraReaderHarness, own_log: bool) -> None:  # noqa: FBT001 - a table's cell
    jira.switch(audit_membership_events=own_log)
    ada, group = jira.world.user("ada@acme.example").account_id, jira.world.group("team").id
    act(jira.world, "add_member", group="team", account=ada)
    act(jira.world, "suspend", account=ada)
    act(jira.world, "restore", account=ada)
    act(jira.world, "deactivate", account=ada)
    log = audit(jira, organized=True).read(lately()).log
    assert told(log, of=group) == [
        (GROUP, group, ada, True), (ACCOUNT, "", ada, False), (ACCOUNT, "", ada, True), (ACCOUNT, "", ada, False),
    ]  # fmt: skip
    assert [log.gap(kind, datetime.now(UTC)) for kind in (GROUP, ACCOUNT)] == [None, None]


def test_a_free_plan_has_no_log(jira: JiraReaderHarness) -> None:
    jira.switch(free_plan=True)
    gap = audit(jira).read(lately()).log.gap(ROLE, datetime.now(UTC))
    assert gap is not None
    assert "paid plan" in gap[1]


@pytest.mark.parametrize(
    "switch", [{"audit_lost_every": 1}, {"audit_lag_ms": 3_600_000}], ids=lambda each: next(iter(each))
)
@pytest.mark.parametrize("organized", [False, True])
def test_what_jiras_logs_lost_or_do_not_show_yet_is_not_told(
    jira: JiraReaderHarness,
    switch: dict[str, int],
    organized: bool,  # noqa: FBT001 - a table's cell
) -> None:
    ada = jira.world.user("ada@acme.example").account_id
    act(jira.world, "add_role_actor", project="PAY", role="Developers", user=ada)
    path = f"{jira.world.project('PAY').id}/{jira.world.role('PAY', 'Developers').id}"
    history = audit(jira, organized=organized)
    assert [each.record for each in history.read(lately()).log.of(ROLE, path, ada)] != []
    jira.switch(**switch)
    assert history.read(lately()).log.of(ROLE, path, ada) == ()


def test_a_site_that_keeps_records_for_a_day_tells_nothing_older(jira: JiraReaderHarness) -> None:
    ada = jira.world.user("ada@acme.example").account_id
    for days in (3, 0):
        act(jira.world, "add_role_actor" if days else "remove_role_actor", project="PAY", role="Developers", user=ada)
        entries = jira.world.journal.entries
        entries[-1] = replace(entries[-1], at=entries[-1].at - days * 86_400)
    jira.switch(audit_retention_days=1)
    log = audit(jira).read(datetime.now(UTC) - timedelta(days=7)).log
    assert [each.present for each in log.changes if each.principal == ada] == [False]
    gap = log.gap(ROLE, datetime.now(UTC) - timedelta(days=7))
    assert gap is not None
    assert gap[0] is Reason.BEFORE_THE_LOG
