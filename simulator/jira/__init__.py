"""A stand-in for one Jira Cloud site and the organization it belongs to."""

from simulator.jira.api.app import create_app
from simulator.jira.seeding import seed
from simulator.jira.switches import Switches
from simulator.jira.world import World

__all__ = ["Switches", "World", "create_app", "seed"]
