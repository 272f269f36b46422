"""What ``docs/contracts/jira-cloud.md`` assumes, and how a site shows it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any

from connectors.jira.client import API, MYSELF
from httpclient import Response
from tasks.doctor.assumptions.assumption import Assumption, NotSeen, status_of
from tasks.doctor.probe import Probe, objects, text

_ACTORS = f"{API}/project/{{project}}/role/{{role}}"
_TYPES = f"{API}/issue/createmeta/{{project}}/issuetypes"
_GROUP_USER = f"{API}/group/user"

#: So many projects are looked at for one that shows a fact, and so many rows are read of a list.
_MOST, _ROWS = 20, 1000
_TEXT_LIMIT = 32_767
#: Past the limit in what Provisor counts (the JSON), and within it in characters.
_MUCH_JSON = 40_000
_MEMBERSHIPS = "group management"


class JiraLooks:
    """The probes of one site, and what several looks share.

    ``anonymous`` asks without a credential. ``group`` is the name of a group to change, ``role`` the key of a project and the
    name of a role in it; the project takes an issue, too.
    """

    def __init__(
        self, api: Probe, anonymous: Probe, *, group: str | None = None, role: tuple[str, str] | None = None
    ) -> None:
        self.api, self.anonymous = api, anonymous
        self._group, self._role = group, role

    @cached_property
    def me(self) -> str:
        """The id of Provisor's account."""
        return text(self.api.ask("GET", MYSELF).body, "accountId")

    @cached_property
    def projects(self) -> list[dict[str, Any]]:
        """The first projects."""
        return objects(self.api.ask("GET", f"{API}/project/search", params={"maxResults": _MOST}), "values")

    @cached_property
    def scratch_group(self) -> str:
        """The id of the scratch group. Raises ``NotSeen`` without one."""
        if self._group is None:
            raise NotSeen("it needs a group to change; name one with --scratch jira:group:<name>:member")
        found = objects(self.api.ask("GET", f"{API}/group/bulk", params={"groupName": self._group}), "values")
        if len(found) != 1:
            raise NotSeen("the site shows no group by the name of the scratch group")
        return text(found[0], "groupId")

    @cached_property
    def scratch_role(self) -> tuple[str, str]:
        """Project key and role id to change. Raises ``NotSeen`` without them."""
        if self._role is None:
            raise NotSeen(
                "it needs a project to change; name one with --scratch jira:project-role:<key>:<role>:assigned"
            )
        project, name = self._role
        roles = self.api.ask("GET", f"{API}/project/{{project}}/role", path={"project": project}).body
        address = roles.get(name) if isinstance(roles, dict) else None
        if not isinstance(address, str):
            raise NotSeen("the scratch project has no such role")
        return project, address.rpartition("/")[2]

    def may(self, permission: str, project: str) -> bool | None:
        """Whether Provisor's account has a permission in a project; None when Jira does not say."""
        asked = {"permissions": permission, "projectKey": project}
        body = self.api.ask("GET", f"{API}/mypermissions", params=asked).body
        found = body.get("permissions") if isinstance(body, dict) else None
        held = found.get(permission) if isinstance(found, dict) else None
        return held.get("havePermission") is True if isinstance(held, dict) else None

    def is_mine(self, group: str) -> bool:
        """Whether Provisor's account is in a group."""
        body = self.api.ask("GET", f"{API}/user/groups", params={"accountId": self.me}).body
        return isinstance(body, list) and any(text(each, "groupId") == group for each in body)

    def join(self, group: str) -> Response:
        """Put Provisor's own account into a group."""
        return self.api.ask("POST", _GROUP_USER, params={"groupId": group}, body={"accountId": self.me})

    def leave(self, group: str) -> Response:
        """Take Provisor's own account out of a group."""
        return self.api.ask("DELETE", _GROUP_USER, params={"groupId": group, "accountId": self.me})

    def actors(self, project: str, role: str) -> list[dict[str, Any]]:
        """Who is in a role."""
        return objects(self.api.ask("GET", _ACTORS, path={"project": project, "role": role}), "actors")

    def records(self) -> list[dict[str, Any]]:
        """The newest records of the site's own log. Raises ``NotSeen`` when it is not shown."""
        response = self.api.ask("GET", f"{API}/auditing/record", params={"limit": _ROWS})
        if response.status != HTTPStatus.OK:
            raise NotSeen(f"the site's log was refused ({response.status})")
        return objects(response, "records")


def _pages_tell_their_end(at: JiraLooks) -> bool:
    body = at.api.ask("GET", f"{API}/group/bulk", params={"maxResults": 1}).body
    return isinstance(body, dict) and {"total", "isLast"} <= body.keys()


