from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from simulator.jira.api.call import Call
from simulator.jira.api.projects import issue_type, project_brief, status
from simulator.jira.api.user_documents import person
from simulator.jira.api.values import shown_text
from simulator.jira.catalogue import LINK_TYPES, PRIORITIES, REQUEST_TYPE, RESOLUTIONS, Choice
from simulator.jira.fields import Field, all_fields
from simulator.jira.issues import Attachment, Change, Comment, Issue

ALL, NAVIGABLE = "*all", "*navigable"
EXPAND = "renderedFields,names,schema,operations,editmeta,changelog,versionedRepresentations"


def choice(call: Call, kind: str, choices: tuple[Choice, ...], wanted: str | None) -> dict[str, Any] | None:
    """Return a priority or resolution by id, or None."""
    for each in choices:
        if each.id == wanted:
            document: dict[str, Any] = {"self": f"{call.api}/{kind}/{each.id}", "name": each.name, "id": each.id}
            if kind == "priority":
                document["iconUrl"] = f"{call.base}/images/icons/priorities/{each.name.lower()}.svg"
            else:
                document["description"] = ""
            return document
    return None


class FieldSelection:
    """Which fields an answer shows: names, `*all`, `*navigable` and exclusions such as `-comment`."""

    def __init__(self, call: Call, wanted: Iterable[str], default: str) -> None:
        names = [name for name in wanted if name] or [default]
        known = all_fields(call.world.catalogue)
        excluded = {name[1:] for name in names if name.startswith("-")}
        if all(name.startswith("-") for name in names):
            names.append(default)
        chosen: dict[str, Field] = {}
        for name in names:
            if name == ALL:
                chosen.update(known)
            elif name == NAVIGABLE:
                chosen.update({each.id: each for each in known.values() if each.navigable})
            elif name in known:
                chosen[name] = known[name]
        self.fields = [field for name, field in chosen.items() if name not in excluded]


def issue_document(
    call: Call, issue: Issue, selection: FieldSelection, *, expand: Iterable[str] = (), properties: Iterable[str] = ()
) -> dict[str, Any]:
    """Return `IssueBean`."""
    project = call.world.projects.by_id[issue.project_id]
    fields = {
        field.id: show_field(call, issue, field)
        for field in selection.fields
        if field.custom is None or field.id in project.fields or field.id in issue.values
    }
    document: dict[str, Any] = {
        "expand": EXPAND,
        "id": issue.id,
        "self": f"{call.api}/issue/{issue.id}",
        "key": issue.key,
        "fields": fields,
    }
    wanted = set(expand)
    if "names" in wanted:
        document["names"] = {field.id: field.name for field in selection.fields}
    if "schema" in wanted:
        document["schema"] = {field.id: field.schema() for field in selection.fields}
    if "changelog" in wanted:
        document["changelog"] = {
            "startAt": 0,
            "maxResults": len(issue.changes),
            "total": len(issue.changes),
            "histories": [change(call, each) for each in reversed(issue.changes)],
        }
    keys = set(properties)
    if keys:
        shown = (
            issue.properties if ALL in keys else {key: issue.properties[key] for key in keys & issue.properties.keys()}
        )
        document["properties"] = dict(shown)
    return document


def show_field(call: Call, issue: Issue, field: Field) -> Any:
    """Return one field's value."""
    show = SHOWN.get(field.id)
    if show is not None:
        return show(call, issue)
    value = issue.values.get(field.id)
    if field.is_document:
        return shown_text(call, value)
    if field.type == "user":
        return person(call, value)
    if field.type == REQUEST_TYPE.type and value is not None:
        return _request(call, issue, value)
    if field.type == "array" and field.items == "user":
        return [person(call, each) for each in value or []]
    if field.type == "array" and field.custom is None:
        return value or []
    return value


def _request(call: Call, issue: Issue, type_id: str) -> dict[str, Any]:
    """Return the field of the request type, as far as it is relied on."""
    at = f"{call.base}/rest/servicedeskapi/request/{issue.id}"
    kinds = call.world.projects.by_id[issue.project_id].request_types
    kind = next((each for each in kinds if each.id == type_id), None)
    shown = {"id": type_id, "name": kind.name if kind else "", "issueTypeId": issue.type_id}
    return {"_links": {"self": at}, "requestType": shown, "currentStatus": {"status": _status(call, issue)["name"]}}


def _status(call: Call, issue: Issue) -> dict[str, Any]:
    return status(call, call.world.catalogue.statuses[issue.status_id])


def _watches(call: Call, issue: Issue) -> dict[str, Any]:
    watching = call.caller is not None and call.caller.account_id in issue.watchers
    at = f"{call.api}/issue/{issue.key}/watchers"
    return {"self": at, "watchCount": len(issue.watchers), "isWatching": watching}


def _comments(call: Call, issue: Issue) -> dict[str, Any]:
    shown = [comment(call, issue, each) for each in issue.comments[:100]]
    total = len(issue.comments)
    return {
        "comments": shown,
        "self": f"{call.api}/issue/{issue.id}/comment",
        "maxResults": total,
        "total": total,
        "startAt": 0,
    }


