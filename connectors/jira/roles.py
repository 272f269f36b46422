from __future__ import annotations

from collections.abc import Collection
from difflib import get_close_matches
from http import HTTPStatus

from access.accounts import NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.failures import Failure
from access.text import loose_name, named
from connectors.guard import FACTS_AT_MOST_OLD
from connectors.jira.accounts import Accounts
from connectors.jira.client import API, disagreement, gone, refusal
from connectors.jira.groups import Groups
from connectors.jira.projects import Projects
from connectors.ports import Observation
from httpclient import Call, Response

_ROLE = f"{API}/project/{{project}}/role/{{role}}"

#: How the names of the internal roles of Jira's apps begin; Provisor leaves these alone [observed].
_INTERNAL_PREFIX = "atlassian-addons"

_INTERNAL = "it is an internal role of Jira's apps"
_ALREADY = "already a member of the project role"
_FREE_PLAN = "free plan"
_LOOKED_INTO = frozenset({400, 403, 404})


def is_internal_role(name: str) -> bool:
    """Whether it is a role of Jira's apps."""
    return loose_name(name).startswith(_INTERNAL_PREFIX)


class Roles:
    """Finds project roles, and reads and changes whether an account itself is in one. ``site`` is the address people use."""

    def __init__(self, projects: Projects, accounts: Accounts, groups: Groups, site: str) -> None:
        self._projects = projects
        self._accounts = accounts
        self._groups = groups
        self._site = site

    def find(self, project_text: str, role_text: str) -> Entitlement | NoMatch:
        """The one role of that id or name in the one project of that id, key or name."""
        project = self._projects.find(project_text)
        if isinstance(project, NoMatch):
            return project
        roles = self._projects.roles(project.id, at_most_old=FACTS_AT_MOST_OLD) or {}
        wanted = role_text.strip()
        same = (
            [name for name in roles if name == wanted]
            or [name for name, role_id in roles.items() if str(role_id) == wanted]
            or named(wanted, roles, str)
        )
        if len(same) != 1:
            near = same or get_close_matches(wanted, list(roles), n=5, cutoff=0.4) or sorted(roles)
            candidates = tuple(f"{name} ({roles[name]})" for name in near)
            return NoMatch(f"The role '{role_text}' of Jira project {project.key}", candidates, several=len(same) > 1)
        name = same[0]

        def ref(*path: str) -> EntitlementRef:
            return EntitlementRef(system=System.JIRA, kind=ResourceKind.PROJECT_ROLE, path=path)

        return Entitlement(
            ref=ref(project.id, str(roles[name])),
            named=ref(project.key, name),
            title=f"Jira role {name} in {project.name or project.key} ({project.key})",
            url=f"{self._site}/browse/{project.key}",
            by_person=_INTERNAL if is_internal_role(name) else None,
        )

    def why_by_person(self, project_id: str, role_id: str) -> str | None:
        """Why only a person changes the role; None when the API can, or there is no such role."""
        role = self._projects.role(project_id, role_id)
        return _INTERNAL if role is not None and is_internal_role(role.name) else None

    def is_last_holder(self, project_id: str, role_id: str, account_id: str, but: Collection[str]) -> bool:
        """Whether the account is in the role itself, and nobody else is, nor any active member of a group in it.

        Inactive accounts and those of ``but`` are nobody.
        """
        role = self._projects.role(project_id, role_id)
        if role is None or not role.has_user(account_id):
            return False
        others = [each for each in role.user_ids if each not in but]
        if any((user := self._accounts.by_id(each)) is not None and user.usable for each in others):
            return False
        return not any(self._groups.has_another(group_id, but) for group_id in role.groups)

    def observe(self, project_id: str, role_id: str, account_id: str) -> Observation:
        """Whether the account itself is in the role. Membership of a group in the role is another assignment."""
        role = self._projects.role(project_id, role_id)
        if role is None:
            evidence = f"Jira shows no role {role_id} in project {project_id}."
            there = self._projects.by_id_or_key(project_id) is not None
            missing = f"role {role_id} of project {project_id}" if there else f"project {project_id}"
            return Observation(present=False, evidence=evidence, missing=missing)
        where = f"the role {role.name or role_id} of project {project_id}"
        if role.has_user(account_id):
            return Observation(present=True, evidence=f"Jira lists account {account_id} in {where}.")
        through = self._through(role.groups, account_id)
        also = f"; it holds the role through {', '.join(through)}" if through else ""
        return Observation(present=False, evidence=f"Jira does not list account {account_id} itself in {where}{also}.")

    def give(self, project_id: str, role_id: str, account_id: str) -> None:
        """Add this one account: a duplicate would fail a request for several [assumed]. A duplicate is success."""
        call = Call(
            method="POST",
            route=_ROLE,
            path={"project": project_id, "role": role_id},
            body={"user": [account_id]},
            expects=_LOOKED_INTO,
        )
        answer = self._projects.change(call, project_id)
        if answer.status not in _LOOKED_INTO or _ALREADY in answer.said.lower():
            return
        what = f"put account {account_id} into role {role_id} of project {project_id}"
        self._refuse_free_plan(answer, what)
        if self._projects.role(project_id, role_id) is None:
            raise gone(answer, f"role {role_id} in project {project_id}")
        user = self._accounts.by_id(account_id)
        if user is None:
            raise gone(answer, f"account {account_id}")
        if not user.usable:
            raise refusal(answer, what, remedy="The account is deactivated: a person must reactivate it first.")
        if not self.observe(project_id, role_id, account_id).present:
            raise self._why_not(answer, what)

    def take(self, project_id: str, role_id: str, account_id: str) -> None:
        """Remove the account: 204, also for one that is not in the role [observed]."""
        call = Call(
            method="DELETE",
            route=_ROLE,
            path={"project": project_id, "role": role_id},
            params={"user": account_id},
            expects=_LOOKED_INTO,
        )
        answer = self._projects.change(call, project_id)
        if answer.status not in _LOOKED_INTO or not self.observe(project_id, role_id, account_id).present:
            return
        what = f"take account {account_id} out of role {role_id} of project {project_id}"
        self._refuse_free_plan(answer, what)
        raise self._why_not(answer, what)

    def _why_not(self, answer: Response, what: str) -> Failure:
        if answer.status == HTTPStatus.NOT_FOUND:
            return disagreement(answer, what)
        return refusal(answer, what, remedy="Make Provisor's account an administrator of Jira or of that project.")

    def _refuse_free_plan(self, answer: Response, what: str) -> None:
        if _FREE_PLAN in answer.said.lower():
            raise refusal(answer, what, remedy="Roles cannot be changed on the Jira Free plan: upgrade, or use groups.")

    def _through(self, role_groups: dict[str, str], account_id: str) -> list[str]:
        """Names of the groups through which the account has the role."""
        if not role_groups:
            return []
        held = self._groups.held(account_id) or []
        return sorted(group.name for group in held if group.groupId in role_groups)
