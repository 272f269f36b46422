"""The rules for providers: kept by both of ours, and each broken by a provider with that very defect."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.ticketing import conformance_desks
from tests.ticketing.broken_providers import DEFECTS
from tests.ticketing.conformance_desks import SimulatedDesk
from tests.ticketing.simulated_ticketing import SimulatedTicketing, client_of
from ticketing.conformance import RULES, broken_rules, main
from ticketing.jira import JiraTicketProvider


@pytest.fixture(scope="module")
def site() -> Iterator[SimulatedTicketing]:
    with SimulatedTicketing.open() as opened:
        yield opened


@pytest.mark.parametrize("kind", ["work_items", "requests"])
def test_our_providers_keep_every_rule(kind: str) -> None:
    with getattr(conformance_desks, kind)() as desk:
        assert list(broken_rules(desk)) == []


@pytest.mark.parametrize("defect", DEFECTS, ids=lambda defect: defect.__name__)
def test_each_defect_breaks_its_rule(site: SimulatedTicketing, defect: type[JiraTicketProvider]) -> None:
    client = client_of(site.simulators.jira_url)
    desk = SimulatedDesk(site, defect(client, site_url=site.simulators.jira_url))
    (broken,) = broken_rules(desk, [DEFECTS[defect]])
    assert (broken.name, bool(broken.says), bool(broken.seen)) == (DEFECTS[defect].__name__, True, True)


def test_every_rule_has_a_defect_that_breaks_it() -> None:
    assert set(RULES) == set(DEFECTS.values())


def test_without_the_name_of_a_desk_it_says_how_it_is_used(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "python -m ticketing.conformance" in capsys.readouterr().err