def _projects_have_roles(at: JiraLooks) -> bool:
    keys = [text(each, "key") for each in at.projects]
    if not keys:
        raise NotSeen("the site shows no project")
    asked = (at.api.ask("GET", f"{API}/project/{{project}}/role", path={"project": key}) for key in keys)
    return all(each.body for each in asked if each.status == HTTPStatus.OK)


def _without_credential(at: JiraLooks) -> int:
    return status_of(at.anonymous.ask("GET", f"{API}/group/bulk", params={"maxResults": 1}), 401, 403)


def _deleted(at: JiraLooks) -> str:
    users = at.api.ask("GET", f"{API}/users/search", params={"maxResults": _ROWS}).body
    for user in users if isinstance(users, list) else ():
        if user.get("active") is False and text(user, "displayName") in {"", "Former user"}:
            return "inactive, without a name or Former user"
    raise NotSeen(f"nobody of the first {_ROWS} accounts looks deleted")


def _took_nobody_out(at: JiraLooks) -> int:
    group = at.scratch_group
    if at.is_mine(group):
        raise NotSeen("Provisor's account is in the scratch group; take it out")
    return status_of(at.leave(group), 400, 404)


def _shared_roles(at: JiraLooks) -> bool:
    roles = at.api.ask("GET", f"{API}/role").body
    listed = {str(role.get("id")) for role in roles if isinstance(role, dict)} if isinstance(roles, list) else set()
    for project in at.projects:
        if project.get("style") == "next-gen" or project.get("simplified") is True:
            path = {"project": text(project, "key")}
            own = at.api.ask("GET", f"{API}/project/{{project}}/role", path=path).body
            if isinstance(own, dict) and own:
                return {str(address).rpartition("/")[2] for address in own.values()} <= listed
    raise NotSeen(f"none of the first {_MOST} projects is team-managed")


def _duplicate(at: JiraLooks) -> str:
    project, role = at.scratch_role
    group, path = at.scratch_group, {"project": project, "role": role}
    held = json.dumps(at.actors(project, role))
    if at.me in held or group in held:
        raise NotSeen("Provisor's account or the scratch group is in the scratch role; take them out")
    try:
        status_of(at.api.ask("POST", _ACTORS, path=path, body={"user": [at.me]}), 200)
        at.api.ask("POST", _ACTORS, path=path, body={"user": [at.me], "groupId": [group]})
        return "skip" if group in json.dumps(at.actors(project, role)) else "refuse"
    finally:
        at.api.ask("DELETE", _ACTORS, path=path, params={"user": at.me})
        at.api.ask("DELETE", _ACTORS, path=path, params={"groupId": group})


def _actors_of_nothing(at: JiraLooks) -> bool:
    for project in at.projects:
        key = text(project, "key")
        roles = at.api.ask("GET", f"{API}/project/{{project}}/role", path={"project": key}).body
        for address in roles.values() if isinstance(roles, dict) else ():
            for actor in at.actors(key, str(address).rpartition("/")[2]):
                if isinstance(group := actor.get("actorGroup"), dict) and not text(group, "groupId"):
                    return True
    raise NotSeen(f"no role of the first {_MOST} projects has a group without an id")


def _logged_memberships(at: JiraLooks) -> bool:
    if any(text(record, "category") == _MEMBERSHIPS for record in at.records()):
        return True
    group = at.scratch_group
    if at.is_mine(group):
        raise NotSeen("Provisor's account is in the scratch group; take it out")
    status_of(at.join(group), 201)
    at.leave(group)
    return any(text(record, "category") == _MEMBERSHIPS for record in at.records())


def _types_without_permission(at: JiraLooks) -> str:
    for project in at.projects:
        key = text(project, "key")
        if at.may("CREATE_ISSUES", key) is False:
            status = status_of(at.api.ask("GET", _TYPES, path={"project": key}), 200, 400)
            return "400" if status == HTTPStatus.BAD_REQUEST else "empty"
    raise NotSeen(f"Provisor's account may make issues in each of the first {_MOST} projects")


def _text_limit(at: JiraLooks) -> int | str:
    project, _ = at.scratch_role
    if not at.may("DELETE_ISSUES", project):
        raise NotSeen("Provisor's account may not delete issues in the scratch project, so it makes none")
    kinds = objects(at.api.ask("GET", _TYPES, path={"project": project}), "issueTypes")
    kind = next((text(each, "id") for each in kinds if not each.get("subtask")), None)
    if kind is None:
        raise NotSeen("no issue can be made in the scratch project")
    if not _is_taken(at, project, kind, _document(_TEXT_LIMIT)):
        if not _is_taken(at, project, kind, _document(0)):
            raise NotSeen("issues of the scratch project need more fields than a summary")
        return f"below {_TEXT_LIMIT}"
    return f"above {_TEXT_LIMIT}" if _is_taken(at, project, kind, _document(_MUCH_JSON)) else _TEXT_LIMIT


