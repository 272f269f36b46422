"""Where a storm takes place: own databases and queues behind proxies, workers that can be killed, and people who do tickets."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from secrets import token_hex
from typing import Any

import yaml
from sqlalchemy import func, select

from access.lifecycle import ENDS, RequestState, TicketState
from checks.storms.verdict import Findings, journal, judge
from checks.storms.workload import Asked, Workload, made
from demo.patience import Patience
from simulator.systems import act
from store.tables import claims, inbox, operations, requests, tickets
from tests.brokers.proxy import Proxy
from tests.crash.process_stack import EMBEDDED, SHARED, ForkServer, ProcessStack, Worker
from tests.flow.simulated_stack import SimulatedCompany
from tests.machine import POSTGRESQL, RABBITMQ, Amqp
from tests.postgresql import PostgreSQL, migrate_at

#: Between two looks at how far the work has come.
_LOOK_SECONDS = 0.1
#: Services that answer late or wrongly for minutes are no reason to ask a person; what a killed worker may have written is
#: written again once no answer can still be under way.
_LIMITS = {"attempts": 100, "verification": "5s"}


class OutOfTime(Exception):  # noqa: N818 - what becomes of a storm, and no error of the code
    """The storm's time is over before what it waits for has come."""


@dataclass(frozen=True)
class Sizes:
    """How large a storm is.

    - ``requests``, of which ``tickets`` are carried out by people;
    - ``times``: how often its fault comes; ``seconds``: how long it lasts where it lasts.
    """

    requests: int
    tickets: int
    times: int
    seconds: float = 0.0


@dataclass
class Ground:
    """What all storms of a run stand on: servers, the process that forks workers, and a folder."""

    folder: Path
    fork_server: ForkServer
    postgresql: PostgreSQL
    template: str

    @classmethod
    @contextmanager
    def prepared(cls, folder: Path) -> Iterator[Ground]:
        """With one migrated database, which is only copied."""
        with ExitStack() as closing:
            postgresql = PostgreSQL(POSTGRESQL)
            closing.callback(postgresql.close)
            postgresql.check()
            fork_server = ForkServer()
            closing.callback(fork_server.close)
            template = postgresql.new()
            migrate_at(template)
            yield cls(folder, fork_server, postgresql, template)


@dataclass
class Site:
    """One company, one Provisor and what disturbs it."""

    sizes: Sizes
    rng: Random
    folder: Path
    stack: ProcessStack
    workload: Workload
    patience: Patience
    #: The servers' proxies, and the broker itself; none where Provisor is embedded.
    broker: Proxy | None = None
    database: Proxy | None = None
    rabbitmq: Amqp | None = None
    #: How often each fault fired, and how often it has to.
    fired: Counter[str] = field(default_factory=Counter)
    wanted: dict[str, int] = field(default_factory=dict)
    #: What else was lost, a line for each.
    also_lost: list[str] = field(default_factory=list)
    _done_by_people: set[str] = field(default_factory=set)

    def ask(self, asked: Sequence[Asked]) -> None:
        """Hand requests in, past the proxies, as any producer would."""
        bodies = [each.message() for each in asked]
        if self.rabbitmq is not None:
            self.rabbitmq.publish(*bodies)
            return
        with self.stack.store.write() as work:
            for body in bodies:
                work.inbox.add(
                    body, content_type="application/json", source="storm", now=self.stack.store.database.now()
                )

    def up(self, *, by: ForkServer | None = None) -> Worker:
        """Start one more worker, and wait until it works."""
        worker = self.stack.up(by=by)
        self.wait(lambda: worker.events()["provisor.up"] > 0)
        return worker

    def wait(self, ready: Callable[[], bool]) -> None:
        """Wait while people do their tickets. Raises ``OutOfTime``."""
        while not ready():
            if not self.patience.lasts():
                raise OutOfTime
            self._do_tickets()
            time.sleep(_LOOK_SECONDS)  # noqa: TID251 - other processes make it come

    def until_over(self, number: int) -> None:
        """Wait until so many requests have come to their end. Raises ``OutOfTime``."""
        self.wait(lambda: self.over() >= number)

    def until_met(self, fault: str, *, holding: int = 0) -> None:
        """Wait until a fault of the simulated systems has met a call, and holds so many. Raises ``OutOfTime``."""
        armed = self.stack.faults.get(fault)
        self.wait(lambda: armed.played > 0 and armed.holding >= holding)

    def last(self, seconds: float | None = None) -> None:
        """Let time pass, as long as the fault of this storm lasts where nothing is said."""
        until = time.monotonic() + (self.sizes.seconds if seconds is None else seconds)
        self.wait(lambda: time.monotonic() >= until)

    def over(self, asked: Sequence[Asked] | None = None) -> int:
        """How many requests have come to their end; of some, or of all."""
        return self._count(asked, ENDS["request"])

    def known(self, asked: Sequence[Asked]) -> int:
        """How many of some requests were taken in."""
        return self._count(asked, tuple(RequestState))

    def _count(self, asked: Sequence[Asked] | None, states: Iterable[str]) -> int:
        query = select(func.count()).select_from(requests).where(requests.c.state.in_(states))
        if asked is not None:
            query = query.where(requests.c.id.in_([each.id for each in asked]))
        with self.stack.store.database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def everything_over(self) -> bool:
        """Whether all requests and the claims of those for a time have come to their end."""
        if self.over() < len(self.workload.asked):
            return False
        open_ones = select(func.count()).select_from(claims).where(claims.c.state.not_in(ENDS["claim"]))
        with self.stack.store.database.read() as connection:
            waiting = connection.execute(select(func.count()).select_from(inbox)).scalar_one()
            return not waiting and not connection.execute(open_ones.where(claims.c.ends_at.is_not(None))).scalar_one()

    def findings(self) -> Findings:
        """What became of everything, by the systems' journals."""
        with self.stack.store.database.read() as connection:
            states = {row.id: str(row.state) for row in connection.execute(select(requests.c.id, requests.c.state))}
            markers = dict(
                connection.execute(
                    select(tickets.c.marker, operations.c.request_id).join(
                        operations, tickets.c.operation_id == operations.c.id
                    )
                )
                .tuples()
                .all()
            )
        issues: Counter[str] = Counter()
        for issue in list(self.stack.company.jira.issues.by_id.values()):
            issues.update(markers[label] for label in issue.labels if label in markers)
        found = judge(
            self.workload,
            journal(self.stack.company),
            states=states,
            issues=issues,
            received=self._received(),
        )
        found.lost += self.also_lost
        return found

    def _received(self) -> Counter[str]:
        with self.stack.store.database.read() as connection:
            rows = connection.exec_driver_sql("SELECT request_id FROM audit WHERE event = 'request.received'")
            return Counter(str(ident) for (ident,) in rows)

    def _do_tickets(self) -> None:
        """What the people do who are asked: each ticket once."""
        if len(self._done_by_people) >= self.sizes.tickets:
            return
        by_id = {each.id: each for each in self.workload.asked if each.by_ticket}
        query = (
            select(operations.c.request_id, tickets.c.issue_key)
            .join(operations, tickets.c.operation_id == operations.c.id)
            .where(tickets.c.state == TicketState.OPEN)
        )
        with self.stack.store.database.read() as connection:
            rows = connection.execute(query).tuples().all()
        company = self.stack.company
        for request, issue in rows:
            if request not in self._done_by_people:
                self._done_by_people.add(request)
                _, group, user = by_id[request].holding
                act(company.jumpcloud, "add_member", group=group, user=user)
                act(company.jira, "done", issue=issue)


