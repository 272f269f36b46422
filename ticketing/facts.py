"""What is known about an operation that a person is asked to carry out: all that a ticket or a comment can say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Holding:
    """Something an account holds now and that is to be taken away: a group, a project role, or other access."""

    kind: str
    title: str
    url: str | None = None


#: What stays in Jira whichever way an account is taken out, and is for the project's people to hand over [contract:
#: atlassian-admin §7].
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
    ``time_zone`` is the IANA name in which moments are shown, with UTC beside it. Facts not known are None, and shown so.
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
    account_title: str | None = None
    account_id: str | None = None
    account_email: str | None = None
    #: The access for people ("Administrators of project Payments"), and as it is written in requests.
    entitlement_title: str | None = None
    entitlement: str | None = None
    #: Where in the system to do it.
    link: str | None = None
    #: The request in our own console.
    request_link: str | None = None
    reason: str | None = None
    requested_by: str | None = None
    approved_by: str | None = None
    ends_at: datetime | None = None
    #: How long it is for, in words ("4 hours"), while the end is not known: the clock starts when the access was verified.
    lasts: str | None = None
    time_zone: str = "UTC"
    #: A clause that completes "A person is asked because …".
    why_by_person: str | None = None
    #: What we will read in the system before we believe that it is done, each as a clause.
    checks: tuple[str, ...] = ()
    holdings: tuple[Holding, ...] = ()
    stays_behind: tuple[str, ...] = STAYS_BEHIND
    #: What is still not as it should be, each as a clause; for comments.
    still_wrong: tuple[str, ...] = ()
    #: Which attempt this is, counted from 1.
    attempt: int = 1
    due: date | None = None
    #: Further facts of the installation, by title.
    extra: Mapping[str, str] = field(default_factory=dict)
