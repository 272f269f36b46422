"""The truth audit as the settings have it: credentials alone, and no store."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from access.clock import Clock
from access.entitlements import System
from config.settings import Settings
from connectors.history import AccessHistory
from connectors.reading import Reader
from httpclient import ClientOptions, RetryPolicy
from tasks.truth.audit import Sources, TruthAudit
from tasks.truth.picture import Picture, PictureTaker
from ticketing.jira.closed_tickets import JiraTicketArchive
from ticketing.status import DECLINED, StatusMap
from worker.call_counter import CallCounter
from worker.client_options import client_options
from worker.pacing import PacingRateLimiter
from worker.systems.definition import Systems
from worker.systems.jira import site_client
from worker.systems.table import SYSTEMS

#: The longest that the retries of one call may take, and the longest wait that a service may ask for and gets on the spot.
_BRIDGED, _LONGEST_WAIT = timedelta(seconds=60), timedelta(seconds=30)
#: What the calls for tickets are counted as.
TICKETS = "tickets"


class TruthAuditor:
    """Makes an audit, and counts its calls. ``declined`` are further names of statuses and resolutions that mean no."""

    def __init__(
        self, settings: Settings, clock: Clock, *, declined: Sequence[str] = (), systems: Systems = SYSTEMS
    ) -> None:
        """May raise ``SettingsError`` for a credential that cannot be one."""
        self._settings = settings
        self._clock = clock
        self._calls = CallCounter()
        self._limiters: dict[System, PacingRateLimiter] = {}
        ticketing = settings.ticketing
        self.statuses = StatusMap((*DECLINED, *ticketing.declined_resolutions, *ticketing.declined_statuses, *declined))
        readers: dict[System, Reader] = {}
        histories: dict[System, AccessHistory] = {}
        for system, kit in systems.items():
            if settings.systems[system].enabled and kit.auditor is not None and kit.history is not None:
                options = self._options(system, counted_as=str(system))
                readers[system] = kit.auditor(settings, clock, options)
                histories[system] = kit.history(settings, options)
        concurrency = max(section.concurrency for section in settings.systems.values())
        self.archive = self._archive()
        self._sources = Sources(readers, histories, self.archive, concurrency)

    @property
    def systems(self) -> tuple[System, ...]:
        """The systems that are connected."""
        return tuple(self._sources.readers)

    def calls(self) -> Mapping[str, int]:
        """The calls made so far, by system; those for tickets apart."""
        return self._calls.by_system()

    def audit(self, progress: Callable[[str], None] = lambda _: None) -> TruthAudit:
        """An audit of tickets; ``progress`` is told what is read."""
        return TruthAudit(self._sources, self._clock, self.calls, progress)

    def take_everything(self) -> Sequence[Picture]:
        """All lists of all systems, as one snapshot of each has them: what an audit's calls are measured against."""
        takers = (
            PictureTaker(reader, self._clock, concurrency=self._sources.concurrency)
            for reader in self._sources.readers.values()
        )
        return [taker.take(lambda _part, _picture: True) for taker in takers]

    def _archive(self) -> JiraTicketArchive | None:
        """The tickets' own site; None when no credential for one is set."""
        site, ticketing = self._settings.ticketing_site, self._settings.ticketing
        if not site.enabled:
            return None
        section = "jira" if ticketing.jira is None else "ticketing.jira"
        client = site_client(
            self._settings, lambda now: now.ticketing_site, section, self._options(System.JIRA, counted_as=TICKETS)
        )
        return JiraTicketArchive(client, site_url=site.site_url or "", statuses=self.statuses)

    def _options(self, system: System, *, counted_as: str) -> ClientOptions:
        section = self._settings.systems[system]
        limiter = self._limiters.setdefault(
            system, PacingRateLimiter(self._clock, rate=section.rate, burst=section.burst)
        )
        return client_options(
            self._settings,
            self._clock,
            limiter,
            observer=lambda _, *rest: self._calls(counted_as, *rest),
            retry_policy=RetryPolicy(total=_BRIDGED, longest=_LONGEST_WAIT),
        )