def _links(call: Call, issue: Issue) -> list[dict[str, Any]]:
    shown = []
    for link in call.world.issues.links_of(issue):
        end = "outwardIssue" if link.inward == issue.id else "inwardIssue"
        other = call.world.issues.by_id[link.outward if link.inward == issue.id else link.inward]
        if not call.sees_issue(other):
            continue
        at = f"{call.api}/issueLink/{link.id}"
        shown.append({"id": link.id, "self": at, "type": link_type(call, link.type_id), end: linked_issue(call, other)})
    return shown


def linked_issue(call: Call, issue: Issue) -> dict[str, Any]:
    """Return `LinkedIssue`, an issue as links show it."""
    fields = {
        "summary": issue.summary,
        "status": _status(call, issue),
        "priority": choice(call, "priority", PRIORITIES, issue.values.get("priority")),
        "issuetype": issue_type(call, call.world.catalogue.issue_types[issue.type_id]),
    }
    return {"id": issue.id, "key": issue.key, "self": f"{call.api}/issue/{issue.id}", "fields": fields}


def link_type(call: Call, type_id: str) -> dict[str, Any]:
    """Return `IssueLinkType`."""
    each = next(each for each in LINK_TYPES if each.id == type_id)
    at = f"{call.api}/issueLinkType/{each.id}"
    return {"id": each.id, "name": each.name, "inward": each.inward, "outward": each.outward, "self": at}


def _security(call: Call, issue: Issue) -> dict[str, Any] | None:
    level = issue.security
    if level is None:
        return None
    return {"self": f"{call.api}/securitylevel/{level.id}", "id": level.id, "name": level.name, "description": ""}


def _parent(call: Call, issue: Issue) -> dict[str, Any] | None:
    parent = call.world.issues.by_id.get(issue.values.get("parent", ""))
    return None if parent is None else linked_issue(call, parent)


def _category_changed(call: Call, issue: Issue) -> str:
    moved = (each.created for each in reversed(issue.changes) if any(item["field"] == "status" for item in each.items))
    return call.stamp(next(moved, issue.created))


SHOWN: dict[str, Callable[[Call, Issue], Any]] = {
    "summary": lambda _, issue: issue.summary,
    "labels": lambda _, issue: issue.labels,
    "issuetype": lambda call, issue: issue_type(call, call.world.catalogue.issue_types[issue.type_id]),
    "project": lambda call, issue: project_brief(call, call.world.projects.by_id[issue.project_id]),
    "status": _status,
    "statusCategory": lambda call, issue: _status(call, issue)["statusCategory"],
    "statuscategorychangedate": _category_changed,
    "priority": lambda call, issue: choice(call, "priority", PRIORITIES, issue.values.get("priority")),
    "resolution": lambda call, issue: choice(call, "resolution", RESOLUTIONS, issue.resolution_id),
    "resolutiondate": lambda call, issue: None if issue.resolved is None else call.stamp(issue.resolved),
    "created": lambda call, issue: call.stamp(issue.created),
    "updated": lambda call, issue: call.stamp(issue.updated),
    "creator": lambda call, issue: person(call, issue.creator),
    "reporter": lambda call, issue: person(call, issue.reporter),
    "assignee": lambda call, issue: person(call, issue.assignee),
    "watches": _watches,
    "comment": _comments,
    "issuelinks": _links,
    "parent": _parent,
    "security": _security,
    "attachment": lambda call, issue: [attachment(call, each) for each in issue.attachments],
}


def comment(call: Call, issue: Issue, each: Comment, *, expand: Iterable[str] = ()) -> dict[str, Any]:
    """Return `Comment`."""
    document: dict[str, Any] = {
        "self": f"{call.api}/issue/{issue.id}/comment/{each.id}",
        "id": each.id,
        "author": person(call, each.author),
        "body": shown_text(call, each.body),
        "updateAuthor": person(call, each.update_author),
        "created": call.stamp(each.created),
        "updated": call.stamp(each.updated),
        "jsdPublic": not _is_internal(each),
    }
    if each.visibility:
        document["visibility"] = each.visibility
    if "properties" in expand:
        document["properties"] = [{"key": key, "value": value} for key, value in each.properties.items()]
    return document


def _is_internal(each: Comment) -> bool:
    value = each.properties.get("sd.public.comment")
    return isinstance(value, dict) and value.get("internal") is True


def attachment(call: Call, each: Attachment) -> dict[str, Any]:
    """Return `Attachment`."""
    return {
        "self": f"{call.api}/attachment/{each.id}",
        "id": each.id,
        "filename": each.filename,
        "author": person(call, each.author),
        "created": call.stamp(each.created),
        "size": each.size,
        "mimeType": each.mime_type,
        "content": f"{call.api}/attachment/content/{each.id}",
    }


def change(call: Call, each: Change) -> dict[str, Any]:
    """Return `Changelog`."""
    document: dict[str, Any] = {"id": each.id, "created": call.stamp(each.created), "items": each.items}
    author = person(call, each.author)
    return {"id": each.id, "author": author, **document} if author else document
