"""Which transition brings a ticket back to work, and which brings it to its end. Pure.

Chosen by what the status it leads to means, which is its category where policy says nothing else: names are edited and
translated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ticketing.jira.fields import shaped
from ticketing.jira.responses import Status, Transition
from ticketing.jira.schemas import field_of
from ticketing.names import folded
from ticketing.ports import Phase
from ticketing.status import StatusMap
from ticketing.status_words import OPEN_CATEGORIES

_RESOLUTION = "resolution"
_NONE: Mapping[str, Any] = {}


def way_back(
    transitions: Sequence[Transition], *, before: str | None, statuses: StatusMap, values: Mapping[str, Any] = _NONE
) -> Transition | None:
    """The transition that reopens: to the status id ``before``, else to new, else to in progress."""
    ways = [each for each in transitions if each.available and _phase(statuses, each.to) is Phase.OPEN]
    return min(
        ways,
        key=lambda way: (
            len(missing_fields(way, values)) > 0,
            way.to.id != before,
            [*OPEN_CATEGORIES, way.to.category_key].index(way.to.category_key),
        ),
        default=None,
    )


def way_out(
    transitions: Sequence[Transition], *, statuses: StatusMap, values: Mapping[str, Any] = _NONE
) -> Transition | None:
    """The transition that closes: one that says declined by its status or resolution, else any."""
    refusals = statuses.refusals
    ways = [each for each in transitions if each.available and _phase(statuses, each.to) is not Phase.OPEN]
    return min(
        ways,
        key=lambda way: (
            len(missing_fields(way, values)) > 0,
            _phase(statuses, way.to) is not Phase.DECLINED and folded(way.to.name) not in refusals,
            not resolution_for(way, refusals),
        ),
        default=None,
    )


def _phase(statuses: StatusMap, status: Status) -> Phase:
    """What a status means for a ticket without a resolution."""
    return statuses.phase(category=status.category_key, status=status.name, resolution=None, status_id=status.id)


def way_through(transitions: Sequence[Transition], name: str) -> Transition | None:
    """The transition to a status, given by its id or name, on the way to another."""
    meant = (each for each in transitions if each.available and name_of_status(name, each.to))
    return next(meant, None)


def name_of_status(name: str, status: Status) -> bool:
    """Whether a status is meant by an id or a name."""
    return name == status.id or folded(name) == folded(status.name)


def missing_fields(way: Transition, values: Mapping[str, Any] = _NONE) -> list[str]:
    """Names of the fields the transition's screen wants filled in and that we have nothing for."""
    return [
        field.name or name
        for name, field in way.fields.items()
        if field.required
        and not field.has_default
        and not (name == _RESOLUTION and field.choices)
        and not _given(values, name, field.name)
    ]


def screen_values(way: Transition, values: Mapping[str, Any]) -> dict[str, Any]:
    """The ``values``, by id or name, that the transition's screen has a field for, as Jira takes them."""
    return {
        name: shaped(values[given], field_of(field))
        for name, field in way.fields.items()
        if (given := _given(values, name, field.name)) is not None
    }


def resolution_for(way: Transition, declined: Sequence[str]) -> dict[str, Any]:
    """The resolution to send, only when the screen offers one: one that means declined, or any when it must be set."""
    field = way.fields.get(_RESOLUTION)
    if field is None or not field.choices:
        return {}
    ranked = {folded(choice.name or ""): choice for choice in reversed(field.choices)}
    chosen = next((ranked[name] for name in declined if name in ranked), None)
    if chosen is None and field.required and not field.has_default:
        chosen = field.choices[0]
    return {_RESOLUTION: {"id": chosen.id}} if chosen else {}


def _given(values: Mapping[str, Any], id_: str, name: str) -> str | None:
    """The name under which a field has a value."""
    return next((each for each in values if each == id_ or folded(each) == folded(name)), None)
