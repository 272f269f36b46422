"""A world as plain JSON, and back: what `dump` gives, `load` takes, whole or in part.

People may be named by address and groups by name wherever a document is written by hand.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, TypeVar, cast
from uuid import NAMESPACE_URL, uuid5

from pydantic import TypeAdapter, ValidationError

from simulator.jira.actions.issues import create_issue
from simulator.jira.credentials import Token
from simulator.jira.issues import Issue, IssueLink
from simulator.jira.people import Group, User
from simulator.jira.projects import Actor, CustomField, IssueType, Project, Role, Status
from simulator.jira.world import World
from simulator.switches import change_switches

T = TypeVar("T")
PARTS = (
    "site",
    "organization",
    "switches",
    "users",
    "groups",
    "statuses",
    "issue_types",
    "fields",
    "roles",
    "projects",
    "issues",
    "issue_links",
    "tokens",
    "denied",
    "webhooks",
    "ahead",
)


def dump(world: World) -> dict[str, Any]:
    """Return everything that `load` needs to make the same world."""
    return {
        "site": asdict(world.site),
        "organization": asdict(world.organization),
        "switches": world.switches.model_dump(),
        "users": [_plain(each) for each in world.directory.users.values()],
        "groups": [_plain(each) for each in world.directory.groups_in_order()],
        "statuses": [asdict(each) for each in world.catalogue.statuses.values()],
        "issue_types": [asdict(each) for each in world.catalogue.issue_types.values()],
        "fields": [asdict(each) for each in world.catalogue.fields.values()],
        "roles": [asdict(each) for each in world.catalogue.roles.values()],
        "projects": [asdict(each) for each in world.projects.in_order()],
        "issues": [asdict(each) for each in world.issues.by_id.values()],
        "issue_links": [asdict(each) for each in world.issues.links.values()],
        "tokens": [asdict(each) for each in world.tokens.by_value.values()],
        "denied": sorted(list(each) for each in world.permissions.denied),
        "webhooks": world.webhooks.dump(),
        "ahead": world.ahead,
    }


def _plain(row: User | Group) -> dict[str, Any]:
    """Return a flat row's fields; `asdict` copies deeply, which a million memberships do not need."""
    document = {each.name: getattr(row, each.name) for each in fields(row)}
    if isinstance(row, Group):
        document["members"] = list(row.members)
    return document


def load(world: World, document: Mapping[str, Any]) -> None:
    """Add what a document holds to a world; raises ValueError for what is no part of one."""
    if unknown := sorted(set(document) - set(PARTS)):
        raise ValueError(f"A Jira world has no part {', '.join(unknown)}. Choose from: {', '.join(PARTS)}.")
    for owner, part in ((world.site, "site"), (world.organization, "organization")):
        for name, value in document.get(part, {}).items():
            setattr(owner, name, value)
    change_switches(world.switches, **document.get("switches", {}))
    world.ahead = float(document.get("ahead", world.ahead))
    _load_directory(world, document)
    _load_catalogue(world, document)
    for each in document.get("projects", ()):
        _load_project(world, each)
    _load_issues(world, document)
    for each in document.get("tokens", ()):
        token = _row(Token, {**each, "account_id": world.user(each["account_id"]).account_id})
        world.tokens.by_value[token.value] = token
    world.permissions.denied |= {
        (account, permission, project) for account, permission, project in document.get("denied", ())
    }
    world.webhooks.load(document.get("webhooks", ()))


def replicate(world: World) -> World:
    """Return a copy of a world that goes on no further."""
    copy = World(clock=world.clock, founded=False)
    load(copy, dump(world))
    copy.address, copy.cursors = world.address, world.cursors
    copy.journal.entries.extend(world.journal.entries)
    return copy


def _load_directory(world: World, document: Mapping[str, Any]) -> None:
    directory = world.directory
    for each in document.get("users", ()):
        email = str(each.get("email", ""))
        known = directory.user_by_email(email) if email else None
        made_up = known.account_id if known else f"712020:{uuid5(NAMESPACE_URL, f'mailto:{email}')}"
        given = {"account_id": made_up, "display_name": email.partition("@")[0], **each}
        old = directory.users.get(given["account_id"])
        user = _row(User, {**(_plain(old) if old else {}), **given})
        (directory.replace_user if old else directory.add_user)(user)
    for each in document.get("groups", ()):
        known_group = directory.groups.get(each.get("id", "")) or directory.group_by_name(each.get("name", ""))
        base = _plain(known_group) if known_group else {"id": world.administration.fresh_uuid()}
        members = {world.user(name).account_id for name in each.get("members", base.get("members", ()))}
        if known_group:
            directory.remove_group(known_group)
        directory.add_group(_row(Group, {**base, **each, "members": sorted(members)}))


