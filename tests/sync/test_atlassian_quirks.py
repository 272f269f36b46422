"""Every quirk of the organization's contract that reading may meet: the picture is right, or the run failed and said so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from access.entitlements import System
from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.jira.world import ADMIN_ACCOUNT
from simulator.server import Simulators
from simulator.systems import act, dump
from tests.sync.breakages import always, breakages, refusals
from tests.sync.survey import HurriedClock, Quirk, Survey, survive, wide, wire
from tests.sync.test_jira_quirks import BIG, give_and_take, late_change, site_world
from tests.sync.truth import jira_truth

PEOPLE = "/directories/[^/]+/users/search$"
GROUPS = "/directories/[^/]+/groups/search$"
WITHOUT = ("another shape", "a redirect", "a call that is gone")


def organization_of(url: str, folder: Path) -> Iterator[Survey]:
    clock = HurriedClock()
    site = site_world(clock)
    for number in range(6):  # enough groups to make their members worth having from the organization
        act(site, "create_group", name=f"squad-{number}")
        act(site, "add_member", group=f"squad-{number}", account=site.directory.user_ids[20 + number])
    clock.advance(timedelta(days=2))  # what made this world is no news
    with Simulators(jira=site, atlassian=True) as simulators:
        known, world = site.credentials(), simulators.worlds["atlassian"]
        jira = wide(site_url=simulators.jira_url, email=known["email"], api_token=known["token"])
        atlassian = {"org_id": site.organization.id, "api_key": ORGANIZATION_KEY, "api_url": simulators.atlassian_url}
        provisor = wire({"jira": jira, "atlassian": atlassian}, url, folder, clock)
        yield Survey(
            System.JIRA, simulators, provisor, clock, world, lambda _: jira_truth(dump(site)), organization=site
        )
        provisor.store.database.close()


@pytest.fixture
def organization(sqlite_url: str, tmp_path: Path) -> Iterator[Survey]:
    yield from organization_of(sqlite_url, tmp_path)


def changes(survey: Survey) -> None:
    """The same as at the site."""
    survey.world, world = survey.organization, survey.world
    give_and_take(survey)
    survey.world = world


def lagging(survey: Survey) -> None:
    survey.world, world = survey.organization, survey.world
    late_change(survey)
    survey.world = world


SWITCHES = [
    Quirk("nothing unusual", change=changes),
    Quirk("nothing unusual, and events tell", change=changes, full=False),
    Quirk("nothing has changed, and events tell", full=False),
    Quirk("lists end with null", {"end_of_list": "null"}, changes),
    Quirk("events are late", {"event_lag_ms": 600_000}, changes, full=False, settles=True),
    Quirk("events are limited", {"events_per_minute": 1}, changes, full=False),
    Quirk("every call is limited", {"requests_per_minute": 240}, changes),
    Quirk("every call is limited, without a word of when", {"requests_per_minute": 240, "retry_after": False}),
    Quirk("removals are seen late", {"removal_delay_ms": 60_000}, changes, settles=True),
    Quirk("reads lag behind", change=lagging, settles=True),
]


@pytest.mark.parametrize("quirk", SWITCHES, ids=str)
def test_a_switch_is_turned(organization: Survey, quirk: Quirk) -> None:
    survive(organization, quirk)


#: What the organization does not show at the start is done without; what it stops to show half-way is not.
FAULTS = [
    *breakages("atlassian", groups=GROUPS, people=PEOPLE),
    *(
        replace(quirk, fails=None) if quirk.name in WITHOUT else quirk
        for quirk in refusals("atlassian", groups=GROUPS, people=PEOPLE)
    ),
    Quirk(
        "people are gone half-way",
        faults=[always("atlassian", path=PEOPLE, status=410, after=2)],
        fails="needs an update",
    ),
    Quirk(
        "groups are gone half-way",
        faults=[always("atlassian", path=GROUPS, status=410, after=1)],
        fails="needs an update",
    ),
]


@pytest.mark.long  # all systems are read through one HTTP layer: JumpCloud's are in the default suite
@pytest.mark.parametrize("quirk", FAULTS, ids=str)
def test_an_answer_is_lost_or_broken(organization: Survey, quirk: Quirk) -> None:
    survive(organization, quirk)


def revoke_key(survey: Survey) -> object:
    return survey.act("revoke_key", value=ORGANIZATION_KEY)


def give_key_back(survey: Survey) -> object:
    return survey.act("add_key", value=ORGANIZATION_KEY, account_id=ADMIN_ACCOUNT)


CREDENTIALS = [
    Quirk("the key is revoked before", change=revoke_key, fails="refused", mend=give_key_back),
    *(
        Quirk(
            f"the key is revoked before {path}",
            meanwhile=(path, revoke_key),
            after=after,
            fails="refused",
            mend=give_key_back,
        )
        for path, after in ((GROUPS, 0), (GROUPS, 1), (PEOPLE, 0), (PEOPLE, 1))
    ),
    Quirk(
        "the site's token is revoked while the directory is read",
        meanwhile=(PEOPLE, lambda one: act(one.organization, "revoke_token", token="sim-token")),
        after=1,
        fails="refused",
        mend=lambda one: act(one.organization, "issue_token", account=ADMIN_ACCOUNT, token="sim-token"),
    ),
]


@pytest.mark.parametrize("quirk", CREDENTIALS, ids=str)
def test_the_credential_stops_being_good(organization: Survey, quirk: Quirk) -> None:
    survive(organization, quirk)


CHANGES = [
    Quirk(
        "somebody joins a group while people are read",
        meanwhile=(PEOPLE, lambda one: one.act("add_member", group=BIG, account=ADMIN_ACCOUNT)),
        after=1,
    ),
    Quirk(
        "a group goes while people are read",
        meanwhile=(PEOPLE, lambda one: one.act("delete_group", group="team-0")),
        after=1,
    ),
    Quirk(
        "a group goes before people are read",
        meanwhile=(GROUPS, lambda one: one.act("delete_group", group="team-0")),
        after=1,
    ),
]


@pytest.mark.parametrize("quirk", CHANGES, ids=str)
def test_somebody_changes_what_is_being_read(organization: Survey, quirk: Quirk) -> None:
    survive(organization, quirk)
