"""What the package of every simulated system offers, and how the rest of the simulator finds the package.

Nothing else is known about a system outside its own package.
"""

import importlib
from collections.abc import Mapping
from typing import Any, Protocol, cast

from starlette.types import ASGIApp

from simulator.actions import Action
from simulator.world import World

NAMES = ("jumpcloud", "jira", "atlassian")


class System(Protocol):
    """The package of one simulated system, as a module."""

    ACTIONS: Mapping[str, Action]
    """Every action of the system by name."""

    def create_app(self, world: Any) -> ASGIApp:
        """Return the HTTP face of a world, with paths exactly as the real service has them."""

    def act(self, world: Any, action: str, /, **details: Any) -> dict[str, Any]:
        """Change a world as a person would in the system's own screens; raises ActionError."""

    def dump(self, world: Any) -> dict[str, Any]:
        """Return the truth of a world as plain JSON, in the shape that `load` reads."""

    def load(self, world: Any, document: Mapping[str, Any]) -> None:
        """Add what a document holds to a world; parts may be missing. Raises ValueError."""

    def replicate(self, world: Any) -> Any:
        """Return a copy of a world that goes on no further."""

    def error_body(self, world: Any, status: int, message: str) -> Any:
        """Return the JSON body that this service gives with an error status."""


def system_named(name: str) -> System:
    """Return the package of a system by the system's name."""
    return cast("System", importlib.import_module(f"simulator.{name}"))


def system_of(world: World) -> System:
    """Return the package that a world belongs to."""
    return system_named(type(world).__module__.split(".")[1])


def act(world: World, action: str, /, **details: Any) -> dict[str, Any]:
    """Carry out an action on a world of any system; raises ActionError."""
    return system_of(world).act(world, action, **details)


def dump(world: World) -> dict[str, Any]:
    """Return the truth of a world of any system as plain JSON."""
    return system_of(world).dump(world)


def load(world: World, document: Mapping[str, Any]) -> None:
    """Add what a document holds to a world of any system; raises ValueError."""
    system_of(world).load(world, document)
