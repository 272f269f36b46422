"""Whole syncs over HTTP: each snapshot is the truth, or the run says why it failed and the old snapshot stays.

What a reader alone can show is in ``tests/connectors/test_*_reading*``.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from access.entitlements import System
from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.jira import World, seed
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from tests.connectors.snapshot_truth import jira_truth
from tests.sync.sync_harness import BIG, FastClock, SyncHarness, company_of, wide, wire

MEMBERS = "/members$"
KNOWN = JumpCloudWorld().credentials()


def change_company(company: SyncHarness) -> None:
    """Changes of every sort."""
    users = [user.id for user in company.world.users]
    company.act("add_user", email="new@example.com")
    company.act("suspend_user", user=users[4])
    company.act("delete_user", user=users[5])
    company.act("add_member", group=BIG, user="new@example.com")
    company.act("remove_member", group=BIG, user=users[0])
    company.act("add_group", name="Added")
    company.act("add_member", group="Added", user="new@example.com")
    company.act("delete_group", group="admins-1")
    company.act("add_application", name="added", displayLabel="Added")
    company.act("bind_application", application="Added", group="Added")
    company.act("bind_application", application="Added", user="new@example.com")
    company.act("add_admin", email="chief@example.com", roleName="Manager")


@pytest.mark.parametrize("full", [True, False])
def test_a_snapshot_of_jumpcloud_replaces_the_last_one(company: SyncHarness, *, full: bool) -> None:
    company.is_right(company.sync())
    company.clock.advance(timedelta(hours=1))
    change_company(company)
    company.is_right(company.sync(full=full))


@pytest.mark.parametrize("method", ["report", "auto"])
def test_memberships_come_by_the_method_of_the_settings(sqlite_url: str, tmp_path: Path, method: str) -> None:
    for company in company_of(sqlite_url, tmp_path, sync=method):
        company.switch(report_delay_ms=4_000, search_returns_memberof=True)
        company.is_right(company.sync())
        listed = [call.path for call in company.simulators.calls.latest() if call.path.endswith("/members")]
        assert len(listed) <= 3, "the lists that the report or the search is compared with"


def test_a_service_account_of_the_settings_reads(sqlite_url: str, tmp_path: Path) -> None:
    account = {name: KNOWN[name] for name in ("client_id", "client_secret")}
    for company in company_of(sqlite_url, tmp_path, **account):
        company.switch(token_seconds=1)
        company.is_right(company.sync())


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


@pytest.mark.parametrize("fault", [{"status": 200, "body": "<html>"}, {"truncate_to": 300}, {"status": 429}], ids=str)
def test_an_answer_that_passes_is_waited_for(company: SyncHarness, fault: dict[str, Any]) -> None:
    for path in ("^/api/systemusers$", f"{company.world.group_ids[BIG.casefold()]}/members"):
        company.simulators.faults.add(path=path, **fault)
    company.is_right(company.sync())


def test_what_jumpcloud_shows_late_is_in_the_next_snapshot(company: SyncHarness) -> None:
    company.is_right(company.sync())
    company.clock.advance(timedelta(hours=1))
    earlier = company.truth()
    company.switch(consistency_lag_ms=300_000, event_lag_ms=300_000)
    change_company(company)
    company.is_between(company.sync(full=False), earlier, company.truth())
    company.clock.advance(timedelta(hours=1))
    company.is_right(company.sync(full=False))


def test_half_of_a_list_for_a_moment_fails_the_run_and_the_old_snapshot_stays(company: SyncHarness) -> None:
    company.is_right(company.sync())
    before, group = company.everything(), company.world.group_ids[BIG.casefold()]
    half = [{"to": {"id": user, "type": "user"}} for user in list(company.world.members.rights(group))[:50]]
    company.simulators.faults.add(path=f"{group}/members", status=200, body=half, headers={"x-total-count": "50"})
    run = company.sync()
    company.failed_honestly(run, before)
    assert "did not agree" in str(run.error)
    company.is_right(company.sync())


def test_a_credential_that_ends_half_way_fails_the_run_and_the_old_snapshot_stays(company: SyncHarness) -> None:
    company.is_right(company.sync())
    before = company.everything()
    company.clock.advance(timedelta(hours=1))
    change_company(company)
    with company.meanwhile(MEMBERS, lambda: company.act("reset_key", admin="owner@example.com"), after=3):
        run = company.sync()
    company.failed_honestly(run, before)
    assert "refused" in str(run.error)
    company.act("reset_key", admin="owner@example.com", api_key=KNOWN["api_key"])
    company.is_right(company.sync())


@pytest.fixture(params=["site", "organization"])
def site(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[SyncHarness]:
    """A Jira site, read alone or with its organization."""
    clock = FastClock()
    world = World(clock=clock.seconds)
    seed(world, users=60, groups=9, projects=2, members_per_group=4, team_managed_every=2)
    clock.advance(timedelta(days=2))  # what made this world is no news
    with Simulators(jira=world, atlassian=True) as simulators:
        known = world.credentials()
        jira = wide(site_url=simulators.jira_url, email=known["email"], api_token=known["token"])
        atlassian = {"org_id": world.organization.id, "api_key": ORGANIZATION_KEY, "api_url": simulators.atlassian_url}
        settings = {"jira": jira} if request.param == "site" else {"jira": jira, "atlassian": atlassian}
        provisor = wire(settings, sqlite_url, tmp_path, clock)
        yield SyncHarness(System.JIRA, simulators, provisor, clock, world, jira_truth)
        provisor.store.database.close()


@pytest.mark.parametrize("full", [True, False])
def test_a_snapshot_of_jira_replaces_the_last_one(site: SyncHarness, *, full: bool) -> None:
    site.is_right(site.sync())
    site.clock.advance(timedelta(hours=1))
    people = [one for one in site.world.directory.user_ids if one != ADMIN_ACCOUNT]
    site.act("create_user", email="new@example.com")
    site.act("deactivate", account=people[10])
    site.act("close_account", account=people[11])
    site.act("remove_user", account=people[12])
    site.act("add_member", group="team-0", account="new@example.com")
    site.act("delete_group", group="team-1")
    site.act("rename_group", group="team-2", name="the second team")
    site.act("create_group", name="added")
    site.act("add_member", group="added", account="new@example.com")
    site.act("create_project", key="NEW", style="next-gen")
    site.act("archive_project", project="PA")
    for project, actor in (("PB", {"group": "added"}), ("NEW", {"user": "new@example.com"})):
        role = site.world.catalogue.roles_of(site.world.project(project))[0].id
        site.act("add_role_actor", project=project, role=str(role), **actor)
    site.is_right(site.sync(full=full))
