"""A stand-in for JumpCloud: directory, single sign-on, Directory Insights and reports of one organization."""

from simulator.jumpcloud.actions import ACTIONS, act
from simulator.jumpcloud.api.routes import create_app
from simulator.jumpcloud.errors import error_body
from simulator.jumpcloud.seeding import seed
from simulator.jumpcloud.snapshot import dump, load, replicate
from simulator.jumpcloud.switches import Switches
from simulator.jumpcloud.world import ORGANIZATION_ID, World

__all__ = [
    "ACTIONS",
    "ORGANIZATION_ID",
    "Switches",
    "World",
    "act",
    "create_app",
    "dump",
    "error_body",
    "load",
    "replicate",
    "seed",
]
