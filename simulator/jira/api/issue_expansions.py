from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from html import escape
from typing import Any

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import FieldSelection, issue_document
from simulator.jira.api.meta import edit_meta
from simulator.jira.api.transitions import transition_documents
from simulator.jira.fields import Field
from simulator.jira.issues import Issue
from simulator.jira.wiki import to_wiki


def expanded_document(
    call: Call, issue: Issue, selection: FieldSelection, *, expand: Iterable[str] = (), properties: Iterable[str] = ()
) -> dict[str, Any]:
    """Return `IssueBean` with what `expand` asks for beyond names, schema and changelog."""
    wanted = set(expand)
    document = issue_document(call, issue, selection, expand=wanted, properties=properties)
    if "renderedFields" in wanted:
        document["renderedFields"] = {field.id: _rendered(call, issue, field) for field in selection.fields}
    if "transitions" in wanted:
        document["transitions"] = transition_documents(call, issue)
    if "operations" in wanted:
        document["operations"] = {"linkGroups": []}
    if "editmeta" in wanted:
        document["editmeta"] = {"fields": edit_meta(call, issue)}
    return document


def _rendered(call: Call, issue: Issue, field: Field) -> Any:
    if field.id == "comment":
        return {"comments": [{"id": each.id, "body": html_of(each.body)} for each in issue.comments]}
    if field.is_document:
        return html_of(issue.values.get(field.id))
    times = {"created": issue.created, "updated": issue.updated, "resolutiondate": issue.resolved}
    at = times.get(field.id)
    return None if at is None else f"{datetime.fromtimestamp(at, UTC).astimezone(call.zone):%d/%b/%y %I:%M %p}"


def html_of(document: Any) -> str:
    """Return a text as HTML: one paragraph for each block, without its marks."""
    return "".join(f"<p>{escape(block)}</p>" for block in to_wiki(document).split("\n\n") if block)
