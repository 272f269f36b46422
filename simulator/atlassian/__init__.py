"""A stand-in for Atlassian's organization administration and user management, over a simulated Jira site."""

from simulator.atlassian.api.routes import create_app
from simulator.atlassian.switches import Switches
from simulator.atlassian.world import World

__all__ = ["Switches", "World", "create_app"]
