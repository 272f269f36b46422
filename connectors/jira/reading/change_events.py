"""Which lists to read again, by the audit log of Jira and the events of the organization.

Entries only select what to read again; Provisor never uses their content as data. The next full pass finds what neither log
tells (a changed profile, an app's new account).
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
from connectors.jira.reading.required_permissions import lacks_scope
from connectors.jira.shapes import AuditPage, AuditRecord
from connectors.reading import ChangesUnknown
from httpclient import Fetcher, HttpClient
from httpclient.calls import Params

_AUDIT = f"{API}/auditing/record"
_AUDIT_PAGE = 1000
#: After so many pages of either log, reading everything is cheaper.
_MOST_PAGES = 20

#: How far before the last snapshot to begin: lists may have lagged behind the logs when that snapshot read them.
OVERLAP = timedelta(minutes=15)
#: The organization may log an event up to so long after it happened [docs].
_LATE = timedelta(hours=24)

#: Actions that change nobody's access.
_IDLE = re.compile(r"log(?:ged)?[_ ]?(?:in|out)|session|view|token|export", re.IGNORECASE)
_OF_PEOPLE = re.compile(r"user|account|member|invit|access|people", re.IGNORECASE)
_OF_GROUPS = re.compile(r"group", re.IGNORECASE)
_DELETED = re.compile(r"delet|remov", re.IGNORECASE)
_OF_ROLES = re.compile(r"role|actor", re.IGNORECASE)

#: All groups, all actors.
MEMBERS, ACTORS, ROLES = "members/", "actors/", "roles/"
DIRECTORY = "directory"


class ChangeEvents:
    """Reads both logs: the organization's tells memberships, Jira's tells roles [docs]."""

    def __init__(self, client: HttpClient, fetching: Fetcher, organization: AtlassianOrganization) -> None:
        self._client = client
        self._fetching = fetching
        self._organization = organization

    def since(self, previous: datetime) -> tuple[str, ...]:
        """The parts to read again after a snapshot that began at ``previous``.

        Raises ``ChangesUnknown`` when the logs do not tell, ``Transient`` and ``CredentialRefused``.
        """
        touched: set[str] = set()
        try:
            for facts in self._events(previous):
                touched |= _touched_by_event(facts)
        except Permanent as refusal:
            raise ChangesUnknown(
                f"the organization does not show its events ({refusal.status or 'too many'})"
            ) from refusal
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
            try:
                answer = self._fetching.one(partial(self._client.get, _AUDIT, params=params))
                page = answer.read_as(AuditPage, what="audit records")
            except Permanent as refusal:
                raise ChangesUnknown(f"Jira does not show its audit log ({refusal.status})") from refusal
            except CredentialRefused as refusal:
                if not lacks_scope(refusal):
                    raise
                raise ChangesUnknown("the token has no scope for Jira's audit log") from refusal
            yield from page.records
            read += len(page.records)
            if not page.records or read >= page.total:
                return
        raise ChangesUnknown("Jira's audit log has too many records since the last snapshot")


def _touched_by_event(facts: EventFacts) -> set[str]:
    subjects = facts.context or []
    groups = {one.id.rpartition("/")[2] for one in subjects if _OF_GROUPS.search(one.type)}
    people = any(_OF_PEOPLE.search(one.type) for one in subjects)
    if not groups and (not (people or _matters(facts.action)) or _IDLE.search(facts.action)):
        return set()
    touched = {DIRECTORY} | {f"{MEMBERS}{group_id}" for group_id in groups}
    if not groups and _OF_GROUPS.search(facts.action):
        touched.add(MEMBERS)  # some group; the event does not say which
    if _DELETED.search(facts.action) and not people:
        touched.add(ACTORS)  # the roles of a deleted group may have gone to another group
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
        return {DIRECTORY, MEMBERS}  # a site that administers its people itself, not in the organization [docs]
    return set()


def _project_of(kind: str | None, ident: str | None, parent: str | None) -> str | None:
    """The project of an audit record, by any item that names the project."""
    kind = (kind or "").casefold()
    if "role" in kind:
        of_path = ident.partition("/")[0] if ident and "/" in ident else None
        found = parent or of_path
    else:
        found = ident if kind == "project" else None
    return found if found and found.isdecimal() else None
