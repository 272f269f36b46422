"""What a storm asks for: grants, grants for a time, removals and tickets in both systems, and what has to come of each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from simulator.systems import act
from tests.flow.simulated_stack import SimulatedCompany

System = Literal["jumpcloud", "jira"]
#: An account's hold on a group, as the system's own journal names both.
Holding = tuple[System, str, str]

#: How long access for a time lasts.
LASTS_SECONDS = 2
#: How many groups a person asks for.
_GROUPS_A_PERSON = 20
_KINDS = ("grant", "revoke", "for a time", "grant")


@dataclass(frozen=True)
class Asked:
    """One request. ``changes``: what the journal has to say of its holding in the end, from the beginning."""

    id: str
    holding: Holding
    email: str
    entitlement: str
    changes: tuple[str, ...]
    action: str = "grant"
    duration: str | None = None
    by_ticket: bool = False

    def message(self) -> bytes:
        """The message that asks for it."""
        more = {} if self.duration is None else {"duration": self.duration}
        subject = {"email": self.email}
        body = {"id": self.id, "action": self.action, "subject": subject, "entitlement": self.entitlement}
        return json.dumps(body | more).encode()


@dataclass(frozen=True)
class Workload:
    """Everything that is asked for, in the order in which it is, and the holdings that nobody asks about."""

    asked: tuple[Asked, ...]
    bystanders: frozenset[Holding]

    @property
    def groups(self) -> frozenset[tuple[System, str]]:
        """The groups that are only of this storm."""
        return frozenset((system, group) for system, group, _ in self.bystanders)

    def slices(self, number: int) -> Iterator[tuple[Asked, ...]]:
        """The requests in so many parts, one after the other."""
        for part in range(number):
            begin, end = (len(self.asked) * (part + each) // number for each in (0, 1))
            yield self.asked[begin:end]


def made(company: SimulatedCompany, rng: Random, *, requests: int, tickets: int) -> Workload:
    """So many requests, so many of them by ticket; no two are about the same access.

    Each group has a member whom nothing is asked about.
    """
    people = -(-requests // _GROUPS_A_PERSON)
    emails = [company.person() for _ in range(people)]
    bystanders: set[Holding] = set()
    everything: list[Asked] = []
    for turn in range(-(-requests // people)):
        groups = _groups(company)
        watcher = company.person()
        for name, system in groups.items():
            bystanders.add(_given(company, system, name, watcher))
        for email in emails[: requests - turn * people]:
            number = len(everything)
            by_ticket = number < tickets
            kind = "by-ticket" if by_ticket else rng.choice(("jumpcloud", "jira"))
            name = next(each for each in groups if each.startswith(f"{kind}-"))
            everything.append(_request(company, number, groups[name], name, email, by_ticket=by_ticket))
    rng.shuffle(everything)
    return Workload(tuple(everything), frozenset(bystanders))


def _groups(company: SimulatedCompany) -> dict[str, System]:
    """New groups by name: one that tickets change, and one of each system."""
    by_ticket = company.group_name(company.jumpcloud_group("by-ticket"))
    jumpcloud = company.group_name(company.jumpcloud_group("jumpcloud"))
    return {
        by_ticket: "jumpcloud",
        jumpcloud: "jumpcloud",
        company.jira_group(f"jira-{jumpcloud.rpartition('-')[2]}"): "jira",
    }


def _request(
    company: SimulatedCompany, number: int, system: System, group: str, email: str, *, by_ticket: bool
) -> Asked:
    entitlement = f"{system}:group:{group}:member"
    holding = _holding(company, system, group, email)
    kind = "grant" if by_ticket else _KINDS[number % len(_KINDS)]
    ident = f"storm-{number}"
    if kind == "revoke":
        _given(company, system, group, email)
        return Asked(ident, holding, email, entitlement, ("add", "remove"), action="revoke")
    if kind == "for a time":
        return Asked(ident, holding, email, entitlement, ("add", "remove"), duration=f"PT{LASTS_SECONDS}S")
    return Asked(ident, holding, email, entitlement, ("add",), by_ticket=by_ticket)


def _given(company: SimulatedCompany, system: System, group: str, email: str) -> Holding:
    """Somebody gives it by hand."""
    if system == "jumpcloud":
        act(company.jumpcloud, "add_member", group=group, user=email)
    else:
        act(company.jira, "add_member", group=group, account=email)
    return _holding(company, system, group, email)


def _holding(company: SimulatedCompany, system: System, group: str, email: str) -> Holding:
    if system == "jira":
        return system, group, company.jira.user(email).account_id
    return system, company.jumpcloud.group_ids[group.casefold()], company.jumpcloud.user_ids[email]
