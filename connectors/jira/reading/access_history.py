"""Who got and lost access in Jira: roles by its own audit log, groups and accounts by the organization's or an older site's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from access.entitlements import ResourceKind, System
from access.failures import CredentialRefused, Permanent
from access.truth import Change, Log
from connectors.atlassian.organization import AtlassianOrganization
from connectors.atlassian.shapes import Event
from connectors.history import LogReading
from connectors.jira.client import API
from connectors.jira.reading.required_permissions import lacks_scope
from connectors.jira.shapes import AuditItem, AuditPage, AuditRecord
from httpclient import HttpClient
from httpclient.calls import Params

_AUDIT = f"{API}/auditing/record"
_AUDIT_PAGE = 1000
#: After so many pages of either log only the newest changes are known, or none.
_MOST_PAGES = 7
#: A site whose people are administered in the organization keeps changes of groups there [docs]. Its own log has older ones at
#: most, so they have to be as recent as this for the log to count as one that keeps them [assumed].
_RECENT = timedelta(days=14)
#: How far back the oldest event of the organization is looked for; it keeps 180 days [docs].
_OLDEST = timedelta(days=400)

_OF_ROLES = re.compile(r"role", re.IGNORECASE)
_ADDED = re.compile(r"\badded\b", re.IGNORECASE)
_REMOVED = re.compile(r"\bremoved\b", re.IGNORECASE)
_JOINED = re.compile(r"added_to_group", re.IGNORECASE)
_LEFT = re.compile(r"removed_from_group", re.IGNORECASE)
_SHUT = re.compile(r"suspended|disabled|deactivated", re.IGNORECASE)
_OPENED = re.compile(r"restored|enabled|reactivated", re.IGNORECASE)

_NO_GROUPS = "Jira's own log does not keep changes of groups here; set atlassian.api_key to read the organization's"
_NO_ACCOUNTS = "only the organization's log tells when an account was suspended; set atlassian.api_key"


@dataclass(slots=True)
class _Found:
    """What was read so far."""

    changes: list[Change] = field(default_factory=list)
    reaches: dict[ResourceKind, datetime] = field(default_factory=dict)
    gaps: dict[ResourceKind, str] = field(default_factory=dict)
    pages: int = 0
    entries: int = 0


class JiraHistory:
    """The logs of one site, and of the ``organization`` above it where there is a key for that."""

    def __init__(self, client: HttpClient, organization: AtlassianOrganization | None = None) -> None:
        self._client = client
        self._organization = organization

    @property
    def system(self) -> System:
        """Jira."""
        return System.JIRA

    def read(self, since: datetime) -> LogReading:
        """The changes since a time: of roles, and of groups and accounts where a log keeps them."""
        found = _Found()
        self._audited(since, found)
        if self._organization is not None:
            self._organized(self._organization, since, found)
        else:
            found.gaps.setdefault(ResourceKind.ACCOUNT, _NO_ACCOUNTS)
        log = Log(found.changes, reaches=found.reaches, gaps=found.gaps)
        reaches = max(found.reaches.values(), default=None)
        return LogReading(log, found.pages, found.entries, reaches, "; ".join(dict.fromkeys(found.gaps.values())))

    def _audited(self, since: datetime, found: _Found) -> None:
        """Jira's own log, newest first."""
        records: list[AuditRecord] = []
        try:
            for page in self._pages():
                found.pages += 1
                records += page.records
                oldest = page.records[-1].created if page.records else None
                if not page.records or len(records) >= page.total or (oldest is not None and oldest < since):
                    break
        except Permanent as refusal:
            found.gaps[ResourceKind.PROJECT_ROLE] = found.gaps[ResourceKind.GROUP] = (
                f"Jira does not show its audit log ({refusal.status}); it needs 'Administer Jira' and a paid plan"
            )
            return
        except CredentialRefused as refusal:
            if not lacks_scope(refusal):
                raise
            found.gaps[ResourceKind.PROJECT_ROLE] = found.gaps[ResourceKind.GROUP] = (
                "the token lacks the scope manage:jira-configuration, which Jira's audit log needs"
            )
            return
        found.entries += len(records)
        reaches = min((record.created for record in records if record.created is not None), default=None)
        changes = [change for record in records for change in _of_record(record)]
        found.changes += changes
        if reaches is None:
            return
        found.reaches[ResourceKind.PROJECT_ROLE] = reaches  # Changes of roles stay in this log on every site [docs].
        newest = max((change.at for change in changes if change.kind is ResourceKind.GROUP), default=None)
        last = max(record.created for record in records if record.created is not None)
        if newest is not None and newest >= last - _RECENT:
            found.reaches[ResourceKind.GROUP] = reaches
        elif self._organization is None:
            found.gaps[ResourceKind.GROUP] = _NO_GROUPS

    def _pages(self) -> Iterator[AuditPage]:
        read = 0
        for _ in range(_MOST_PAGES):
            params: Params = {"offset": read, "limit": _AUDIT_PAGE}
            page = self._client.get(_AUDIT, params=params).read_as(AuditPage, what="audit records")
            yield page
            read += len(page.records)

    def _organized(self, organization: AtlassianOrganization, since: datetime, found: _Found) -> None:
        """The organization's log, oldest first: all of it since a time, or nothing."""
        kinds = (ResourceKind.GROUP, ResourceKind.ACCOUNT)
        try:
            oldest = next(
                (page[0].attributes for page in organization.events(since - _OLDEST, most_pages=1) if page), None
            )
            events: list[Event] = []
            found.pages += 1
            for page in organization.events(since, most_pages=_MOST_PAGES):
                found.pages += 1
                events += page
        except Permanent as refusal:
            why = f"the organization does not show its log ({refusal.status or 'too many events'})"
            found.gaps |= dict.fromkeys(kinds, why)
            return
        found.entries += len(events)
        # The site's own log may tell the same changes of groups: only one of the two is taken.
        found.changes = [change for change in found.changes if change.kind is ResourceKind.PROJECT_ROLE]
        found.changes += [change for event in reversed(events) for change in _of_event(event)]
        found.gaps = {kind: why for kind, why in found.gaps.items() if kind not in kinds}
        if oldest is not None and oldest.time is not None:
            found.reaches |= dict.fromkeys(kinds, oldest.time)


