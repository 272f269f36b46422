"""A company with closed access tickets that somebody else made, and the lies that are planted among them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from access.truth import Verdict

DOMAIN = "northwind.example"
PROJECT = "ACCESS"
PERSON, THING, ACTION, UNTIL = (f"customfield_1010{number}" for number in range(1, 5))

#: What a stranger's mapping of these tickets says.
MAPPING = f"""\
jql: project = {PROJECT}
person: {{field: Requested for}}
thing: {{field: Access, kind: [jumpcloud:group, jira:project-role]}}
action: {{field: Request}}
end: {{field: Access until}}
"""

_DAY, _MINUTE = 86_400, 60
_TO_DO, _DONE, _DECLINED = "10000", "10001", "10002"
_RESOLVED, _WONT_DO = "10000", "10001"
_PROJECTS = ("PAY", "CRM", "WEB")
_ADMINISTRATOR = {"id": "5f0e1d2c3b4a596877665540", "type": "admin", "email": "owner@example.com"}


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many tickets of each class are planted; the untrue ones are of each of the four ways."""

    true: int = 400
    untrue: int = 15
    undone: int = 20
    ended: int = 20
    ambiguous: int = 20
    declined: int = 10
    reopened: int = 10

    @property
    def closed(self) -> int:
        """The tickets that say something."""
        return self.true + 4 * self.untrue + self.undone + self.ended + self.ambiguous


@dataclass(frozen=True, slots=True)
class RoleChange:
    """Somebody comes into a project's role, or leaves it, so many seconds before now: Jira itself has to log it."""

    ago: float
    project: str
    account: str
    added: bool


@dataclass(slots=True)
class Site:
    """What the systems hold, what happened to roles, and the verdict that each ticket is planted for."""

    content: dict[str, Any]
    role_changes: list[RoleChange]
    expected: dict[str, Verdict]
    ways: dict[str, str]


def planted(now: float, sizes: Sizes | None = None) -> Site:
    """The site as it is at ``now``, in seconds since 1970."""
    return _Planter(now, sizes or Sizes()).site()


