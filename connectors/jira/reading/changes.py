"""What the logs of Jira and of the organization say has changed: which lists to read again.

Entries pick, they are never believed themselves: what they name is read. What neither log tells (a changed profile, an app's
new account) is seen at the next full pass.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from access.failures import CredentialRefused, Permanent
from connectors.atlassian.organization import AtlassianOrganization
from connectors.atlassian.shapes import EventFacts
from connectors.jira.client import API
from connectors.jira.reading.shapes import AUDIT, AuditRecord
from connectors.jira.reading.visibility import lacks_scope
from httpclient import Call, Fetcher, HttpClient
from httpclient.calls import Params

_AUDIT = f"{API}/auditing/record"
_AUDIT_PAGE = 1000
#: Pages of either log after which reading everything is the better way.
_MOST_PAGES = 20

#: What had been entered into a log this shortly before the last snapshot began may not have been in it yet.
OVERLAP = timedelta(minutes=15)
#: Events are entered up to so much later than they happened [docs].
_LATE = timedelta(hours=24)

#: Actions that change nobody's access, however often they come.
_IDLE = re.compile(r"log(?:ged)?[_ ]?(?:in|out)|session|view|token|export", re.IGNORECASE)
_OF_PEOPLE = re.compile(r"user|account|member|invit|access|people", re.IGNORECASE)
_OF_GROUPS = re.compile(r"group", re.IGNORECASE)
_DELETED = re.compile(r"delet|remov", re.IGNORECASE)
_OF_ROLES = re.compile(r"role|actor", re.IGNORECASE)

#: All groups, all actors.
MEMBERS, ACTORS, ROLES = "members/", "actors/", "roles/"
DIRECTORY = "directory"


class Unreadable(Exception):  # noqa: N818 - what became of the logs, for the reader to read all
    """The logs do not tell what changed; a few words why."""


class Changes:
    """Reads both logs: memberships are in the organization's, roles in Jira's [docs]."""

    def __init__(self, client: HttpClient, fetching: Fetcher, organization: AtlassianOrganization) -> None:
        self._client = client
        self._fetching = fetching
        self._organization = organization

    def since(self, previous: datetime) -> tuple[str, ...]:
        """The parts to read again after a snapshot that was begun at ``previous``.

        Raises ``Unreadable`` when the logs cannot tell; waits and refused credentials go up.
        """
        touched: set[str] = set()
        try:
            for facts in self._events(previous):
                touched |= _touched_by_event(facts)
        except Permanent as refusal:
            raise Unreadable(f"the organization does not show its events ({refusal.status or 'too many'})") from refusal
        for record in self._records(previous - OVERLAP):
            touched |= _touched_by_record(record)
        return tuple(sorted(touched))

    def _events(self, previous: datetime) -> Iterator[EventFacts]:
        for page in self._organization.events(previous - _LATE - OVERLAP, most_pages=_MOST_PAGES):
            for event in page:
                entered = event.attributes.processedAt
                if entered is None or entered > previous - OVERLAP:
                    yield event.attributes

    def _records(self, since: datetime) -> Iterator[AuditRecord]:
        read = 0
        for _ in range(_MOST_PAGES):
            params: Params = {"from": f"{since:%Y-%m-%dT%H:%M:%S}.000+0000", "offset": read, "limit": _AUDIT_PAGE}
            call = Call(method="GET", route=_AUDIT, params=params)
            try:
                page = self._fetching.one(partial(self._client.send, call)).read_as(AUDIT, what="audit records")
            except Permanent as refusal:
                raise Unreadable(f"Jira does not show its audit log ({refusal.status})") from refusal
            except CredentialRefused as refusal:
                if not lacks_scope(refusal):
                    raise
                raise Unreadable("the token has no scope for Jira's audit log") from refusal
            yield from page.records
            read += len(page.records)
            if not page.records or read >= page.total:
                return
        raise Unreadable("Jira's audit log has too many records since the last snapshot")


def _touched_by_event(facts: EventFacts) -> set[str]:
    things = facts.context or []
    groups = {thing.id.rpartition("/")[2] for thing in things if _OF_GROUPS.search(thing.type)}
    people = any(_OF_PEOPLE.search(thing.type) for thing in things)
    if not groups and (not (people or _matters(facts.action)) or _IDLE.search(facts.action)):
        return set()
    touched = {DIRECTORY} | {f"{MEMBERS}{group_id}" for group_id in groups}
    if not groups and _OF_GROUPS.search(facts.action):
        touched.add(MEMBERS)  # a group, and it is not said which
    if _DELETED.search(facts.action) and not people:
        touched.add(ACTORS)  # what the group was in may have gone to another one
    return touched


def _matters(action: str) -> bool:
    return bool(_OF_PEOPLE.search(action) or _OF_GROUPS.search(action))


def _touched_by_record(record: AuditRecord) -> set[str]:
    words = " ".join([record.summary, *(item.typeName or "" for item in record.items)])
    if _OF_ROLES.search(words):
        projects = {project for item in record.items if (project := _project_of(item.typeName, item.id, item.parentId))}
        wide = {ACTORS, ROLES}
        return {f"{kind}{project}" + ("/" if kind == ACTORS else "") for project in projects for kind in wide} or wide
    if re.search(r"(?:user|group) management", record.category, re.IGNORECASE):
        return {DIRECTORY, MEMBERS}  # sites whose people are not administered in the organization [docs]
    return set()


def _project_of(kind: str | None, ident: str | None, parent: str | None) -> str | None:
    """The project an audit record is about, in whichever of its items it is named."""
    kind = (kind or "").casefold()
    if "role" in kind:
        of_path = ident.partition("/")[0] if ident and "/" in ident else None
        found = parent or of_path
    else:
        found = ident if kind == "project" else None
    return found if found and found.isdecimal() else None
