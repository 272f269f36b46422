"""The command line as data: read off the application itself, for the page about it and for checking mentions of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Literal, get_args, get_origin


@dataclass(frozen=True, slots=True)
class Parameter:
    """An argument or an option: how it is written, and what it is for."""

    written: str
    help: str


@dataclass(frozen=True, slots=True)
class Command:
    """A command or a group of them. ``passes_on`` is whether it takes any option, for another program."""

    name: str
    help: str
    usage: str = ""
    arguments: Sequence[Parameter] = ()
    flags: Sequence[Parameter] = ()
    options: frozenset[str] = frozenset()
    #: Those of the options that a value follows.
    valued: frozenset[str] = frozenset()
    commands: Mapping[str, Command] = field(default_factory=dict)
    passes_on: bool = False


def command_tree() -> Command:
    """All of ``provisor``."""
    import typer  # noqa: PLC0415 - so that rules about text need nothing of the product

    from provisor.__main__ import command_line  # noqa: PLC0415 - as above

    return _read("provisor", typer.main.get_command(command_line()), "provisor")


def _read(name: str, command: Any, path: str) -> Command:
    below = getattr(command, "commands", {})
    arguments, flags, options, valued = [], [], {"--help", "-h"}, set[str]()
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            arguments.append(Parameter(parameter.metavar or parameter.name.upper(), parameter.help or ""))
        elif not parameter.hidden and parameter.name != "help":
            options |= {*parameter.opts, *parameter.secondary_opts}
            valued |= set() if parameter.is_flag else {*parameter.opts}
            flags.append(Parameter(_written(parameter), parameter.help or ""))
    words = [path, *(argument.written for argument in arguments)]
    return Command(
        name=name,
        help=(command.help or "").strip(),
        usage=" ".join(words),
        arguments=tuple(arguments),
        flags=tuple(flags),
        options=frozenset(options),
        valued=frozenset(valued),
        commands={each: _read(each, inner, f"{path} {each}") for each, inner in below.items()},
        passes_on=bool(command.context_settings.get("ignore_unknown_options")),
    )


def _written(option: Any) -> str:
    names = ", ".join(sorted(option.opts, key=len, reverse=True))
    return names if option.is_flag else f"{names} {option.metavar or _value(option.type_descriptor.annotation)}"


def _value(annotation: Any) -> str:
    """What is written for a value of this type: the words it can be, or a placeholder."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Enum):
            return "|".join(str(each.value) for each in candidate)
        if get_origin(candidate) is Literal:
            return "|".join(get_args(candidate))
        if candidate in (int, float):
            return "N"
    return "TEXT"
