"""A stand-in for JumpCloud: directory, single sign-on, Directory Insights and reports of one organization."""

from simulator.jumpcloud.api import create_app
from simulator.jumpcloud.seeding import seed
from simulator.jumpcloud.switches import Switches
from simulator.jumpcloud.world import World

__all__ = ["Switches", "World", "create_app", "seed"]
