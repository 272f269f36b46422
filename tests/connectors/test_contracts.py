"""The pages of contracts name what there is: every switch on them is one of the simulator's."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from simulator.atlassian.switches import Switches as AtlassianSwitches
from simulator.jira.switches import Switches as JiraSwitches
from simulator.jumpcloud.switches import Switches as JumpCloudSwitches

PAGES = Path(__file__).parents[2] / "docs" / "contracts"
SWITCHES: dict[str, type[BaseModel]] = {
    "jumpcloud": JumpCloudSwitches,
    "jira-cloud": JiraSwitches,
    "jira-service-management": JiraSwitches,
    "atlassian-organization": AtlassianSwitches,
}
ROW = re.compile(r"^\| .+ \| [a-zA-Z(), ]+ \|(?P<switches>[^|]*)\|$", re.MULTILINE)


@pytest.mark.parametrize("page", SWITCHES)
def test_every_switch_of_a_page_is_one_of_the_simulators(page: str) -> None:
    rows = ROW.findall((PAGES / f"{page}.md").read_text(encoding="utf-8"))
    named = {name for cell in rows for name in re.findall(r"`([a-z_0-9]+)`", cell)} - {"gateway", "ignored"}
    assert len(rows) > 10
    assert named
    assert named <= SWITCHES[page].model_fields.keys()