def _load_catalogue(world: World, document: Mapping[str, Any]) -> None:
    catalogue = world.catalogue
    catalogue.statuses.update({row.id: row for row in _rows(Status, document.get("statuses", ()))})
    catalogue.issue_types.update({row.id: row for row in _rows(IssueType, document.get("issue_types", ()))})
    catalogue.fields.update({row.id: row for row in _rows(CustomField, document.get("fields", ()))})
    for role in _rows(Role, document.get("roles", ())):
        catalogue.add_role(role)


def _load_project(world: World, document: Mapping[str, Any]) -> None:
    known = world.projects.find(str(document.get("id") or document.get("key")))
    base = asdict(known) if known else {"id": str(10_000 + len(world.projects.by_id)), "name": document.get("key")}
    lead = document.get("lead", base.get("lead"))
    roles = document.get("roles", {})
    whole = {**base, **document, "lead": world.user(lead).account_id if lead else None, "roles": base.get("roles", {})}
    project = _row(Project, whole)
    world.catalogue.roles_of(project)
    world.catalogue.furnish(project)
    world.projects.add(project)
    for name, actors in roles.items():
        project.roles[world.role(project.id, name).id] = [_actor(world, each) for each in actors]


def _actor(world: World, document: Mapping[str, Any]) -> Actor:
    user, group = document.get("user"), document.get("group")
    number = int(document.get("id") or world.tracker.next_number())
    if user:
        return Actor(number, user=world.user(user).account_id)
    found = world.directory.groups.get(group or "") or world.directory.group_by_name(group or "")
    if found is None:
        return Actor(number, group=group, group_name=document.get("group_name", ""))
    return Actor(number, group=found.id, group_name=found.name)


def _load_issues(world: World, document: Mapping[str, Any]) -> None:
    for each in document.get("issues", ()):
        if "id" not in each:
            wanted = {
                name: each[name]
                for name in ("project", "summary", "issue_type", "labels", "properties")
                if name in each
            }
            create_issue(world, **wanted)
            continue
        issue = world.issues.add(_row(Issue, dict(each)))
        world.tracker.skip_numbers(_largest_number(issue))
        project = world.projects.by_id[issue.project_id]
        project.issue_count = max(project.issue_count, int(issue.key.rpartition("-")[2]))
    for link in _rows(IssueLink, document.get("issue_links", ())):
        world.issues.add_link(link)
        world.tracker.skip_numbers(int(link.id))
    actors = (
        actor.id for project in world.projects.by_id.values() for each in project.roles.values() for actor in each
    )
    world.tracker.skip_numbers(max(actors, default=0))
    if "issues" in document:
        world.tracker.index.rebuild(world.issues.by_id.values())


def _largest_number(issue: Issue) -> int:
    named = (each.id for part in (issue.comments, issue.changes, issue.attachments) for each in part)
    return max(int(issue.id), *(int(each) for each in named), *(each.id for each in issue.remote_links), 0)


_ADAPTERS: dict[type, TypeAdapter[Any]] = {}
"""One for each kind of row, since making one takes longer than reading many rows."""


def _row(kind: type[T], document: Mapping[str, Any]) -> T:
    adapter = _ADAPTERS.setdefault(kind, _ADAPTERS.get(kind) or TypeAdapter(kind))
    known = kind.__dataclass_fields__  # type: ignore[attr-defined] # every kind is a dataclass
    if unknown := sorted(document.keys() - known.keys()):
        raise ValueError(f"Not a {kind.__name__}: it has no {', '.join(unknown)}. Choose from: {', '.join(known)}.")
    try:
        return cast("T", adapter.validate_python(document))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ValueError(f"Not a {kind.__name__}: {where}: {first['msg']}.") from error


def _rows(kind: type[T], documents: Iterable[Mapping[str, Any]]) -> list[T]:
    return [_row(kind, each) for each in documents]
