from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.projects import role_map, scope, the_project
from simulator.jira.api.responses import answer, empty, refuse
from simulator.jira.people import Group, User
from simulator.jira.projects import Actor, Project, Role

NOT_YOURS = "You cannot edit the configuration of this project."
USER_ACTOR, GROUP_ACTOR = "atlassian-user-role-actor", "atlassian-group-role-actor"
FREE = "Project roles and role actors can't be updated on the Jira Free plan."


def project_to_configure(call: Call) -> Project:
    """Return the project of the path to somebody who administers it, or refuse."""
    project = the_project(call)
    if not call.world.permissions.administers(call.caller, project):
        raise refuse(403 if call.caller else 401, NOT_YOURS)
    return project


def the_role(call: Call, project: Project) -> Role:
    """Return the role of the path, or refuse."""
    wanted = call.path("role")
    if not wanted.isdigit():
        raise call.problem(400, f"Failed to convert 'id' with value: '{wanted}'")
    role = call.world.catalogue.roles.get(int(wanted))
    if role is None or role.project_id != (project.id if project.simplified else None):
        raise refuse(404, f"Can not retrieve a role actor for a null project role. No role with id '{wanted}'.")
    return role


def mapped(call: Call) -> Response:
    """Return role names and addresses."""
    return answer(role_map(call, project_to_configure(call)))


def details(call: Call) -> Response:
    """Return the roles of a project without actors."""
    project = project_to_configure(call)
    return answer(
        [_brief(call, role, project) | {"type": "DEFAULT"} for role in call.world.catalogue.roles_of(project)]
    )


def _brief(call: Call, role: Role, project: Project | None) -> dict[str, Any]:
    at = f"{call.api}/project/{project.id}/role/{role.id}" if project else f"{call.api}/role/{role.id}"
    document: dict[str, Any] = {"self": at, "name": role.name, "id": role.id, "description": role.description}
    if role.project_id:
        document["scope"] = scope(role.project_id)
    return document


def one(call: Call) -> Response:
    """Return a role with its actors."""
    project = project_to_configure(call)
    return answer(_document(call, project, the_role(call, project)))


def _document(call: Call, project: Project, role: Role) -> dict[str, Any]:
    actors = project.roles.get(role.id, ())
    if call.flag("excludeInactiveUsers"):
        users = call.world.directory.users
        actors = [actor for actor in actors if actor.user is None or users[actor.user].active]
    shown = sorted((_actor(call, actor) for actor in actors), key=lambda actor: str(actor["displayName"]).casefold())
    return {**_brief(call, role, project), "actors": shown}


def _actor(call: Call, actor: Actor) -> dict[str, Any]:
    avatar = f"{call.base}/secure/useravatar?size=16"
    directory = call.world.directory
    if actor.user is not None:
        return {
            "id": actor.id,
            "displayName": directory.users[actor.user].display_name,
            "type": USER_ACTOR,
            "avatarUrl": avatar,
            "actorUser": {"accountId": actor.user},
        }
    group = directory.groups.get(actor.group or "")
    name = group.name if group else actor.group_name
    names = {"name": name, "displayName": name}
    return {
        "id": actor.id,
        "displayName": name,
        "type": GROUP_ACTOR,
        "name": name,
        "avatarUrl": avatar,
        "actorGroup": {**names, "groupId": group.id} if group else names,
    }


def everywhere(call: Call) -> Response:
    """Return every role with default actors, which are none here."""
    call.require("ADMINISTER", "You do not have permission to view project roles.")
    return answer([_brief(call, role, None) | {"actors": []} for role in call.world.catalogue.roles.values()])


def by_id(call: Call) -> Response:
    """Return one role of the site."""
    call.require("ADMINISTER", "You do not have permission to view project roles.")
    wanted = call.path("role")
    role = call.world.catalogue.roles.get(int(wanted)) if wanted.isdigit() else None
    if role is None:
        raise refuse(404, f"Can not find role with id '{wanted}'.")
    return answer(_brief(call, role, None) | {"actors": []})


