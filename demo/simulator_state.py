"""What the simulated systems hold: the facts that scenarios are judged by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from demo.company import address

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimulatorState:
    """The state of both systems at one moment."""

    jumpcloud: Row
    jira: Row

    def in_jumpcloud_group(self, person: str, group: str) -> bool:
        """Whether a person is a member of a JumpCloud group."""
        user = _one(self.jumpcloud["users"], email=address(person))
        found = _one(self.jumpcloud["groups"], name=group)
        return bool(user and found and user["id"] in found["members"])

    def additions_to_jumpcloud_group(self, person: str, group: str) -> int:
        """How often a person was added to a JumpCloud group, by its event log."""
        user, found = _one(self.jumpcloud["users"], email=address(person)), _one(self.jumpcloud["groups"], name=group)
        if user is None or found is None:
            return 0
        return sum(
            "association" in event and event["association"]["op"] == "add"
            for event in self.jumpcloud["events"]
            if _names(event, user["id"]) and _names(event, found["id"])
        )

    def account(self, person: str) -> Row | None:
        """A person's Jira account."""
        return _one(self.jira["users"], email=address(person))

    def account_works(self, person: str) -> bool:
        """Whether a person has a Jira account that is active."""
        found = self.account(person)
        return bool(found and found["account_status"] == "active" and found["membership_status"] == "active")

    def in_jira_group(self, person: str, group: str) -> bool:
        """Whether a person is a member of a Jira group."""
        user, found = self.account(person), _one(self.jira["groups"], name=group)
        return bool(user and found and user["account_id"] in found["members"])

    def products_of(self, person: str) -> set[str]:
        """The Jira products that a person's groups give access to."""
        user = self.account(person)
        groups = [group for group in self.jira["groups"] if user and user["account_id"] in group["members"]]
        return {product for group in groups for product in group["grants"]}

    def in_role(self, person: str, project: str, role: str) -> bool:
        """Whether a person is in a role of a Jira project, on their own and not through a group."""
        user, chosen = self.account(person), _one(self.jira["roles"], name=role)
        found = _one(self.jira["projects"], key=project)
        if user is None or found is None or chosen is None:
            return False
        actors = found["roles"].get(str(chosen["id"]), [])
        return any(actor.get("user") == user["account_id"] for actor in actors)

    def tickets_of(self, request_id: str) -> list[Row]:
        """The issues that Provisor made for a request, each with its status and its category."""
        statuses = {status["id"]: status for status in self.jira["statuses"]}
        return [
            issue
            | {"status": statuses[issue["status_id"]]["name"], "category": statuses[issue["status_id"]]["category"]}
            for issue in self.jira["issues"]
            if _request_of(issue) == request_id
        ]


def _one(rows: list[Row], **wanted: str) -> Row | None:
    return next((row for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)


def _names(value: Any, wanted: str) -> bool:
    """Whether a value holds a text somewhere within."""
    match value:
        case dict():
            return any(_names(each, wanted) for each in value.values())
        case list():
            return any(_names(each, wanted) for each in value)
        case _:
            return bool(value == wanted)


def _request_of(issue: Row) -> str | None:
    """The request that an issue is about, by the property that Provisor gives it."""
    found = (value.get("request") for value in issue["properties"].values() if isinstance(value, dict))
    return next((request for request in found if request), None)


def text_of(document: Any) -> str:
    """The plain text of an Atlassian document: of a description or a comment."""
    match document:
        case dict():
            return str(document.get("text", "")) + text_of(document.get("content"))
        case list():
            return " ".join(text_of(part) for part in document)
        case _:
            return ""
