from __future__ import annotations

from access.failures import Permanent
from connectors.jira.groups import Groups
from connectors.jira.projects import PROJECTS_A_PAGE, Projects
from connectors.jira.shapes import Project
from connectors.paging import pages
from connectors.ports import Holdings


def read_holdings(groups: Groups, projects: Projects, account_id: str, *, most_calls: int) -> Holdings:
    """The account's groups and the roles that it is in itself, in at most ``most_calls``.

    Jira has no bulk read of role actors [spec]; ``complete`` is False when a project was not read.
    """
    held = groups.held(account_id)
    if held is None:
        return Holdings(note="Jira has no such account.")
    every = list(projects.search())
    left = most_calls - 1 - pages(len(every), PROJECTS_A_PAGE)
    roles: list[str] = []
    read, unread = 0, []
    for project in every:
        cost, found = _roles_in(projects, project, account_id, most_calls=left)
        left -= cost
        if found is None and left <= 0:
            break
        if found is None:
            unread.append(project.key)
        read += 1
        roles += found or []
    return Holdings(
        groups=tuple(sorted(group.name for group in held)),
        project_roles=tuple(sorted(roles)),
        complete=read == len(every) and not unread,
        note=_note(read, len(every), unread),
    )


def _roles_in(
    projects: Projects, project: Project, account_id: str, *, most_calls: int
) -> tuple[int, list[str] | None]:
    """The calls made, and the account's roles in one project; None when not all of them were read."""
    if most_calls <= 0:
        return 0, None
    calls, found = 1, []
    try:
        roles = projects.roles(project.id) or {}
        if len(roles) >= most_calls:
            return most_calls, None
        for name, role_id in roles.items():
            calls += 1
            role = projects.role(project.id, str(role_id))
            if role is not None and role.has_user(account_id):
                found.append(f"{project.key}: {name}")
    except Permanent:
        return calls, None  # the note names projects whose roles Jira does not show
    return calls, found


def _note(read: int, projects: int, unread: list[str]) -> str:
    notes = []
    if read < projects:
        notes.append(f"Only the first {read} of {projects} projects were read.")
    if unread:
        notes.append(f"The roles of {', '.join(unread[:20])} are not shown to Provisor's account.")
    return " ".join(notes)
