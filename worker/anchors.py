"""Where seals of the audit trail are noted outside the database, as the settings have it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from access.clock import Clock
from access.failures import Permanent
from access.operations import Lane
from access.seals import Anchored, Signer, written
from config.settings import Settings
from store.unit_of_work import Store
from tasks.sealing import AnchorPlace, Sealing
from ticketing.jira.anchor import IssueAnchor
from worker.client_options import client_options
from worker.systems.definition import Dependencies
from worker.systems.jira import site_client
from worker.ticketing import ticket_rate_limiter

_OWNER_ONLY = 0o600


class FileAnchor:
    """A file of JSON lines, one for each seal that was noted. Lines are only ever added. Raises ``Permanent``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        """What people call it."""
        return str(self._path)

    def read(self) -> Sequence[Anchored]:
        """The seals that were noted there, the oldest first."""
        try:
            lines = self._path.read_text().splitlines()
        except FileNotFoundError:
            return ()
        except OSError as exc:
            raise self._unusable(exc.strerror) from exc
        try:
            notes = [json.loads(line) for line in lines]
            return [
                Anchored(int(note["number"]), str(note["hash"]), datetime.fromisoformat(note["at"])) for note in notes
            ]
        except (ValueError, KeyError, TypeError) as exc:
            raise self._unusable("a line of it is no seal") from exc

    def note(self, anchored: Anchored) -> None:
        """Add a line."""
        line = json.dumps({"number": anchored.number, "hash": anchored.hash, "at": written(anchored.at)})
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY)
            with os.fdopen(descriptor, "a") as stream:
                stream.write(f"{line}\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as exc:
            raise self._unusable(exc.strerror) from exc

    def _unusable(self, why: str | None) -> Permanent:
        return Permanent(f"The anchor file {self._path} cannot be used ({why}).", remedy="Look at audit.anchor_file.")


def signer_from(settings: Settings) -> Signer | None:
    """What signs seals; None without a key."""
    key = settings.audit.signing_key
    return None if key is None else Signer(key.get_secret_value())


def places_from(settings: Settings, store: Store, clock: Clock, *, offline: bool = False) -> list[AnchorPlace]:
    """Where seals are noted; with ``offline`` only those that no other system has to be asked for."""
    audit, site = settings.audit, settings.ticketing_site
    places: list[AnchorPlace] = []
    if audit.anchor_file is not None:
        places.append(FileAnchor(audit.anchor_file))
    if audit.anchor_issue is not None and site.enabled and not offline:
        section = "jira" if settings.ticketing.jira is None else "ticketing.jira"
        limiter = ticket_rate_limiter(Dependencies(settings, store, clock), Lane.SYNC)
        client = site_client(
            settings, lambda now: now.ticketing_site, section, client_options(settings, clock, limiter)
        )
        places.append(IssueAnchor(client, audit.anchor_issue))
    return places


def sealing_from(settings: Settings, store: Store, clock: Clock) -> Sealing:
    """Sealing as the settings have it."""
    return Sealing(
        store,
        clock,
        signer=signer_from(settings),
        places=places_from(settings, store, clock),
        anchor_every=settings.audit.anchor_every,
        kept=settings.audit.kept,
    )
