"""What people do in Jira's own screens, behind the API's back."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from simulator.jira.acts import directory, issues, projects, tokens
from simulator.world import ActError

if TYPE_CHECKING:
    from simulator.jira.world import World

Act = Callable[..., dict[str, Any]]
ACTS: dict[str, Act] = {**issues.ACTS, **directory.ACTS, **projects.ACTS, **tokens.ACTS}


def perform(world: World, name: str, details: dict[str, Any]) -> dict[str, Any]:
    """Do what a person would; raises ActError for what is unknown or cannot be done."""
    act = ACTS.get(name)
    if act is None:
        raise ActError(f"There is no act {name!r}. Known: {', '.join(sorted(ACTS))}.")
    signature = inspect.signature(act)
    try:
        signature.bind(world, **details)
    except TypeError as error:
        raise ActError(f"{name}: {error}. It takes: {', '.join(list(signature.parameters)[1:])}.") from error
    try:
        return act(world, **details)
    except ActError:
        raise
    except ValueError as error:
        raise ActError(f"{name}: {error}") from error
