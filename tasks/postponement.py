"""Putting work back that a failure kept from ending: when it is tried again, and who has to know."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from access.failures import Failure
from access.faults import Phase
from access.operations import Operation, Request
from access.retry import was_tried
from tasks import settlement
from tasks.attempts import log_postponed
from tasks.faults import Row
from tasks.lateness import next_moment, raise_if_late
from tasks.services import Services


def put_back(
    services: Services,
    operation: Operation,
    failure: Failure,
    row: Row,
    phase: Phase,
    *,
    tries: int,
    until: datetime,
    **columns: Any,
) -> None:
    """Put an operation back after try number ``tries``, to be tried again at ``until`` or when the fault allows.

    Raises ``LeaseLost``.
    """
    with services.store.write() as work:
        until = services.faults.met(work, row, failure, phase, otherwise=until)
        until = next_moment(services, operation, until=until)
        settlement.postponed(work, operation, failure, tries=tries, until=until, now=services.clock.now(), **columns)
        raise_if_late(services, work, operation, why=failure.what)


def put_request_back(services: Services, request: Request, failure: Failure, *, until: datetime) -> None:
    """Plan a request later: at ``until``, or when the fault allows."""
    now = services.clock.now()
    with services.store.write() as work:
        until = services.faults.met(work, Row.of_request(request), failure, Phase.READ, otherwise=until)
        until = next_moment(services, request, until=until)
        work.requests.postpone(request, until=until, now=now, reason=str(failure), tried=was_tried(failure))
        raise_if_late(services, work, request, why=failure.what)
    log_postponed("request.postponed", failure, request_id=request.id, until=until)
