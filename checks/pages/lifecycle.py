"""The lives of requests, operations, claims, tickets and plans, drawn from the one table of what may follow what."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from access.lifecycle import (
    ENDS,
    LIFECYCLE,
    ClaimState,
    LeaverState,
    LineState,
    OperationState,
    PlanState,
    RequestState,
    TicketState,
)
from checks.attribute_docs import attribute_docs

PATH = "docs/lifecycle.md"

_STATES: dict[str, type[StrEnum]] = {
    "request": RequestState,
    "operation": OperationState,
    "claim": ClaimState,
    "ticket": TicketState,
    "plan": PlanState,
    "plan_line": LineState,
    "leaver": LeaverState,
}

_HEAD = """\
# What may follow what

*Written by `make fix` from `access/lifecycle.py`. The database holds the same table, and triggers refuse every other
step ([decision 8](adr/0008-the-database-enforces-the-lifecycle.md)).*
"""


def text() -> str:
    """The page."""
    return "\n".join([_HEAD, *(line for entity in LIFECYCLE for line in _section(entity))])


def _section(entity: str) -> Iterator[str]:
    states = _STATES[entity]
    yield f"## {entity.replace('_', ' ').capitalize()}"
    yield ""
    yield f"{(states.__doc__ or '').strip()}"
    yield ""
    yield "```mermaid"
    yield "stateDiagram-v2"
    for start, ends in LIFECYCLE[entity].items():
        for end in (str(state) for state in states if str(state) in ends):
            yield f"    {str(start) or '[*]'} --> {end}"
    for end in (str(state) for state in states if str(state) in ENDS[entity]):
        yield f"    {end} --> [*]"
    yield "```"
    yield ""
    yield "| state | meaning |"
    yield "|---|---|"
    docs = attribute_docs(states)
    for state in states:
        yield f"| `{state}` | {docs[state.name]} |"
    yield ""
