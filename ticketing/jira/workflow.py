"""Which transition brings a ticket back to work, and which brings it to its end. Pure.

Chosen by the category of the status it leads to: names are edited and translated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.jira.responses import Transition
from ticketing.status import CLOSED_CATEGORY, folded

#: Categories of open statuses, in the order a ticket is brought back to.
_BACK_TO = ("new", "indeterminate")
_RESOLUTION = "resolution"


def way_back(transitions: Sequence[Transition], *, before: str | None) -> Transition | None:
    """The transition that reopens: to the status id ``before``, else to new, else to in progress."""
    ways = [each for each in transitions if each.available and each.to.category_key in _BACK_TO]
    return min(
        ways,
        key=lambda way: (
            len(missing_fields(way)) > 0,
            way.to.id != before,
            _BACK_TO.index(way.to.category_key or ""),
        ),
        default=None,
    )


def way_out(transitions: Sequence[Transition], *, declined: Sequence[str]) -> Transition | None:
    """The transition that closes: one that says declined by its status or resolution, else any."""
    ways = [each for each in transitions if each.available and each.to.category_key == CLOSED_CATEGORY]
    return min(
        ways,
        key=lambda way: (
            len(missing_fields(way)) > 0,
            folded(way.to.name) not in declined,
            not resolution_for(way, declined),
        ),
        default=None,
    )


def missing_fields(way: Transition) -> list[str]:
    """Names of the fields the transition's screen wants filled in and that we have nothing for."""
    return [
        field.name or name
        for name, field in way.fields.items()
        if field.required and not field.has_default and not (name == _RESOLUTION and field.choices)
    ]


def resolution_for(way: Transition, declined: Sequence[str]) -> Mapping[str, Any]:
    """The resolution to send, only when the screen offers one: one that means declined, or any when it must be set."""
    field = way.fields.get(_RESOLUTION)
    if field is None or not field.choices:
        return {}
    ranked = {folded(choice.name or ""): choice for choice in reversed(field.choices)}
    chosen = next((ranked[name] for name in declined if name in ranked), None)
    if chosen is None and field.required and not field.has_default:
        chosen = field.choices[0]
    return {_RESOLUTION: {"id": chosen.id}} if chosen else {}
