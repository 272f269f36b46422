"""The calls of two public connectors for a full sync, as they were recorded against the simulators, made again in their order.

- baton-jumpcloud (January 2025): one call after the other, pages of 10, and each list ends with an empty page.
- baton-jira (July 2026): pages of 50; calls that need nothing of each other may be in flight together (``workers``).

Only the calls are made again: what the connectors do with the answers costs these clients nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

from benchmarks.plain_clients import PlainClient

#: How often a user is searched for who is not found by an administrator's address.
_MISSES = 3
_PAGE_OF_JIRA = 50


class RecordedJumpCloud(PlainClient):
    """baton-jumpcloud: every list to its empty page, members again for groups that are bound to an application."""

    def __init__(self, facts: Mapping[str, str]) -> None:
        super().__init__(facts)
        self._session.headers["x-api-key"] = facts["api_key"]

    def _read_all(self) -> None:
        self._asked("/api/v2/directories", limit=1)
        applications = [each["_id"] for each in self._asked("/api/applications")["results"]]
        groups = [each["id"] for each in self._to_the_end("/api/v2/usergroups")]
        users = list(self._to_the_end("/api/systemusers", of="results"))
        for manager in {each["manager"] for each in users if each.get("manager")}:
            self._asked(f"/api/systemusers/{manager}")
        for administrator in self._asked("/api/users")["results"]:
            for _ in range(_MISSES):
                if self._asked("/api/systemusers", filter=f"email:$eq:{administrator['email']}")["results"]:
                    break
        bound: list[str] = []
        for group in groups:
            list(self._to_the_end(f"/api/v2/usergroups/{group}/members"))
        for application in applications:
            route = f"/api/v2/applications/{application}/associations"
            bound += [each["to"]["id"] for each in self._to_the_end(route, targets="user_group")]
            list(self._to_the_end(route, targets="user"))
        for group in dict.fromkeys(bound):
            list(self._to_the_end(f"/api/v2/usergroups/{group}/members"))

    def _to_the_end(self, route: str, *, of: str = "", **params: str) -> Iterator[dict[str, Any]]:
        skip = 0
        while True:
            answer = self._asked(route, skip=skip, **params)
            page = answer[of] if of else answer
            if not page:
                return
            yield from page
            skip += len(page)

    def _asked(self, route: str, **params: str | int) -> Any:
        return self._get(route, **params).json()


class RecordedJira(PlainClient):
    """baton-jira: users, groups with members, every role of every project."""

    def __init__(self, facts: Mapping[str, str], *, workers: int) -> None:
        super().__init__(facts)
        self._session.auth = (facts["email"], facts["token"])
        self._workers = workers

    def _read_all(self) -> None:
        with ThreadPoolExecutor(self._workers) as threads:

            def each(do: Callable[[Any], object], of: Iterable[Any]) -> None:
                list(threads.map(do, of))

            self._asked("/rest/api/2/user/search", query="")
            self._asked("/rest/api/3/group/bulk", maxResults=1)
            self._asked("/rest/api/2/project/search")
            projects = [one["id"] for one in self._asked("/rest/api/2/project/search")["values"]]
            roles: dict[str, list[str]] = {}

            def project(key: str) -> None:
                found = self._asked(f"/rest/api/2/project/{key}").get("roles", {})
                roles[key] = [link.rpartition("/")[2] for link in found.values()]

            each(project, projects)
            each(
                lambda role: self._asked(f"/rest/api/3/role/{role}"),
                sorted({one for all_ in roles.values() for one in all_}),
            )
            groups = [one["groupId"] for one in self._beans("/rest/api/3/group/bulk")]
            start = 0
            while self._asked("/rest/api/3/users/search", startAt=start, maxResults=_PAGE_OF_JIRA):
                start += _PAGE_OF_JIRA
            each(lambda group: list(self._beans("/rest/api/3/group/member", groupId=group)), groups)
            pairs = [(key, role) for key in projects for role in roles[key]]
            each(lambda pair: self._asked(f"/rest/api/3/project/{pair[0]}/role/{pair[1]}"), pairs)

    def _beans(self, route: str, **params: str) -> Iterator[dict[str, Any]]:
        start = 0
        while True:
            page = self._asked(route, startAt=start, maxResults=_PAGE_OF_JIRA, **params)
            yield from page["values"]
            start += len(page["values"])
            if page["isLast"] or not page["values"]:
                return

    def _asked(self, route: str, **params: str | int) -> Any:
        self.reading.calls += 1
        answer = self._session.get(self._address + route, params=params, timeout=60.0)
        return answer.json() if answer.status_code == HTTPStatus.OK else {"values": [], "results": [], "isLast": True}