def _is_taken(at: JiraLooks, project: str, kind: str, description: Any) -> bool:
    """Whether an issue with a description can be made; it is deleted again."""
    fields = {
        "project": {"key": project},
        "issuetype": {"id": kind},
        "summary": "Provisor asks how long a text may be",
        "description": description,
    }
    response = at.api.ask("POST", f"{API}/issue", body={"fields": fields})
    if response.status == HTTPStatus.CREATED:
        at.api.ask("DELETE", f"{API}/issue/{{issue}}", path={"issue": text(response.body, "key")})
    return response.status == HTTPStatus.CREATED


def _document(size: int) -> dict[str, Any]:
    """A document whose compact JSON has so many characters, or a few for 0; most of them are its marks."""
    lines = [{"type": "paragraph", "content": [{"type": "text", "text": "-"}]}]
    document = {"type": "doc", "version": 1, "content": lines}
    line = len(_compact(lines[0])) + 1
    lines += [lines[0]] * max(0, (size - len(_compact(document))) // line)
    rest = max(0, size - len(_compact(document)))
    last = {"type": "paragraph", "content": [{"type": "text", "text": "-" * (rest + 1)}]}
    return {**document, "content": [*lines[:-1], last]}


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


JIRA: Sequence[Assumption[JiraLooks]] = (
    Assumption(
        fact="Reads of users and groups give 401 to a bad credential.",
        name="anonymous_directory_status",
        assumed=401,
        look=_without_credential,
    ),
    Assumption(
        fact="A removed account stays readable, as inactive.",
        name="removed_user_readable",
        cannot="it would remove somebody from the site",
    ),
    Assumption(
        fact="A deleted account is inactive, with an empty name or *Former user*.",
        name="deleted accounts",
        switch=False,
        assumed="inactive, without a name or Former user",
        look=_deleted,
    ),
    Assumption(
        fact="Every project has roles: an answer that names none is none.",
        name="projects without roles",
        switch=False,
        look=_projects_have_roles,
    ),
    Assumption(
        fact="`total` and `isLast` of a page may be absent",
        name="pages_tell_their_end",
        look=_pages_tell_their_end,
    ),
    Assumption(
        fact="Records come late, are kept for as long as administrators chose, and may be missing.",
        name="late records",
        switch=False,
        cannot="that a record is missing is not seen",
    ),
    Assumption(
        fact="A field of create metadata with `allowedValues` takes these only",
        name="allowed values",
        switch=False,
        cannot="it would make issues with values that are not allowed",
    ),
    Assumption(
        fact="An assignee who may not have an issue is refused",
        name="refused assignees",
        switch=False,
        cannot="it would make an issue for somebody who may not have one",
    ),
    Assumption(
        fact="A full licence refuses with 400.", name="licence_full", cannot="it would use up the site's licence"
    ),
    Assumption(
        fact="Removing gives 200; a non-member 400 `… not a member of …`.",
        name="remove_nonmember_status",
        assumed=400,
        look=_took_nobody_out,
        writes=True,
    ),
    Assumption(
        fact="A group that an identity provider fills refuses changes with 400.",
        name="idp_group_status",
        cannot="it would change a group that an identity provider fills",
    ),
    Assumption(
        fact="`GET /role` lists the roles that company-managed projects share, and those of team-managed ones",
        name="roles of team-managed projects",
        switch=False,
        look=_shared_roles,
    ),
    Assumption(
        fact="Adding an actor gives 200, or 400 `… already a member of the project role`.",
        name="role_duplicate",
        assumed="refuse",
        look=_duplicate,
        writes=True,
    ),
    Assumption(
        fact="The actor of a deleted group may have no group id.",
        name="actors of deleted groups",
        switch=False,
        look=_actors_of_nothing,
    ),
    Assumption(
        fact="Memberships are in the organization's log, on sites whose people are administered there.",
        name="audit_membership_events",
        assumed=False,
        look=_logged_memberships,
        writes=True,
    ),
    Assumption(
        fact="`createmeta/{project}/issuetypes` gives at most 200 a page; without the permission the list is empty.",
        name="createmeta_without_permission",
        assumed="empty",
        look=_types_without_permission,
    ),
    Assumption(
        fact="A description or comment has at most 32 767 characters; what Jira counts is not published.",
        name="text_limit",
        assumed=_TEXT_LIMIT,
        look=_text_limit,
        writes=True,
    ),
    Assumption(
        fact="A comment's properties may not be shown to every reader.",
        name="readers of properties",
        switch=False,
        cannot="it needs the credential of a second reader",
    ),
)
