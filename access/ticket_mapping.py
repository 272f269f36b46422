"""What the fields of somebody else's tickets mean: whom, what, give or take, until when. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from access.entitlements import ResourceKind, System
from access.methods import Direction
from access.text import loose_name
from access.truth_naming import NameProof, SaidPerson, addresses_in

#: Words that say what a ticket asks for, in English; a mapping may have others.
GIVE_WORDS = ("give", "grant", "add", "assign", "onboard", "join", "request", "invite", "enable")
TAKE_WORDS = (
    "take",
    "remove",
    "revoke",
    "withdraw",
    "offboard",
    "leave",
    "delete",
    "disable",
    "deprovision",
    "terminate",
)
#: Words that say that access has no end.
NEVER_WORDS = ("", "-", "none", "never", "no", "n/a", "permanent", "unlimited", "indefinite")

#: The most characters of a field that are read: patterns are the operator's, and texts are anybody's.
LONGEST = 4000
_SEPARATORS = re.compile(r"\s*[;,\n\r]+\s*")
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class FieldPart:
    """One value of a field, as text. A field of people has the account's id, and its address where Jira shows it."""

    text: str
    account_id: str | None = None
    email: str | None = None


#: The fields of a ticket by their names, ids, or columns.
Fields = Mapping[str, Sequence[FieldPart]]


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fact stands: a field, and the pattern that cuts the fact out of the field's text."""

    field: str
    pattern: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True)
class TicketMapping:
    """How tickets say whom, what, give or take, and until when. Of several sources the first that says something counts.

    - ``kinds``: what a name of a thing may be, where the ticket does not write an entitlement; ``called`` are other names.
    - ``names``: which words prove who is meant.
    - ``otherwise``: what a ticket asks for that says neither.
    - ``date_formats``, ``zone``: how dates are written that are not ISO 8601, and where they are of.
    """

    person: Sequence[Source]
    thing: Sequence[Source]
    action: Sequence[Source] = ()
    end: Sequence[Source] = ()
    kinds: Sequence[tuple[System, ResourceKind]] = ()
    called: Mapping[str, str] = field(default_factory=dict)
    names: NameProof = NameProof.NONE
    give: Sequence[str] = GIVE_WORDS
    take: Sequence[str] = TAKE_WORDS
    otherwise: Direction | None = None
    never: Sequence[str] = NEVER_WORDS
    date_formats: Sequence[str] = ()
    zone: tzinfo = UTC

    @property
    def fields(self) -> list[str]:
        """The fields that are read, each once."""
        sources = (*self.person, *self.thing, *self.action, *self.end)
        return list(dict.fromkeys(source.field for source in sources))


@dataclass(frozen=True, slots=True)
class Said:
    """What a ticket says. ``problem`` is why it cannot be read, in one sentence.

    ``end`` is when the access is to be over, ``end_from`` the first moment that counts as that.
    """

    people: Sequence[SaidPerson] = ()
    things: Sequence[str] = ()
    action: Direction | None = None
    end: datetime | None = None
    end_from: datetime | None = None
    problem: str | None = None


def read_ticket(mapping: TicketMapping, fields: Fields) -> Said:
    """What a ticket says by the mapping."""
    people = list(_people(_values(mapping.person, fields, "person")))
    things = [part.text.strip() for part in _values(mapping.thing, fields, "thing") if part.text.strip()]
    action = _action(mapping, _values(mapping.action, fields, "action"))
    try:
        end_from, end = _end(mapping, _values(mapping.end, fields, "end"))
    except ValueError as exc:
        return Said(people, things, action, problem=str(exc))
    problem = None
    if not people:
        problem = f"The ticket names no person in {_listed(mapping.person)}."
    elif not things:
        problem = f"The ticket names no thing in {_listed(mapping.thing)}."
    elif action is None:
        problem = f"The ticket does not say in {_listed(mapping.action)} whether to give or to take."
    return Said(people, things, action, end, end_from, problem)


