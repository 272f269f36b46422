from __future__ import annotations

from simulator.jira.catalogue import GLOBAL_PERMISSIONS
from simulator.jira.directory import Directory
from simulator.jira.people import User
from simulator.jira.projects import Project

Denial = tuple[str, str, str]
"""Account id, permission, project id or `""` for everywhere."""


class Permissions:
    """Who may do what: global permissions by group, project permissions by the project's own scheme.

    `denied` takes single permissions away from single accounts, so that a badly set-up token can be played.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self.denied: set[Denial] = set()

    def has(self, user: User | None, permission: str, project: Project | None = None) -> bool:
        """Return whether somebody (None is anonymous) has a permission, in a project for a project permission."""
        if user is not None and self._is_denied(user, permission, project):
            return False
        if project is None:
            return any(self._holds(user, holder, None) for holder in GLOBAL_PERMISSIONS.get(permission, ()))
        return any(self._holds(user, holder, project) for holder in project.grants.get(permission, ()))

    def administers(self, user: User | None, project: Project) -> bool:
        """Return whether somebody may change the project's configuration."""
        return self.has(user, "ADMINISTER_PROJECTS", project) or self.has(user, "ADMINISTER")

    def sees(self, user: User | None, project: Project) -> bool:
        """Return whether somebody may see the project."""
        if project.status == "deleted":
            return False
        if user is not None and self._is_denied(user, "BROWSE_PROJECTS", project):
            return False
        return self.has(user, "BROWSE_PROJECTS", project) or self.administers(user, project)

    def _is_denied(self, user: User, permission: str, project: Project | None) -> bool:
        if not self.denied:
            return False
        where = "" if project is None else project.id
        return bool({(user.account_id, permission, where), (user.account_id, permission, "")} & self.denied)

    def _holds(self, user: User | None, holder: str, project: Project | None) -> bool:
        kind, _, name = holder.partition(":")
        if user is None or kind in {"anyone", "logged_in"}:
            return kind == "anyone" or (kind == "logged_in" and user is not None)
        mine = self._directory.group_ids_of(user.account_id)
        if kind == "access":
            return any(self._directory.groups[each].access_type == name for each in mine)
        if kind == "role":
            actors = project.roles.get(int(name), ()) if project else ()
            return any(each.user == user.account_id or each.group in mine for each in actors)
        if kind == "lead":
            return project is not None and project.lead == user.account_id
        return name == user.account_id or name in mine
