"""One request traced: how many of the product's modules it enters, and how often it changes from one to another.

``python -m benchmarks.flow`` takes in a grant of a Jira group, plans it and carries it out, embedded and in one thread, against
a simulated Jira in another process. Time stands still, so modules and changes are the same on every machine.
The first request of a process also proves whose site it is; the second is what a request costs a reader.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

import structlog

from access.clock import ManualClock
from benchmarks.command import run
from benchmarks.report import Report, Table, WrongResult
from benchmarks.simulated import Simulated
from config.settings import Settings
from store.outbox import Topic
from tasks.publisher import RecordingPublisher
from worker.composition import Provisor, compose

_ROOT = Path(__file__).resolve().parents[1]
_PRODUCT = ("access", "config", "connectors", "httpclient", "store", "tasks", "ticketing", "worker")
_NAMES = ("first", "second")


@dataclass
class Trace:
    """The modules of the product in the order in which its functions were called."""

    modules: list[str] = field(default_factory=list)

    @contextmanager
    def tracing(self) -> Iterator[None]:
        """Note every call of a function of ours. Parts of functions, such as comprehensions, are none."""
        threading.setprofile(self._event)
        sys.setprofile(self._event)
        try:
            yield
        finally:
            sys.setprofile(None)
            threading.setprofile(None)

    def _event(self, frame: FrameType, event: str, _argument: Any) -> None:
        code = frame.f_code
        if event != "call" or code.co_name.startswith("<"):
            return
        path = Path(code.co_filename)
        if path.is_relative_to(_ROOT) and path.relative_to(_ROOT).parts[0] in _PRODUCT:
            self.modules.append(str(path.relative_to(_ROOT).with_suffix("")))

    @property
    def changes(self) -> int:
        """How often a call is to another module than the call before."""
        return sum(one != other for one, other in pairwise(self.modules))

    def hops(self) -> Sequence[str]:
        """The use-cases in their order: the modules of ``tasks``, each once for calls in a row."""
        inside = (module.removeprefix("tasks/") for module in self.modules if module.startswith("tasks/"))
        return [module for module, _ in groupby(inside)]


def add_options(_parser: argparse.ArgumentParser) -> None:
    """There are none."""


def measure(_options: argparse.Namespace) -> Report:
    """Trace two requests."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    report = Report("flow")
    with TemporaryDirectory(prefix="flow-") as folder, Simulated("jira") as simulated:
        provisor = _provisor(Path(folder), simulated.facts["jira"])
        traces = [_traced(provisor, simulated, name) for name in _NAMES]
        provisor.store.database.close()
    rows = []
    for name, trace in zip(_NAMES, traces, strict=True):
        entered = Counter(trace.modules)
        report.figures[name] = {"modules": len(entered), "calls": entered.total(), "changes": trace.changes}
        rows.append((name, *report.figures[name].values(), len(trace.hops())))
    report.tables = [
        Table("One grant of a Jira group", ("request", "modules", "calls", "changes", "hops in tasks"), rows),
        Table("Modules of the second, by calls", ("module", "calls"), Counter(traces[-1].modules).most_common()),
    ]
    report.notes = ["In tasks: " + " - ".join(traces[-1].hops())]
    return report


def _provisor(folder: Path, jira: dict[str, str]) -> Provisor:
    policy = folder / "policy.yaml"
    policy.write_text('rules:\n  - {pattern: "jira:group:*:member"}\n', encoding="utf-8")
    settings = {
        "provisioning": "on",
        "policy": str(policy),
        "store": {"url": f"sqlite:///{folder / 'provisor.db'}"},
        "jira": {"site_url": jira["url"], "email": jira["email"], "api_token": jira["token"]},
        "ticketing": {"project": "OPS"},
    }
    return compose(Settings.model_validate(settings), RecordingPublisher(), clock=ManualClock(datetime.now(UTC)))


def _traced(provisor: Provisor, simulated: Simulated, name: str) -> Trace:
    email, group = f"{name}@example.com", f"group-{name}"
    simulated.act("jira", "create_user", email=email, name=name)
    simulated.act("jira", "create_group", name=group)
    message = {"id": name, "action": "grant", "subject": {"email": email}, "entitlement": f"jira:group:{group}:member"}
    body = json.dumps(message).encode()
    handlers = {Topic.REQUEST: provisor.fulfilment.fulfil, Topic.OPERATION: provisor.fulfilment.operate}
    trace = Trace()
    publisher = provisor.services.publisher
    assert isinstance(publisher, RecordingPublisher)
    with trace.tracing():
        provisor.intake.take(body, content_type="application/json", source="flow")
        while publisher.wake_ups:
            wake_up = publisher.wake_ups.pop(0)
            handlers[wake_up.topic](wake_up.ref)
    with provisor.store.read() as work:
        found = work.requests.get(name)
    if found is None or str(found.state) != "done":
        raise WrongResult(f"the request {name} was not fulfilled: {found}")
    return trace


if __name__ == "__main__":
    sys.exit(run("benchmarks.flow", sys.modules[__name__]))
