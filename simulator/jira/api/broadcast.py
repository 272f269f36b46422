from __future__ import annotations

from typing import Any

from simulator.jira.api.call import Call
from simulator.jira.api.issue_documents import NAVIGABLE, FieldSelection, comment, issue_document
from simulator.jira.api.user_documents import person
from simulator.jira.index import entry_of
from simulator.jira.issues import Comment, Issue
from simulator.jira.jql.matching import Matching
from simulator.jira.jql.parser import parse
from simulator.jira.jql.syntax import JqlError
from simulator.jira.tracker import Item
from simulator.jira.world import World

UPDATED, COMMENTED = "jira:issue_updated", "comment_created"
BRIEF = ("summary", "issuetype", "project", "assignee", "priority", "status")


class Broadcast:
    """Turns what the tracker tells into webhook bodies; text in them is wiki text, as the service sends it."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __call__(self, event: str, issue: Issue, actor: str, items: list[Item], made: Comment | None) -> None:
        """Send an event to every webhook that wants it; a comment is an update of its issue too."""
        self._send(event, issue, actor, items, made)
        if event == COMMENTED:
            self._send(UPDATED, issue, actor, items, made)

    def _send(self, event: str, issue: Issue, actor: str, items: list[Item], made: Comment | None) -> None:
        wanting = self._world.webhooks.wanting(event, lambda jql: self._matches(jql, issue))
        if wanting:
            body = self._body(event, issue, actor, items, made)
            for webhook in wanting:
                self._world.webhooks.send(webhook, body)

    def _matches(self, jql: str, issue: Issue) -> bool:
        world = self._world
        call = Call.behind(world)
        try:
            where = parse(jql).where
            return where is None or Matching(world.names(None), world.now(), call.zone).test(where)(entry_of(issue))
        except JqlError:
            return False

    def _body(self, event: str, issue: Issue, actor: str, items: list[Item], made: Comment | None) -> dict[str, Any]:
        call = Call.behind(self._world)
        brief = event == COMMENTED
        selection = FieldSelection(call, BRIEF if brief else (), NAVIGABLE)
        document = issue_document(call, issue, selection)
        body: dict[str, Any] = {"timestamp": int(self._world.now() * 1000), "webhookEvent": event}
        if not brief:
            body["issue_event_type_name"] = _event_type(event, items, made)
            body["user"] = person(call, actor)
        body["issue"] = {name: document[name] for name in ("id", "self", "key", "fields")}
        if items:
            body["changelog"] = {"id": issue.changes[-1].id, "items": items}
        if made is not None:
            body["comment"] = comment(call, issue, made)
        return body


def _event_type(event: str, items: list[Item], made: Comment | None) -> str:
    if event != UPDATED:
        return event.removeprefix("jira:")
    changed = {item["field"] for item in items}
    if made is not None:
        return "issue_commented"
    if "status" in changed:
        return "issue_generic"
    return "issue_assigned" if changed == {"assignee"} else "issue_updated"
