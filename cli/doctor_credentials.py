from __future__ import annotations

from collections.abc import Iterator

from access.clock import Clock
from access.credential_ends import CredentialEnd, Teller, beginning_of
from cli.problems import Problem
from cli.store_access import store_if_any
from config.settings import Settings
from tasks.doctor.findings import Check, Finding
from worker.credential_ends import days_of


def examine_credentials(settings: Settings, clock: Clock) -> Iterator[Finding]:
    """When each credential ends, as the service told a worker, or else as the settings say."""
    known: dict[str, CredentialEnd] = {}
    try:
        with store_if_any(settings) as store:
            if store is not None:
                with store.read() as work:
                    known = {end.place: end for end in work.credential_ends.all() if end.told_by is Teller.SERVICE}
    except Problem:
        pass  # The examination of the store says so.
    now = clock.now()
    for place, day in days_of(settings).items():
        check = Check("credentials", place)
        written = None if day is None else CredentialEnd(place, beginning_of(day), Teller.SETTINGS)
        end = known.get(place, written)
        if end is None:
            yield check.unknown(
                f"Nobody says when the credential for {place} ends. With {place}.credential_ends there is an alarm before it."
            )
        elif end.is_near(now):
            yield check.warning(end.said(now), end.remedy)
        else:
            yield check.ok(end.said(now))
