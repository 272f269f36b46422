"""People of one system who hide, move, leave and lend their addresses, and a Provisor on it whose clock a test moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from datetime import timedelta
from secrets import token_hex
from typing import Any, ClassVar, Literal

from access.entitlements import System
from access.methods import Method
from access.operations import Operation
from access.policy import MissingAccount, Rule
from connectors.jira import JiraConnector, api_token, jira_client
from connectors.jumpcloud import JumpCloudConnector, api_key, jumpcloud_client
from connectors.ports import Connector
from httpclient import HttpClient
from simulator.jira import World as JiraWorld
from simulator.jumpcloud import World as JumpCloudWorld
from simulator.server import Simulators
from simulator.switches import change_switches
from simulator.systems import act
from store.unit_of_work import Store
from tests.fakes.local_stack import LocalStack
from tests.fakes.passing_faults import PassingFaults, patient
from ticketing.ports import Phase
from worker.known_emails import StoredEmails

MINUTE = timedelta(minutes=1)
RULES = (
    Rule("jira:account:exists", take=Method.TICKET, products=("jira-software",)),
    Rule("jumpcloud:account:exists", give=Method.TICKET, take=Method.TICKET),
    Rule("*:group:*:member", missing_account=MissingAccount.REFUSE),
)


class SimulatedPeople(ABC):
    """People of one system, behind HTTP; what its world holds is the truth. Accounts are named by id."""

    system: ClassVar[System]

    def __init__(self, store: Store, client: HttpClient, rules: Iterable[Rule], simulators: Simulators) -> None:
        self._client = client
        self.faults = PassingFaults(simulators.faults)
        plain = LocalStack.over(store, rules=rules)
        emails = StoredEmails(store, plain.clock, self.system)
        connectors = {self.system: self.connector(client, emails)}
        self.stack = LocalStack.over(store, rules=rules, like=plain, connectors=connectors)
        self.group = f"{self.system}:group:{self.add_group(f'team-{token_hex(4)}')}:member"

    def close(self) -> None:
        self._client.close()

    @property
    def group_id(self) -> str:
        return self.group.split(":")[2]

    def ask(self, request_id: str, action: str, subject: dict[str, str], **more: Any) -> None:
        """Hand a request in, about the group where nothing else is named, and do what is due."""
        about = {"system": str(self.system)} if action.endswith("_account") else {"entitlement": self.group}
        self.stack.submit(**{"id": request_id, "action": action, "subject": subject} | about | more)
        self.stack.run(MINUTE)

    def people_work(self) -> list[str]:
        """People do what open tickets ask: make accounts, and deactivate them. The accounts that they deactivated."""
        deactivated = []
        for issue in self.stack.tickets.open_issues():
            with self.stack.store.read() as work:
                operation = work.operations.get(issue.draft.data["operation"])
            assert operation is not None
            if operation.account_id is None:
                self.make(operation)
            elif not operation.direction.wants_present:
                self.deactivate(operation.account_id)
                deactivated.append(operation.account_id)
            issue.phase = Phase.DONE
        self.stack.run(MINUTE)
        return deactivated

    def make(self, operation: Operation) -> None:
        """Somebody makes the account that a ticket asks for."""
        if operation.email is not None and self.holder(operation.email) is None:
            self.add(operation.email)

    @abstractmethod
    def connector(self, client: HttpClient, emails: StoredEmails) -> Connector: ...

    @abstractmethod
    def add_group(self, name: str) -> str: ...

    @abstractmethod
    def add(self, email: str, name: str = "Somebody", *, hidden: bool = False) -> str:
        """The id of a new person's account."""

    @abstractmethod
    def join(self, account: str) -> None:
        """Somebody puts the account into the group by hand."""

    @abstractmethod
    def change(self, account: str, *, email: str | None = None, hidden: bool | None = None) -> None:
        """Somebody changes an address, or whether it is shown."""

    @abstractmethod
    def pose(self, account: str, email: str) -> None:
        """Somebody writes an address where it is not theirs to prove: in their name, or beside their address."""

    @abstractmethod
    def leave(self, account: str) -> None:
        """The account is deleted."""

    @abstractmethod
    def deactivate(self, account: str) -> None: ...

    @abstractmethod
    def search(self, how: Literal["hit", "beginning", "none"]) -> None:
        """Whether a search finds hidden addresses, or their beginnings too."""

    @abstractmethod
    def holder(self, email: str) -> str | None:
        """Whose the address is, in truth."""

    @abstractmethod
    def has(self, account: str) -> bool:
        """Whether the account is in the group, in truth."""


