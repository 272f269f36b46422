from __future__ import annotations

from typing import Any

from simulator.actions import actions_by_name
from simulator.jira.catalogue import DECLINED, DEFAULT_PRIORITY, LINK_TYPES
from simulator.jira.issues import Issue, SecurityLevel
from simulator.jira.projects import Transition
from simulator.jira.wiki import to_document
from simulator.jira.world import World

DECLINED_NAMES = ("declined", "rejected", "won't do", "cancelled")


def work_on(world: World, *, issue: str, by: str | None = None) -> dict[str, Any]:
    """Take up an issue: its status becomes one of the category In Progress."""
    return transition(world, issue=issue, to="indeterminate", by=by)


def done(world: World, *, issue: str, resolution: str | None = None, by: str | None = None) -> dict[str, Any]:
    """Finish an issue."""
    return transition(world, issue=issue, to="done", resolution=resolution, by=by)


def decline(
    world: World, *, issue: str, status: str | None = None, resolution: str = DECLINED, by: str | None = None
) -> dict[str, Any]:
    """Close an issue without doing it: by the status named, else one that says so, else by the resolution alone."""
    found = world.issue(issue)
    names = {
        each: world.catalogue.statuses[each].name.lower() for each in world.projects.by_id[found.project_id].statuses
    }
    target = next((each for each, name in names.items() if name in DECLINED_NAMES), "done")
    return transition(world, issue=issue, to=status or target, resolution=resolution, by=by)


def reopen(world: World, *, issue: str, by: str | None = None) -> dict[str, Any]:
    """Take an issue back to the category To Do."""
    return transition(world, issue=issue, to="new", by=by)


def transition(
    world: World, *, issue: str, to: str, resolution: str | None = None, by: str | None = None
) -> dict[str, Any]:
    """Move an issue to a status, by its name, id or category key, whatever the workflow allows."""
    found = world.issue(issue)
    status_id = _status(world, found, to)
    own = next((each for each in world.ways_out(found) if each.to == status_id), None)
    way = own or Transition("0", "Moved by an administrator", status_id)
    world.tracker.transition(found, way, world.actor(by), resolution=resolution)
    return _said(world, found)


def _status(world: World, issue: Issue, to: str) -> str:
    statuses = [world.catalogue.statuses[each] for each in world.projects.by_id[issue.project_id].statuses]
    for each in statuses:
        if to in {each.id, each.name, each.category} or to.lower() == each.name.lower():
            return each.id
    raise ValueError(
        f"There is no status {to!r} in this project. Choose from: {', '.join(each.name for each in statuses)}."
    )


def _said(world: World, issue: Issue) -> dict[str, Any]:
    status = world.catalogue.statuses[issue.status_id]
    return {"id": issue.id, "key": issue.key, "status": status.name, "category": status.category}


def comment(world: World, *, issue: str, text: str, by: str | None = None, internal: bool = False) -> dict[str, Any]:
    """Comment on an issue; `text` is wiki text."""
    found = world.issue(issue)
    properties = {"sd.public.comment": {"internal": True}} if internal else None
    made = world.tracker.comment(found, to_document(text), world.actor(by), properties=properties)
    return {"id": made.id, "issue": found.key}


def assign(world: World, *, issue: str, to: str | None = None, by: str | None = None) -> dict[str, Any]:
    """Assign an issue, or to nobody."""
    found = world.issue(issue)
    world.tracker.edit(found, {"assignee": world.user(to).account_id if to else None}, world.actor(by))
    return {"key": found.key, "assignee": found.assignee}