def parts_of(text: str) -> list[str]:
    """A text that lists several things, in its parts."""
    return [part for part in _SEPARATORS.split(text.strip()) if part]


def moment_in(text: str, formats: Sequence[str], zone: tzinfo) -> tuple[datetime, datetime] | None:
    """The moment that a text says, or the beginning and the end of the day; None for a text in none of the forms.

    ISO 8601, and the ``formats`` of ``strptime``. A moment without an offset is one of the ``zone``.
    """
    text = text.strip()
    for form in (None, *formats):
        try:
            found = _iso(text) if form is None else _by_format(text, form)
        except ValueError:
            continue
        if isinstance(found, datetime):
            aware = (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)
            return aware, aware
        begin = datetime.combine(found, time(), zone)
        return begin.astimezone(UTC), datetime.combine(found + timedelta(days=1), time(), zone).astimezone(UTC)
    return None


def _iso(text: str) -> date | datetime:
    return date.fromisoformat(text) if len(text) <= len("2026-11-30") else datetime.fromisoformat(text)


def _by_format(text: str, form: str) -> date | datetime:
    found = datetime.strptime(text, form)  # noqa: DTZ007 - the zone is put on by the caller
    return found if any(code in form for code in ("%H", "%I", "%X", "%c")) else found.date()


def _values(sources: Sequence[Source], fields: Fields, what: str) -> list[FieldPart]:
    """The values of the first source that has any."""
    for source in sources:
        found = [part for each in fields.get(source.field, ()) for part in _cut(source, each, what)]
        if found:
            return found
    return []


def _cut(source: Source, part: FieldPart, what: str) -> Iterator[FieldPart]:
    if source.pattern is None:
        if part.text.strip():
            yield part
        return
    for match in source.pattern.finditer(part.text[:LONGEST]):
        named = match.groupdict()
        if what == "thing" and named.get("project") and named.get("role"):
            yield FieldPart(f"{named['project'].strip()}:{named['role'].strip()}")
            continue
        text = named.get(what) if what in named else (match[1] if match.re.groups and not named else match[0])
        if what not in named and named:
            continue
        if text and text.strip():
            yield FieldPart(text.strip(), part.account_id, part.email)


def _people(parts: Sequence[FieldPart]) -> Iterator[SaidPerson]:
    for part in parts:
        text = part.text[:LONGEST]
        if part.account_id is not None:
            yield SaidPerson(text, part.account_id, part.email)
        elif addresses := addresses_in(text):
            yield from (SaidPerson(address, email=address) for address in addresses)
        else:
            yield from map(SaidPerson, parts_of(text))


def _action(mapping: TicketMapping, parts: Sequence[FieldPart]) -> Direction | None:
    words = {word for part in parts for word in _words(part.text[:LONGEST])}
    gives, takes = (any(_fits(each, words) for each in known) for known in (mapping.give, mapping.take))
    if gives is takes:
        return mapping.otherwise if not gives else None
    return Direction.GIVE if gives else Direction.TAKE


def _words(text: str) -> list[str]:
    return _WORD.findall(loose_name(text))


def _fits(phrase: str, words: set[str]) -> bool:
    """Whether every word of a phrase is among the words."""
    wanted = _words(phrase)
    return bool(wanted) and all(word in words for word in wanted)


def _end(mapping: TicketMapping, parts: Sequence[FieldPart]) -> tuple[datetime | None, datetime | None]:
    text = next((part.text.strip() for part in parts if part.text.strip()), "")
    if loose_name(text) in map(loose_name, mapping.never):
        return None, None
    found = moment_in(text[:LONGEST], mapping.date_formats, mapping.zone)
    if found is None:
        raise ValueError(
            f"The end in {_listed(mapping.end)} is in no known form of a date: write the form below end, as dates."
        )
    return found


def _listed(sources: Sequence[Source]) -> str:
    return " or ".join(dict.fromkeys(f"'{source.field}'" for source in sources)) or "any field"
