"""Ties between things (group and user, application and group): the change itself and its entry in the event log."""

from simulator.jumpcloud.errors import ApiError, not_found
from simulator.jumpcloud.links import Links
from simulator.jumpcloud.records import ACCESS_REQUEST, Actor, Group, User
from simulator.jumpcloud.world import World

_SOURCES = {
    "session": "jumpcloud: console",
    "api-key": "jumpcloud: api",
    "service-account": "jumpcloud: api",
    ACCESS_REQUEST: "jumpcloud: access request",
}


def change_link(links: Links, left: str, op: str, right: str, *, seen_from: float) -> None:
    """Tie or untie two; raises ApiError 409 when it is done already and 404 when there is nothing to undo."""
    tied = links.has(left, right)
    if op == "add" and tied:
        raise ApiError(409, "Already Exists")
    if op != "add" and not tied:
        raise not_found()
    if op == "add":
        links.add(left, right, seen_from=seen_from)
    elif op == "remove":
        links.remove(left, right, seen_from=seen_from)


def record_membership(world: World, by: Actor, op: str, group: Group, user: User | None) -> None:
    """Put the change of a membership into the event log: as Access Management does where an access request made it."""
    if user is None:
        return
    ends = ("user_group", group.id, group.name), ("user", user.id, user.username)
    if by.auth_method != ACCESS_REQUEST:
        record_association(world, by, op, *ends)
        return
    record_association(world, by, op, *ends, event="access_management_association_change", service="access_management")
    if world.switches.access_request_events == "both":
        record_association(world, by, op, *ends)


def record_association(
    world: World,
    by: Actor,
    op: str,
    start: tuple[str, str, str],
    end: tuple[str, str, str],
    *,
    event: str = "association_change",
    service: str = "directory",
) -> None:
    """Put a change between two things (type, id, name) into the event log."""

    def side(thing: tuple[str, str, str]) -> dict[str, str]:
        kind, ident, name = thing
        upper = world.switches.association_type_case == "upper"
        return {"type": kind.upper() if upper else kind, "object_id": ident, "name": name}

    world.record(
        event,
        by,
        service=service,
        association={
            "op": op,
            "action_source": _SOURCES.get(by.auth_method, "jumpcloud: dynamic group"),
            "connection": {"from": side(start), "to": side(end)},
        },
        resource={"id": start[1], "type": start[0], "name": start[2]},
    )
