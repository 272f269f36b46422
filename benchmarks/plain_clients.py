"""What public connectors do: one call after the other, with the page size that the service gives when none is asked for."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

_TIMEOUTS = (3.0, 60.0)

#: A role of every project that only Jira's own apps are in.
_INTERNAL_ROLE = "atlassian-addons-project-access"


class Enough(Exception):  # noqa: N818 - the end of a sample
    """As many calls as were asked for have been made."""


@dataclass(slots=True)
class Reading:
    """What a client saw. ``held`` are pairs of a resource's and a holder's id."""

    calls: int = 0
    seconds: float = 0.0
    complete: bool = False
    accounts: set[str] = field(default_factory=set)
    held: set[tuple[str, str]] = field(default_factory=set)


class PlainClient:
    """``most`` is after how many calls to stop: the time of a client that makes one call at a time grows with their number."""

    def __init__(self, facts: Mapping[str, str], *, most: int | None = None) -> None:
        self._address = facts["url"]
        self._most = most
        self._session = requests.Session()
        self.reading = Reading()

    def read(self) -> Reading:
        """Read everything, or a sample."""
        began = time.perf_counter()
        try:
            self._read_all()
            self.reading.complete = True
        except Enough:
            pass
        self.reading.seconds = time.perf_counter() - began
        self._session.close()
        return self.reading

    def _read_all(self) -> None:
        raise NotImplementedError

    def _get(self, path: str, **params: str | int) -> requests.Response:
        if self._most is not None and self.reading.calls >= self._most:
            raise Enough
        self.reading.calls += 1
        answer = self._session.get(self._address + path, params=params, timeout=_TIMEOUTS)
        answer.raise_for_status()
        return answer


class PlainJumpCloud(PlainClient):
    """Users, administrators, groups with their members, applications with what is bound to them."""

    def __init__(self, facts: Mapping[str, str], *, most: int | None = None) -> None:
        super().__init__(facts, most=most)
        self._session.headers["x-api-key"] = facts["api_key"]

    def _read_all(self) -> None:
        for route in ("/api/systemusers", "/api/users"):
            self.reading.accounts.update(user["_id"] for user in self._v1(route))
        for group in list(self._v2("/api/v2/usergroups")):
            members = self._v2(f"/api/v2/usergroups/{group['id']}/members")
            self.reading.held.update((group["id"], member["to"]["id"]) for member in members)
        for application in list(self._v1("/api/applications")):
            key = application["_id"]
            for targets in ("user_group", "user"):
                bound = self._v2(f"/api/v2/applications/{key}/associations", targets=targets)
                self.reading.held.update((key, one["to"]["id"]) for one in bound)

    def _v1(self, route: str) -> Iterator[dict[str, Any]]:
        skip = 0
        while True:
            page = self._get(route, skip=skip).json()
            yield from page["results"]
            skip += len(page["results"])
            if not page["results"] or skip >= page["totalCount"]:
                return

    def _v2(self, route: str, **params: str) -> Iterator[dict[str, Any]]:
        skip = 0
        while True:
            answer = self._get(route, skip=skip, **params)
            page = answer.json()
            yield from page
            skip += len(page)
            if not page or skip >= int(answer.headers.get("x-total-count", skip + 1)):
                return


class PlainJira(PlainClient):
    """Users, groups with their members, projects with each of their roles."""

    def __init__(self, facts: Mapping[str, str], *, most: int | None = None) -> None:
        super().__init__(facts, most=most)
        self._session.auth = (facts["email"], facts["token"])

    def _read_all(self) -> None:
        self._read_users()
        for group in list(self._beans("/rest/api/3/group/bulk")):
            members = self._beans("/rest/api/3/group/member", groupId=group["groupId"], includeInactiveUsers="true")
            self.reading.held.update((group["groupId"], member["accountId"]) for member in members)
        for project in list(self._beans("/rest/api/3/project/search")):
            roles = self._get(f"/rest/api/3/project/{project['id']}/role").json()
            for name, link in roles.items():
                self._read_role(project["id"], name, link.rpartition("/")[2])

    def _read_users(self) -> None:
        start = 0
        while page := self._get("/rest/api/3/users/search", startAt=start).json():
            self.reading.accounts.update(user["accountId"] for user in page)
            start += 50

    def _read_role(self, project: str, name: str, role: str) -> None:
        actors = self._get(f"/rest/api/3/project/{project}/role/{role}").json().get("actors", [])
        if name.startswith(_INTERNAL_ROLE):
            return
        for actor in actors:
            holder = actor.get("actorUser", {}).get("accountId") or actor.get("actorGroup", {}).get("groupId")
            self.reading.held.add((f"{project}/{role}", holder))

    def _beans(self, route: str, **params: str) -> Iterator[dict[str, Any]]:
        start = 0
        while True:
            page = self._get(route, startAt=start, **params).json()
            yield from page["values"]
            start += len(page["values"])
            if page["isLast"]:
                return
