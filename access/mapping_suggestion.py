"""Proposes what the fields of tickets mean, from their names and from examples. Pure.

A proposal is for a person to look at: nothing is read by it before somebody has.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial

from access.text import loose_name
from access.ticket_mapping import GIVE_WORDS, TAKE_WORDS, FieldPart, moment_in
from access.truth_naming import addresses_in

#: Who works on a ticket is nobody that it is about.
_STAFF = frozenset({"assignee", "reporter", "creator", "watchers", "watches"})
#: A field that fewer of the tickets fill is none that they all say something in.
_ENOUGH = 0.4

_PERSON_WORDS = (
    "person",
    "user",
    "employee",
    "who",
    "whom",
    "account",
    "member",
    "colleague",
    "email",
    "affected",
    "for",
)
_THING_WORDS = (
    "group", "role", "access", "permission", "entitlement", "application", "app", "resource", "system", "membership",
)  # fmt: skip
_ACTION_WORDS = ("action", "type", "kind", "operation", "change", "request")
_END_WORDS = ("until", "end", "ends", "expiry", "expires", "expiration", "valid", "revocation", "due")

#: How summaries are often written, the more telling first.
PATTERNS = (
    r"^(?P<action>\w+)\b.*?\b(?P<thing>\S.*?)\s+(?:to|from|for)\s+(?P<person>\S+@\S+)\s*$",
    r"^(?P<action>\w+)\s+(?P<person>\S+@\S+)\s+(?:access\s+)?(?:to|from|in|of)\s+(?P<thing>.+?)\s*$",
    r"^(?P<action>\w+)\s+(?:access\s+(?:to|for)\s+)?(?P<thing>.+?)\s*[:-]\s*(?P<person>.+?)\s*$",
    r"^(?P<action>\w+)\s+(?P<thing>.+?)\s+(?:to|from|for)\s+(?P<person>.+?)\s*$",
)
#: Words that a pattern may find in the place of the action; others make it no pattern of these tickets.
_ACTIONS = frozenset((*GIVE_WORDS, *TAKE_WORDS))


@dataclass(frozen=True, slots=True)
class FieldExamples:
    """A field, its type where that is known, and what each of the example tickets has in it."""

    name: str
    values: Sequence[Sequence[FieldPart]]
    type: str = ""

    @property
    def filled(self) -> float:
        """The share of the tickets that fill it."""
        return self.share(bool)

    def share(self, test: Callable[[str], bool]) -> float:
        """The share of the tickets of which some value passes."""
        passed = sum(1 for parts in self.values if any(part.text and test(part.text) for part in parts))
        return passed / len(self.values) if self.values else 0.0


@dataclass(frozen=True, slots=True)
class Proposal:
    """A field for each fact, None where no field says it, and the pattern that cuts the fact out of the summary.

    ``role_share`` is the share of tickets whose thing is written as a role of a project.
    """

    person: str | None = None
    thing: str | None = None
    action: str | None = None
    end: str | None = None
    pattern: str | None = None
    role_share: float = 0.0
    names_only: bool = False
    gaps: Sequence[str] = field(default_factory=tuple)


def propose(fields: Sequence[FieldExamples], *, summary: str = "Summary") -> Proposal:
    """The proposal for these tickets."""
    person = _best(fields, _person_score, besides={summary})
    thing = _best(fields, _thing_score, besides={summary, person or ""})
    action = _best(fields, _action_score, besides={person or "", thing or ""})
    end = _best(fields, _end_score, besides={summary})
    by_name = {each.name: each for each in fields}
    pattern = _pattern(by_name.get(summary)) if person is None or thing is None or action is None else None
    if pattern is not None:
        person, thing, action = person or summary, thing or summary, action or summary
    missing = [what for what, found in (("person", person), ("thing", thing), ("action", action)) if found is None]
    things = by_name.get(thing or "")
    people = by_name.get(person or "")
    return Proposal(
        person=person,
        thing=thing,
        action=action,
        end=end,
        pattern=pattern,
        role_share=0.0 if things is None or thing == summary else things.share(_is_role),
        names_only=people is not None and person != summary and _proves(people) < _ENOUGH,
        gaps=missing,
    )


def _best(fields: Sequence[FieldExamples], score: Callable[[FieldExamples], float], *, besides: set[str]) -> str | None:
    scored = [(score(each), each.name) for each in fields if each.name not in besides]
    best = max(scored, default=(0.0, ""))
    return best[1] if best[0] > 0 else None


def _person_score(field: FieldExamples) -> float:
    if loose_name(field.name) in _STAFF or field.filled < _ENOUGH:
        return 0.0
    named = _names(field.name, _PERSON_WORDS)
    proves = _proves(field)
    return proves + named + field.filled / 10 if proves >= _ENOUGH or (named and field.type.startswith("user")) else 0.0


def _proves(field: FieldExamples) -> float:
    """The share of tickets that name somebody by an account or an address."""
    accounts = sum(1 for parts in field.values if any(part.account_id for part in parts))
    return max(
        field.share(lambda text: bool(addresses_in(text))), accounts / len(field.values) if field.values else 0.0
    )


def _thing_score(field: FieldExamples) -> float:
    if field.filled < _ENOUGH or _proves(field) >= _ENOUGH or field.type.startswith(("date", "user")):
        return 0.0
    named = _names(field.name, _THING_WORDS)
    acts = field.share(_says_action) if not field.share(_is_role) else 0.0
    return named + field.filled / 10 if named and acts < _ENOUGH else 0.0


def _action_score(field: FieldExamples) -> float:
    share = field.share(_says_action)
    return share + _names(field.name, _ACTION_WORDS) / 2 if share >= _ENOUGH else 0.0


def _end_score(field: FieldExamples) -> float:
    dates = field.share(lambda text: moment_in(text, (), UTC) is not None)
    named = _names(field.name, _END_WORDS)
    return named + dates if named and dates > 0 else 0.0


def _pattern(summaries: FieldExamples | None) -> str | None:
    """The pattern that fits most of the summaries, at least two in five."""
    if summaries is None:
        return None
    shares = [(summaries.share(partial(_fits, each)), -place, each) for place, each in enumerate(PATTERNS)]
    share, _, pattern = max(shares)
    return pattern if share >= _ENOUGH else None


def _fits(pattern: str, text: str) -> bool:
    match = re.search(pattern, text, re.IGNORECASE)
    return match is not None and loose_name(match["action"]) in _ACTIONS


def _names(name: str, words: Sequence[str]) -> float:
    """Whether a field's name has one of the words, or its plural."""
    own = {word.rstrip("s") for word in re.findall(r"[^\W_]+", loose_name(name))}
    return 1.0 if own & {word.rstrip("s") for word in words} else 0.0


def _says_action(text: str) -> bool:
    words = set(re.findall(r"[^\W_]+", loose_name(text)))
    return bool(words & _ACTIONS)


def _is_role(text: str) -> bool:
    """Whether a text is written as a project's key and a role."""
    return re.match(r"^[A-Z][A-Z0-9_]+\s*[:/|-]\s*\S", text) is not None