@contextmanager
def cluster(ground: Ground, sizes: Sizes, rng: Random, patience: Patience, *, lease: str = "60s") -> Iterator[Site]:
    """A site on PostgreSQL and RabbitMQ, both behind proxies, without a worker yet; all of it is removed afterwards."""
    with ExitStack() as closing:
        company = closing.enter_context(_company())
        rabbitmq = Amqp(RABBITMQ, prefix=f"storm-{token_hex(4)}.")
        closing.callback(rabbitmq.clean)
        url = ground.postgresql.new(template=ground.template)
        closing.callback(ground.postgresql.drop, url)
        broker, database = Proxy(rabbitmq.url), Proxy(url)
        for proxy in (broker, database):
            closing.callback(proxy.close)
        reached = {"broker": {"url": rabbitmq.url, "prefix": rabbitmq.prefix}}
        worker = {"worker": {**SHARED["worker"], "lease": lease}}
        site = _site(ground, company, url, SHARED | reached | worker, (sizes, rng, patience))
        closing.callback(site.stack.close)
        site.broker, site.database, site.rabbitmq = broker, database, rabbitmq
        settings = yaml.safe_load(site.stack.config.read_text("utf-8"))
        settings["store"]["url"], settings["broker"]["url"] = database.url, broker.url
        site.stack.config.write_text(yaml.safe_dump(settings), encoding="utf-8")
        site.stack.declare_queues()
        yield site


@contextmanager
def embedded(ground: Ground, sizes: Sizes, rng: Random, patience: Patience, *, store: Path) -> Iterator[Site]:
    """A site on SQLite in a folder, without a broker and without a worker yet."""
    with ExitStack() as closing:
        company = closing.enter_context(_company())
        url = f"sqlite:///{store / 'provisor.db'}"
        migrate_at(url)
        site = _site(ground, company, url, EMBEDDED, (sizes, rng, patience))
        closing.callback(site.stack.close)
        yield site


@contextmanager
def _company() -> Iterator[SimulatedCompany]:
    company = SimulatedCompany()
    with company.simulators:
        yield company


def _site(
    ground: Ground, company: SimulatedCompany, url: str, more: Mapping[str, Any], chosen: tuple[Sizes, Random, Patience]
) -> Site:
    sizes, rng, patience = chosen
    folder = ground.folder / token_hex(4)
    folder.mkdir()
    settings = company.settings(folder, url, **{**more, "limits": {**more["limits"], **_LIMITS}})
    stack = ProcessStack.made(company, folder, settings, ground.fork_server)
    workload = made(company, rng, requests=sizes.requests, tickets=sizes.tickets)
    return Site(sizes, rng, folder, stack, workload, patience)
