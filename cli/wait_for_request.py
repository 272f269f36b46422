"""Following requests until they end."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

from access.lifecycle import is_final
from cli import output
from cli.facts import request_facts
from store.unit_of_work import Store

_LOOK_SECONDS = 0.2


def follow(store: Store, ids: Sequence[str], *, timeout: float | None, tell: bool) -> dict[str, dict[str, Any] | None]:
    """The end of each request; None for those that did not end within ``timeout`` seconds. ``tell`` prints each step."""
    until = None if timeout is None else time.monotonic() + timeout
    ends: dict[str, dict[str, Any] | None] = dict.fromkeys(ids)
    told: dict[str, str] = {}
    pause = threading.Event()
    while True:
        for request_id in [each for each, end in ends.items() if end is None]:
            with store.read() as work:
                request = work.requests.get(request_id)
            if request is None:
                continue
            if tell and told.get(request_id) != request.state:
                told[request_id] = str(request.state)
                why = f": {output.cell(request.reason)}" if request.reason else ""
                output.print_lines(f"{request_id}: {request.state}{why}")
            if is_final("request", request.state):
                ends[request_id] = request_facts(request)
        left = [each for each, end in ends.items() if end is None]
        if not left:
            return ends
        if until is not None and time.monotonic() >= until:
            if tell:
                output.print_lines(*(f"{each}: not over after {timeout:g} s" for each in left))
            return ends
        pause.wait(_LOOK_SECONDS)
