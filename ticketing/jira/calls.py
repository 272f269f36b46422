"""The calls we make to Jira, typed: one method a route, no decisions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ticketing.adf import Node
from ticketing.jira.answers import (
    Comment,
    Comments,
    FieldMeta,
    FieldPage,
    Issue,
    Issues,
    IssueType,
    IssueTypePage,
    MadeComment,
    MadeIssue,
    Myself,
    Nothing,
    Permissions,
    Transition,
    Transitions,
)
from ticketing.jira.fence import Fence

#: The key of our property on issues and comments. People do not see it, and cannot take it off as they can a label.
PROPERTY = "provisor"

#: The most that one ``bulkfetch`` takes [spec].
BULK = 100

_STATE_FIELDS = ["status", "resolution", "assignee"]
_LARGEST_META_PAGE = 200
#: Nobody reads further: 10 000 tickets with one marker, or a search that never ends.
_MOST_SEARCH_PAGES = 100
_COMMENT_PAGE = 100


class JiraCalls:
    """Typed calls through a fence. Every method raises the failure words."""

    def __init__(self, fence: Fence) -> None:
        self._fence = fence

    def make(self, fields: Mapping[str, Any], data: Mapping[str, str], *, project: str) -> MadeIssue:
        """Make an issue with its property in one call: ``create_issue`` of the library drops the property silently."""
        body = {"fields": fields, "properties": [{"key": PROPERTY, "value": data}]}
        return self._fence.post("issue", body, MadeIssue, doing=f"create a ticket in {project}", writes=True)

    def search(self, jql: str) -> Iterator[Issue]:
        """All issues a search finds, with labels. Lags behind writes."""
        next_page: dict[str, str] = {}
        for _ in range(_MOST_SEARCH_PAGES):
            body = {"jql": jql, "fields": ["labels"], "maxResults": BULK, **next_page}
            found = self._fence.post("search/jql", body, Issues, doing="search for tickets", writes=False)
            yield from found.issues
            if not found.next_page:
                return
            next_page = {"nextPageToken": found.next_page}

    def bulk(self, ids_or_keys: Sequence[str], *, fields: Sequence[str], properties: Sequence[str] = ()) -> list[Issue]:
        """Those of at most 100 issues that exist and that we may see. Does not lag behind writes [docs]."""
        body = {"issueIdsOrKeys": list(ids_or_keys), "fields": list(fields), "properties": list(properties)}
        answer = self._fence.post("issue/bulkfetch", body, Issues, doing="read tickets", writes=False)
        return list(answer.issues)

    def states(self, ids: Sequence[str]) -> list[Issue]:
        """As ``bulk``, with what a ticket's state is read from."""
        return self.bulk(ids, fields=_STATE_FIELDS)

    def issue(self, id_: str, *, with_history: bool = False) -> Issue:
        """One issue, with what its state is read from, and its history if asked."""
        params = {"fields": ",".join(_STATE_FIELDS), **({"expand": "changelog"} if with_history else {})}
        return self._fence.get(f"issue/{quote(id_)}", Issue, doing=f"read the ticket {id_}", params=params)

    def comments(self, id_: str) -> Iterator[Comment]:
        """The comments of an issue, newest first, read as far as they are looked at."""
        start, total = 0, 1
        while start < total:
            params = {
                "orderBy": "-created",
                "startAt": str(start),
                "maxResults": str(_COMMENT_PAGE),
                "expand": "properties",
            }
            page = self._fence.get(f"issue/{quote(id_)}/comment", Comments, doing="read the comments", params=params)
            yield from page.comments
            start, total = start + len(page.comments), page.total if page.comments else 0

    def say(self, id_: str, body: Node, properties: Mapping[str, Any]) -> MadeComment:
        """Comment on an issue; the library's ``add_comment`` takes no properties."""
        listed = [{"key": key, "value": value} for key, value in properties.items()]
        content = {"body": body, "properties": listed}
        return self._fence.post(
            f"issue/{quote(id_)}/comment", content, MadeComment, doing="comment on the ticket", writes=True
        )

    def transitions(self, id_: str) -> tuple[Transition, ...]:
        """The ways the issue can go, with the fields of their screens. Empty without the permission [spec]."""
        return self._fence.ask(
            lambda jira: {"transitions": jira.transitions(id_, expand="transitions.fields")},
            Transitions,
            doing="show where the ticket can go",
        ).transitions

    def move(self, id_: str, transition: Transition, fields: Mapping[str, Any]) -> None:
        """Take the issue through a transition."""
        self._fence.ask(
            lambda jira: jira.transition_issue(id_, transition.id, fields=dict(fields)),
            Nothing,
            doing=f"move the ticket to {transition.to.name or transition.name}",
            writes=True,
        )

    def issue_types(self, project: str) -> tuple[IssueType, ...]:
        """The issue types we may create in a project; the library refuses this route on Cloud."""
        found: list[IssueType] = []
        total = 1
        while len(found) < total:
            params = {"startAt": str(len(found)), "maxResults": str(_LARGEST_META_PAGE)}
            path = f"issue/createmeta/{quote(project)}/issuetypes"
            page = self._fence.get(path, IssueTypePage, doing=f"list the issue types of {project}", params=params)
            found += page.types
            total = page.total if page.types else 0
        return tuple(found)

    def create_fields(self, project: str, issue_type_id: str) -> tuple[FieldMeta, ...]:
        """The fields that can be set when an issue of this type is created."""
        found: list[FieldMeta] = []
        total = 1
        while len(found) < total:
            params = {"startAt": str(len(found)), "maxResults": str(_LARGEST_META_PAGE)}
            path = f"issue/createmeta/{quote(project)}/issuetypes/{quote(issue_type_id)}"
            page = self._fence.get(path, FieldPage, doing=f"list the fields of {project}", params=params)
            found += page.all
            total = page.total if page.all else 0
        return tuple(found)

    def myself(self) -> Myself:
        """Who we are to Jira."""
        return self._fence.ask(lambda jira: jira.myself(), Myself, doing="say who we are")

    def project(self, key: str) -> None:
        """Look at a project; fails when there is none that we may see."""
        self._fence.get(f"project/{quote(key)}", Nothing, doing=f"show the project {key}")

    def permissions(self, project: str, wanted: Sequence[str]) -> frozenset[str]:
        """Which of these permissions we have in a project."""
        answer = self._fence.ask(
            lambda jira: jira.my_permissions(projectKey=project, permissions=",".join(wanted)),
            Permissions,
            doing=f"show our permissions in {project}",
        )
        return frozenset(key for key, permission in answer.permissions.items() if permission.have)
