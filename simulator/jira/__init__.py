"""A stand-in for one Jira Cloud site and the organization it belongs to."""

from simulator.jira.actions import ACTIONS, act
from simulator.jira.api.responses import error_body
from simulator.jira.api.routes import create_app
from simulator.jira.seeding import seed
from simulator.jira.snapshot import dump, load, replicate
from simulator.jira.switches import Switches
from simulator.jira.world import World

__all__ = ["ACTIONS", "Switches", "World", "act", "create_app", "dump", "error_body", "load", "replicate", "seed"]
