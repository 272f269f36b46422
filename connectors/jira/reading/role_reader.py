"""Reads project roles: which roles there are, and which accounts and groups are in each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import structlog

from access.entitlements import ResourceKind
from connectors.jira.projects import Projects
from connectors.jira.reading.list_calls import ListCalls
from connectors.jira.reading.snapshot_rows import TEAM_MANAGED, role_path, role_row
from connectors.jira.roles import is_internal_role
from connectors.jira.shapes import NOBODY, Actor, SiteRole
from connectors.reading import Catalogue, GrantRow, Part, PrincipalKind, Row
from httpclient import Fetcher

_log = structlog.get_logger(__name__)

#: A run's plan holds at most so many roles of team-managed projects; beyond that the reader asks each project for its own.
_MOST_OWN = 20_000
#: The reader compares the site's list of roles with those of at most so many team-managed projects.
_PROBES = 3


@dataclass(frozen=True, slots=True)
class RoleCatalogue:
    """The names of the site's roles by id: ``shared`` by all company-managed projects, ``own`` by each team-managed project."""

    shared: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> RoleCatalogue:
        """The catalogue that a plan holds."""
        return cls(state.get("shared_roles", {}), state.get("own_roles", {}))

    def state(self) -> dict[str, Any]:
        """The catalogue as a plan holds it."""
        return {"shared_roles": dict(self.shared), "own_roles": {one: dict(own) for one, own in self.own.items()}}


class RoleReader:
    """Reads roles and their actors."""

    def __init__(self, lists: ListCalls, projects: Projects, fetching: Fetcher) -> None:
        self._lists = lists
        self._projects = projects
        self._fetching = fetching

    def catalogue(self) -> RoleCatalogue:
        """All roles of the site in one call instead of one for each project.

        Jira does not say whether the list has all roles of team-managed projects. The reader asks one such project, and uses
        the list when both agree.
        """
        roles = [role for role in self._lists.roles() if not is_internal_role(role.name)]
        shared = {str(role.id): role.name for role in roles if role.scope is None}
        own = _by_project(roles)
        count = sum(map(len, own.values()))
        return RoleCatalogue(shared, own if 0 < count <= _MOST_OWN and self._agrees(own) else {})

    def parts(self, catalogue: Catalogue, roles: RoleCatalogue) -> Iterator[Part]:
        """A part for the actors of each known role, and a part for the roles of each project whose roles are not known."""
        for project in catalogue.resources(ResourceKind.PROJECT):
            known = roles.own.get(project.id) if project.attributes.get(TEAM_MANAGED) else roles.shared
            if known is None:
                yield Part(f"roles/{project.id}", {"project": project.id})
                continue
            for role_id, name in known.items():
                yield _actors_part(project.id, role_id, name=name)

    def later_parts(self, catalogue: Catalogue, roles: RoleCatalogue) -> list[Part]:
        """A part for the actors of each role that only its project named."""
        asked = {
            project.id
            for project in catalogue.resources(ResourceKind.PROJECT)
            if project.attributes.get(TEAM_MANAGED) and project.id not in roles.own
        }
        if not asked:
            return []
        found = (role for role in catalogue.resources(ResourceKind.PROJECT_ROLE) if role.parent in asked)
        return [_actors_part(role.parent or "", role.id.rpartition("/")[2]) for role in found]

    def of_project(self, project_id: str) -> Iterator[Sequence[Row]]:
        """The roles of one project; nothing when it is gone."""
        found = self._fetching.one(partial(self._projects.roles, project_id)) or {}
        yield [role_row(project_id, str(number), name) for name, number in found.items() if not is_internal_role(name)]

    def actors(self, project_id: str, role_id: str, name: str | None) -> Iterator[Sequence[Row]]:
        """Who is in a role, and the role itself when ``name`` is given; nothing when it is gone.

        Leaves out the actor of a deleted group, which gives nobody anything.
        """
        role = self._fetching.one(partial(self._projects.role, project_id, role_id))
        if role is None:
            return
        path = role_path(project_id, role_id)
        grants = dict.fromkeys(grant for actor in role.actors if (grant := _grant(path, actor)) is not None)
        yield [*([] if name is None else [role_row(project_id, role_id, role.name or name)]), *grants]

    def _agrees(self, own: Mapping[str, Mapping[str, str]]) -> bool:
        """Whether a team-managed project itself names the same roles as the site's list."""
        for project_id in sorted(own)[:_PROBES]:
            found = self._fetching.one(partial(self._projects.roles, project_id))
            if found is not None:
                named = {str(number) for name, number in found.items() if not is_internal_role(name)}
                return named == set(own[project_id])
        return False


def _by_project(roles: Sequence[SiteRole]) -> dict[str, dict[str, str]]:
    own: dict[str, dict[str, str]] = {}
    for role in roles:
        if role.project_id is not None:
            own.setdefault(role.project_id, {})[str(role.id)] = role.name
    return own


def _actors_part(project_id: str, role_id: str, *, name: str | None = None) -> Part:
    about = {"project": project_id, "role": role_id}
    return Part(f"actors/{project_id}/{role_id}", about if name is None else {**about, "name": name})


def _grant(path: str, actor: Actor) -> GrantRow | None:
    if actor.actorUser is not None and actor.actorUser.accountId not in {None, NOBODY}:
        return GrantRow(ResourceKind.PROJECT_ROLE, path, PrincipalKind.ACCOUNT, actor.actorUser.accountId or "")
    if actor.actorGroup is not None:
        if actor.actorGroup.groupId:
            return GrantRow(ResourceKind.PROJECT_ROLE, path, PrincipalKind.GROUP, actor.actorGroup.groupId)
        _log.info("jira.actor_left_out", role=path, why="the group was deleted", group=actor.actorGroup.name)
    return None