@dataclass(slots=True)
class _Planter:
    now: float
    sizes: Sizes
    people: list[dict[str, str]] = field(default_factory=list)
    suspended: set[str] = field(default_factory=set)
    members: dict[str, set[str]] = field(default_factory=dict)
    roles: dict[str, set[str]] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    role_changes: list[RoleChange] = field(default_factory=list)
    expected: dict[str, Verdict] = field(default_factory=dict)
    ways: dict[str, str] = field(default_factory=dict)

    def site(self) -> Site:
        """Plant everything."""
        self.members = {_group(number): set() for number in range(30)}
        self.roles = {project: set() for project in _PROJECTS}
        baseline = self._somebody("Baseline")
        self._event("add", _group(0), baseline, ago=80 * _DAY)
        self.role_changes.append(RoleChange(80 * _DAY, "PAY", baseline, added=True))
        self._plant_true()
        self._plant_untrue()
        self._plant_ends()
        self._plant_ambiguous()
        for number in range(self.sizes.declined + self.sizes.reopened):
            ago = self._ago(number)
            declined = number < self.sizes.declined
            status = _DECLINED if declined else _TO_DO
            self._ticket(
                self._somebody("Declined"), _group(number % 30), "Give", ago, status=status, reopened=not declined
            )
        self.events.sort(key=lambda event: str(event["timestamp"]))
        self.role_changes.sort(key=lambda change: -change.ago)
        return Site(self._content(), self.role_changes, self.expected, self.ways)

    def _plant_true(self) -> None:
        for number in range(self.sizes.true):
            who, ago = self._somebody("True"), self._ago(number)
            match number % 5:
                case 0:  # taken away, and away
                    group = _group(number % 30)
                    self._event("remove", group, who, ago=ago + 10 * _MINUTE)
                    key = self._ticket(who, group, "Remove", ago)
                case 1:  # a role, given by hand and given in fact
                    project = _PROJECTS[number % 3]
                    self.roles[project].add(who)
                    key = self._ticket(who, f"{project}: Developers", "Give", ago)
                case _:
                    group = _group(number % 30)
                    self.members[group].add(who)
                    self._event("add", group, who, ago=ago + 10 * _MINUTE)
                    until = self._day(-30) if number % 5 == 2 else None  # noqa: PLR2004 - every fifth has an end to come
                    key = self._ticket(who, group, "Give", ago, until=until)
            self.expected[key] = Verdict.TRUE

    def _plant_untrue(self) -> None:
        for number in range(self.sizes.untrue):
            group, other = _group(number % 30), _group((number + 7) % 30)
            # A day apart, so that what was done for one ticket looks like nothing for another.
            ago = self._ago(number) + 6 * _DAY
            self._lie("never_done", self._ticket(self._somebody("Never"), group, "Give", ago))
            ago -= 2 * _DAY
            # Somebody else was given it.
            meant, given = self._somebody("Meant"), self._somebody("Given")
            self.members[group].add(given)
            self._event("add", group, given, ago=ago + 10 * _MINUTE)
            self._lie("other_person", self._ticket(meant, group, "Give", ago))
            # The person was given something else.
            ago -= 2 * _DAY
            moved = self._somebody("Moved")
            self.members[other].add(moved)
            self._event("add", other, moved, ago=ago + 10 * _MINUTE)
            self._lie("other_resource", self._ticket(moved, group, "Give", ago))
            # The account was suspended all the time.
            shut = self._somebody("Shut")
            self.suspended.add(shut)
            self.members[group].add(shut)
            self._suspended(shut, ago=ago + 2 * _DAY)
            self._lie("account_suspended", self._ticket(shut, group, "Give", ago))

    def _plant_ends(self) -> None:
        for number in range(self.sizes.undone):
            who, ago = self._somebody("Undone"), self._ago(number)
            if number % 4 == 0:
                project = _PROJECTS[number % 3]
                self.role_changes.append(RoleChange(ago + 10 * _MINUTE, project, who, added=True))
                self.role_changes.append(RoleChange(ago - 5 * _DAY, project, who, added=False))
                key = self._ticket(who, f"{project}: Developers", "Give", ago)
            else:
                group = _group(number % 30)
                self._event("add", group, who, ago=ago + 10 * _MINUTE)
                self._event("remove", group, who, ago=ago - 5 * _DAY)
                key = self._ticket(who, group, "Give", ago)
            self.expected[key] = Verdict.NO_LONGER
        for number in range(self.sizes.ended):
            who, group, ago = self._somebody("Ended"), _group(number % 30), self._ago(number)
            self._event("add", group, who, ago=ago + 10 * _MINUTE)
            self._event("remove", group, who, ago=ago - 4 * _DAY)
            key = self._ticket(who, group, "Give", ago, until=self._day((ago - 4 * _DAY) / _DAY))
            self.expected[key] = Verdict.ENDED

    def _plant_ambiguous(self) -> None:
        for number in range(self.sizes.ambiguous):
            group = _group(number % 30)
            one, _two = (self._somebody("Twin", name=f"Twin Sibling{number}") for _ in range(2))
            self.members[group].add(one)
            key = self._ticket(f"Twin Sibling{number}", group, "Give", self._ago(number))
            self.expected[key] = Verdict.UNSAID

    def _lie(self, way: str, key: str) -> None:
        self.expected[key] = Verdict.NOT_TRUE
        self.ways[key] = way

    def _somebody(self, first: str, *, name: str | None = None) -> str:
        """Another account in both systems; its address."""
        number = len(self.people)
        email = f"{first.lower()}.{number}@{DOMAIN}"
        self.people.append({"email": email, "name": name or f"{first} Person{number}"})
        return email

    def _ago(self, number: int) -> float:
        """When a ticket was closed, in seconds before now: 10 to 60 days."""
        return (10 + number * 7 % 50) * _DAY + number % 60

    def _day(self, ago: float) -> str:
        return datetime.fromtimestamp(self.now - ago * _DAY, UTC).date().isoformat()

    def _event(self, op: str, group: str, who: str, *, ago: float) -> None:
        ends = {"from": ("user_group", group), "to": ("user", who)}
        connection = {side: {"type": kind, "object_id": _id(name), "name": name} for side, (kind, name) in ends.items()}
        association = {"op": op, "action_source": "jumpcloud: console", "connection": connection}
        self._logged("association_change", ago, association=association)

    def _suspended(self, who: str, *, ago: float) -> None:
        self._logged(
            "user_suspended", ago, resource={"id": _id(who), "type": "user", "username": who.partition("@")[0]}
        )

    def _logged(self, kind: str, ago: float, **facts: Any) -> None:
        at = datetime.fromtimestamp(self.now - ago, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        self.events.append(
            {
                "id": f"{len(self.events):024x}",
                "event_type": kind,
                "timestamp": at,
                "service": "directory",
                "success": True,
                "initiated_by": _ADMINISTRATOR,
                **facts,
            }
        )

    def _ticket(
        self, who: str, thing: str, action: str, ago: float, *, until: str | None = None,
        status: str = _DONE, reopened: bool = False,
    ) -> str:  # fmt: skip
        number = len(self.issues) + 1
        closed, created = self.now - ago, self.now - ago - 3600
        values = {PERSON: who, THING: thing, ACTION: f"{action} access", "priority": "3"}
        moves = [(_TO_DO, _DECLINED if status == _DECLINED else _DONE, closed)]
        if reopened:
            moves.append((_DONE, _TO_DO, closed + 3600))
        self.issues.append(
            {
                "id": str(50_000 + number * 10),
                "key": f"{PROJECT}-{number}",
                "project_id": "10000",
                "type_id": "10004",
                "status_id": status,
                "creator": _account(f"agent@{DOMAIN}"),
                "reporter": _account(f"agent@{DOMAIN}"),
                "created": created,
                "updated": closed,
                "resolved": None if reopened else closed,
                "resolution_id": None if reopened else _WONT_DO if status == _DECLINED else _RESOLVED,
                "summary": f"{action} access: {thing} for {who}",
                "values": values | ({UNTIL: until} if until else {}),
                "changes": [_move(50_000 + number * 10 + place, *move) for place, move in enumerate(moves, start=1)],
            }
        )
        return f"{PROJECT}-{number}"

    def _content(self) -> dict[str, Any]:
        agent = {"email": f"agent@{DOMAIN}", "name": "Access Agent"}
        everybody = [agent, *self.people]
        users = [
            {
                "id": _id(each["email"]),
                "email": each["email"],
                "details": {"displayname": each["name"]},
                "state": "SUSPENDED" if each["email"] in self.suspended else "ACTIVATED",
            }
            for each in everybody
        ]
        groups = [{"id": _id(name), "name": name, "members": sorted(held)} for name, held in self.members.items()]
        fields = [(PERSON, "Requested for"), (THING, "Access"), (ACTION, "Request"), (UNTIL, "Access until")]
        own = {ident: {"required": False} for ident, _ in fields}
        projects = [{"id": "10000", "key": PROJECT, "name": "Access requests", "lead": agent["email"], "fields": own}]
        projects += [
            {
                "id": str(10_001 + place),
                "key": key,
                "name": f"Product {key.title()}",
                "lead": agent["email"],
                "roles": {"Developers": [{"user": who} for who in sorted(self.roles[key])]},
            }
            for place, key in enumerate(_PROJECTS)
        ]
        return {
            "jumpcloud": {"users": users, "groups": groups, "events": self.events},
            "jira": {
                "switches": {"burst_bucket": 0},
                "users": [
                    {"account_id": _account(each["email"]), "email": each["email"], "display_name": each["name"]}
                    for each in everybody
                ],
                "fields": [{"id": ident, "name": name} for ident, name in fields],
                "projects": projects,
                "issues": self.issues,
            },
        }


def _move(number: int, before: str, after: str, at: float) -> dict[str, Any]:
    names = {_TO_DO: "To Do", _DONE: "Done", _DECLINED: "Declined"}
    item = {"field": "status", "fieldtype": "jira", "fieldId": "status"}
    item |= {"from": before, "fromString": names[before], "to": after, "toString": names[after]}
    return {"id": str(number), "author": _account(f"agent@{DOMAIN}"), "created": at, "items": [item]}


def _group(number: int) -> str:
    return f"team-{number:02}"


def _id(name: str) -> str:
    """An id of the form that JumpCloud gives."""
    return hashlib.sha256(name.encode()).hexdigest()[:24]


def _account(email: str) -> str:
    digest = hashlib.sha256(email.encode()).hexdigest()
    return f"712020:{digest[:8]}-{digest[8:12]}-4{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"


def actions_of(changes: list[RoleChange]) -> Iterator[tuple[float, str, dict[str, Any]]]:
    """What a person does in Jira for the changes of roles: how long ago, the verb, and its details."""
    for change in changes:
        verb = "add_role_actor" if change.added else "remove_role_actor"
        yield change.ago, verb, {"project": change.project, "role": "Developers", "user": change.account}
