from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from difflib import get_close_matches
from http import HTTPStatus

from access.accounts import NoMatch
from access.failures import CredentialRefused, Transient, Unseen
from access.text import loose_name, named, spellings
from connectors.guard import FACTS_AT_MOST_OLD
from connectors.jira.client import API, MYSELF
from connectors.jira.permissions import ADMINISTER, ADMINISTER_PROJECTS, OwnPermissions
from connectors.jira.shapes import PageBean, Project, Role
from httpclient import Call, HttpClient, Response
from httpclient.calls import Params

_PROJECT = f"{API}/project/{{project}}"
_SEARCH = f"{API}/project/search"
_ROLES = f"{API}/project/{{project}}/role"
_ROLE = f"{API}/project/{{project}}/role/{{role}}"

_KEY_OR_ID = re.compile(r"[A-Za-z0-9_]{1,255}")
#: Most projects of a page [spec].
PROJECTS_A_PAGE = 100
_MOST_PAGES = 100
_MOST_CANDIDATES = 5


class Projects:
    """Reads projects and who is in their roles.

    Jira answers 404, and on some routes 401, both for a project that is gone and for one that Provisor's account may not
    administer [spec]. Provisor must never read the second as "nobody has access": it tells the two apart before a 404 counts.
    """

    def __init__(self, client: HttpClient, own: OwnPermissions) -> None:
        self._client = client
        self._own = own

    def find(self, text: str) -> Project | NoMatch:
        """The one project of this id, key or name; without an exact match, in any case of ASCII letters."""
        text = text.strip()
        direct = self.by_id_or_key(text, at_most_old=FACTS_AT_MOST_OLD) if _KEY_OR_ID.fullmatch(text) else None
        if direct is not None:
            return direct
        found = list({each.id: each for spelled in spellings(text) for each in self.search(spelled)}.values())
        same = named(text, found, lambda project: project.key, lambda project: project.name)
        if len(same) == 1:
            return same[0]
        if not same and not found:
            found = list(self.search(text[:3]))
        near = same or _close(text, found)
        return NoMatch(
            f"The Jira project '{text}'",
            tuple(f"{project.name} ({project.key})" for project in near),
            several=len(same) > 1,
        )

    def by_id_or_key(self, id_or_key: str, *, at_most_old: timedelta | None = None) -> Project | None:
        """The project, None when there is none that Provisor's account may see."""
        path = {"project": id_or_key}
        answer = self._client.get(_PROJECT, path=path, expects={404}, at_most_old=at_most_old)
        return None if answer.status == HTTPStatus.NOT_FOUND else answer.read_as(Project, what="a project")

    def page(self, start: int, query: str = "", *, statuses: Sequence[str] = ()) -> PageBean[Project]:
        """The page of projects with their leads from an offset on, all that the account may see without a query [spec].

        ``statuses`` are of ``live``, ``archived`` and ``deleted``; without any, Jira lists the live ones [spec].
        """
        params: Params = {"startAt": start, "maxResults": PROJECTS_A_PAGE, "expand": "lead", "orderBy": "key"}
        if query:
            params = {**params, "query": query}
        if statuses:
            params = {**params, "status": statuses}
        return self._client.get(_SEARCH, params=params).read_as(PageBean[Project], what="projects")

    def search(self, query: str = "") -> Iterator[Project]:
        """Projects whose key or name holds the query, all of them without one."""
        start = 0
        for _ in range(_MOST_PAGES):
            page = self.page(start, query)
            yield from page.values
            if page.ends(start):
                return
            start += max(1, page.maxResults)

    def roles(self, project_id: str, *, at_most_old: timedelta | None = None) -> dict[str, int] | None:
        """Role names to ids of a project, None when the project is gone."""
        path = {"project": project_id}
        call = Call(method="GET", route=_ROLES, path=path, expects=frozenset({404}), at_most_old=at_most_old)
        answer = self._as_administrator(call, project_id)
        if answer.status == HTTPStatus.NOT_FOUND:
            return None
        links = answer.read_as(dict[str, str], what="a project's roles")
        # The addresses name the site even in answers of the gateway [observed]: Provisor takes only the id at their end.
        ends = {name: link.rstrip("/").rsplit("/", 1)[-1] for name, link in links.items()}
        found = {name: int(end) for name, end in ends.items() if end.isdecimal()}
        if not found:
            # Every project has roles [docs]: this is another answer.
            raise answer.failure(Transient, f"Jira's answer with the roles of project {project_id} names none.")
        return found

    def role(self, project_id: str, role_id: str) -> Role | None:
        """The role with its actors, inactive ones too, None when project or role is gone."""
        call = Call(
            method="GET",
            route=_ROLE,
            path={"project": project_id, "role": role_id},
            params={"excludeInactiveUsers": "false"},
            expects=frozenset({400, 404}),
        )
        answer = self._as_administrator(call, project_id)
        return None if answer.status in {400, 404} else answer.read_as(Role, what="a project role")

    def change(self, call: Call, project_id: str) -> Response:
        """Change a role; a 401 about the project, and not about the credential, is ``Unseen``."""
        try:
            return self._client.send(call)
        except CredentialRefused as exc:
            self._client.get(MYSELF)
            raise _not_administrator(project_id, exc.status, exc.trace_id) from exc

    def _as_administrator(self, call: Call, project_id: str) -> Response:
        answer = self.change(call, project_id)
        if answer.status in {400, 404}:
            self._own.require_jiras_own(answer)
            if not self._may_administer(project_id):
                raise _not_administrator(project_id, answer.status, answer.trace_id)
        return answer

    def _may_administer(self, project_id: str) -> bool:
        """Whether the account would see the project: a Jira administrator sees all projects, a project's own sees that one."""
        if self._own.held(ADMINISTER):
            return True
        return self.by_id_or_key(project_id) is not None and self._own.held(
            ADMINISTER_PROJECTS, {"projectId": project_id}
        )


def _not_administrator(project_id: str, status: int | None, trace_id: str | None) -> Unseen:
    return Unseen(
        f"Jira does not show Provisor's account the roles of project {project_id}: the project is gone, "
        "or the account may not administer it.",
        remedy="Make the account a Jira administrator, or an administrator of that project.",
        status=status,
        trace_id=trace_id,
    )


def _close(text: str, projects: list[Project]) -> list[Project]:
    names = {loose_name(name): project for project in projects for name in (project.name, project.key)}
    near = [names[name] for name in get_close_matches(loose_name(text), list(names), n=_MOST_CANDIDATES)]
    return list({project.id: project for project in near or projects[:_MOST_CANDIDATES]}.values())
