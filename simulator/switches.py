"""Switches: the uncertain facts and the quirks of a system, one field of a model each, changeable while it runs."""

from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError


class SwitchError(ValueError):
    """A switch was named that the system does not have, or was given a value that does not fit."""


class SwitchBoard(BaseModel):
    """The switches of one system; the docstring of a field says what the switch does."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True, use_attribute_docstrings=True)


def change_switches(switches: SwitchBoard, **values: Any) -> None:
    """Set some switches: all of them, or none.

    Raises SwitchError when a name is no switch or a value does not fit.
    """
    known = type(switches).model_fields
    if unknown := sorted(set(values) - set(known)):
        raise SwitchError(f"No such switch: {', '.join(unknown)}. Choose from: {', '.join(sorted(known))}.")
    try:
        checked = type(switches).model_validate({**switches.model_dump(), **values})
    except ValidationError as exc:
        first = exc.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"])
        raise SwitchError(f"Switch {name} cannot be {first['input']!r}: {first['msg']}.") from exc
    for name in values:
        setattr(switches, name, getattr(checked, name))


def describe_switches(switches: SwitchBoard) -> dict[str, dict[str, Any]]:
    """Return the value, default and meaning of every switch."""
    return {
        name: {
            "value": getattr(switches, name),
            "default": field.get_default(call_default_factory=True),
            "means": field.description,
        }
        for name, field in type(switches).model_fields.items()
    }
