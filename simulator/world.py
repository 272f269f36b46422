"""What every simulated system offers to the rest of the simulator.

A system package has a `World` (its state), `create_app(world)` (its HTTP face, with paths exactly as the real
service has them) and `seed(world, ...)`. Nothing else is known about a system outside its own package.
"""

from collections.abc import Mapping
from typing import Any, Protocol

from pydantic import BaseModel, ValidationError


class UnknownSwitchError(ValueError):
    """A switch was named that the system does not have, or was given a value it cannot take."""


class ActError(ValueError):
    """Something was to be done in a console that the world cannot do; the message says what."""


def change_switches(switches: BaseModel, values: Mapping[str, Any]) -> None:
    """Set some switches; all or none of them.

    Raises UnknownSwitchError when a name is not a switch or a value does not fit.
    """
    known = type(switches).model_fields
    if unknown := sorted(set(values) - set(known)):
        raise UnknownSwitchError(f"No such switch: {', '.join(unknown)}. Choose from: {', '.join(sorted(known))}.")
    try:
        checked = type(switches).model_validate({**switches.model_dump(), **values})
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise UnknownSwitchError(f"Switch {name} cannot be {first['input']!r}: {first['msg']}.") from exc
    for name in values:
        setattr(switches, name, getattr(checked, name))


def describe_switches(switches: BaseModel) -> dict[str, dict[str, Any]]:
    """Value, default and meaning of every switch."""
    return {
        name: {
            "value": getattr(switches, name),
            "default": field.get_default(call_default_factory=True),
            "means": field.description,
        }
        for name, field in type(switches).model_fields.items()
    }


class World(Protocol):
    """The state of one simulated system."""

    @property
    def switches(self) -> BaseModel:
        """Every assumed fact and quirk of this system, one field each, changeable while it runs."""

    def dump(self) -> dict[str, Any]:
        """The truth of this world as plain JSON, in the shape that `load` reads."""

    def load(self, document: Mapping[str, Any]) -> None:
        """Add what the document holds to this world; parts may be missing."""

    def act(self, verb: str, /, **details: Any) -> dict[str, Any]:
        """Change the world as a person would in its console, behind the API's back.

        Raises ActError when the verb is unknown or cannot be done.
        """

    def credentials(self) -> dict[str, str]:
        """What a client needs to get in, by the name of the setting."""

    def error_body(self, status: int, message: str) -> Any:
        """The JSON body this service gives with an error status."""
