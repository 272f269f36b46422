"""Handing requests in: to the broker's intake queue, or, when the broker is no server, through the store."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from access.clock import SystemClock
from access.message import AccessRequest
from cli import output
from cli.problems import Problem
from cli.store_access import load_settings, opened_store
from cli.wait_for_request import follow
from config.settings import Settings
from config.urls import masked
from store.unit_of_work import Store
from tasks.message_parsing import MAX_BODY
from tasks.request_files import Entry, FileFormat, parse_file

#: A file is read whole; this is room for thousands of requests with the longest texts.
_LARGEST_FILE = 256 * MAX_BODY


HANDED_IN, KNOWN = "handed in", "known"


@dataclass(frozen=True, slots=True)
class Handed:
    """What became of one entry of the file. ``request_id`` is None when it could not be read."""

    position: str
    request_id: str | None
    outcome: str
    reason: str | None = None

    def facts(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"position": self.position, "id": self.request_id, "outcome": self.outcome, "reason": self.reason}


def submit(
    config: Path | None, file: str, *, file_format: str | None, wait: bool, timeout: float | None, as_json: bool
) -> bool:
    """Hand a file's requests in; whether all were valid, and, when waited for, done. Raises ``Problem``."""
    settings = load_settings(config)
    entries = list(parse_file(_read(file), FileFormat(file_format) if file_format else None))
    if not entries:
        raise Problem(f"There is no request in {file}.", "Write JSON, JSON lines or CSV; see 'provisor schema'.")
    embedded = settings.broker.url.get_secret_value().startswith("memory:")
    with ExitStack() as ending:
        store = _store(settings, ending, create=embedded, needed=embedded or wait)
        handed = _judge(entries, Known(store))
        bodies = [entry.body for entry, one in zip(entries, handed, strict=True) if one.outcome == HANDED_IN]
        if embedded and store is not None:
            _put_into(store, bodies)
        elif bodies:
            _publish(settings, bodies)
        if not as_json:
            output.print_lines(*map(_line, handed), *_summary(handed))
        good = [one for one in handed if one.outcome in (HANDED_IN, KNOWN)]
        ends: dict[str, dict[str, Any] | None] = {}
        if wait and store is not None:
            ends = follow(store, [one.request_id for one in good if one.request_id], timeout=timeout, tell=not as_json)
    if as_json:
        followed = [{"end": ends.get(one.request_id or "")} if wait else {} for one in handed]
        output.print_json([one.facts() | end for one, end in zip(handed, followed, strict=True)])
    return len(good) == len(handed) and all(end is not None and end["state"] == "done" for end in ends.values())


def _store(settings: Settings, ending: ExitStack, *, create: bool, needed: bool) -> Store | None:
    """The store, if there is one to look into: who only sends to a broker need not reach it."""
    try:
        return ending.enter_context(opened_store(settings, create=create))
    except Problem:
        if needed:
            raise
        return None


def _read(file: str) -> str:
    try:
        if file == "-":
            content = sys.stdin.buffer.read(_LARGEST_FILE + 1)
        else:
            with Path(file).open("rb") as opened_file:
                content = opened_file.read(_LARGEST_FILE + 1)
    except OSError as exc:
        raise Problem(f"{file} cannot be read ({exc.strerror}).", "Name a file of requests, or - for input.") from exc
    if len(content) > _LARGEST_FILE:
        raise Problem(f"{file} is larger than {_LARGEST_FILE >> 20} MiB.", "Hand it in in parts.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise Problem(f"{file} is not UTF-8 (byte {exc.start + 1}).", "Write it as UTF-8.") from exc


class Known:
    """The requests that were there before: in the store, when there is one to look into, and earlier in the file."""

    def __init__(self, store: Store | None) -> None:
        self._store = store
        self._in_file: dict[str, str] = {}

    def meet(self, request: AccessRequest) -> tuple[str | None, str]:
        """The fingerprint that is known under the request's id, if any, and where that stands; remembers the request."""
        before = self._in_file.get(request.id)
        self._in_file.setdefault(request.id, request.fingerprint())
        if self._store is not None:
            with self._store.read() as work:
                stored = work.requests.get(request.id)
            if stored is not None:
                return stored.message.fingerprint(), f"it is {stored.state}"
        return before, "it is in this file before"


def _judge(entries: Sequence[Entry], known: Known) -> list[Handed]:
    """What is to become of each entry; what is known already is not sent again."""
    handed = []
    for entry in entries:
        request = entry.outcome
        if not isinstance(request, AccessRequest):
            handed.append(Handed(entry.position, None, "invalid", request.reason))
            continue
        fingerprint, stands = known.meet(request)
        if fingerprint is None:
            handed.append(Handed(entry.position, request.id, HANDED_IN))
        elif fingerprint == request.fingerprint():
            reason = f"The same request was handed in before; {stands}."
            handed.append(Handed(entry.position, request.id, KNOWN, reason))
        else:
            reason = "Another request has this id already. Send this one under an id of its own."
            handed.append(Handed(entry.position, request.id, "conflict", reason))
    return handed


def _put_into(store: Store, bodies: Sequence[bytes]) -> None:
    now = SystemClock().now()
    with store.write() as work:
        for body in bodies:
            work.inbox.add(body, content_type="application/json", source="submit", now=now)


def _publish(settings: Settings, bodies: Sequence[bytes]) -> None:
    from kombu import Connection
    from kombu.exceptions import OperationalError

    from worker.intake_consumer import publish
    from worker.queues import Queues

    url = settings.broker.url.get_secret_value()
    amqp = url.startswith("amqp")
    queues = Queues(prefix=settings.broker.prefix, amqp=amqp)
    timeout = settings.limits.connect_timeout.total_seconds()
    options = {"confirm_publish": True} if amqp else {"socket_connect_timeout": timeout}
    try:
        with Connection(url, transport_options=options, connect_timeout=timeout) as connection:
            connection.ensure_connection(max_retries=1)
            publish(connection, queues, bodies)
    except (OperationalError, OSError) as exc:
        raise Problem(
            f"The broker at {masked(settings.broker.url)} did not take the requests ({type(exc).__name__}).",
            "Check broker.url, and that the broker runs; then submit the same file again: nothing is done twice.",
        ) from exc


def _line(handed: Handed) -> str:
    who = output.cell(handed.request_id) if handed.request_id else "-"
    return f"{handed.position}: {who}: {handed.outcome}" + (f": {output.cell(handed.reason)}" if handed.reason else "")


def _summary(handed: Sequence[Handed]) -> list[str]:
    counts = {
        word: sum(each.outcome == word for each in handed) for word in ("handed in", "known", "conflict", "invalid")
    }
    return [", ".join(f"{count} {word}" for word, count in counts.items() if count) + "."]
