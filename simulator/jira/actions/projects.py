from __future__ import annotations

from typing import Any, Literal

from simulator.actions import actions_by_name
from simulator.jira.fields import SYSTEM
from simulator.jira.people import Group
from simulator.jira.projects import AutomationRule, CustomField, FieldUse, Role, Style, TypeKey, Validator
from simulator.jira.world import TRASH_SECONDS, World


def create_project(
    world: World,
    *,
    key: str,
    name: str | None = None,
    style: Style = "classic",
    type_key: TypeKey = "software",
    access_level: Literal["open", "limited", "private", "public"] = "open",
    lead: str | None = None,
) -> dict[str, Any]:
    """Make a project."""
    lead_id = world.user(lead).account_id if lead else None
    project = world.add_project(
        key, name or key, style=style, type_key=type_key, access_level=access_level, lead=lead_id
    )
    return {"id": project.id, "key": project.key}


def rename_project(world: World, *, project: str, key: str) -> dict[str, Any]:
    """Give a project another key, and so all its issues; the old keys still resolve."""
    found = world.project(project)
    if world.projects.find(key):
        raise ValueError(f"There is a project {key!r} already.")
    world.projects.rename(found, key)
    for issue in [each for each in world.issues.by_id.values() if each.project_id == found.id]:
        world.issues.rekey(issue, f"{key}-{issue.key.rpartition('-')[2]}")
        world.tracker.reindex(issue)
    return {"id": found.id, "key": key}


def archive_project(world: World, *, project: str) -> dict[str, Any]:
    """Archive a project."""
    found = world.project(project)
    found.status, found.archived_at = "archived", world.now()
    return {"id": found.id, "status": found.status}


def delete_project(world: World, *, project: str) -> dict[str, Any]:
    """Put a project into the trash, which keeps it for 60 days."""
    found = world.project(project)
    found.status, found.trashed_at = "deleted", world.now()
    return {"id": found.id, "status": found.status}


def restore_project(world: World, *, project: str) -> dict[str, Any]:
    """Bring a project back from the trash or the archive, with its roles, issues and settings."""
    found = world.project(project)
    if world.is_purged(found):
        raise ValueError(f"The project {project!r} is gone for good.")
    found.status, found.trashed_at, found.archived_at = "live", None, None
    return {"id": found.id, "status": found.status}


def purge_project(world: World, *, project: str) -> dict[str, Any]:
    """Delete a project for good, as the trash does after 60 days."""
    found = world.project(project)
    found.status, found.trashed_at = "deleted", world.now() - TRASH_SECONDS - 1
    return {"id": found.id, "status": found.status}


def add_validator(world: World, *, project: str, transition: str, needs: str, message: str) -> dict[str, Any]:
    """Let a transition (id or name) of a project refuse with a message what it lists all the same.

    `needs` is `comment`, `resolution`, the id of a field that needs a value, or `nothing`, which nothing pleases.
    """
    found = world.project(project)
    chosen = [each for each in found.workflow if transition in {each.id, each.name}]
    if not chosen:
        names = ", ".join(each.name for each in found.workflow)
        raise ValueError(f"There is no transition {transition!r} there. Choose from: {names}.")
    for each in chosen:
        each.validators.append(Validator(needs, message))
    return {"transitions": [each.id for each in chosen]}


def remove_validators(world: World, *, project: str) -> dict[str, Any]:
    """Take every validator off the workflow of a project."""
    found = world.project(project)
    removed = sum(len(each.validators) for each in found.workflow)
    for each in found.workflow:
        each.validators.clear()
    return {"removed": removed}


def add_automation(
    world: World,
    *,
    project: str,
    when: Literal["commented", "closed", "reopened"],
    to: Literal["new", "indeterminate", "done"],
    issues: list[str] | None = None,
) -> dict[str, Any]:
    """Add a rule of the site's own automation: when an issue (any, or one of these) is commented, closed or reopened, move it."""
    found = world.project(project)
    found.automation.append(AutomationRule(when, to, [world.issue(each).id for each in issues or []]))
    return {"rules": len(found.automation)}


