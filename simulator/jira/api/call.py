from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import Response

from simulator.jira import times
from simulator.jira.api.responses import problem, refuse
from simulator.jira.credentials import Token
from simulator.jira.issues import Issue
from simulator.jira.people import User
from simulator.jira.projects import Project
from simulator.jira.world import World
from simulator.jsontext import json_document

BAD_JSON = "There was an error parsing JSON. Check that your request body is valid."
NO_JSON = "No content to map to Object due to end of input"


@dataclass(slots=True)
class Call:
    """One request with who makes it; `caller` is None for anonymous, `version` 2 or 3."""

    world: World
    request: Request
    raw: bytes
    caller: User | None
    token: Token | None
    version: int
    gateway: bool

    @classmethod
    def behind(cls, world: World) -> Self:
        """Return a call that nobody made, for documents that leave in another way than as an answer."""
        scope = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": [], "path_params": {}}
        return cls(world=world, request=Request(scope), raw=b"", caller=None, token=None, version=2, gateway=False)

    @property
    def base(self) -> str:
        """Return the site address that links in the answer name."""
        return self.world.site.url if self.world.switches.self_links == "site" else self.world.address

    @property
    def api(self) -> str:
        """Return the address of the API that links name."""
        return f"{self.base}/rest/api/{self.version}"

    @property
    def me(self) -> User:
        """Return the caller of an operation that anonymous callers cannot reach."""
        assert self.caller is not None
        return self.caller

    @property
    def zone(self) -> tzinfo:
        """Return the time zone answers are written in."""
        return times.zone(self.caller.time_zone if self.caller else "Etc/UTC")

    def stamp(self, seconds: float) -> str:
        """Return a time as the caller's profile asks."""
        return times.stamp(seconds, self.zone)

    def path(self, name: str) -> str:
        """Return a piece of the path."""
        value: str = self.request.path_params[name]
        return value

    def query(self, name: str) -> str | None:
        """Return a query parameter; the first if repeated."""
        values = self.request.query_params.getlist(name)
        return values[0] if values else None

    def many(self, name: str) -> list[str]:
        """Return a repeated query parameter."""
        return self.request.query_params.getlist(name)

    def listed(self, *names: str) -> list[str]:
        """Return a comma-separated, possibly repeated query parameter."""
        return [
            part.strip() for name in names for value in self.many(name) for part in value.split(",") if part.strip()
        ]

    def integer(self, name: str, default: int) -> int:
        """Return a number; the framework refuses anything else."""
        value = self.query(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except ValueError:
            raise self.problem(400, f"Failed to convert '{name}' with value: '{value}'") from None

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a boolean; the framework refuses anything else."""
        value = self.query(name)
        if value is None or value == "":
            return default
        if value.lower() not in {"true", "false"}:
            raise self.problem(400, f"Failed to convert '{name}' with value: '{value}'")
        return value.lower() == "true"

    def problem(self, status: int, detail: str) -> Exception:
        """Return a framework error about this request."""
        return problem(status, detail, self.request.url.path)

    def json(self) -> Any:
        """Return the body."""
        if not self.raw.strip():
            raise refuse(400, NO_JSON)
        try:
            return json_document(self.raw)
        except ValueError:
            raise refuse(400, BAD_JSON) from None

    def members(self) -> dict[str, Any]:
        """Return the body, which has to be an object."""
        body = self.json()
        if not isinstance(body, dict):
            raise refuse(400, "Invalid request payload. Refer to the REST API documentation and try again.")
        return body

    def may(self, permission: str, project: Project | None = None) -> bool:
        """Return whether the caller has a permission."""
        return self.world.permissions.has(self.caller, permission, project)

    def sees_issue(self, issue: Issue) -> bool:
        """Return whether the caller may see an issue."""
        project = self.world.projects.by_id[issue.project_id]
        if project.status == "deleted" and (
            self.world.is_purged(project) or self.world.switches.trashed_project_issues == "hidden"
        ):
            return False
        level = issue.security
        return self.may("BROWSE_PROJECTS", project) and (level is None or level.shows(self.caller))

    def require(self, permission: str, message: str, project: Project | None = None) -> None:
        """Refuse with 403 unless the caller has a permission."""
        if not self.may(permission, project):
            raise refuse(403, message)


Handler = Callable[[Call], Response]
