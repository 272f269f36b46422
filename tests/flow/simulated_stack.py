"""A small company for tests of the whole flow: both systems simulated over HTTP, and a Provisor that works on them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from secrets import token_hex
from typing import Any, Self, TypeVar

from access.lifecycle import ENDS
from access.operations import Claim, Operation, Purpose, Request, Ticket
from config.settings import Settings
from demo.worker_thread import WorkerThread
from simulator.atlassian.world import ORGANIZATION_KEY
from simulator.jira import World as JiraWorld
from simulator.jira.issues import Issue
from simulator.jira.projects import Role
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act
from store.unit_of_work import Store
from tests.patience import until, until_met
from worker.intake_consumer import publish
from worker.process import WorkerProcess, prepare

T = TypeVar("T")

POLICY = """
ticket: {project: OPS}
rules:
  - {pattern: "jumpcloud:group:by-ticket*:member", give: ticket, take: ticket}
  - {pattern: "jumpcloud:group:*:member"}
  - {pattern: "jumpcloud:application:Crm:assigned", via: "jumpcloud:group:Crm users:member"}
  - {pattern: "jumpcloud:application:*:assigned"}
  - {pattern: "jumpcloud:admin-role:*:assigned"}
  - {pattern: "jumpcloud:account:exists", give: ticket, take: ticket}
  - {pattern: "jira:project-role:PAY:Developers:assigned", missing_account: create, products: [jira-software]}
  - {pattern: "jira:project-role:PAY:Viewers:assigned", missing_account: ticket}
  - {pattern: "jira:project-role:*:*:assigned"}
  - {pattern: "jira:group:*:member"}
  - {pattern: "jira:account:exists", products: [jira-software]}
