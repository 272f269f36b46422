"""Notes seals of the audit trail in a property of one issue, where whoever changes the database does not reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import AwareDatetime, BaseModel, ValidationError

from access.failures import Permanent
from access.seals import Anchored, written
from httpclient import HttpClient
from ticketing.jira.calls import JiraCalls

#: The key of the property.
PROPERTY = "provisor-audit"

#: Notes that are kept: a property's value may have 32,768 characters [docs].
_KEPT = 150


class _Note(BaseModel):
    number: int
    hash: str
    at: AwareDatetime


class _Notes(BaseModel):
    seals: list[_Note]


class IssueAnchor:
    """The newest seals, in a property of the issue ``key``. Raises the failure words."""

    def __init__(self, client: HttpClient, key: str) -> None:
        self._calls = JiraCalls(client)
        self._key = key

    @property
    def name(self) -> str:
        """What people call it."""
        return f"the issue {self._key}"

    def read(self) -> Sequence[Anchored]:
        """The seals that were noted there, the oldest first. Raises ``Permanent`` for a property that is not ours."""
        value: Any = self._calls.property(self._key, PROPERTY)
        if value is None:
            return ()
        try:
            notes = _Notes.model_validate(value).seals
        except ValidationError as exc:
            raise Permanent(
                f"The property {PROPERTY} of {self._key} does not hold seals.",
                remedy="Somebody else has written it: look who, and take the property off the issue.",
            ) from exc
        return [Anchored(note.number, note.hash, note.at) for note in notes]

    def note(self, anchored: Anchored) -> None:
        """Note one more; the oldest go."""
        kept = [*self.read(), anchored][-_KEPT:]
        rows = [{"number": each.number, "hash": each.hash, "at": written(each.at)} for each in kept]
        self._calls.set_property(self._key, PROPERTY, {"seals": rows})
