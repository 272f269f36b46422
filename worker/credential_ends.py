"""The ends of the credentials that the settings have."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial

import structlog

from access.clock import Clock
from access.operations import Lane
from config.errors import SettingsError
from config.settings import Settings
from config.systems import AtlassianSettings, JiraSite, JumpCloudSettings
from store.unit_of_work import Store
from tasks.credential_ends import CredentialEnds
from worker.client_options import client_options
from worker.systems.connectors import rate_limiter_for
from worker.systems.definition import Dependencies, Systems

_log = structlog.get_logger(__name__)


def days_of(settings: Settings) -> Mapping[str, date | None]:
    """The day on which each credential ends, by section of the settings; None where they do not say."""
    sections: dict[str, JumpCloudSettings | JiraSite | AtlassianSettings]
    sections = {"jumpcloud": settings.jumpcloud, "jira": settings.jira, "atlassian": settings.atlassian}
    if settings.ticketing.jira is not None:
        sections["ticketing.jira"] = settings.ticketing.jira
    return {name: section.credential_ends for name, section in sections.items() if section.enabled}


def credential_ends_from(settings: Settings, store: Store, clock: Clock, systems: Systems) -> CredentialEnds:
    """What foresees the ends, by the settings as they are written now."""
    dependencies = Dependencies(settings, store, clock)
    ask = {
        str(system): partial(
            kit.credential_end,
            settings,
            client_options(settings, clock, rate_limiter_for(dependencies, system, Lane.SYNC)),
        )
        for system, kit in systems.items()
        if settings.systems[system].enabled
    }
    return CredentialEnds(store, clock, partial(_days_now, settings), ask)


def _days_now(settings: Settings) -> Mapping[str, date | None] | None:
    try:
        return days_of(settings.read_again() or settings)
    except SettingsError as exc:
        _log.warning("credential_ends.postponed", why="; ".join(exc.problems))
        return None
