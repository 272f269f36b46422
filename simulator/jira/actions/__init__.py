"""What people do in Jira's own screens, behind the API's back."""

from typing import Any

from simulator.actions import perform
from simulator.jira.actions import directory, issues, projects, servicedesk, site
from simulator.jira.world import World

ACTIONS = {**issues.ACTIONS, **directory.ACTIONS, **projects.ACTIONS, **servicedesk.ACTIONS, **site.ACTIONS}


def act(world: World, action: str, /, **details: Any) -> dict[str, Any]:
    """Carry out an action; raises ActionError for what is unknown or cannot be done."""
    return perform(ACTIONS, world, action, details)