def add(call: Call) -> Response:
    """Add users or groups to a role; one that is there already fails the request."""
    project, role = _to_change(call)
    body = call.members()
    if call.world.switches.null_actors == "absent":
        body = {name: value for name, value in body.items() if value is not None}
    if set(body) - {"user", "group", "groupId"} or ("group" in body and "groupId" in body):
        raise refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    users = [_user(call, each, project) for each in _ids(body, "user")]
    groups = [_group_by_id(call, each) for each in _ids(body, "groupId")]
    groups += [_group_by_name(call, each) for each in _ids(body, "group")]
    if not users and not groups:
        raise refuse(400, "No actors to add were given: name at least one user or group.")
    held = {actor.user or actor.group for actor in project.roles.get(role.id, ())}
    duplicates = [user.display_name for user in users if user.account_id in held]
    duplicates += [group.name for group in groups if group.id in held]
    if duplicates and call.world.switches.role_duplicate == "refuse":
        raise refuse(400, *(f"'{name}' is already a member of the project role." for name in duplicates))
    _enter(call, project, role, (user for user in users if user.account_id not in held))
    _enter(call, project, role, (group for group in groups if group.id not in held))
    return answer(_document(call, project, role))


def replace(call: Call) -> Response:
    """Replace every actor of a role."""
    project, role = _to_change(call)
    actors = call.members().get("categorisedActors")
    if not isinstance(actors, dict):
        raise refuse(400, "The categorised actors have to be provided.")
    if call.world.switches.null_actors == "absent":
        actors = {name: value for name, value in actors.items() if value is not None}
    if set(actors) - {USER_ACTOR, GROUP_ACTOR, f"{GROUP_ACTOR}-id"}:
        raise refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    users = [_user(call, each, project) for each in _ids(actors, USER_ACTOR)]
    groups = [_group_by_id(call, each) for each in _ids(actors, f"{GROUP_ACTOR}-id")]
    groups += [_group_by_name(call, each) for each in _ids(actors, GROUP_ACTOR)]
    project.roles[role.id] = []
    _enter(call, project, role, users)
    _enter(call, project, role, groups)
    return answer(_document(call, project, role))


def remove(call: Call) -> Response:
    """Take an actor out of a role; one who is not in it is no error."""
    project, role = _to_change(call)
    given = [name for name in ("user", "group", "groupId") if call.query(name)]
    if len(given) != 1:
        raise refuse(400, "Exactly one of 'user', 'group' and 'groupId' has to be provided.")
    value = call.query(given[0]) or ""
    if given[0] == "user":
        call.world.leave_role(project, role, user=value, actor=call.me.account_id)
        return empty()
    group = call.world.directory.group_by_name(value) if given[0] == "group" else None
    group_id = value if given[0] == "groupId" else group.id if group else ""
    call.world.leave_role(project, role, group=group_id, actor=call.me.account_id)
    return empty()


def _to_change(call: Call) -> tuple[Project, Role]:
    project = project_to_configure(call)
    role = the_role(call, project)
    if call.world.switches.free_plan:
        raise refuse(400, FREE)
    return project, role


def _ids(body: dict[str, Any], name: str) -> list[str]:
    value = body.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
    return value


def _user(call: Call, account_id: str, project: Project) -> User:
    user = call.world.directory.users.get(account_id)
    if user is None or not user.active:
        raise refuse(404, f"We can't find '{account_id}' in any accessible user directory for project '{project.key}'.")
    return user


def _group_by_id(call: Call, group_id: str) -> Group:
    group = call.world.directory.groups.get(group_id)
    if group is None:
        raise refuse(404, f"We can't find the group with id '{group_id}' in any accessible user directory.")
    return group


def _group_by_name(call: Call, name: str) -> Group:
    group = call.world.directory.group_by_name(name)
    if group is None:
        raise refuse(404, f"We can't find '{name}' in any accessible user directory.")
    return group


def _enter(call: Call, project: Project, role: Role, who: Iterable[User | Group]) -> None:
    for each in who:
        call.world.enter_role(project, role, each, actor=call.me.account_id)


WORK = "read:jira-work"
MANAGE = "manage:jira-configuration"
ROLE = "read:avatar read:group read:project read:project-category read:project-role read:user"
DETAILS = "read:avatar read:project read:project-category read:project-role"
AT = "/project/{project}/role"
OPERATIONS = (
    Operation("GET", AT, mapped, WORK, "read:project-role", login="open"),
    Operation(
        "GET",
        f"{AT}details",
        details,
        WORK,
        "read:avatar read:project read:project-category read:project-role",
        login="open",
    ),
    Operation("GET", f"{AT}/{{role}}", one, WORK, ROLE, login="open"),
    Operation("POST", f"{AT}/{{role}}", add, MANAGE, f"{ROLE} write:project-role"),
    Operation("PUT", f"{AT}/{{role}}", replace, "manage:jira-project", f"{ROLE} write:project-role"),
    Operation("DELETE", f"{AT}/{{role}}", remove, "manage:jira-project", "delete:project-role"),
    Operation("GET", "/role", everywhere, MANAGE, ROLE),
    Operation("GET", "/role/{role}", by_id, MANAGE, ROLE),
)
