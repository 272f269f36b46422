from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from config.field_types import Duration, ProjectKey, Words, within
from config.section import Section
from config.systems import JiraSite


class TicketingSettings(Section):
    """The tickets that ask people for changes that no API can make."""

    #: What tickets are: work items of Jira, or requests of Jira Service Management in its service projects.
    provider: Literal["jira", "jira-service-management"] = "jira"
    #: A site and credential of its own; without it tickets go to the provisioned site with its credential.
    jira: JiraSite | None = None
    #: Project key for tickets whose policy rule names none.
    project: ProjectKey | None = None
    #: Name or id; in service projects, where tickets are requests, of a request type.
    issue_type: Annotated[str, Field(min_length=1, max_length=100)] = "Task"
    #: How often open tickets are looked at.
    poll: Annotated[Duration, within(timedelta(seconds=0.1), timedelta(days=1))] = timedelta(seconds=30)
    #: Resolutions that mean "no", any case.
    declined_resolutions: Words = ("Won't Do", "Won't Fix", "Declined", "Rejected")
    #: Closed statuses that mean "no", any case; team-managed projects have no resolutions.
    declined_statuses: Words = ("Declined", "Rejected", "Canceled", "Cancelled", "Won't Do")
    #: How long after a ticket was closed the system may take to show what was done.
    believe_within: Annotated[Duration, within(timedelta(0), timedelta(hours=1))] = timedelta(seconds=30)
    #: How often a ticket that was closed without being done is opened again, before the operator is told.
    reopen_limit: Annotated[int, Field(ge=0, le=20)] = 3
    #: How long after its end a ticket is looked at, to notice that people went on with it.
    watch_ended: Annotated[Duration, within(timedelta(0), timedelta(days=365))] = timedelta(days=30)
    #: Own templates; those it lacks are the built-in ones.
    templates_dir: Path | None = None
    #: Days until a ticket is due; none when left out.
    due_days: Annotated[int, Field(ge=0, le=365)] | None = None
    #: Keys of service projects whose customers are not to see the comments that Provisor writes. On requests they never do.
    internal_comments: Words = ()
    #: How long a ticket whose creation got no answer is looked for before it is made again.
    look_for: Annotated[Duration, within(timedelta(seconds=1), timedelta(hours=1))] = timedelta(minutes=2)