class JiraPeople(SimulatedPeople):
    """Jira hides addresses, and finds people by names of their own choice."""

    system = System.JIRA

    def __init__(
        self, world: JiraWorld, simulators: Simulators, store: Store, *, rules: Iterable[Rule] = RULES
    ) -> None:
        self.world = world
        known = world.credentials()
        change_switches(world.switches, burst_bucket=0, search_hidden_email="hit")
        client = jira_client(
            base_url=simulators.jira_url, credential=api_token(known["email"], known["token"]), options=patient()
        )
        super().__init__(store, client, rules, simulators)

    def connector(self, client: HttpClient, emails: StoredEmails) -> Connector:
        return JiraConnector(
            client, site="https://example.atlassian.net", known_emails=emails.account, remember_address=emails.learn
        )

    def add_group(self, name: str) -> str:
        return str(act(self.world, "create_group", name=name)["id"])

    def add(self, email: str, name: str = "Somebody", *, hidden: bool = False) -> str:
        made = str(act(self.world, "create_user", email=email, name=name)["account_id"])
        self.change(made, hidden=hidden)
        return made

    def join(self, account: str) -> None:
        act(self.world, "add_member", group=self.world.directory.groups[self.group_id].name, account=account)

    def change(self, account: str, *, email: str | None = None, hidden: bool | None = None) -> None:
        act(self.world, "change_profile", account=account, email=email, hidden=hidden)

    def pose(self, account: str, email: str) -> None:
        act(self.world, "change_profile", account=account, name=email)

    def leave(self, account: str) -> None:
        act(self.world, "close_account", account=account)

    def deactivate(self, account: str) -> None:
        act(self.world, "deactivate", account=account)

    def search(self, how: Literal["hit", "beginning", "none"]) -> None:
        self.world.switches.search_hidden_email = how

    def holder(self, email: str) -> str | None:
        found = self.world.directory.user_by_email(email)
        return None if found is None else found.account_id

    def has(self, account: str) -> bool:
        return self.world.directory.is_member(self.world.directory.groups[self.group_id], account)


class JumpCloudPeople(SimulatedPeople):
    """JumpCloud shows addresses, and has more than one of a user."""

    system = System.JUMPCLOUD

    def __init__(
        self, world: JumpCloudWorld, simulators: Simulators, store: Store, *, rules: Iterable[Rule] = RULES
    ) -> None:
        self.world = world
        client = jumpcloud_client(
            base_url=simulators.jumpcloud_url, credential=api_key(world.credentials()["api_key"]), options=patient()
        )
        super().__init__(store, client, rules, simulators)

    def connector(self, client: HttpClient, emails: StoredEmails) -> Connector:
        del emails
        return JumpCloudConnector(client)

    def add_group(self, name: str) -> str:
        return str(act(self.world, "add_group", name=name)["id"])

    def add(self, email: str, name: str = "Somebody", *, hidden: bool = False) -> str:
        del hidden
        return str(act(self.world, "add_user", email=email, username=f"u{token_hex(6)}", displayname=name)["id"])

    def join(self, account: str) -> None:
        act(self.world, "add_member", group=self.group_id, user=account)

    def change(self, account: str, *, email: str | None = None, hidden: bool | None = None) -> None:
        del hidden
        if email is not None:
            act(self.world, "change_user", user=account, email=email)

    def pose(self, account: str, email: str) -> None:
        act(self.world, "change_user", user=account, alternateEmail=email, displayname=email)

    def leave(self, account: str) -> None:
        act(self.world, "delete_user", user=account)

    def deactivate(self, account: str) -> None:
        act(self.world, "suspend_user", user=account)

    def search(self, how: Literal["hit", "beginning", "none"]) -> None:
        """Every address is shown."""

    def holder(self, email: str) -> str | None:
        found: str | None = self.world.user_ids.get(email)
        return found

    def has(self, account: str) -> bool:
        return bool(self.world.members.has(self.group_id, account))
