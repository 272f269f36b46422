"""Tenancy: a system is used only while it is the organization or site that the store knows.

Accounts and resources of another tenant are none of ours: what we gave would look gone, and its people like our own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from access.clock import Clock
from access.entitlements import System
from access.failures import CredentialRefused
from access.tenants import Tenant
from store.unit_of_work import Store

#: Asks a system whose it is; None where it does not say. Raises failure words.
FindTenant = Callable[[], Tenant | None]

#: How long an answer counts.
_FRESH_FOR = timedelta(minutes=1)


class Tenancy:
    """Compares the tenant that each system shows with the one that the store knows."""

    def __init__(self, store: Store, clock: Clock, find: Mapping[System, FindTenant]) -> None:
        self._store = store
        self._clock = clock
        self._find = find
        self._lock = threading.Lock()
        self._good_until: dict[System, datetime] = {}

    def check(self, system: System) -> None:
        """Raise ``CredentialRefused`` when the system is another tenant than the store's; also the words of a failed call.

        The first tenant of a system that is met is the store's.
        """
        now = self._clock.now()
        with self._lock:
            if system not in self._find or now < self._good_until.get(system, now):
                return
        found = self._find[system]()
        if found is not None:
            with self._store.read() as work:
                known = work.tenants.of(system)
            if known is None:
                with self._store.write() as work:
                    known = work.tenants.meet(system, found, now=now)
            if known.id != found.id:
                raise foreign(system, found, known)
        with self._lock:
            self._good_until[system] = now + _FRESH_FOR


def foreign(system: System, found: Tenant, known: Tenant) -> CredentialRefused:
    """The failure of every call to a system that is another tenant than the store's."""
    return CredentialRefused(
        f"{system.label} answers as {found}, and this store belongs to {known}.",
        remedy=f"Correct the settings, or use 'provisor connectors accept {system}' when it is meant.",
    )
