"""One row leaves and another joins between two pages of a list: its total is what it was, and a row that stays moves past.

The picture has to show everything that stayed: what was skipped is noticed, and the list read again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from access.entitlements import System
from simulator.jira import World, seed
from simulator.server import Simulators
from simulator.systems import act
from tests.sync.survey import HurriedClock, Survey, wide, wire
from tests.sync.test_jumpcloud_quirks import company_of, group_of, member_of, user_of
from tests.sync.truth import jira_truth

BIG = "everybody"
FIRST_PAGES = ("skip=0&", "startAt=0&")


@pytest.fixture
def company(sqlite_url: str, tmp_path: Path) -> Iterator[Survey]:
    yield from company_of(sqlite_url, tmp_path, concurrency=1)


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Iterator[Survey]:
    """A site whose accounts and one group's members need two pages, read one call after the other."""
    clock = HurriedClock()
    world = World(clock=clock.seconds)
    world.switches.burst_bucket = 0
    seed(world, users=1100, groups=2, projects=1, members_per_group=4)
    act(world, "create_group", name=BIG)
    for account in world.directory.user_ids[100:170]:
        act(world, "add_member", group=BIG, account=account)
    with Simulators(jira=world) as simulators:
        known = world.credentials()
        jira = wide(site_url=simulators.jira_url, email=known["email"], api_token=known["token"], concurrency=1)
        provisor = wire({"jira": jira}, sqlite_url, tmp_path, clock)
        yield Survey(System.JIRA, simulators, provisor, clock, world, jira_truth)
        provisor.store.database.close()


def swap_between_pages(survey: Survey, path: str, swap: Callable[[], object], *, of: str = "") -> None:
    """A good picture; then another, in which ``swap`` happens before the second page of the list at ``path``.

    ``of`` is what the queries for the list have in them, where other lists are at the same path.
    """
    survey.is_right(survey.sync())
    queries = [f"{call.query}&" for call in survey.simulators.calls.latest() if call.path.endswith(path)]
    second = next(
        number
        for number, query in enumerate(queries)
        if of in query and not any(first in query for first in FIRST_PAGES)
    )
    earlier = survey.truth()
    with survey.meanwhile(f"{path}$", swap, after=second):
        run = survey.sync()
    survey.is_between(run, earlier, survey.truth())
    survey.is_right(survey.sync())


def test_a_member_who_moves_past_the_offset_is_read_in_jumpcloud(company: Survey) -> None:
    group, stranger = group_of(company), user_of(company, 125)

    def swap() -> None:
        company.act("remove_member", group="Everybody", user=member_of(company, 0))
        company.act("add_member", group="Everybody", user=stranger)

    swap_between_pages(company, f"/usergroups/{group}/members", swap)


def test_a_user_who_moves_past_the_offset_is_read_in_jumpcloud(company: Survey) -> None:
    def swap() -> None:
        company.act("delete_user", user=user_of(company, 3))
        company.act("add_user", email="late@example.com")

    swap_between_pages(company, "/api/systemusers", swap)


def test_a_member_who_moves_past_the_offset_is_read_in_jira(site: Survey) -> None:
    def swap() -> None:
        members = site.world.group(BIG).members
        stranger = next(one for one in reversed(site.world.directory.user_ids) if one > members[-1])
        site.act("remove_member", group=BIG, account=members[0])
        site.act("add_member", group=BIG, account=stranger)

    swap_between_pages(site, "/group/member", swap, of=site.world.group(BIG).id)


@pytest.mark.parametrize("how_many", [1, 30])
def test_accounts_that_move_past_the_offset_are_read_in_jira(site: Survey, how_many: int) -> None:
    def swap() -> None:
        directory = site.world.directory
        for number in range(how_many):
            gone = directory.user_ids[200]
            site.act("remove_user", account=gone)
            directory.user_ids.remove(gone)
            del directory.users[gone]
            site.act("create_user", email=f"late-{number}@example.com")

    swap_between_pages(site, "/users/search", swap)
