"""v1 administrators, applications and organizations; v2 roles, directories and administrator links."""

from collections.abc import Sequence
from typing import Any

from starlette.responses import Response

from simulator.jumpcloud import documents, people
from simulator.jumpcloud.api import filters
from simulator.jumpcloud.api.call import Call
from simulator.jumpcloud.api.paging import projected, sorted_by, v2_list, window
from simulator.jumpcloud.api.responses import answer, compact
from simulator.jumpcloud.errors import ApiError
from simulator.jumpcloud.journal import timestamp
from simulator.jumpcloud.world import World

_IDS = ("_id", "id")
_SEARCHED = ("name", "displayName", "displayLabel", "email", "username")


def list_admins(call: Call) -> Response:
    """GET /users: unpublished, used by JumpCloud's own clients."""
    return _v1_list(call, [documents.admin_document(call.world, admin) for admin in call.world.admins], sort="")


def read_admin(call: Call) -> Response:
    """GET /users/{id}."""
    admin = call.world.admins.seen(call.ident())
    if admin is None:
        raise ApiError(call.world.switches.unknown_id_status, "Not Found")
    return answer(documents.admin_document(call.world, admin))


def create_admin(call: Call) -> Response:
    """POST /users."""
    return answer(documents.admin_document(call.world, people.create_admin(call.world, call.actor, call.body())))


def change_admin(call: Call) -> Response:
    """PUT /users/{id}."""
    admin = people.change_admin(call.world, call.actor, call.ident(), call.body())
    return answer(documents.admin_document(call.world, admin))


def delete_admin(call: Call) -> Response:
    """DELETE /users/{id}."""
    admin = people.remove_admin(call.world, call.actor, call.ident())
    return answer(documents.admin_document(call.world, admin))


def list_applications(call: Call) -> Response:
    """GET /applications."""
    world = call.world
    rows = world.applications.listing("all", list)
    return _v1_list(call, [documents.application_document(row, world.organization_id) for row in rows], sort="name")


def read_application(call: Call) -> Response:
    """GET /applications/{id}."""
    application = call.world.applications.seen(call.ident())
    if application is None:
        raise ApiError(call.world.switches.unknown_id_status, "Not Found")
    return answer(documents.application_document(application, call.world.organization_id))


def list_organizations(call: Call) -> Response:
    """GET /organizations: also the cheapest proof of a key."""
    return _v1_list(call, [_organization(world) for world in _organizations(call)], sort="")


def read_organization(call: Call) -> Response:
    """GET /organizations/{id}."""
    for world in _organizations(call):
        if call.ident() == world.organization_id:
            return answer(_organization(world))
    raise ApiError(call.world.switches.unknown_id_status, "Not Found")


def _organizations(call: Call) -> list[World]:
    """Return the organizations that the caller's key opens: its own, and others when there are several."""
    admin = call.home.admins.get(call.actor.id)
    others = call.home.organizations.values() if admin is not None and admin.multi_tenant else ()
    return [call.home, *others]


def list_roles(call: Call) -> Response:
    """GET /v2/roles: enveloped, unlike most of v2."""
    roles = [documents.role_document(role) for role in call.world.roles]
    limit, skip = window(call.world, call.query.get("limit", "100"), call.query.get("skip"))
    return answer({"results": roles[skip : skip + limit], "totalCount": len(roles)})


def list_directories(call: Call) -> Response:
    """GET /v2/directories."""
    rows = [documents.directory_document(row) for row in call.world.directories]
    names = [name for name in call.query.get("sort", "").split(",") if name]
    fields = [name for name in call.query.get("fields", "").split(",") if name]
    rows = sorted_by(rows, names, lambda row, name: row.get(name))
    return v2_list(call, rows, lambda row: compact(projected(row, fields, ("id",))))


def list_active_directories(call: Call) -> Response:
    """GET /v2/activedirectories."""
    world = call.world
    masters = {group.mastered_by for group in world.groups} if world.switches.mastered_shown else set()
    rows = [
        documents.active_directory_document(row, use_case="ADASAUTHORITY" if row.id in masters else "UNSET")
        for row in world.directories
        if row.type == "active_directory"
    ]
    return v2_list(call, rows, compact)


def admins_of_organization(call: Call) -> Response:
    """GET /v2/organizations/{id}/administratorlinks."""
    ident = call.ident()
    if ident != call.world.organization_id:
        raise ApiError(404, "Not Found")
    links = [{"administrator": admin.id, "organization": ident} for admin in call.world.admins]
    return v2_list(call, links, compact)


def organizations_of_admin(call: Call) -> Response:
    """GET /v2/administrators/{id}/organizationlinks."""
    ident = call.ident()
    if ident not in call.world.admins:
        raise ApiError(404, "Not Found")
    return v2_list(call, [{"administrator": ident, "organization": call.world.organization_id}], compact)


def scheduled_states(call: Call) -> Response:
    """GET /v2/bulk/userstates: nothing is ever scheduled here."""
    return v2_list(call, [], compact)


def _organization(world: World) -> dict[str, Any]:
    return {
        "_id": world.organization_id,
        "id": world.organization_id,
        "displayName": world.organization_name,
        "logoUrl": None,
        "created": timestamp(world.organization_created / 1000),
    }


def _v1_list(call: Call, rows: Sequence[dict[str, Any]], *, sort: str) -> Response:
    """Return a v1 list of few things, filtered and sorted on their documents."""
    _, test, _ = filters.v1_query(call.query, call.world.switches.filter_without_dollar)
    _, search = filters.v1_search(call.query, _SEARCHED)
    chosen = [row for row in rows if all(one is None or one(row.get) for one in (test, search))]
    chosen = sorted_by(chosen, call.query.get("sort", sort).split(), lambda row, name: row.get(name))
    limit, skip = window(call.world, call.query.get("limit"), call.query.get("skip"))
    fields = call.query.get("fields", "").split()
    results = [projected(row, fields, _IDS) for row in chosen[skip : skip + limit]]
    return answer({"totalCount": len(chosen), "results": results})
