from __future__ import annotations

from dataclasses import dataclass, field, replace

from simulator.jira.projects import (
    CustomField,
    FieldUse,
    FormField,
    IssueType,
    Project,
    RequestType,
    Role,
    Status,
    Transition,
)

DECLINED = "Won't Do"
TEAM_ROLES = ("Administrator", "Member", "Viewer")
SHARED_ROLES = {10002: "Administrators", 10004: "Developers", 10005: "Users", 10006: "Approvers", 10007: "Auditors"}
ADDONS_ROLE = 10003


@dataclass(frozen=True, slots=True)
class Choice:
    """An entry of a site-wide list: a priority, resolution or link type."""

    id: str
    name: str
    inward: str = ""
    outward: str = ""


PRIORITIES = tuple(
    Choice(str(place), name) for place, name in enumerate(("Highest", "High", "Medium", "Low", "Lowest"), start=1)
)
DEFAULT_PRIORITY = "3"
RESOLUTIONS = tuple(
    Choice(str(10000 + place), name) for place, name in enumerate(("Done", DECLINED, "Duplicate", "Cannot Reproduce"))
)
LINK_TYPES = (
    Choice("10000", "Blocks", "is blocked by", "blocks"),
    Choice("10001", "Cloners", "is cloned by", "clones"),
    Choice("10002", "Duplicate", "is duplicated by", "duplicates"),
    Choice("10003", "Relates", "relates to", "relates to"),
)
CATEGORIES = {
    "undefined": (1, "No Category", "medium-gray"),
    "new": (2, "To Do", "blue-gray"),
    "indeterminate": (4, "In Progress", "yellow"),
    "done": (3, "Done", "green"),
}
"""Status category key to id, name and colour."""

REQUEST_TYPE = CustomField(
    "customfield_10010", "Request Type", "sd-customerrequesttype", custom="com.atlassian.servicedesk:vp-origin"
)
"""The field of a request's type. Its id and name differ between sites, and the name is translated."""

MEMBER_PERMISSIONS = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "ASSIGN_ISSUES",
    "ASSIGNABLE_USER",
    "TRANSITION_ISSUES",
    "RESOLVE_ISSUES",
    "CLOSE_ISSUES",
    "MODIFY_REPORTER",
    "ADD_COMMENTS",
    "MANAGE_WATCHERS",
    "VIEW_VOTERS_AND_WATCHERS",
    "LINK_ISSUES",
    "CREATE_ATTACHMENTS",
)
ADMIN_PERMISSIONS = ("ADMINISTER_PROJECTS", "DELETE_ISSUES", "MOVE_ISSUES")
GLOBAL_PERMISSIONS = {
    "ADMINISTER": ["access:admin", "access:site-admin"],
    "SYSTEM_ADMIN": ["access:site-admin"],
    "SITE_ADMIN": ["access:site-admin"],
    "USER_PICKER": ["logged_in"],
    "BULK_CHANGE": ["logged_in"],
}
"""Global permission to its holders; SITE_ADMIN is ours for 'member of the site-admin group'."""


def shared_statuses() -> list[Status]:
    """Return the statuses of company-managed projects."""
    return [
        Status("10000", "To Do", "new"),
        Status("3", "In Progress", "indeterminate"),
        Status("10001", "Done", "done"),
        Status("10002", "Declined", "done"),
    ]


def shared_issue_types() -> list[IssueType]:
    """Return the issue types of company-managed projects."""
    return [
        IssueType("10001", "Task"),
        IssueType("10002", "Sub-task", subtask=True),
        IssueType("10003", "Bug"),
        IssueType("10004", "Access Request"),
        IssueType("10005", "Service Request"),
    ]


def shared_roles() -> list[Role]:
    """Return the roles of company-managed projects."""
    addons = Role(ADDONS_ROLE, "atlassian-addons-project-access", "A project role that represents Connect add-ons")
    return [*(Role(number, name, f"A project role: {name}") for number, name in SHARED_ROLES.items()), addons]


def workflow(to_do: str, in_progress: str, done: str, declined: str) -> list[Transition]:
    """Return the transitions between four statuses; the way back from done is taken out by a switch."""
    return [
        Transition("11", "Back to To Do", to_do, [in_progress]),
        Transition("21", "Start progress", in_progress, [to_do]),
        Transition("31", "Done", done, [to_do, in_progress], "Done"),
        Transition("41", "Decline", declined, [to_do, in_progress], DECLINED),
        Transition("51", "Reopen", to_do, [done, declined]),
    ]


