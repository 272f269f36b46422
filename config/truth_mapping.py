"""The mapping file of the truth audit: from YAML to ``access.ticket_mapping.TicketMapping``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator

from access.entitlements import RIGHTS, EntitlementRef, ResourceKind, System
from access.methods import Direction
from access.text import shortened
from access.ticket_mapping import GIVE_WORDS, NEVER_WORDS, TAKE_WORDS, Source, TicketMapping
from access.truth_naming import NameProof
from config.error_messages import error_messages
from config.errors import SettingsError
from config.field_types import Words
from config.section import Section
from config.yaml_file import read_mapping

_FieldName = Annotated[str, Field(min_length=1, max_length=250)]
_Fields = Annotated[
    tuple[_FieldName, ...], BeforeValidator(lambda value: (value,) if isinstance(value, str) else value)
]


class _Where(Section):
    """Where a fact stands: fields, of which the first that is filled counts, and what cuts it out of their text."""

    field: _Fields
    pattern: str | None = None

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, pattern: str | None) -> str | None:
        try:
            re.compile(pattern or "")
        except re.error as exc:
            raise ValueError(f"is not a regular expression ({exc}); write one such as 'to (?P<person>.+)$'") from None
        return pattern

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources of the domain."""
        compiled = None if self.pattern is None else re.compile(self.pattern, re.IGNORECASE | re.MULTILINE)
        return tuple(Source(field, compiled) for field in self.field)


class _Person(_Where):
    names: NameProof = NameProof.NONE


class _Thing(_Where):
    kind: Words = ()
    called: dict[str, str] = Field(default_factory=dict)

    @field_validator("kind")
    @classmethod
    def _are_kinds(cls, kinds: tuple[str, ...]) -> tuple[str, ...]:
        for kind in kinds:
            _kind(kind)
        return kinds

    @field_validator("called")
    @classmethod
    def _are_entitlements(cls, called: dict[str, str]) -> dict[str, str]:
        for written in called.values():
            EntitlementRef.parse(written)
        return called


class _Action(_Where):
    give: Words = GIVE_WORDS
    take: Words = TAKE_WORDS
    otherwise: Direction | None = None


class _Otherwise(Section):
    """An action that no field says, since all tickets ask for the same."""

    otherwise: Direction


class _End(_Where):
    never: Words = NEVER_WORDS


class _Csv(Section):
    key: _Fields = ()
    created: _Fields = ()
    closed: _Fields = ()
    status: _Fields = ()
    category: _Fields = ()
    resolution: _Fields = ()
    done: Words = ()


class _MappingFile(Section):
    jql: str | None = None
    person: _Person
    thing: _Thing
    action: _Action | _Otherwise
    end: _End | None = None
    declined: Words = ()
    dates: Words = ()
    time_zone: str = "UTC"
    csv: _Csv = _Csv()

    @field_validator("time_zone")
    @classmethod
    def _is_a_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError("is not a time zone; write one such as Europe/Berlin") from None
        return name

    @model_validator(mode="after")
    def _means_things(self) -> Self:
        if not self.thing.kind and not self.thing.called:
            raise ValueError(
                "thing.kind is not set; write what a name means, such as jumpcloud:group or jira:project-role"
            )
        return self


@dataclass(frozen=True, slots=True)
class MappingFile:
    """A mapping, the query of its own where it has one, further names of what was declined, and names of columns of CSV files."""

    mapping: TicketMapping
    jql: str | None
    declined: tuple[str, ...]
    columns: dict[str, tuple[str, ...]]


def load_truth_mapping(path: Path) -> MappingFile:
    """Read a mapping. Raises ``SettingsError`` with every error."""
    try:
        file = _MappingFile.model_validate(read_mapping(path))
    except ValidationError as exc:
        # Not chained: the original holds the values.
        raise SettingsError(f"{path}: {told}" for told in error_messages(exc, _MappingFile)) from None
    action = file.action
    mapping = TicketMapping(
        person=file.person.sources,
        thing=file.thing.sources,
        action=action.sources if isinstance(action, _Action) else (),
        end=() if file.end is None else file.end.sources,
        kinds=tuple(map(_kind, file.thing.kind)),
        called=file.thing.called,
        names=file.person.names,
        give=action.give if isinstance(action, _Action) else GIVE_WORDS,
        take=action.take if isinstance(action, _Action) else TAKE_WORDS,
        otherwise=action.otherwise,
        never=NEVER_WORDS if file.end is None else ("", *file.end.never),
        date_formats=file.dates,
        zone=ZoneInfo(file.time_zone),
    )
    columns = {name: value for name, value in file.csv if value}
    return MappingFile(mapping, file.jql, file.declined, columns)


def _kind(written: str) -> tuple[System, ResourceKind]:
    """A kind of thing as ``jumpcloud:group``. Raises ``ValueError``."""
    words = written.split(":")
    kinds = [f"{system}:{kind}" for system in System for kind in RIGHTS if kind in system.kinds]
    if len(words) != 2 or written not in kinds:  # noqa: PLR2004 - system and kind
        raise ValueError(f"'{shortened(written)}' is no kind of thing; write one of {', '.join(kinds)}")
    return System(words[0]), ResourceKind(words[1])