def edit_labels(
    world: World,
    *,
    issue: str,
    add: list[str] | None = None,
    remove: list[str] | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Add and remove labels; with neither, all labels go."""
    found = world.issue(issue)
    labels = [each for each in found.labels if each not in (remove or [])] + (add or [])
    if add is None and remove is None:
        labels = []
    world.tracker.edit(found, {"labels": labels}, world.actor(by))
    return {"key": found.key, "labels": found.labels}


def edit_issue(world: World, *, issue: str, fields: dict[str, Any], by: str | None = None) -> dict[str, Any]:
    """Set fields by id as the world keeps them (see `dump`), for example `{"summary": "Other"}`."""
    found = world.issue(issue)
    world.tracker.edit(found, fields, world.actor(by))
    return _said(world, found)


def create_issue(
    world: World,
    *,
    project: str,
    summary: str,
    issue_type: str | None = None,
    labels: list[str] | None = None,
    properties: dict[str, Any] | None = None,
    by: str | None = None,
) -> dict[str, Any]:
    """Create an issue by hand."""
    home = world.project(project)
    kinds = {world.catalogue.issue_types[each].name: each for each in home.issue_types}
    if issue_type is not None and issue_type not in kinds:
        raise ValueError(f"There is no issue type {issue_type!r}. Choose from: {', '.join(kinds)}.")
    actor = world.actor(by)
    draft = Issue(
        id="",
        key="",
        project_id=home.id,
        type_id=kinds[issue_type] if issue_type else home.issue_types[0],
        status_id=home.statuses[0],
        creator=actor,
        created=0.0,
        updated=0.0,
        summary=summary,
        reporter=actor,
        labels=labels or [],
        values={"priority": DEFAULT_PRIORITY},
        properties=properties or {},
    )
    return _said(world, world.tracker.create(draft, actor))


def restrict_issue(
    world: World, *, issue: str, level: str | None = "Restricted", seen_by: list[str] | None = None
) -> dict[str, Any]:
    """Give an issue a security level that only these accounts see; with `level` null everybody sees it again."""
    found = world.issue(issue)
    found.security = None
    if level is not None:
        accounts = [world.user(each).account_id for each in seen_by or []]
        found.security = SecurityLevel(str(world.tracker.next_number()), level, accounts)
    return {"key": found.key, "seen_by": found.security.seen_by if found.security else None}


def archive_issue(world: World, *, issue: str) -> dict[str, Any]:
    """Archive an issue: it can be read, JQL does not find it, writes are refused."""
    return _set_archived(world, issue, archived=True)


def restore_issue(world: World, *, issue: str) -> dict[str, Any]:
    """Take an issue out of the archive."""
    return _set_archived(world, issue, archived=False)


def _set_archived(world: World, issue: str, *, archived: bool) -> dict[str, Any]:
    found = world.issue(issue)
    found.archived = archived
    return _said(world, found)


def clone_issue(world: World, *, issue: str, with_properties: bool = False, by: str | None = None) -> dict[str, Any]:
    """Clone an issue: labels go along, properties only when asked for; the clone is linked."""
    found, actor = world.issue(issue), world.actor(by)
    home = world.projects.by_id[found.project_id]
    draft = Issue(
        id="",
        key="",
        project_id=home.id,
        type_id=found.type_id,
        status_id=home.statuses[0],
        creator=actor,
        created=0.0,
        updated=0.0,
        summary=f"CLONE - {found.summary}",
        reporter=actor,
        labels=list(found.labels),
        values=dict(found.values),
        properties=dict(found.properties) if with_properties else {},
    )
    clone = world.tracker.create(draft, actor)
    cloners = next(each for each in LINK_TYPES if each.name == "Cloners")
    world.tracker.link(cloners.id, clone, found)
    return _said(world, clone)


def delete_issue(world: World, *, issue: str, by: str | None = None) -> dict[str, Any]:
    """Delete an issue."""
    found = world.issue(issue)
    world.tracker.delete(found, world.actor(by))
    return {"id": found.id, "key": found.key}


def move_issue(world: World, *, issue: str, project: str, by: str | None = None) -> dict[str, Any]:
    """Move an issue to another project: it gets another key, the old one still resolves, the id stays."""
    found = world.issue(issue)
    world.tracker.move(found, world.project(project), world.actor(by))
    return _said(world, found)


ACTIONS = actions_by_name(
    work_on,
    done,
    decline,
    reopen,
    transition,
    comment,
    assign,
    edit_labels,
    edit_issue,
    create_issue,
    delete_issue,
    restrict_issue,
    archive_issue,
    restore_issue,
    clone_issue,
    move_issue,
)
