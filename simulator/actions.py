"""Actions: what a person does in a system's own screens, behind the back of the client under test.

An action is a function of a world and of named details that returns plain JSON. It raises ValueError for what cannot
be done.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

Action = Callable[..., dict[str, Any]]


class ActionError(ValueError):
    """An action is unknown or cannot be done; the message says why."""


def actions_by_name(*actions: Action) -> dict[str, Action]:
    """Return the actions by the names of their functions."""
    return {action.__name__: action for action in actions}


def perform(actions: Mapping[str, Action], world: Any, name: str, details: Mapping[str, Any]) -> dict[str, Any]:
    """Carry out one action and return what came of it; raises ActionError."""
    action = actions.get(name)
    if action is None:
        raise ActionError(f"There is no action {name!r}. Choose from: {', '.join(sorted(actions))}.")
    signature = inspect.signature(action)
    try:
        signature.bind(world, **details)
    except TypeError as error:
        raise ActionError(f"{name}: {error}. It takes: {', '.join(list(signature.parameters)[1:])}.") from error
    try:
        return action(world, **details)
    except ActionError:
        raise
    except ValueError as error:
        raise ActionError(f"{name}: {error}") from error


def describe_actions(actions: Mapping[str, Action]) -> dict[str, dict[str, Any]]:
    """Return the details that each action takes (with `?` where they may be missing), and its meaning."""
    return {
        name: {
            "takes": [_shown(each) for each in list(inspect.signature(action).parameters.values())[1:]],
            "means": inspect.getdoc(action),
        }
        for name, action in sorted(actions.items())
    }


def _shown(parameter: inspect.Parameter) -> str:
    if parameter.kind is inspect.Parameter.VAR_KEYWORD:
        return f"… ({parameter.name})"
    return parameter.name if parameter.default is inspect.Parameter.empty else f"{parameter.name}?"