"""

#: Short where Provisor waits for time to pass; long where a busy machine would make it lose patience with the simulators.
BRISK: dict[str, Any] = {
    "provisioning": "on",
    "worker": {"concurrency": 6, "poll": "0.03s", "lease": "60s"},
    "fuse": {"revokes": 1_000_000},
    "limits": {
        "attempts": 4,
        "first_wait": "0.1s",
        "verification": "1s",
        "read_timeout": "60s",
        "connect_timeout": "60s",
    },
    "ticketing": {"project": "OPS", "poll": "0.1s", "believe_within": "0.4s", "look_for": "1.5s", "reopen_limit": 2},
    "sync": {"period": None},
}


class SimulatedCompany:
    """The systems and their people, with an organization above the site where one is asked for.

    ``person`` makes one that exists in neither, one or both.
    """

    def __init__(self, *, organization: bool = False) -> None:
        self.jumpcloud = JumpCloudWorld()
        self.jira = JiraWorld()
        change_switches(self.jira.switches, burst_bucket=0, issue_writes_per_2s=0, issue_writes_per_30s=0)
        act(self.jira, "create_project", key="OPS", name="Operations")
        act(self.jira, "create_project", key="PAY", name="Payments")
        for name in ("Developers", "Viewers"):
            self._see_to_role(name)
        self.organization = organization
        self.simulators = Simulators(jumpcloud=self.jumpcloud, jira=self.jira, atlassian=organization)

    def settings(self, folder: Path, store: str, **more: Any) -> dict[str, Any]:
        """Settings that reach this company, brisk ones, changed by ``more`` section by section."""
        policy = folder / "policy.yaml"
        policy.write_text(POLICY, encoding="utf-8")
        jira = self.jira.credentials()
        reached: dict[str, Any] = {
            "policy": str(policy),
            "store": {"url": store},
            "broker": {"prefix": f"t{token_hex(4)}."},
            "jumpcloud": {
                "api_url": self.simulators.jumpcloud_url,
                "insights_url": self.simulators.jumpcloud_url,
                "api_key": self.jumpcloud.credentials()["api_key"],
                "rate": 100_000,
            },
            "jira": {
                "site_url": self.simulators.jira_url,
                "email": jira["email"],
                "api_token": jira["token"],
                "protected_groups": ["crown-jewels"],
                "rate": 100_000,
            },
        }
        if self.organization:
            reached["atlassian"] = {
                "api_url": self.simulators.atlassian_url,
                "api_key": ORGANIZATION_KEY,
                "org_id": self.jira.organization.id,
            }
        merged = {**BRISK, **reached}
        for section, values in more.items():
            merged[section] = {**merged.get(section, {}), **values} if isinstance(values, dict) else values
        return merged

    def person(self, name: str = "", *, jumpcloud: bool = True, jira: bool = True) -> str:
        """The address of a new person."""
        email = f"{name or 'p'}-{token_hex(4)}@example.com"
        if jumpcloud:
            act(self.jumpcloud, "add_user", email=email, username=email.partition("@")[0])
        if jira:
            act(self.jira, "create_user", email=email, name=f"{name or 'Person'} {token_hex(2)}")
        return email

    def jumpcloud_group(self, name: str = "team", **more: Any) -> str:
        """The id of a new group."""
        return str(act(self.jumpcloud, "add_group", name=f"{name}-{token_hex(4)}", **more)["id"])

    def group_name(self, group_id: str) -> str:
        """What people call a JumpCloud group."""
        found = self.jumpcloud.groups.get(group_id)
        assert found is not None
        return str(found.name)

    def jira_group(self, name: str = "") -> str:
        """The name of a new group."""
        name = name or f"team-{token_hex(4)}"
        act(self.jira, "create_group", name=name)
        return name

    def in_jumpcloud(self, email: str, group: str) -> bool:
        """Whether the person is a member, in truth."""
        return bool(self.jumpcloud.members.has(group, self.jumpcloud.user_ids[email]))

    def in_jira(self, email: str, group: str) -> bool:
        """Whether the person is a member, in truth."""
        return self.jira.directory.is_member(self.jira.group(group), self.jira.user(email).account_id)

    def in_role(self, email: str, role: str = "Developers", project: str = "PAY") -> bool:
        """Whether the person is in the role, in truth."""
        found = self.jira.directory.user_by_email(email)
        actors = self.jira.project(project).roles.get(self.jira.role(project, role).id, [])
        return found is not None and any(actor.user == found.account_id for actor in actors)

    def _see_to_role(self, name: str) -> None:
        if name not in {role.name for role in self.jira.catalogue.roles.values()}:
            self.jira.catalogue.add_role(Role(10_200 + len(self.jira.catalogue.roles), name, name))


class SimulatedStack:
    """A company and the Provisor at work on it."""

    def __init__(self, company: SimulatedCompany, process: WorkerProcess) -> None:
        self.company = company
        self.process = process

    @classmethod
    def prepared(cls, company: SimulatedCompany, settings: dict[str, Any]) -> Self:
        """A Provisor with these settings, not started."""
        return cls(company, prepare(Settings(**settings)))

    @property
    def store(self) -> Store:
        return self.process.provisor.store

    @property
    def faults(self) -> Any:
        return self.company.simulators.faults

    def worker_thread(self) -> WorkerThread:
        """A worker for it, in this process."""
        return WorkerThread(self.process)

    def send(self, *messages: dict[str, Any]) -> None:
        """Put messages on the queue, as any producer would."""
        with self.process.app.connection() as connection:
            publish(connection, self.process.queues, [json.dumps(message).encode() for message in messages])

    def ask(self, action: str, email: str | None, entitlement: str | None = None, **more: Any) -> str:
        """Send one request; its id."""
        request_id = f"req-{token_hex(5)}"
        subject = more.pop("subject", {"email": email})
        body = {"id": request_id, "action": action, "subject": subject} | more
        self.send(body if entitlement is None else body | {"entitlement": entitlement})
        return request_id

    def grant(self, email: str, entitlement: str, **more: Any) -> str:
        return self.ask("grant", email, entitlement, **more)

    def revoke(self, email: str, entitlement: str, **more: Any) -> str:
        return self.ask("revoke", email, entitlement, **more)

    def until(self, look: Callable[[], T | None], *, what: str = "") -> T:
        """What ``look`` finds, as soon as it finds something."""
        return until(look, lambda: f"{what or look}, with {self.story()},")

    def until_held(self, fault: str, number: int = 1) -> None:
        """Wait until a fault holds so many calls."""
        until_met(self.faults, fault, holding=number, what=lambda: f"{number} calls held, with {self.story()},")

    def ended(self, request_id: str, state: str = "done") -> Request:
        """The request once it is over; it has to end in ``state``."""

        def over() -> Request | None:
            found = self.request(request_id)
            return found if found and found.state in ENDS["request"] else None

        request = self.until(over, what=f"the end of {request_id}")
        assert request.state == state, f"{request.state}: {request.reason}"
        return request

    def request(self, request_id: str) -> Request | None:
        with self.store.read() as work:
            return work.requests.get(request_id)

    def operations(self, request_id: str, *, purpose: Purpose = Purpose.REQUEST) -> Sequence[Operation]:
        with self.store.read() as work:
            return work.operations.of_request(request_id, purpose=purpose)

    def claim(self, request_id: str) -> Claim:
        with self.store.read() as work:
            found = work.claims.of_request(request_id)
        assert found is not None
        return found

    def claim_ended(self, request_id: str) -> Claim:
        """The request's claim once it is over."""

        def over() -> Claim | None:
            claim = self.claim(request_id)
            return claim if claim.state in ENDS["claim"] else None

        return self.until(over, what=f"the end of the claim of {request_id}")

    def tickets(self, request_id: str) -> list[Ticket]:
        with self.store.read() as work:
            return [
                ticket
                for operation in work.operations.of_request(request_id)
                for ticket in work.tickets.of_operation(operation.id)
            ]

    def ticket(self, request_id: str, state: str = "open", *, number: int = 1) -> Ticket:
        """The request's ticket, once there are ``number`` and the last of them is in this state."""

        def there() -> Ticket | None:
            tickets = self.tickets(request_id)
            return tickets[-1] if len(tickets) == number and tickets[-1].state == state else None

        return self.until(there, what=f"ticket {number} of {request_id} being {state}")

    def issue(self, ticket: Ticket) -> Issue:
        """The ticket's issue, in truth."""
        return self.company.jira.issues.by_id[ticket.issue_id or ""]

    def issues_about(self, request_id: str) -> list[Issue]:
        """Every issue ever made for a request that still exists, in truth."""
        markers = {ticket.marker for ticket in self.tickets(request_id)}
        return [issue for issue in list(self.company.jira.issues.by_id.values()) if markers & set(issue.labels)]

    def text(self, ticket: Ticket) -> str:
        """What the ticket's issue says, in truth."""
        issue = self.issue(ticket)
        return json.dumps([issue.summary, issue.values.get("description")], ensure_ascii=False)

    def comments(self, ticket: Ticket) -> list[str]:
        """What is said on the ticket's issue, in truth."""
        return [json.dumps(comment.body) for comment in self.issue(ticket).comments]

    def calls(self, method: str, route: str) -> int:
        """How many calls of a route a system has had since the simulators started."""
        return self.company.simulators.calls.count(method=method, route=route)

    def story(self) -> str:
        """Where everything stands, for a test that fails."""
        with self.store.read() as work:
            lines = []
            for request in work.requests.recent(limit=3):
                lines.append(f"{request.id} {request.state} {request.reason or ''}")
                for operation in work.operations.of_request(request.id):
                    about = f"{operation.via} {operation.state} tries={operation.tries} {operation.error or ''}"
                    lines.append(f"  {operation.direction} {operation.named} by {about} due={operation.due_at}")
                    found = work.tickets.of_operation(operation.id)
                    lines += [f"    {each.issue_key} {each.state} '{each.status}' {each.error or ''}" for each in found]
        return "\n".join(lines)
