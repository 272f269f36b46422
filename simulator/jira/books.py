from __future__ import annotations

from bisect import bisect_left, insort

from simulator.jira.issues import Issue, IssueLink
from simulator.jira.projects import Project


class ProjectBook:
    """Projects by id and key; keys that a project had before still find it."""

    def __init__(self) -> None:
        self.by_id: dict[str, Project] = {}
        self._by_key: dict[str, str] = {}
        self.keys: list[str] = []

    def add(self, project: Project) -> Project:
        """Add or replace a project."""
        if project.id in self.by_id:
            self.remove(self.by_id[project.id])
        self.by_id[project.id] = project
        self._by_key.update(dict.fromkeys((*project.old_keys, project.key), project.id))
        insort(self.keys, project.key)
        return project

    def remove(self, project: Project) -> None:
        """Forget a project."""
        del self.by_id[project.id]
        del self.keys[bisect_left(self.keys, project.key)]
        for key in (project.key, *project.old_keys):
            self._by_key.pop(key, None)

    def rename(self, project: Project, key: str) -> None:
        """Give a project another key; the old one still finds it."""
        self.remove(project)
        project.old_keys.append(project.key)
        project.key = key
        self.add(project)

    def find(self, id_or_key: str) -> Project | None:
        """Find by id, key or former key; keys are case-sensitive."""
        return self.by_id.get(id_or_key) or self.by_id.get(self._by_key.get(id_or_key, ""))

    def in_order(self) -> list[Project]:
        """Return all projects sorted by key."""
        return [self.by_id[self._by_key[key]] for key in self.keys]


class IssueBook:
    """Issues by numeric id and by every key they ever had."""

    def __init__(self) -> None:
        self.by_id: dict[str, Issue] = {}
        self._by_key: dict[str, str] = {}
        self.links: dict[str, IssueLink] = {}
        self._links_of: dict[str, list[str]] = {}

    def add(self, issue: Issue) -> Issue:
        """Add or replace an issue."""
        self.by_id[issue.id] = issue
        self._by_key.update(dict.fromkeys((*issue.old_keys, issue.key), issue.id))
        return issue

    def remove(self, issue: Issue) -> None:
        """Forget an issue, its keys and its links."""
        del self.by_id[issue.id]
        for key in (issue.key, *issue.old_keys):
            self._by_key.pop(key, None)
        for link_id in self._links_of.pop(issue.id, []):
            link = self.links.pop(link_id)
            other = link.outward if link.inward == issue.id else link.inward
            if other != issue.id:
                self._links_of[other].remove(link_id)

    def rekey(self, issue: Issue, key: str) -> None:
        """Give an issue another key; the old one still finds it."""
        issue.old_keys.append(issue.key)
        issue.key = key
        self.add(issue)

    def guarded(self) -> list[Issue]:
        """Return the issues that are archived or have a security level."""
        return [issue for issue in self.by_id.values() if issue.archived or issue.security is not None]

    def find(self, id_or_key: str) -> Issue | None:
        """Find by id or any key, current or former; keys whatever their case."""
        return self.by_id.get(id_or_key) or self.by_id.get(self._by_key.get(id_or_key.upper(), ""))

    def add_link(self, link: IssueLink) -> IssueLink:
        """Link two issues."""
        self.links[link.id] = link
        for end in {link.inward, link.outward}:
            self._links_of.setdefault(end, []).append(link.id)
        return link

    def remove_link(self, link: IssueLink) -> None:
        """Take a link between two issues away."""
        del self.links[link.id]
        for end in {link.inward, link.outward}:
            self._links_of[end].remove(link.id)

    def links_of(self, issue: Issue) -> list[IssueLink]:
        """Return the links of an issue."""
        return [self.links[each] for each in self._links_of.get(issue.id, ())]
