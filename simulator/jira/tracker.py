from __future__ import annotations

from collections.abc import Callable
from itertools import count
from typing import Any

from simulator.jira.books import IssueBook, ProjectBook
from simulator.jira.catalogue import PRIORITIES, RESOLUTIONS, Catalogue
from simulator.jira.directory import Directory
from simulator.jira.index import SearchIndex
from simulator.jira.issues import Adf, Attachment, Change, Comment, Issue, IssueLink, RemoteLink
from simulator.jira.projects import Project, Transition
from simulator.jira.switches import Switches
from simulator.jira.wiki import to_wiki

Item = dict[str, Any]
Listener = Callable[[str, Issue, str, list[Item], Comment | None], None]
"""Told of an event: its webhook name, the issue, the actor, the history items, the comment."""


class Tracker:
    """What happens to issues, whoever does it: every write goes through here and leaves history, index and event.

    Checks (screens, permissions, lengths) are the API's own; these methods only do. `actor` is an account id.
    """

    def __init__(
        self,
        *,
        projects: ProjectBook,
        issues: IssueBook,
        catalogue: Catalogue,
        directory: Directory,
        switches: Switches,
        now: Callable[[], float],
    ) -> None:
        self.index = SearchIndex()
        self.listeners: list[Listener] = []
        self._projects = projects
        self._issues = issues
        self._catalogue = catalogue
        self._directory = directory
        self._switches = switches
        self._now = now
        self._numbers = count(10_000)

    def next_number(self) -> int:
        """Return the next free number for a comment, change, link or attachment."""
        return next(self._numbers)

    def skip_numbers(self, beyond: int) -> None:
        """Go on after a number that a loaded world already uses."""
        self._numbers = count(max(beyond + 1, next(self._numbers)))

    def create(self, issue: Issue, actor: str) -> Issue:
        """Enter an issue that has everything but its numbers: id and key are given here."""
        project = self._projects.by_id[issue.project_id]
        project.issue_count += 1
        issue.id, issue.key = str(self.next_number()), f"{project.key}-{project.issue_count}"
        issue.created = issue.updated = self._now()
        if actor and actor not in issue.watchers:
            issue.watchers.append(actor)
        self._issues.add(issue)
        self.reindex(issue)
        self._tell("jira:issue_created", issue, actor, [])
        return issue

    def edit(self, issue: Issue, values: dict[str, Any], actor: str, *, event: bool = True) -> list[Item]:
        """Set fields by id; gives the history items of those that really changed."""
        items = [item for name, value in values.items() if (item := self._set(issue, name, value)) is not None]
        if items:
            self._record(issue, actor, items)
            if event:
                self._tell("jira:issue_updated", issue, actor, items)
        return items

    def _set(self, issue: Issue, name: str, value: Any) -> Item | None:
        before = self.value(issue, name)
        if before == value:
            return None
        if name in {"summary", "labels", "assignee", "reporter"}:
            setattr(issue, name, value)
        elif name == "issuetype":
            issue.type_id = value
        elif name == "resolution":
            issue.resolution_id = value
        elif value is None:
            issue.values.pop(name, None)
        else:
            issue.values[name] = value
        return self._item(name, before, value)

    def value(self, issue: Issue, name: str) -> Any:
        """Return a field as it is kept, by its id."""
        if name in {"summary", "labels", "assignee", "reporter"}:
            return getattr(issue, name)
        if name == "issuetype":
            return issue.type_id
        return issue.resolution_id if name == "resolution" else issue.values.get(name)

    def _item(self, name: str, before: Any, after: Any) -> Item:
        field = self._catalogue.fields.get(name)
        return {
            "field": field.name if field else name,
            "fieldtype": "custom" if field else "jira",
            "fieldId": name,
            "from": _plain_id(before),
            "fromString": self._said(name, before),
            "to": _plain_id(after),
            "toString": self._said(name, after),
        }

    def _said(self, name: str, value: Any) -> str | None:
        if value is None:
            return None
        if name in {"assignee", "reporter"}:
            user = self._directory.users.get(value)
            return user.display_name if user else value
        if name == "labels":
            return " ".join(value)
        if name in {"priority", "resolution"}:
            return next((each.name for each in (*PRIORITIES, *RESOLUTIONS) if each.id == value), value)
        return to_wiki(value) if isinstance(value, dict) else str(value)

    def transition(self, issue: Issue, transition: Transition, actor: str, *, resolution: str | None = None) -> None:
        """Move an issue along the workflow; the resolution is set, kept or cleared as the status's category asks."""
        statuses = self._catalogue.statuses
        old, new = statuses[issue.status_id], statuses[transition.to]
        items = [_status_item(old.id, old.name, new.id, new.name)]
        issue.status_id = new.id
        wanted = self._resolution(issue, new.category == "done", resolution or transition.resolution)
        item = self._set(issue, "resolution", wanted)
        if item is not None:
            items.append(item)
        issue.resolved = (issue.resolved or self._now()) if wanted else None
        self._record(issue, actor, items)
        self._tell("jira:issue_updated", issue, actor, items)

    def _resolution(self, issue: Issue, done: bool, name: str | None) -> str | None:  # noqa: FBT001 -- private
        if not done and self._switches.resolution_kept_on_reopening:
            return issue.resolution_id
        if not done or self._projects.by_id[issue.project_id].simplified:
            return None
        return next((each.id for each in RESOLUTIONS if each.name == name), RESOLUTIONS[0].id)

    def comment(
        self,
        issue: Issue,
        body: Adf,
        actor: str,
        *,
        visibility: dict[str, str] | None = None,
        properties: dict[str, Any] | None = None,
    ) -> Comment:
        """Add a comment."""
        now = self._now()
        comment = Comment(str(self.next_number()), actor, body, now, now, actor, visibility, properties or {})
        issue.comments.append(comment)
        self._touch(issue)
        self._tell("comment_created", issue, actor, [], comment)
        return comment

    def attach(self, issue: Issue, filename: str, mime_type: str, size: int, actor: str) -> Attachment:
        """Add a file."""
        attachment = Attachment(str(self.next_number()), filename, mime_type, size, actor, self._now())
        issue.attachments.append(attachment)
        self._touch(issue)
        return attachment

    def remote_link(self, issue: Issue, global_id: str | None, content: dict[str, Any]) -> tuple[RemoteLink, bool]:
        """Add a remote link, or update the one with this global id; tells whether it is new."""
        for link in issue.remote_links:
            if global_id is not None and link.global_id == global_id:
                link.content = content
                return link, False
        link = RemoteLink(self.next_number(), global_id, content)
        issue.remote_links.append(link)
        self._touch(issue)
        return link, True

    def link(self, type_id: str, inward: Issue, outward: Issue) -> IssueLink:
        """Link two issues; duplicates are kept, as the service does."""
        link = self._issues.add_link(IssueLink(str(self.next_number()), type_id, inward.id, outward.id))
        self._touch(inward)
        self._touch(outward)
        return link

    def delete(self, issue: Issue, actor: str) -> None:
        """Delete an issue."""
        self._issues.remove(issue)
        now = self._now()
        self.index.drop(issue, seen_from=now + self._switches.search_lag_ms / 1000, now=now)
        self._tell("jira:issue_deleted", issue, actor, [])

    def move(self, issue: Issue, project: Project, actor: str) -> None:
        """Move to another project: the key changes, the old one still resolves, the numeric id stays."""
        old_key, old_project = issue.key, self._projects.by_id[issue.project_id]
        project.issue_count += 1
        issue.project_id = project.id
        self._issues.rekey(issue, f"{project.key}-{project.issue_count}")
        if issue.status_id not in project.statuses:
            issue.status_id = self._status_like(issue.status_id, project)
        if issue.type_id not in project.issue_types:
            issue.type_id = project.issue_types[0]
        items = [
            self._item("project", old_project.id, project.id),
            {**self._item("Key", old_key, issue.key), "from": None, "to": None},
        ]
        self._record(issue, actor, items)
        self._tell("jira:issue_updated", issue, actor, items)

    def _status_like(self, status_id: str, project: Project) -> str:
        category = self._catalogue.statuses[status_id].category
        same = (each for each in project.statuses if self._catalogue.statuses[each].category == category)
        return next(same, project.statuses[0])

    def _record(self, issue: Issue, actor: str, items: list[Item]) -> None:
        issue.changes.append(Change(str(self.next_number()), actor, self._now(), items))
        self._touch(issue)

    def _touch(self, issue: Issue) -> None:
        issue.updated = self._now()
        self.reindex(issue)

    def reindex(self, issue: Issue) -> None:
        """Let the search index see the issue as it is now, after its lag."""
        now = self._now()
        self.index.put(issue, seen_from=now + self._switches.search_lag_ms / 1000, now=now)

    def _tell(self, event: str, issue: Issue, actor: str, items: list[Item], comment: Comment | None = None) -> None:
        for listener in self.listeners:
            listener(event, issue, actor, items, comment)


def _plain_id(value: Any) -> str | None:
    return value if isinstance(value, str) and "\n" not in value and len(value) < 200 else None


def _status_item(old_id: str, old: str, new_id: str, new: str) -> Item:
    ids = {"field": "status", "fieldtype": "jira", "fieldId": "status"}
    return {**ids, "from": old_id, "fromString": old, "to": new_id, "toString": new}
