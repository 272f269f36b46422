from __future__ import annotations

import re

from simulator.jira.books import IssueBook, ProjectBook
from simulator.jira.catalogue import CATEGORIES, PRIORITIES, RESOLUTIONS, Catalogue
from simulator.jira.directory import Directory
from simulator.jira.index import Entry
from simulator.jira.jql.syntax import Function, JqlError
from simulator.jira.people import User

CUSTOM = re.compile(r"^cf\[(\d+)\]$", re.IGNORECASE)
PEOPLE = {"assignee", "reporter", "creator"}


class Names:
    """Looks up what people write in JQL: project keys, status names, addresses."""

    def __init__(
        self,
        *,
        projects: ProjectBook,
        issues: IssueBook,
        catalogue: Catalogue,
        directory: Directory,
        caller: User | None,
    ) -> None:
        self._projects = projects
        self._issues = issues
        self._catalogue = catalogue
        self._directory = directory
        self._caller = caller

    def category_of(self, entry: Entry) -> str | None:
        """Return the category key of an entry's status."""
        status = self._catalogue.statuses.get(entry.status_id)
        return None if status is None else status.category

    def of_value(self, field: str, text: str) -> set[str]:
        """Return the ids that a name or id means for a field; empty when nothing is meant."""
        if field == "project":
            return self._project(text)
        if field == "key":
            issue = self._issues.find(text)
            return {issue.id} if issue else set()
        if field in PEOPLE:
            return self._person(text)
        if field == "statuscategory":
            return {key for key, (number, name, _) in CATEGORIES.items() if _same(text, key, str(number), name)}
        return {each_id for each_id, name in self._choices(field) if _same(text, each_id, name)}

    def of_function(self, field: str, function: Function) -> set[str]:
        """Return the ids that a function means for a field; raises JqlError for one that is unknown."""
        name = function.name.lower()
        if name == "currentuser" and field in PEOPLE:
            return {self._caller.account_id} if self._caller else set()
        if name == "membersof" and field in PEOPLE and function.arguments:
            group = self._directory.group_by_name(function.arguments[0])
            return set(self._directory.members(group)) if group else set()
        raise JqlError(f"Unable to find JQL function '{function.name}({', '.join(function.arguments)})'.")

    def custom_fields(self, name: str) -> list[str]:
        """Return the ids of the custom fields named `cf[10010]`, `customfield_10010` or by their name."""
        by_number = CUSTOM.match(name)
        wanted = f"customfield_{by_number[1]}" if by_number else name
        return [each.id for each in self._catalogue.fields.values() if _same(wanted, each.id, each.name)]

    def _project(self, text: str) -> set[str]:
        found = self._projects.find(text) or self._projects.find(text.upper())
        if found is not None:
            return {found.id}
        return {each.id for each in self._projects.by_id.values() if _same(text, each.name)}

    def _person(self, text: str) -> set[str]:
        user = self._directory.users.get(text) or self._directory.user_by_email(text)
        return {user.account_id} if user else set()

    def _choices(self, field: str) -> list[tuple[str, str]]:
        if field == "status":
            return [(each.id, each.name) for each in self._catalogue.statuses.values()]
        if field == "issuetype":
            return [(each.id, each.name) for each in self._catalogue.issue_types.values()]
        if field == "priority":
            return [(each.id, each.name) for each in PRIORITIES]
        return [(each.id, each.name) for each in RESOLUTIONS]


def _same(text: str, *names: str) -> bool:
    return any(text.casefold() == name.casefold() for name in names)
