"""The logs of the systems that findings are asked about, on the lane of reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache, partial

import structlog

from access.attribution import Reading
from access.entitlements import System
from access.failures import Failure
from access.findings import NotKnown
from access.operations import Lane
from config.errors import SettingsError
from connectors.history import AccessHistory
from httpclient import RetryPolicy
from worker.client_options import client_options
from worker.rate_limiter import WaitingRateLimiter
from worker.systems.connectors import rate_limiter_for
from worker.systems.definition import Dependencies, Systems

_log = structlog.get_logger(__name__)

#: How long a call waits for its turn. A look is put off that would wait longer: it helps, and nothing depends on it.
_LONGEST_WAIT_SECONDS = 5.0


class Logs:
    """Reads the log of each enabled system; a reader is made at its first use."""

    def __init__(self, dependencies: Dependencies, systems: Systems) -> None:
        self._histories: Mapping[System, Callable[[], AccessHistory]] = {
            system: cache(partial(_history, dependencies, systems, system))
            for system, kit in systems.items()
            if dependencies.settings.systems[system].enabled and kit.history is not None
        }

    def read(self, system: System, since: datetime) -> Reading:
        """The log of a system since a time, by a bounded number of calls; why not, where that fails."""
        make = self._histories.get(system)
        if make is None:
            return NotKnown(f"no log of {system.label} is read")
        try:
            return make().read(since).log
        except (Failure, SettingsError) as failure:
            _log.info("attribution.postponed", system=str(system), why=str(failure))
            return NotKnown(f"the log of {system.label} could not be read", again=True)


def _history(dependencies: Dependencies, systems: Systems, system: System) -> AccessHistory:
    limiter = WaitingRateLimiter(
        rate_limiter_for(dependencies, system, Lane.SYNC), longest_wait_seconds=_LONGEST_WAIT_SECONDS
    )
    options = client_options(dependencies.settings, dependencies.clock, limiter, retry_policy=RetryPolicy.none())
    make = systems[system].history
    assert make is not None
    return make(dependencies.settings, options)
