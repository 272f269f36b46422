"""The figures that a monitoring system watches: what waits, since when, what is overdue, and what a person has to look at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Column, ColumnElement, Connection, func, or_, select

from access.lifecycle import ClaimState, PlanState, RequestState, TicketState
from store.alarms import Alarms
from store.credential_ends import CredentialEnds
from store.fault_tables import faults
from store.finding_tables import findings
from store.leases import among
from store.plan_tables import plans
from store.rate_budgets import ALL
from store.seal_tables import audit_sealed
from store.snapshot_tables import budgets, snapshots
from store.sweep import Sweep
from store.tables import audit, claims, dead_letters, inbox, requests, tickets


@dataclass(frozen=True, slots=True)
class Figure:
    """One number under its name, told apart from others of the name by its labels. Times are in seconds."""

    name: str
    value: float
    labels: tuple[str, ...] = ()


#: Each name with its labels, and what it says.
FIGURES = {
    "requests": (("state",), "Access requests by state"),
    "work_due": (("kind", "system"), "Rows of work that are due and not under way"),
    "work_oldest_seconds": (("kind", "system"), "How long the oldest of them is due"),
    "overdue_access": (("system",), "Access whose time is up and that is not seen gone"),
    "overdue_access_seconds": (("system",), "How long such access stands past its time, added up"),
    "overdue_access_oldest_seconds": (("system",), "How long the oldest such access stands past its time"),
    "tickets": (("state",), "Tickets that are followed, by state"),
    "tickets_in_trouble": (("trouble",), "Tickets that a person has to look at, by why"),
    "snapshot_age_seconds": (("system",), "The time since the current snapshot was complete"),
    "rate_budget_tokens": (("budget",), "Calls that could be made at once when the budget was last drawn on"),
    "service_stop_seconds": (("budget", "endpoint_class"), "How long a service asked for no calls, from now"),
    "faults": (("place", "scope", "shared"), "Faults that keep work from going on"),
    "credential_ends_seconds": (
        ("place", "told_by"),
        "The time until the credential for a place ends; below 0 when it has",
    ),
    "alarms": (("kind",), "Alarms whose cause lasts"),
    "findings": (
        ("system", "kind"),
        "Differences between what is and what should be, as the newest snapshot shows them",
    ),
    "plans": (("kind", "state"), "Plans that are not over"),
    "audit_unsealed_seconds": ((), "How long the oldest row of the audit trail waits for its seal"),
    "dead_letters": ((), "Messages that were not accepted, and that nobody acknowledged or sent again"),
    "inbox_messages": ((), "Messages that were handed in and are not taken in yet"),
}


def figures(connection: Connection, *, now: datetime) -> Iterator[Figure]:
    """All figures. Of a name with labels, those that are zero are left out, except where a zero is what one waits for."""
    yield from _by_word(connection, "requests", requests.c.state, tuple(RequestState))
    for backlog in Sweep(connection).backlog(now=now):
        labels = (str(backlog.kind), backlog.system)
        yield Figure("work_due", backlog.rows, labels)
        yield Figure("work_oldest_seconds", (now - backlog.oldest).total_seconds(), labels)
    yield from _overdue(connection, now)
    followed = (TicketState.INTENDED, TicketState.OPEN, TicketState.ANSWERED, TicketState.HIDDEN)
    yield from _by_word(connection, "tickets", tickets.c.state, followed)
    trouble = select(tickets.c.trouble, func.count()).where(tickets.c.trouble.is_not(None)).group_by(tickets.c.trouble)
    yield from (Figure("tickets_in_trouble", count, (word,)) for word, count in connection.execute(trouble))
    for system, completed_at in connection.execute(select(snapshots.c.system, snapshots.c.completed_at)):
        yield Figure("snapshot_age_seconds", (now - completed_at).total_seconds(), (system,))
    yield from _budgets(connection, now)
    met = select(faults.c.place, faults.c.scope, faults.c.shared_at.is_not(None), func.count()).group_by(
        faults.c.place, faults.c.scope, faults.c.shared_at.is_not(None)
    )
    for place, scope, shared, count in connection.execute(met):
        yield Figure("faults", count, (place, scope, "yes" if shared else "no"))
    for end in CredentialEnds(connection).all():
        yield Figure("credential_ends_seconds", (end.ends_at - now).total_seconds(), (end.place, str(end.told_by)))
    lasting = [str(alarm.kind) for alarm in Alarms(connection).lasting()]
    yield from (Figure("alarms", lasting.count(kind), (kind,)) for kind in sorted(set(lasting)))
    differing = select(findings.c.system, findings.c.kind, func.count()).where(findings.c.closed_at.is_(None))
    for system, kind, count in connection.execute(differing.group_by(findings.c.system, findings.c.kind)):
        yield Figure("findings", count, (system, kind))
    living = among(plans.c.state, (PlanState.OPEN, PlanState.APPROVED, PlanState.HELD))
    for kind, state, count in connection.execute(
        select(plans.c.kind, plans.c.state, func.count()).where(living).group_by(plans.c.kind, plans.c.state)
    ):
        yield Figure("plans", count, (kind, state))
    waits = select(func.min(audit.c.at)).join(audit_sealed, audit_sealed.c.audit_id == audit.c.id)
    oldest = connection.execute(waits.where(audit_sealed.c.seal.is_(None))).scalar()
    yield Figure("audit_unsealed_seconds", 0 if oldest is None else max(0.0, (now - oldest).total_seconds()))
    settled = or_(dead_letters.c.acknowledged_at.is_not(None), dead_letters.c.resent_at.is_not(None))
    yield Figure("dead_letters", _count(connection, dead_letters.c.id, ~settled))
    yield Figure("inbox_messages", _count(connection, inbox.c.id))


def _by_word(connection: Connection, name: str, column: Column[str], words: tuple[str, ...]) -> Iterator[Figure]:
    found = select(column, func.count()).where(column.in_([str(word) for word in words])).group_by(column)
    counted = {row[0]: row[1] for row in connection.execute(found)}
    yield from (Figure(name, counted.get(str(word), 0), (str(word),)) for word in words)


def _overdue(connection: Connection, now: datetime) -> Iterator[Figure]:
    """Access whose time is up. Times are added up here: the databases count them differently, and these are few rows."""
    standing = among(claims.c.state, (ClaimState.ACTIVE, ClaimState.ENDING))
    found = select(claims.c.system, claims.c.ends_at).where(standing, claims.c.ends_at < now)
    late: dict[str, list[float]] = {}
    for system, ends_at in connection.execute(found):
        late.setdefault(system, []).append((now - ends_at).total_seconds())
    for system, seconds in sorted(late.items()):
        yield Figure("overdue_access", len(seconds), (system,))
        yield Figure("overdue_access_seconds", sum(seconds), (system,))
        yield Figure("overdue_access_oldest_seconds", max(seconds), (system,))


def _budgets(connection: Connection, now: datetime) -> Iterator[Figure]:
    found = select(budgets.c.system, budgets.c.endpoint_class, budgets.c.tokens, budgets.c.blocked_until)
    for system, endpoint_class, tokens, blocked_until in connection.execute(found):
        if endpoint_class == ALL:
            yield Figure("rate_budget_tokens", tokens, (system,))
        if blocked_until is not None and blocked_until > now:
            yield Figure("service_stop_seconds", (blocked_until - now).total_seconds(), (system, endpoint_class))


def _count(connection: Connection, column: Column[int], *conditions: ColumnElement[bool]) -> int:
    return connection.execute(select(func.count(column)).where(*conditions)).scalar_one()
