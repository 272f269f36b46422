from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from access.clock import Clock
from access.entitlements import EntitlementRef, ResourceKind, System
from access.methods import Direction
from access.tenants import Tenant
from config.settings import Settings
from connectors.history import AccessHistory
from connectors.ports import Connector
from connectors.reading import Reader
from httpclient import ClientOptions, RateLimiter
from store.unit_of_work import Store
from tasks.doctor.findings import Finding
from tasks.doctor.probe import Record


class LaneConnector(Connector, Protocol):
    """A connector that can also be had for another lane."""

    def with_rate_limiter(self, rate_limiter: RateLimiter) -> Connector:
        """The same connector on the same connections, for the lane of ``rate_limiter``."""
        ...


@dataclass(frozen=True, slots=True)
class Dependencies:
    """What connectors and readers are made from."""

    settings: Settings
    store: Store
    clock: Clock


#: Examines one part of what is connected, by reading only. May raise ``SettingsError``.
Examination = Callable[[Settings, Clock], Iterator[Finding]]


#: Looks at what the contracts assume of a system: may change the scratch entitlements, and has each exchange recorded. May
#: raise ``SettingsError``.
Probing = Callable[[Settings, Clock, Collection[EntitlementRef], Record], Iterator[Finding]]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemDefinition:
    """What Provisor has for one system: a row of the table of systems.

    The factories are called only for a system whose section in the settings is enabled, and may raise ``SettingsError``.
    """

    #: Makes the connector; the options are for the lane of grants.
    connector: Callable[[Dependencies, ClientOptions], LaneConnector]
    #: Makes the reader of snapshots.
    reader: Callable[[Dependencies, ClientOptions], Reader]
    #: Makes a reader that needs no store, for audits: it goes by no record of our own.
    auditor: Callable[[Settings, Clock, ClientOptions], Reader] | None = None
    #: Makes what reads the system's log of changes of access, for audits.
    history: Callable[[Settings, ClientOptions], AccessHistory] | None = None
    #: The doctor's examinations by area; each finds nothing when its part is not connected.
    examinations: Mapping[str, Examination]
    #: Looks at what the contracts assume; finds nothing when the system is not connected.
    probing: Probing = lambda _settings, _clock, _scratch, _record: iter(())
    #: The kinds of resource that the connector changes by API, for each direction.
    automated: Mapping[Direction, frozenset[ResourceKind]]
    #: The kinds of accounts and resources that a snapshot shows, in the words of listings.
    reads: frozenset[str]
    #: Asks the system which organization or site it is; None for a system that has no such thing.
    find_tenant: Callable[[Settings, ClientOptions], Tenant | None] = lambda _settings, _options: None
    #: Asks the system when its credential ends; None where it does not tell. May raise the failure words.
    credential_end: Callable[[Settings, ClientOptions], datetime | None] = lambda _settings, _options: None
    #: Whether the key of an organization above the system is set; None for a system that has no such key.
    organization_key: Callable[[Settings], bool | None] = lambda _: None


#: The table of systems.
Systems = Mapping[System, SystemDefinition]