@dataclass(slots=True)
class Catalogue:
    """What projects are made of: statuses, issue types, roles and custom fields, by id."""

    statuses: dict[str, Status] = field(default_factory=lambda: {each.id: each for each in shared_statuses()})
    issue_types: dict[str, IssueType] = field(default_factory=lambda: {each.id: each for each in shared_issue_types()})
    roles: dict[int, Role] = field(default_factory=dict)
    fields: dict[str, CustomField] = field(default_factory=dict)
    _roles_by_owner: dict[str | None, list[int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for role in shared_roles():
            self.add_role(role)

    def furnish(self, project: Project) -> None:
        """Return a new project the issue types, statuses, workflow and permissions of its style, where it has none."""
        if not project.issue_types:
            project.issue_types = self._types_for(project)
        if not project.statuses:
            project.statuses = self._statuses_for(project)
        if not project.workflow:
            project.workflow = workflow(*project.statuses[:4])
        if not project.grants:
            project.grants = self._grants_for(project)
        if project.type_key == "service_desk":
            self._furnish_desk(project)

    def _furnish_desk(self, project: Project) -> None:
        """Give a service project the field of the request type, and a request type for each issue type where it has none."""
        self.fields.setdefault(REQUEST_TYPE.id, replace(REQUEST_TYPE))
        project.fields.setdefault(REQUEST_TYPE.id, FieldUse())
        if not project.request_types:
            kinds = [self.issue_types[each] for each in project.issue_types if not self.issue_types[each].subtask]
            form = {"summary": FormField("What do you need?", required=True), "description": FormField("Details")}
            project.request_types = [
                RequestType(f"{project.id}{place:02}", f"Get help: {kind.name}", kind.id, fields=dict(form))
                for place, kind in enumerate(kinds, start=1)
            ]

    def _types_for(self, project: Project) -> list[str]:
        if not project.simplified:
            return [each.id for each in self.issue_types.values() if each.project_id is None]
        made = [
            IssueType(f"{project.id}{place}", name, subtask=name == "Subtask", project_id=project.id)
            for place, name in enumerate(("Task", "Subtask"))
        ]
        self.issue_types.update({each.id: each for each in made})
        return [each.id for each in made]

    def _statuses_for(self, project: Project) -> list[str]:
        shared = shared_statuses()
        if not project.simplified:
            return [each.id for each in shared]
        made = [
            Status(f"{project.id}{place}", each.name, each.category, project.id)
            for place, each in enumerate(shared, start=5)
        ]
        self.statuses.update({each.id: each for each in made})
        return [each.id for each in made]

    def _grants_for(self, project: Project) -> dict[str, list[str]]:
        roles = self.roles_of(project)
        admin = next((f"role:{each.id}" for each in roles if each.name.startswith("Administrator")), "lead")
        if project.access_level == "private":
            members = [f"role:{each.id}" for each in roles]
        elif project.access_level == "limited":
            members = [f"role:{each.id}" for each in roles if each.name != "Viewer"]
        else:
            members = ["logged_in"]
        grants = {permission: list(members) for permission in MEMBER_PERMISSIONS}
        grants.update({permission: [admin, "lead"] for permission in ADMIN_PERMISSIONS})
        if project.access_level == "limited":
            grants["BROWSE_PROJECTS"] = ["logged_in"]
        if project.access_level == "public":
            grants["BROWSE_PROJECTS"] = ["anyone"]
        return grants

    def roles_of(self, project: Project) -> list[Role]:
        """Return the roles of a project, making the own ones of a team-managed project at first."""
        owner = project.id if project.simplified else None
        if owner and owner not in self._roles_by_owner:
            for place, name in enumerate(TEAM_ROLES):
                self.add_role(Role(int(owner) * 10 + place, name, f"{name} of {project.name}", owner))
        return [self.roles[number] for number in self._roles_by_owner.get(owner, ())]

    def add_role(self, role: Role) -> Role:
        """Add a role, shared or of one team-managed project."""
        if role.id not in self.roles:
            self._roles_by_owner.setdefault(role.project_id, []).append(role.id)
        self.roles[role.id] = role
        return role
