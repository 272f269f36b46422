"""Where tickets go, what is sent with them, and what their statuses mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class StatusRules:
    """What statuses of one kind of ticket mean: each word is the id or name of a status, or its category as in ``category:done``.

    ``done_resolutions`` and ``rejected_resolutions`` are names of resolutions that decide for a closed ticket.
    """

    done: tuple[str, ...] = ()
    rejected: tuple[str, ...] = ()
    in_progress: tuple[str, ...] = ()
    done_resolutions: tuple[str, ...] = ()
    rejected_resolutions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TicketRoute:
    """Where a ticket goes, and what is sent with it.

    - ``project``, ``issue_type``: the project's key, and the type's name or id.
    - ``labels``, ``fields``: further ones; fields by id or name, with plain values or templates of them.
    - ``assignees``: who is to do it, by account id or address; the first who may have it gets it.
    - ``watch_requester``, ``remote_link``: whether who asked is told of it, and whether it links to what it is about.
    - ``instructions``: what the ticket says about how it is done, in Markdown.
    - ``due_days``: the days until it is due; None is what the settings say.
    - ``statuses``: what its statuses mean, where their category does not say it right.
    - ``reopen_through``, ``close_through``: statuses on the way back to work, and to the end, by id or name.
    - ``reopen_fields``, ``close_fields``: values for the screens of these transitions.
    """

    project: str
    issue_type: str = "Task"
    labels: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    assignees: tuple[str, ...] = ()
    watch_requester: bool = False
    remote_link: bool = False
    instructions: str | None = None
    due_days: int | None = None
    statuses: StatusRules = StatusRules()
    reopen_through: tuple[str, ...] = ()
    close_through: tuple[str, ...] = ()
    reopen_fields: Mapping[str, Any] = field(default_factory=dict)
    close_fields: Mapping[str, Any] = field(default_factory=dict)
