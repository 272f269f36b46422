"""What the simulated systems hold: the facts that scenarios are judged by."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from access.entitlements import EntitlementRef, ResourceKind, System
from demo.company import address

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SimulatorState:
    """The state of both systems at one moment."""

    jumpcloud: Row
    jira: Row

    def holds(self, person: str, entitlement: str) -> bool:
        """Whether a person holds an entitlement, given in its written form, on their own and not through a group."""
        ref = EntitlementRef.parse(entitlement)
        if ref.kind is ResourceKind.PROJECT_ROLE:
            return self._in_role(person, *ref.path)
        system, key = (self.jumpcloud, "id") if ref.system is System.JUMPCLOUD else (self.jira, "account_id")
        user, group = _one(system["users"], email=address(person)), _one(system["groups"], name=ref.path[0])
        return bool(user and group and user[key] in group["members"])

    def additions_to_jumpcloud_group(self, person: str, group: str) -> int:
        """How often a person was added to a JumpCloud group, by its event log."""
        user, found = _one(self.jumpcloud["users"], email=address(person)), _one(self.jumpcloud["groups"], name=group)
        if user is None or found is None:
            return 0
        added = [
            json.dumps(each) for each in self.jumpcloud["events"] if each.get("association", {}).get("op") == "add"
        ]
        return sum(user["id"] in event and found["id"] in event for event in added)

    def account(self, person: str) -> Row | None:
        """A person's Jira account."""
        return _one(self.jira["users"], email=address(person))

    def account_works(self, person: str) -> bool:
        """Whether a person has a Jira account that is active."""
        found = self.account(person)
        return bool(found and found["account_status"] == "active" and found["membership_status"] == "active")

    def products_of(self, person: str) -> set[str]:
        """The Jira products that a person's groups give access to."""
        user = self.account(person)
        groups = [group for group in self.jira["groups"] if user and user["account_id"] in group["members"]]
        return {product for group in groups for product in group["grants"]}

    def _in_role(self, person: str, project: str, role: str) -> bool:
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


def place_of(entitlement: str) -> str:
    """What a person who holds an entitlement is in, such as ``Jira group release-managers``."""
    ref = EntitlementRef.parse(entitlement)
    if ref.kind is ResourceKind.PROJECT_ROLE:
        project, role = ref.path
        return f"role {role} of {project}"
    return f"{ref.system.label} group {ref.path[0]}"


def _one(rows: list[Row], **wanted: str) -> Row | None:
    return next((row for row in rows if all(row.get(name) == value for name, value in wanted.items())), None)


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