def remove_automation(world: World, *, project: str) -> dict[str, Any]:
    """Take away every rule of automation of a project."""
    found = world.project(project)
    removed = len(found.automation)
    found.automation.clear()
    return {"removed": removed}


def add_role_actor(
    world: World, *, project: str, role: str, user: str | None = None, group: str | None = None
) -> dict[str, Any]:
    """Put a user or a group into a role."""
    found, chosen = world.project(project), world.role(project, role)
    who = world.group(group) if group else world.user(user or "")
    which = who.id if isinstance(who, Group) else who.account_id
    if which not in {each.user or each.group for each in found.roles.get(chosen.id, ())}:
        world.enter_role(found, chosen, who)
    return _actors(world, project, chosen)


def remove_role_actor(
    world: World, *, project: str, role: str, user: str | None = None, group: str | None = None
) -> dict[str, Any]:
    """Take a user or a group out of a role."""
    found, chosen = world.project(project), world.role(project, role)
    if group:
        world.leave_role(found, chosen, group=world.group(group).id)
    else:
        world.leave_role(found, chosen, user=world.user(user or "").account_id)
    return _actors(world, project, chosen)


def _actors(world: World, project: str, role: Role) -> dict[str, Any]:
    return {"role": role.id, "actors": len(world.project(project).roles.get(role.id, ()))}


def deny(world: World, *, account: str, permission: str, project: str | None = None) -> dict[str, Any]:
    """Take one permission away from one account, in a project or everywhere (`ADMINISTER`, `CREATE_ISSUES` …)."""
    world.permissions.denied.add(_denial(world, account, permission, project))
    return {"denied": len(world.permissions.denied)}


def allow(world: World, *, account: str, permission: str, project: str | None = None) -> dict[str, Any]:
    """Take back a `deny`."""
    world.permissions.denied.discard(_denial(world, account, permission, project))
    return {"denied": len(world.permissions.denied)}


def _denial(world: World, account: str, permission: str, project: str | None) -> tuple[str, str, str]:
    return world.user(account).account_id, permission, world.project(project).id if project else ""


def add_field(
    world: World,
    *,
    project: str,
    name: str,
    type: str = "string",  # noqa: A002 -- the word of Jira's schema
    items: str | None = None,
    custom: str = "com.atlassian.jira.plugin.system.customfieldtypes:textfield",
    options: list[str] | None = None,
    required: bool = False,
    default: Any = None,
    issue_types: list[str] | None = None,
    another: bool = False,
) -> dict[str, Any]:
    """Put a custom field on the screens of a project; made when its name is new, or `another` of the same name."""
    found = world.project(project)
    known = {each.name: each for each in world.catalogue.fields.values()}
    field = None if another else known.get(name)
    if field is None:
        number = world.tracker.next_number()
        choices = [{"id": str(number * 10 + place), "value": value} for place, value in enumerate(options or [])]
        field = CustomField(f"customfield_{number}", name, type, items, custom, choices)
        world.catalogue.fields[field.id] = field
    found.fields[field.id] = FieldUse(required, default, issue_types or [])
    return {"field": field.id}


def take_off_screen(world: World, *, project: str, field: str) -> dict[str, Any]:
    """Take a field off the screens of a project."""
    found = world.project(project)
    if field not in found.off_screen:
        found.off_screen.append(field)
    return {"off_screen": found.off_screen}


def put_on_screen(world: World, *, project: str, field: str) -> dict[str, Any]:
    """Put a field back on the screens of a project, or a system field that stands on none by itself."""
    found = world.project(project)
    found.off_screen = [each for each in found.off_screen if each != field]
    if field in SYSTEM and not SYSTEM[field].on_screen and field not in found.added_to_screen:
        found.added_to_screen.append(field)
    return {"off_screen": found.off_screen}


ACTIONS = actions_by_name(
    create_project,
    rename_project,
    archive_project,
    delete_project,
    restore_project,
    purge_project,
    add_validator,
    remove_validators,
    add_automation,
    remove_automation,
    add_role_actor,
    remove_role_actor,
    deny,
    allow,
    add_field,
    take_off_screen,
    put_on_screen,
)
