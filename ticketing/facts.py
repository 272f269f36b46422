"""All that a ticket or a comment can say: the facts about an operation that a person is asked to carry out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from ticketing.escaping import Markdown


@dataclass(frozen=True, slots=True)
class Holding:
    """Something an account holds now and that is to be taken away: a group, a project role, or other access."""

    kind: str
    title: str


#: What stays in Jira however an account is taken out; the project's people hand it over [docs].
STAYS_BEHIND = (
    "issues and comments the account wrote",
    "filters and dashboards it owns",
    "positions as project lead, component lead and default assignee",
    "automation rules it owns",
    "API tokens it made (useless once the access is gone)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketFacts:
    """The facts every template gets, as ``facts``.

    All texts may come from requests and are shown literally. Without ``ends_at`` and ``lasts`` access is standing.
    Facts not known are None, and shown so.
    """

    #: The access request, and our operation for it.
    request_id: str
    operation_id: str
    #: What is to be done, as a verb phrase: "Give access", "Deprovision the account".
    action: str
    #: Whom it is for, as the request names them.
    subject: str
    #: The system's name for people: "Jira", "JumpCloud".
    system: str
    #: What kind of ticket it is: ``give``, ``take``, ``deprovision``, ``create-account`` or ``reactivate-account``.
    kind: str = "give"
    account_title: str | None = None
    account_id: str | None = None
    account_email: str | None = None
    #: The access for people ("Administrators of project Payments"), and as it is written in requests.
    entitlement_title: str | None = None
    entitlement: str | None = None
    #: What it is access to, and which right on that, as requests name them: "PAY / Administrators", "assigned".
    resource: str | None = None
    right: str | None = None
    #: What policy has to say about how it is done, in Markdown.
    instructions: Markdown | None = None
    #: What the system showed when the ticket was made.
    state_now: str | None = None
    #: Where in the system to do it.
    link: str | None = None
    reason: str | None = None
    requested_by: str | None = None
    approved_by: str | None = None
    ends_at: datetime | None = None
    #: How long it is for, while the end is not known: the clock starts when the access is seen.
    lasts: timedelta | None = None
    #: A clause that completes "A person is asked because …".
    why_by_person: str | None = None
    #: What a person has to know before the change, each as a sentence.
    warnings: tuple[str, ...] = ()
    #: Earlier tickets for the same, each as a clause: "OPS-1, which was deleted or hidden from Provisor".
    replaces: tuple[str, ...] = ()
    #: What we will read in the system before we believe that it is done, each as a clause.
    checks: tuple[str, ...] = ()
    holdings: tuple[Holding, ...] = ()
    #: What a deprovisioned account leaves in the system, for somebody to hand over.
    stays_behind: tuple[str, ...] = ()
    #: The key of the ticket that counts in place of this one; for comments.
    instead: str | None = None
    #: Who closed the ticket; for comments.
    closed_by: str | None = None
    #: How the ticket came to its end, in a sentence, or the resolution that it kept; for comments.
    end: str = ""
    #: What has changed of the request, in a sentence; for comments.
    change: str = ""
    #: What is still not as it should be, each as a clause; for comments.
    still_wrong: tuple[str, ...] = ()
    #: Which ticket for the same this is, or in comments which closing, counted from 1.
    attempt: int = 1
    due: date | None = None
    #: Further facts of the installation, by title.
    extra: Mapping[str, str] = field(default_factory=dict)