def _of_record(record: AuditRecord) -> Iterator[Change]:
    """The changes of roles and groups that a record of Jira's log tells."""
    if record.created is None:
        return
    if (role := _role_of(record.items)) is not None:
        yield from _of_role(record, record.created, role)
        return
    group, user = (_item(record.items, kind) for kind in ("group", "user"))
    added, removed = bool(_ADDED.search(record.summary)), bool(_REMOVED.search(record.summary))
    if group and user and added is not removed:
        yield Change(record.created, ResourceKind.GROUP, group, user, present=added, **_who(record))


def _of_role(record: AuditRecord, at: datetime, role: str) -> Iterator[Change]:
    """Who came into a role or left it: the difference of the lists of account ids before and after.

    A record that is not understood stands for a change of groups: then nothing is concluded from the log about that role.
    """
    told = False
    for change in record.changedValues:
        before, after = _listed(change.changedFrom), _listed(change.changedTo)
        of_group = "group" in change.fieldName.casefold()
        for principal in sorted(before ^ after):
            told = True
            yield Change(
                at,
                ResourceKind.PROJECT_ROLE,
                role,
                principal,
                present=principal in after,
                of_group=of_group,
                **_who(record),
            )
    if not told:
        yield Change(at, ResourceKind.PROJECT_ROLE, role, "", present=True, of_group=True, **_who(record))


def _who(record: AuditRecord) -> dict[str, Any]:
    """Who made a change, and the record that says so."""
    return {"by": record.authorAccountId, "record": str(record.id or "")}


def _listed(text: str | None) -> set[str]:
    return {part.strip() for part in (text or "").split(",") if part.strip()}


def _role_of(items: Sequence[AuditItem]) -> str | None:
    """The role of a record as snapshots name it, ``<project>/<role>``; None for a record of something else."""
    for item in items:
        if item.id and item.typeName and _OF_ROLES.search(item.typeName):
            project = item.parentId or _item(items, "project")
            return item.id if "/" in item.id else f"{project}/{item.id}" if project else None
    return None


def _item(items: Sequence[AuditItem], kind: str) -> str | None:
    return next((item.id for item in items if item.id and (item.typeName or "").casefold() == kind), None)


def _of_event(entry: Event) -> Iterator[Change]:
    """The change that an event of the organization tells."""
    event = entry.attributes
    if event.time is None:
        return
    subjects: Mapping[str, str] = {
        one.type.casefold().rstrip("s"): one.id.rpartition("/")[2] for one in event.context or []
    }
    user, group = subjects.get("user"), subjects.get("group")
    by = event.actor.name or event.actor.id if event.actor is not None else None
    joined, left = bool(_JOINED.search(event.action)), bool(_LEFT.search(event.action))
    if user and group and joined is not left:
        yield Change(event.time, ResourceKind.GROUP, group, user, present=joined, by=by, record=entry.id)
    shut, opened = bool(_SHUT.search(event.action)), bool(_OPENED.search(event.action))
    if user and not group and shut is not opened:
        yield Change(event.time, ResourceKind.ACCOUNT, "", user, present=opened, by=by, record=entry.id)
