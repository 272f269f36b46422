"""SSO applications: how they come and go."""

from typing import Any

from simulator.jumpcloud.errors import ApiError, not_found
from simulator.jumpcloud.records import Actor, Application
from simulator.jumpcloud.world import World

_COLUMNS = {
    "name": "name",
    "displayLabel": "display_label",
    "displayName": "display_name",
    "ssoUrl": "sso_url",
    "active": "active",
}


def create_application(world: World, by: Actor, fields: dict[str, Any]) -> Application:
    """Make an application from fields as on the wire; raises ApiError."""
    own = {_COLUMNS[name]: value for name, value in fields.items() if name in _COLUMNS}
    if not own.get("name"):
        raise ApiError(400, "name is required")
    given = fields.get("_id") or fields.get("id")
    if given is not None:
        world.ids.skip_past(given)
    own.setdefault("display_label", own["name"])
    own.setdefault("sso_url", f"https://sso.jumpcloud.com/saml2/{own['name']}")
    skipped = {*_COLUMNS, "_id", "id", "created", "organization"}
    application = Application(
        id=given or world.ids.next(),
        created=int(world.clock() * 1000),
        details={name: value for name, value in fields.items() if name not in skipped},
        **own,
    )
    world.applications.put(application, seen_from=world.later())
    world.record("application_create", by, resource=_resource(application))
    return application


def remove_application(world: World, by: Actor, application_id: str) -> Application:
    """Delete an application with its bindings; raises ApiError."""
    application = known_application(world, application_id)
    for links in (world.app_groups, world.app_users):
        for ident in list(links.rights(application_id)):
            links.remove(application_id, ident, seen_from=world.later())
    world.applications.remove(application_id, seen_from=world.later())
    world.record("application_delete", by, resource=_resource(application))
    return application


def known_application(world: World, application_id: str) -> Application:
    """Return the true record of an application; raises ApiError."""
    application = world.applications.get(application_id)
    if application is None:
        raise not_found()
    return application


def _resource(application: Application) -> dict[str, Any]:
    return {"id": application.id, "type": "application", "name": application.display_label}
