from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from access.lifecycle import RequestState, is_final
from access.sources import of_inbox
from cli import output
from cli.options import AsJson, ConfigFile
from cli.os_user import os_user
from cli.problems import Problem
from cli.requests import request_facts
from cli.store_access import load_settings, opened_store

if TYPE_CHECKING:
    from access.operations import Request
    from config.settings import Settings
    from store.unit_of_work import Store
    from tasks.request_files import Entry

#: The largest file, which is read whole: 64 MiB, room for thousands of requests with the longest texts.
_LARGEST_FILE = 64 << 20
#: Between two reads of the requests that are followed.
_POLL_SECONDS = 0.2


class Outcome(StrEnum):
    """What becomes of one entry of a file."""

    HANDED_IN = "handed in"
    #: The same request was handed in before.
    KNOWN = "known"
    #: Another request has its id.
    CONFLICT = "conflict"
    INVALID = "invalid"


@dataclass(frozen=True, slots=True)
class Handed:
    """One entry of a file, by its position, and its outcome. ``id`` is None when the entry could not be read."""

    position: str
    id: str | None
    outcome: Outcome
    reason: str | None = None


def submit(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file of requests, or - for standard input.")],
    config: ConfigFile = None,
    file_format: Annotated[
        Literal["json", "jsonl", "csv"] | None,
        typer.Option("--format", help="The format of the file. Default: found from its content.", show_default=False),
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow the requests until they end.")] = False,
    timeout: Annotated[
        float | None, typer.Option(min=0.1, metavar="SECONDS", help="With --wait: give up after so long.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hand requests in, from a file.

    JSON, JSON lines or CSV. Exit 1 when any of them is invalid, or, with --wait, not done.
    """
    if timeout is not None and not wait:
        raise typer.BadParameter("--timeout goes with --wait.")
    settings = load_settings(config)
    entries = _entries(file, file_format)
    with ExitStack() as ending:
        store, handed = _hand_in(settings, entries, ending, wait=wait)
        if not as_json:
            output.print_lines(*map(_line, handed), _summary(handed))
        good = [one for one in handed if one.outcome in (Outcome.HANDED_IN, Outcome.KNOWN)]
        ends: dict[str, dict[str, Any] | None] = {}
        if wait and store is not None:
            ends = _follow(store, [one.id for one in good if one.id], timeout=timeout, print_steps=not as_json)
    if as_json:
        output.print_json([asdict(one) | ({"end": ends.get(one.id or "")} if wait else {}) for one in handed])
    all_done = all(end is not None and end["state"] == RequestState.DONE for end in ends.values())
    raise typer.Exit(0 if len(good) == len(handed) and all_done else 1)


def _entries(file: str, file_format: str | None) -> Sequence[Entry]:
    from tasks.request_files import FileFormat, parse_file

    entries = list(parse_file(_read(file), FileFormat(file_format) if file_format else None))
    if not entries:
        raise Problem(f"There is no request in {file}.", "Write JSON, JSON lines or CSV; see 'provisor schema'.")
    return entries


def _hand_in(
    settings: Settings, entries: Sequence[Entry], ending: ExitStack, *, wait: bool
) -> tuple[Store | None, Sequence[Handed]]:
    """Put what is new on the broker's intake queue, or into the store's inbox when the broker is no server."""
    from config.urls import masked
    from worker.broker import BrokerUnusable, is_embedded, publish_requests

    embedded = is_embedded(settings)
    store = _store(settings, ending, create=embedded, needed=embedded or wait)
    handed = _outcomes(entries, store)
    bodies = [entry.body for entry, one in zip(entries, handed, strict=True) if one.outcome is Outcome.HANDED_IN]
    if embedded and store is not None:
        now = store.now()
        with store.write() as work:
            for body in bodies:
                work.inbox.add(body, content_type="application/json", source=of_inbox(os_user()), now=now)
    elif bodies:
        try:
            publish_requests(settings, bodies)
        except BrokerUnusable as exc:
            raise Problem(
                f"The broker at {masked(settings.broker.url)} did not take the requests ({exc.error}).",
                "Check broker.url, and that the broker runs; then submit the same file again: nothing is done twice.",
            ) from exc
    return store, handed


def _store(settings: Settings, ending: ExitStack, *, create: bool, needed: bool) -> Store | None:
    """The store; None when it cannot be opened and is not ``needed``: a sender to a broker need not reach it."""
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


def _outcomes(entries: Sequence[Entry], store: Store | None) -> list[Handed]:
    """The outcome of each entry. A request that is known already, by the store or by this file, is not sent again."""
    from access.message import AccessRequest

    handed: list[Handed] = []
    in_file: dict[str, str] = {}
    for entry in entries:
        request = entry.outcome
        if not isinstance(request, AccessRequest):
            handed.append(Handed(entry.position, None, Outcome.INVALID, request.reason))
            continue
        stored, fingerprint = _stored(store, request.id), request.fingerprint()
        before = stored.message.fingerprint() if stored else in_file.get(request.id)
        in_file.setdefault(request.id, fingerprint)
        outcome, reason = Outcome.HANDED_IN, None
        if before == fingerprint:
            stands = f"it is {stored.state}" if stored else "it is in this file before"
            outcome, reason = Outcome.KNOWN, f"The same request was handed in before; {stands}."
        elif before is not None:
            outcome = Outcome.CONFLICT
            reason = "Another request has this id already. Send this one under an id of its own."
        handed.append(Handed(entry.position, request.id, outcome, reason))
    return handed


def _stored(store: Store | None, request_id: str) -> Request | None:
    if store is None:
        return None
    with store.read() as work:
        return work.requests.get(request_id)


def _follow(
    store: Store, ids: Sequence[str], *, timeout: float | None, print_steps: bool
) -> dict[str, dict[str, Any] | None]:
    """The end of each request; None for those that did not end within ``timeout`` seconds. ``print_steps`` prints each state."""
    until = None if timeout is None else time.monotonic() + timeout
    ends: dict[str, dict[str, Any] | None] = dict.fromkeys(ids)
    printed: dict[str, str] = {}
    pause = threading.Event()
    while True:
        for request_id in [each for each, end in ends.items() if end is None]:
            with store.read() as work:
                request = work.requests.get(request_id)
                facts = None if request is None else request_facts(work, request)
            if request is None:
                continue
            if print_steps and printed.get(request_id) != request.state:
                printed[request_id] = str(request.state)
                why = f": {output.cell(request.reason)}" if request.reason else ""
                output.print_lines(f"{request_id}: {request.state}{why}")
            if is_final("request", request.state):
                ends[request_id] = facts
        left = [each for each, end in ends.items() if end is None]
        if not left:
            return ends
        if until is not None and time.monotonic() >= until:
            if print_steps:
                output.print_lines(*(f"{each}: not over after {timeout:g} s" for each in left))
            return ends
        pause.wait(_POLL_SECONDS)


def _line(handed: Handed) -> str:
    reason = f": {output.cell(handed.reason)}" if handed.reason else ""
    return f"{handed.position}: {output.cell(handed.id)}: {handed.outcome}{reason}"


def _summary(handed: Iterable[Handed]) -> str:
    counts = Counter(each.outcome for each in handed)
    return ", ".join(f"{counts[outcome]} {outcome}" for outcome in Outcome if counts[outcome]) + "."
