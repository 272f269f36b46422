from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from getpass import getuser
from pathlib import Path
from typing import Any

import pytest

from access.entitlements import System
from simulator.systems import act
from store.unit_of_work import Store
from tests.cli.command_result import RunCommand
from tests.cli.company import Company


def test_connectors_show_the_state_of_each_system_without_asking_it(
    provisor: RunCommand, both: Path, company: Company, configure: Callable[..., Path]
) -> None:
    def states() -> dict[str, str]:
        return {row["system"]: row["state"] for row in provisor("connectors", "-c", both, "--json").json}

    assert states() == {"jumpcloud": "connected", "jira": "connected"}
    company.jumpcloud.keys.clear()
    provisor("sync", "-c", both, "--json")
    assert states() == {"jumpcloud": "failed", "jira": "connected"}
    configure(jumpcloud={"api_url": company.simulators.jumpcloud_url, "api_key": "another-key"})
    assert states() == {"jumpcloud": "failed", "jira": "not connected"}


def test_connectors_show_the_snapshot_and_what_can_be_read_and_changed(provisor: RunCommand, both: Path) -> None:
    provisor("sync", "-c", both, "--json")
    jumpcloud, jira = provisor("connectors", "-c", both, "--json").json
    assert jumpcloud["credential"] == "api key"
    assert jira["credential"] == "api token at the site"
    assert jumpcloud["counts"]["accounts"] == 4
    assert jumpcloud["snapshot"]["age_seconds"] >= 0
    assert jumpcloud["reads"] == ["admin", "admin-role", "application", "group", "user"]
    assert jumpcloud["provisions"] == {"give": ["group"], "take": ["group"]}
    assert jira["provisions"] == {"give": ["account", "group", "project-role"], "take": ["group", "project-role"]}
    told = provisor("connectors", "-c", both).out
    assert "account (give), group, project-role" in told
    assert "Provisioning is off." in told


def test_connectors_tell_a_sync_that_is_under_way(provisor: RunCommand, jumpcloud_only: Path, store: Store) -> None:
    with store.write() as work:
        work.sync_runs.begin("sy-theirs", System.JUMPCLOUD, previous_run_id=None, now=datetime.now(UTC))
    jumpcloud, _ = provisor("connectors", "-c", jumpcloud_only, "--json").json
    assert (jumpcloud["state"], jumpcloud["snapshot"]) == ("syncing", None)


@pytest.fixture
def stopped(store: Store) -> datetime:
    """Jira asked for no reads, and for no searches of users, until then; JumpCloud for no reads until a second ago."""
    now = datetime.now(UTC)
    with store.write() as work:
        for system, calls, until in (("jira", "read", 60), ("jira", "user-search", 60), ("jumpcloud", "read", -1)):
            work.budgets.stop(system, calls, now + timedelta(seconds=until), now=now - timedelta(minutes=1))
    return now + timedelta(seconds=60)


def test_connectors_show_the_stops_in_force_and_how_to_lift_them(
    provisor: RunCommand, config: Path, stopped: datetime
) -> None:
    jumpcloud, jira = provisor("connectors", "-c", config, "--json").json
    assert jumpcloud["stops"] == []
    assert [(stop["calls"], stop["until"]) for stop in jira["stops"]] == [
        ("read", f"{stopped:%Y-%m-%dT%H:%M:%SZ}"),
        ("user-search", f"{stopped:%Y-%m-%dT%H:%M:%SZ}"),
    ]
    told = provisor("connectors", "-c", config).out
    assert (
        f"jira: its service asked for no calls of the class user-search before {stopped:%Y-%m-%dT%H:%M:%SZ}. "
        "'provisor connectors lift jira'" in told
    )


@pytest.mark.parametrize("place", ["before", "after"])
def test_lifted_stops_are_over_and_the_audit_trail_says_who_lifted_them(
    provisor: RunCommand, config: Path, stopped: datetime, store: Store, place: str
) -> None:
    settings = ("-c", config)
    words = (
        ("connectors", *settings, "lift", "jira") if place == "before" else ("connectors", "lift", "jira", *settings)
    )
    assert provisor(*words).out.count("jira: lifted the stop until ") == 2
    with store.read() as work:
        assert work.budgets.stops(now=datetime.now(UTC)) == ()
        rows = [row for _, row in work.audit.after(0)]
    assert [(row.actor, row.event, row.entity_id, row.detail) for row in rows] == [
        (f"operator:{getuser()}", "stop.lifted", "jira", {"calls": "read"}),
        (f"operator:{getuser()}", "stop.lifted", "jira", {"calls": "user-search"}),
    ]
    assert provisor("connectors", "lift", "jira", "-c", config).out == "jira: no stop is in force.\n"


def test_a_stop_of_the_site_for_tickets_is_shown_with_jira_and_lifted_by_a_name_of_its_own(
    provisor: RunCommand, config: Path, store: Store
) -> None:
    now = datetime.now(UTC)
    with store.write() as work:
        for budget in ("jira", "ticketing"):
            work.budgets.stop(budget, "write", now + timedelta(seconds=60), now=now)
    _, jira = provisor("connectors", "-c", config, "--json").json
    assert [stop["budget"] for stop in jira["stops"]] == ["jira", "ticketing"]
    assert [stop["budget"] for stop in provisor("connectors", "lift", "ticketing", "-c", config, "--json").json] == [
        "ticketing"
    ]
    with store.read() as work:
        assert [stop.system for stop in work.budgets.stops(now=now)] == ["jira"]
    assert provisor("connectors", "lift", "wiki", "-c", config).code == 2


@pytest.mark.parametrize("system", ["jumpcloud", "jira"])
def test_another_organization_or_site_is_not_read_and_the_doctor_says_so_until_somebody_accepts_it(
    provisor: RunCommand, both: Path, company: Company, store: Store, system: str
) -> None:
    """A11: its people are none of ours, however complete the snapshot."""

    def synced(state: str) -> dict[str, Any]:
        rows = {row["system"]: row for row in provisor("sync", "-c", both, "--json").json}
        assert rows[system]["state"] == state
        with store.read() as work:
            snapshot = work.snapshots.current(System(system))
        assert snapshot is not None
        return {"run": snapshot.run_id, "error": rows[system].get("error") or ""}

    def tenants() -> list[str]:
        found = provisor("doctor", "-c", both, "--json")
        return [each["outcome"] for each in found.json if (each["area"], each["check"]) == ("tenants", system)]

    before = synced("complete")
    assert tenants() == ["ok"]
    if system == "jumpcloud":
        act(company.jumpcloud, "set_organization", organization_id="f" * 24, name="Other Corp")
    else:
        act(company.jira, "set_site", cloud_id="ffffffff-ffff-4fff-8fff-ffffffffffff")
    after = synced("failed")
    assert after["run"] == before["run"]
    assert "ffffffff" in after["error"]
    assert tenants() == ["problem"]
    assert provisor("connectors", "accept", system, "-c", both, "--reason", "moved").code == 0
    assert tenants() == ["ok"]
    assert synced("complete")["run"] != before["run"]
    with store.read() as work:
        accepted = [row for _, row in work.audit.after(0) if row.event == "tenant.accepted"]
    assert [row.detail["reason"] for row in accepted] == ["moved"]
