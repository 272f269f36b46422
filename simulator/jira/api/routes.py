from __future__ import annotations

from collections.abc import Iterable

from starlette.applications import Starlette
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp

from simulator.jira.api import (
    attachments,
    audit,
    browse,
    comments,
    customer_requests,
    groups,
    history,
    issues,
    jql_parse,
    links,
    lists,
    meta,
    projects,
    properties,
    roles,
    search,
    servicedesk,
    site,
    transitions,
    user_search,
    users,
    webhooks,
)
from simulator.jira.api.broadcast import Broadcast
from simulator.jira.api.endpoint import Endpoint
from simulator.jira.api.operation import Operation
from simulator.jira.api.site_state import SiteState
from simulator.jira.limits import Limits
from simulator.jira.world import World

OPERATIONS: tuple[Operation, ...] = (
    *issues.OPERATIONS,
    *search.OPERATIONS,
    *transitions.OPERATIONS,
    *comments.OPERATIONS,
    *groups.OPERATIONS,
    *users.OPERATIONS,
    *roles.OPERATIONS,
    *projects.OPERATIONS,
    *properties.OPERATIONS,
    *links.OPERATIONS,
    *attachments.OPERATIONS,
    *user_search.OPERATIONS,
    *meta.OPERATIONS,
    *history.OPERATIONS,
    *lists.OPERATIONS,
    *site.OPERATIONS,
    *audit.OPERATIONS,
    *jql_parse.OPERATIONS,
    *webhooks.OPERATIONS,
    *servicedesk.OPERATIONS,
    *customer_requests.OPERATIONS,
    *browse.OPERATIONS,
)
VERSIONS = ("3", "2", "latest")


def create_app(world: World) -> ASGIApp:
    """Return the HTTP face of a world: the site at the root, the gateway below `/ex/jira/{cloudId}`."""
    limits = Limits(world.switches, ticks=world.ticks)
    if not any(isinstance(each, Broadcast) for each in world.tracker.listeners):
        world.tracker.listeners.append(Broadcast(world))
    below = _routes(world, limits, (each for each in OPERATIONS if not each.root))
    routes: list[BaseRoute] = [Mount(f"/rest/api/{version}", routes=below) for version in VERSIONS]
    routes += _routes(world, limits, (each for each in OPERATIONS if each.root))
    return SiteState(Starlette(routes=[*routes, Mount("/ex/jira/{cloud_id}", routes=routes)]), world)


def _routes(world: World, limits: Limits, operations: Iterable[Operation]) -> list[Route]:
    by_path: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        by_path.setdefault(operation.path, {})[operation.method] = operation
    paths = sorted(by_path, key=_openness)
    return [Route(path, Endpoint(world, limits, path, by_path[path])) for path in paths]


def _openness(path: str) -> tuple[int, ...]:
    """Put fixed pieces before variable ones, so that `/issue/bulk` is not taken for an issue key."""
    return tuple(1 if piece.startswith("{") else 0 for piece in path.split("/"))
