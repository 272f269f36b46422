"""Proves the Jira settings: address, credential and its kind, permissions, scopes, and what changes of groups need."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any

from access.clock import Clock
from access.failures import Failure
from connectors.jira.client import API
from connectors.jira.permissions import ADMINISTER, ADMINISTER_PROJECTS, BROWSE_USERS
from httpclient import Response
from tasks.doctor.findings import Area, Finding
from tasks.doctor.jira_login import JiraDoor, log_in, scope_missing
from tasks.doctor.probing import Probe, members, word
from tasks.doctor.reaching import clock, unreachable

_AREA = Area("jira")

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

#: Asked to prove a scope by taking nobody out of a role of no project: refused by the gateway when the scope is missing, 404
#: otherwise [spec]. Should there be such a project and role: the account id is none of the forms that Jira gives, and taking
#: out whom a role does not have changes nothing [observed]. Scopes cannot be read, and no call that only reads needs this one.
_ROLE_OF_NOTHING = "/project/{project}/role/{role}"
_NOBODY = "nobody"


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraSetup:
    """What is to be proven. ``projects`` are the keys that the policy names in rules about project roles."""

    door: JiraDoor
    probe_at: Callable[[str], Probe]
    provisioning: bool
    projects: Sequence[str]
    timeout: timedelta
    clock: Clock


def examine(setup: JiraSetup) -> Iterator[Finding]:
    """All that can be said of a Jira setup."""
    address = setup.door.site_url
    try:
        login = log_in(_AREA, setup.door, setup.probe_at)
        yield from login.findings
        if login.address is None:
            return
        address = login.address
        probe = setup.probe_at(address)
        if (skew := clock(_AREA, login.answer, setup.clock.now())) is not None:
            yield skew
        yield from _permissions(setup, probe)
        yield from _scopes(setup, probe)
        if setup.provisioning:
            yield from _group_changes(probe, word(login.answer.body, "accountId"))
    except Failure as failure:
        setting = "jira.site_url" if address == setup.door.site_url else "jira.gateway_url"
        yield unreachable(_AREA, "address", address, failure, setting=setting, timeout=setup.timeout)


def _permissions(setup: JiraSetup, probe: Probe) -> Iterator[Finding]:
    answer = probe.ask("GET", f"{API}/mypermissions", params={"permissions": ",".join(_GLOBAL)})
    if scope_missing(answer):
        yield _lacks_scope("read:jira-work", "knowing its own permissions")
        return
    held = _held(answer)
    if held is None:
        yield _AREA.unknown("permissions", f"Jira did not say which permissions the account has ({answer.status}).")
        return
    for key, (name, otherwise) in _GLOBAL.items():
        if key not in held:
            yield _AREA.problem(
                "permissions",
                f"Provisor's account lacks the global permission {name}: {otherwise}.",
                f"Give it {name} in the global permissions of Jira.",
            )
    if held >= set(_GLOBAL):
        yield _AREA.ok("permissions", f"It has {' and '.join(name for name, _ in _GLOBAL.values())}.")
    elif ADMINISTER not in held and setup.provisioning:
        yield from _projects(setup, probe)


def _projects(setup: JiraSetup, probe: Probe) -> Iterator[Finding]:
    """Without Administer Jira, each project whose roles are changed must let the account administer it."""
    for key in setup.projects:
        answer = probe.ask(
            "GET", f"{API}/mypermissions", params={"permissions": ADMINISTER_PROJECTS, "projectKey": key}
        )
        if ADMINISTER_PROJECTS not in (_held(answer) or set()):
            yield _AREA.problem(
                "project roles",
                f"Provisor's account lacks Administer projects in {key}, so it cannot change roles there.",
                f"Give it Administer projects in {key}, or Administer Jira.",
            )


def _scopes(setup: JiraSetup, probe: Probe) -> Iterator[Finding]:
    """What is read, and whether a token with scopes has those for it."""
    good = True
    missing: dict[str, str] = {}
    for route, params, scope, purpose in _READS:
        answer = probe.ask("GET", f"{API}{route}", params=dict(params))
        if scope_missing(answer):
            missing.setdefault(scope, purpose)
        elif answer.status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN} and route != "/role":
            good = False
            said = f" ({answer.said})" if answer.said else ""
            yield _AREA.problem(
                "reading",
                f"Jira refuses {purpose} to Provisor's account: {answer.status}{said}.",
                "Give it Browse users and groups and Administer Jira.",
            )
    if setup.provisioning and setup.door.via == "gateway":
        path = {"project": "0", "role": "0"}
        answer = probe.ask("DELETE", f"{API}{_ROLE_OF_NOTHING}", path=path, params={"user": _NOBODY})
        if scope_missing(answer):
            missing.setdefault("manage:jira-project", "taking project roles away")
    for scope, purpose in missing.items():
        yield _lacks_scope(scope, purpose)
    if good and not missing:
        yield _AREA.ok("reading", "It may read users, groups, projects and roles.")


def _group_changes(probe: Probe, account: str) -> Iterator[Finding]:
    """Changes of groups need a site administrator [spec]: a member of a group that makes one."""
    granting = probe.ask("GET", f"{API}/group/bulk", params={"accessType": "site-admin", "maxResults": 50})
    mine = probe.ask("GET", f"{API}/user/groups", params={"accountId": account})
    if granting.status != HTTPStatus.OK or mine.status != HTTPStatus.OK:
        yield _AREA.unknown("group changes", "Jira did not say whether the account is a site administrator.")
        return
    names = {word(each, "groupId"): word(each, "name") for each in members(granting, "values")}
    own = (
        {word(each, "groupId") for each in mine.body if isinstance(each, dict)}
        if isinstance(mine.body, list)
        else set()
    )
    if not names:
        yield _AREA.unknown(
            "group changes", "Jira shows no group that makes site administrators, so this was not proven."
        )
    elif own & names.keys():
        yield _AREA.ok("group changes", "It is a site administrator, so it may change members of groups.")
    else:
        yield _AREA.problem(
            "group changes",
            "Provisor's account is no site administrator, so Jira refuses every change of a group's members.",
            f"Put it into {' or '.join(sorted(names.values()))}, or let the policy's rules for groups ask a person.",
        )


def _lacks_scope(scope: str, purpose: str) -> Finding:
    return _AREA.problem(
        "scopes",
        f"The token lacks the scope {scope}, which {purpose} needs.",
        "Make a new token with it; a token's scopes cannot be changed.",
    )


def _held(answer: Response) -> set[str] | None:
    found: Any = answer.body.get("permissions") if isinstance(answer.body, dict) else None
    if not isinstance(found, dict):
        return None
    return {key for key, one in found.items() if isinstance(one, dict) and one.get("havePermission") is True}
