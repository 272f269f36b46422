"""Proves the Jira settings: address, credential and its kind, permissions, scopes, and what changes of groups need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from access.clock import Clock
from access.failures import Failure
from connectors.jira.client import API
from connectors.jira.permissions import ADMINISTER, ADMINISTER_PROJECTS, BROWSE_USERS
from httpclient import Response
from tasks.doctor.findings import Check, Finding
from tasks.doctor.jira_login import JiraEndpoint, LoginExaminer, lacks_scope, scope_missing
from tasks.doctor.probe import Probe, is_refused, objects, text
from tasks.doctor.reachability import clock_skew

_AREA = "jira"
_PERMISSIONS, _PROJECT_ROLES, _READING, _GROUP_CHANGES = (
    Check(_AREA, name) for name in ("permissions", "project roles", "reading", "group changes")
)

#: The global permissions, what Jira calls them, and what goes wrong without them [spec].
_GLOBAL = {
    BROWSE_USERS: ("Browse users and groups", "Jira shows it no users and no groups"),
    ADMINISTER: ("Administer Jira", "Jira shows it only some projects, and lets it change only their roles"),
}

#: Routes that are read, the classic scope of each, and what it is for [spec].
_READS: Sequence[tuple[str, Mapping[str, int], str, str]] = (
    ("/users/search", {"maxResults": 1}, "read:jira-user", "reading users"),
    ("/group/bulk", {"maxResults": 1}, "read:jira-user", "reading groups"),
    ("/project/search", {"maxResults": 1}, "read:jira-work", "reading projects"),
    ("/role", {}, "manage:jira-configuration", "reading members of groups, and changing groups"),
)


def examine(endpoint: JiraEndpoint, *, provisioning: bool, projects: Sequence[str], clock: Clock) -> Iterator[Finding]:
    """All findings about a Jira site. ``projects`` are the keys that the policy names in rules about project roles."""
    examiner = LoginExaminer(_AREA, endpoint)
    try:
        yield from examiner.examine()
        if (login := examiner.login) is None:
            return
        yield from clock_skew(_AREA, login.response, clock.now())
        yield from _permissions(login.probe, projects if provisioning else ())
        yield from _scopes(login.probe, take_roles=provisioning and endpoint.via == "gateway")
        if provisioning:
            yield _group_changes(login.probe, text(login.response.body, "accountId"))
    except Failure as failure:
        yield examiner.unreachable(failure)


def _permissions(probe: Probe, projects: Sequence[str]) -> Iterator[Finding]:
    response = probe.ask("GET", f"{API}/mypermissions", params={"permissions": ",".join(_GLOBAL)})
    if scope_missing(response):
        yield lacks_scope(_AREA, "read:jira-work", "knowing its own permissions")
        return
    held = _held(response)
    if held is None:
        yield _PERMISSIONS.unknown(f"Jira did not say which permissions the account has ({response.status}).")
        return
    for name, otherwise in (each for key, each in _GLOBAL.items() if key not in held):
        yield _PERMISSIONS.problem(
            f"Provisor's account lacks the global permission {name}: {otherwise}.",
            f"Give it {name} in the global permissions of Jira.",
        )
    if held >= set(_GLOBAL):
        yield _PERMISSIONS.ok(f"It has {' and '.join(name for name, _ in _GLOBAL.values())}.")
    elif ADMINISTER not in held:
        yield from _projects(probe, projects)


def _projects(probe: Probe, projects: Sequence[str]) -> Iterator[Finding]:
    """Without Administer Jira, each project whose roles are changed must let the account administer it."""
    for key in projects:
        params = {"permissions": ADMINISTER_PROJECTS, "projectKey": key}
        if ADMINISTER_PROJECTS not in (_held(probe.ask("GET", f"{API}/mypermissions", params=params)) or set()):
            yield _PROJECT_ROLES.problem(
                f"Provisor's account lacks Administer projects in {key}, so it cannot change roles there.",
                f"Give it Administer projects in {key}, or Administer Jira.",
            )


def _scopes(probe: Probe, *, take_roles: bool) -> Iterator[Finding]:
    """Whether what sync reads can be read, and which scopes the token lacks: for that, and to ``take_roles`` away."""
    readable = True
    missing: dict[str, str] = {}
    for route, params, scope, purpose in _READS:
        response = probe.ask("GET", f"{API}{route}", params=dict(params))
        if scope_missing(response):
            missing.setdefault(scope, purpose)
        elif is_refused(response) and route != "/role":
            readable = False
            said = f" ({response.said})" if response.said else ""
            yield _READING.problem(
                f"Jira refuses {purpose} to Provisor's account: {response.status}{said}.",
                "Give it Browse users and groups and Administer Jira.",
            )
    if take_roles and _may_not_take_roles(probe):
        missing.setdefault("manage:jira-project", "taking project roles away")
    for scope, purpose in missing.items():
        yield lacks_scope(_AREA, scope, purpose)
    if readable and not missing:
        yield _READING.ok("It may read users, groups, projects and roles.")


def _may_not_take_roles(probe: Probe) -> bool:
    """Whether the token lacks the scope for taking roles away: asked by taking nobody out of a role of no project.

    The gateway refuses that when the scope is missing, and Jira answers 404 otherwise [spec]. Should there be such a project
    and role, nothing changes: the account id has none of the forms that Jira gives [observed]. No call that only reads needs
    this scope, and the scopes themselves cannot be read.
    """
    route, path = f"{API}/project/{{project}}/role/{{role}}", {"project": "0", "role": "0"}
    return scope_missing(probe.ask("DELETE", route, path=path, params={"user": "nobody"}))


def _group_changes(probe: Probe, account: str) -> Finding:
    """Changes of groups need a site administrator [spec]: a member of a group that makes one."""
    granting = probe.ask("GET", f"{API}/group/bulk", params={"accessType": "site-admin", "maxResults": 50})
    mine = probe.ask("GET", f"{API}/user/groups", params={"accountId": account})
    if granting.status != HTTPStatus.OK or mine.status != HTTPStatus.OK:
        return _GROUP_CHANGES.unknown("Jira did not say whether the account is a site administrator.")
    names = {text(each, "groupId"): text(each, "name") for each in objects(granting, "values")}
    own = {text(each, "groupId") for each in mine.body} if isinstance(mine.body, list) else set()
    if not names:
        return _GROUP_CHANGES.unknown("Jira shows no group that makes site administrators, so this was not proven.")
    if own & names.keys():
        return _GROUP_CHANGES.ok("It is a site administrator, so it may change members of groups.")
    return _GROUP_CHANGES.problem(
        "Provisor's account is no site administrator, so Jira refuses every change of a group's members.",
        f"Put it into {' or '.join(sorted(names.values()))}, or let the policy's rules for groups ask a person.",
    )


def _held(response: Response) -> set[str] | None:
    """The permissions that the account has, of those asked about; None when Jira does not say."""
    found: Any = response.body.get("permissions") if isinstance(response.body, dict) else None
    if not isinstance(found, dict):
        return None
    return {key for key, one in found.items() if isinstance(one, dict) and one.get("havePermission") is True}
