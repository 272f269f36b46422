"""The ports and values that the use-cases share; the composition root fills them in."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import timedelta
from random import random
from secrets import token_hex

from access.clock import Clock
from access.entitlements import System
from access.failures import Permanent
from access.fuse import FuseLimits
from access.operations import Lane
from access.policy import Policy
from access.provisioning import Provisioning
from access.retry import RetryLimits
from connectors.ports import Connector
from store.outbox import Topic
from store.unit_of_work import Store, UnitOfWork
from tasks.faults import Faults
from tasks.publisher import Publisher


@dataclass(frozen=True, slots=True)
class FulfilmentOptions:
    """The times and bounds of the use-cases.

    - ``lease``: after how long another worker may take over what one works on. It is renewed while the work lasts.
    - ``unattended``: the same for what nobody renews: longer than the longest chain of calls.
    - ``read_back``: how long a write is looked for within the same attempt.
    - ``visible_within``: how long a write may stay unseen before it counts as not having happened.
    - ``look_again``: the wait between such looks.
    - ``propagation``: how long an identity provider may take to pass a change on, before a person is asked.
    - ``busy``: the wait while another operation is at the same access.
    """

    retry: RetryLimits = field(default_factory=RetryLimits)
    lease: timedelta = timedelta(minutes=3)
    unattended: timedelta = timedelta(minutes=3)
    read_back: timedelta = timedelta(seconds=2)
    visible_within: timedelta = timedelta(seconds=60)
    look_again: timedelta = timedelta(seconds=3)
    busy: timedelta = timedelta(seconds=1)
    propagation: timedelta = timedelta(minutes=15)


class UnderWay:
    """The rows that pieces of work have taken up beside their own: their leases are kept, too."""

    def __init__(self) -> None:
        self._rows: list[tuple[Topic, str]] = []
        self._lock = threading.Lock()

    @contextmanager
    def also(self, rows: Sequence[tuple[Topic, str]]) -> Iterator[None]:
        """While the block lasts the leases of these rows are kept."""
        with self._lock:
            self._rows += rows
        try:
            yield
        finally:
            with self._lock:
                for row in rows:
                    self._rows.remove(row)

    def rows(self) -> Sequence[tuple[Topic, str]]:
        """The rows now."""
        with self._lock:
            return tuple(self._rows)


@dataclass(frozen=True, slots=True)
class Services:
    """The ports and values every use-case shares."""

    store: Store
    clock: Clock
    publisher: Publisher
    connectors: Mapping[System, Connector]
    policy: Policy
    faults: Faults
    mode: Provisioning = Provisioning.ON
    options: FulfilmentOptions = field(default_factory=FulfilmentOptions)
    #: How much access may be taken away that no request foresaw.
    fuse: FuseLimits = field(default_factory=FuseLimits)
    #: The same connectors on the lane of removals, which may draw deeper on the rate budget.
    urgent: Mapping[System, Connector] = field(default_factory=dict)
    #: Raises ``CredentialRefused`` for a system that is another organization or site than the store's.
    check_tenant: Callable[[System], None] = lambda _: None
    under_way: UnderWay = field(default_factory=UnderWay)
    #: A number from 0 to 1 that spreads retries, so that work that failed together is not tried again together.
    jitter: Callable[[], float] = random

    def policy_of(self, request_id: str, *, within: UnitOfWork | None = None) -> Policy:
        """The policy as it is for the source of a stored request; ``within`` is the caller's transaction, where it has one."""
        if not any(rule.sources for rule in self.policy.rules):
            return self.policy
        with self.store.read() if within is None else nullcontext(within) as work:
            source = work.requests.source_of(request_id)
        return self.policy.of(source)

    def connector(self, system: System, lane: Lane = Lane.GRANT) -> Connector:
        """The connector for a system and an order of service.

        Raises ``Permanent`` when none is configured any more, and what ``check_tenant`` raises.
        """
        usual = self.connectors.get(system)
        connector = self.urgent.get(system, usual) if lane is Lane.REVOKE else usual
        if connector is None:
            raise Permanent(
                f"No connection to {system} is configured.", remedy="Set its address and credential in the settings."
            )
        self.check_tenant(system)
        return connector


def new_id(prefix: str) -> str:
    """A new id that people can read out: a prefix and 16 hex digits."""
    return f"{prefix}-{token_hex(8)}"
