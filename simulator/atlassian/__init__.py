"""A stand-in for Atlassian's organization administration and user management, over a simulated Jira site.

The Jira world holds people and groups, so seeding it seeds the organization.
"""

from simulator.atlassian.actions import ACTIONS, act
from simulator.atlassian.api.routes import create_app
from simulator.atlassian.errors import error_body
from simulator.atlassian.snapshot import dump, load, replicate
from simulator.atlassian.switches import Switches
from simulator.atlassian.world import World

__all__ = ["ACTIONS", "Switches", "World", "act", "create_app", "dump", "error_body", "load", "replicate"]
