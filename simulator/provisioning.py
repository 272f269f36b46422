"""JumpCloud fills groups of the Atlassian organization, as its Atlassian Cloud connector does over SCIM.

Pushes are late, get stuck until somebody retries, or are lost in part [assumed]. A group of the same name is taken
over, an empty one is not made, and somebody in no group of the connection is deactivated [JumpCloud help centre,
"Integrate with Atlassian Cloud"].
"""

from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from starlette.types import ASGIApp, Receive, Scope, Send

from simulator.folding import ascii_lower
from simulator.jira import World as JiraWorld
from simulator.jira.people import Group, User
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.jumpcloud.snapshot import group_id_of


class Connection(BaseModel):
    """How one JumpCloud organization fills groups of one Atlassian organization."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    groups: dict[str, str]
    """The JumpCloud group (id or name) and the name of the Jira group that it fills."""
    delay_ms: int = Field(default=0, ge=0)
    """From a change in JumpCloud to its push."""
    stuck: bool = False
    """Nothing is pushed until somebody retries."""
    lose_every: int = Field(default=0, ge=0)
    """Every so many pushes one is lost until somebody retries; 0 loses none."""
    deactivates: bool = True
    """Whether an account in no group of the connection is deactivated."""


@dataclass(frozen=True, slots=True)
class Push:
    """One change on its way; `due` is seconds since 1970."""

    due: float
    op: Literal["add", "remove"]
    group: str
    email: str


class Provisioning:
    """The connection between the two worlds, if there is one, and what is on its way."""

    def __init__(self, jumpcloud: JumpCloudWorld | None, jira: JiraWorld | None) -> None:
        self.connection: Connection | None = None
        self.pending: deque[Push] = deque()
        self.pushed = 0
        self._jumpcloud = jumpcloud
        self._jira = jira
        self._known: dict[str, set[str]] = {}

    def connect(self, connection: Connection) -> None:
        """Take a connection up, or change it; raises ValueError when a system or a JumpCloud group is missing."""
        jumpcloud, _ = self._worlds()
        for name in connection.groups:
            group_id_of(jumpcloud, name)
        self.connection = connection
        for name in connection.groups.values():
            if (group := self._group(name)) is not None:
                _take_over(group)
        self.run()

    def run(self) -> None:
        """Notice what changed in JumpCloud, and push what is due."""
        if self.connection is None:
            return
        _, jira = self._worlds()
        now = jira.now()
        for source, target in self.connection.groups.items():
            ought, known = self._ought(source), self._known.setdefault(target, self._members(target))
            due = now + self.connection.delay_ms / 1000
            self.pending += [Push(due, "remove", target, email) for email in sorted(known - ought)]
            self.pending += [Push(due, "add", target, email) for email in sorted(ought - known)]
            self._known[target] = ought
        while self.pending and self.pending[0].due <= now and not self.connection.stuck:
            self._push(self.pending.popleft())

    def retry(self) -> int:
        """Push everything that is missing, whatever was stuck or lost, and return how many changes that took."""
        if self.connection is None:
            raise ValueError("There is no connection.")
        self.pending.clear()
        changes = 0
        for source, target in self.connection.groups.items():
            ought, have = self._ought(source), self._members(target)
            for op, emails in (("remove", have - ought), ("add", ought - have)):
                for email in sorted(emails):
                    self._carry_out(Push(0, "add" if op == "add" else "remove", target, email))
                    changes += 1
            self._known[target] = ought
        return changes

    def view(self) -> dict[str, Any]:
        """Return the connection and what is on its way as plain JSON."""
        connection = None if self.connection is None else self.connection.model_dump()
        return {"connection": connection, "pushed": self.pushed, "pending": [asdict(push) for push in self.pending]}

    def _worlds(self) -> tuple[JumpCloudWorld, JiraWorld]:
        if self._jumpcloud is None or self._jira is None:
            raise ValueError("A connection needs a JumpCloud and a Jira that run here.")
        return self._jumpcloud, self._jira

    def _ought(self, source: str) -> set[str]:
        """Return the addresses of those who are in a JumpCloud group and may log in."""
        jumpcloud, _ = self._worlds()
        users = (jumpcloud.users.get(user_id) for user_id in jumpcloud.members.rights(group_id_of(jumpcloud, source)))
        return {ascii_lower(user.email) for user in users if user is not None and user.state == "ACTIVATED"}

    def _members(self, target: str) -> set[str]:
        _, jira = self._worlds()
        group = self._group(target)
        return {ascii_lower(jira.directory.users[each].email) for each in group.members} if group else set()

    def _group(self, name: str) -> Group | None:
        return self._worlds()[1].directory.group_by_name(name)

    def _push(self, push: Push) -> None:
        assert self.connection is not None
        self.pushed += 1
        if not self.connection.lose_every or self.pushed % self.connection.lose_every:
            self._carry_out(push)

    def _carry_out(self, push: Push) -> None:
        _, jira = self._worlds()
        administration = jira.administration
        user = jira.directory.user_by_email(push.email)
        group = self._group(push.group)
        if push.op == "add":
            group = group or administration.create_group(push.group)
            _take_over(group)
            administration.add_member(group, self._account(user, push.email))
        elif user is not None and group is not None:
            administration.remove_member(group, user)
            self._deactivate(user)

    def _account(self, user: User | None, email: str) -> User:
        """Return the account of an address, made or reactivated where needed, and supplied by JumpCloud from now on."""
        _, jira = self._worlds()
        if user is None:
            user = jira.administration.create_user(email, now=jira.now(), switches=jira.switches)
        user.managed, user.management_source = True, "synced"
        if user.account_status == "inactive":
            jira.administration.set_account_status(user, "active")
        return user

    def _deactivate(self, user: User) -> None:
        assert self.connection is not None
        _, jira = self._worlds()
        filled = (self._group(name) for name in self.connection.groups.values())
        held = any(group is not None and jira.directory.is_member(group, user.account_id) for group in filled)
        if self.connection.deactivates and user.management_source == "synced" and not held:
            jira.administration.set_account_status(user, "inactive")


class Provisioned:
    """An application whose system is brought up to date with the connection before and after each request."""

    def __init__(self, app: ASGIApp, run: Callable[[], None]) -> None:
        self._app = app
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        self._run()
        await self._app(scope, receive, send)
        self._run()


def _take_over(group: Group) -> None:
    group.external_synced, group.managed_by = True, "external"
