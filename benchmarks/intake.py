"""How many messages a second one process takes in, with provisioning off, from RabbitMQ into PostgreSQL.

Beside it, in the same run, a plain consumer that keeps each message in a table (``benchmarks/bare_intake.py``): the share of its
rate says more than the rate, which changes with the machine.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from kombu import Connection
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from benchmarks.child import Child
from benchmarks.command import run
from benchmarks.places import CLUSTER, Absent, Place, new_place
from benchmarks.processes import busy_seconds
from benchmarks.report import Aim, Report, Table, WrongResult
from demo.patience import Patience
from worker.intake_consumer import publish

#: Messages a second that one holder has to take in.
_AIM = 500

#: How long a quiet machine may take for all of them.
_PATIENCE_SECONDS = 120

_TAKEN_IN = text("SELECT count(*), min(received_at), max(received_at), count(DISTINCT received_at) FROM requests")


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--intake-messages", type=int, default=5000, help="messages to take in (default %(default)s)")


def measure(options: argparse.Namespace) -> Report:
    """Messages lie on the queue; then the one process starts. Raises ``WrongResult`` when one is not taken in."""
    report = Report("intake")
    try:
        with new_place(CLUSTER) as place:
            rate, batches, busy = _rate(place, options.intake_messages)
            bare, bare_busy = _bare_rate(place, options.intake_messages, most=options.intake_messages // batches)
    except Absent as exc:
        report.notes.append(f"Left out: {exc}")
        return report
    share = round(rate / bare, 3)
    report.figures |= {"messages": options.intake_messages, "commits": batches, "rate": rate, "per_busy_second": busy}
    report.figures |= {"bare_rate": bare, "bare_per_busy_second": bare_busy, "share_of_bare": share}
    report.figures |= {"processor_ms": _milliseconds(busy), "bare_processor_ms": _milliseconds(bare_busy)}
    rows = [("Provisor", rate, busy, _milliseconds(busy)), ("bare consumer", bare, bare_busy, _milliseconds(bare_busy))]
    columns = ("by", "messages a second", "a second of its processor time", "ms of processor time for each")
    title = f"Intake of {options.intake_messages:,} messages by one process, in {batches} commits"
    report.tables.append(Table(title, columns, rows))
    report.notes.append(f"Provisor takes in {share:.0%} of what the bare consumer does in the same run.")
    report.aims.append(Aim(f"intake rate, {CLUSTER}", rate, _AIM, "higher"))
    return report


def _rate(place: Place, number: int) -> tuple[float, int, float]:
    """Messages a second from the first commit to the last, by the times that the store has; the number of commits; and messages
    for each second of processor time, which other work of the machine changes less.
    """
    setup = {
        "provisioning": "off",
        "store": {"url": place.store_url},
        "broker": {"url": place.broker_url, "prefix": place.prefix},
        "sync": {"period": None},
    }
    with Child("benchmarks.intake_worker", setup, log=place.folder / "intake.log") as child:
        with Connection(place.broker_url) as connection:
            publish(connection, place.queues, list(_messages(number)))
        before = busy_seconds(child.pid)
        child.ask("start")
        engine, patience = create_engine(place.store_url, poolclass=NullPool), Patience(_PATIENCE_SECONDS)
        while True:
            with engine.connect() as connection:
                count, first, last, batches = connection.execute(_TAKEN_IN).one()
            if count == number:
                rate = (number - number / batches) / max((last - first).total_seconds(), 0.001)
                return round(rate), batches, round(number / max(busy_seconds(child.pid) - before, 0.001))
            if count > number or not patience.lasts():
                raise WrongResult(f"{count} requests of {number} messages were taken in.")


def _bare_rate(place: Place, number: int, *, most: int) -> tuple[float, float]:
    """The same of the bare consumer, in commits of ``most``: messages a second, and for each second of processor time."""
    setup = {"store_url": place.store_url, "broker_url": place.broker_url, "prefix": place.prefix, "most": most}
    with Child("benchmarks.bare_intake", setup, log=place.folder / "bare.log") as child:
        with Connection(place.broker_url) as connection:
            publish(connection, place.queues, list(_messages(number)))
        before = busy_seconds(child.pid)
        seconds = child.ask("take", messages=number)
        return (
            round((number - most) / max(seconds, 0.001)),
            round(number / max(busy_seconds(child.pid) - before, 0.001)),
        )


def _milliseconds(per_busy_second: float) -> float:
    return round(1000 / per_busy_second, 3)


def _messages(number: int) -> Iterator[bytes]:
    for each in range(number):
        message = {
            "id": f"REQ-{each}",
            "action": "grant",
            "subject": {"email": f"p{each}@example.com"},
            "entitlement": f"jumpcloud:group:team-{each % 50}:member",
            "duration": "PT4H",
            "reason": "to be measured",
        }
        yield json.dumps(message).encode()


if __name__ == "__main__":
    sys.exit(run("benchmarks.intake", sys.modules[__name__]))
