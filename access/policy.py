"""Policy: what the company lets Provisor do with each entitlement, and by which method.

The first rule whose pattern matches the entitlement, by ids or by names, decides. No rule means no.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Any

from access.entitlements import EntitlementRef
from access.methods import Direction, Method
from access.text import normalized_name


def _by_normalized_names(written: str) -> str:
    """An entitlement or a pattern with each of its parts as names are compared."""
    return ":".join(map(normalized_name, written.split(":")))


#: How long giving may take where no rule says otherwise.
GIVE_WITHIN = timedelta(hours=24)


class MissingAccount(StrEnum):
    """What to do for a person who has no account in the system yet."""

    #: Make the account first.
    CREATE = "create"
    #: Ask a person to make it, then go on.
    TICKET = "ticket"
    #: Refuse the request.
    REFUSE = "refuse"


class Suspended(StrEnum):
    """What to do when a person whose account is suspended is to be given access."""

    #: Refuse the request.
    REFUSE = "refuse"
    #: Give the access: it works from the day on which the account is opened again.
    GIVE = "give"


@dataclass(frozen=True, slots=True)
class TicketRoute:
    """Where a ticket goes: project key, issue type (name or id), extra labels and fields as the provider takes them."""

    project: str
    issue_type: str = "Task"
    labels: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for the entitlements that ``pattern`` matches: ``*`` and ``?`` over the written form, in any case.

    ``products`` are what a new account gets, and all that a request may name instead. ``required`` are the facts that a
    request to give access has to carry, ``required_to_take`` those of a request to take access away. ``give_within`` is how
    long giving by API may take from when it could begin: access for a time is not given after that.
    """

    pattern: str
    give: Method = Method.CONNECTOR
    take: Method = Method.CONNECTOR
    max_duration: timedelta | None = None
    give_within: timedelta = GIVE_WITHIN
    required: tuple[str, ...] = ()
    required_to_take: tuple[str, ...] = ()
    suspended: Suspended = Suspended.REFUSE
    missing_account: MissingAccount = MissingAccount.REFUSE
    products: tuple[str, ...] = ()
    ticket: TicketRoute | None = None

    def method(self, direction: Direction) -> Method:
        """The method for giving or for taking away."""
        return self.give if direction is Direction.GIVE else self.take

    def facts_for(self, direction: Direction) -> tuple[str, ...]:
        """The facts that a request has to carry to give, or to take away."""
        return self.required if direction is Direction.GIVE else self.required_to_take

    def matches(self, refs: Iterable[EntitlementRef]) -> bool:
        """Whether one of the entitlement's names fits the pattern."""
        # A bracket is a bracket: groups are called "[Eng] all", and a deny rule must not miss them.
        wanted = _by_normalized_names(self.pattern).replace("[", "[[]")
        return any(fnmatchcase(_by_normalized_names(str(ref)), wanted) for ref in refs)


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules in order, and where tickets go when a rule does not say."""

    rules: Sequence[Rule]
    ticket: TicketRoute

    def rule_for(self, *refs: EntitlementRef) -> Rule | None:
        """The first rule that matches the entitlement under any of its names; None when there is none."""
        return next((rule for rule in self.rules if rule.matches(refs)), None)

    def give_within(self, *refs: EntitlementRef) -> timedelta:
        """How long giving the entitlement may take from when it could begin."""
        rule = self.rule_for(*refs)
        return GIVE_WITHIN if rule is None else rule.give_within

    def ticket_route(self, rule: Rule | None) -> TicketRoute:
        """Where a ticket under ``rule`` goes."""
        return rule.ticket if rule and rule.ticket else self.ticket
