"""Putting work back that a failure kept from ending: when it is tried again, and who has to know."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import structlog

from access.failures import Failure
from access.faults import Fault, Phase
from access.lifecycle import OperationState
from access.operations import Operation, Request
from access.provisioning import Provisioning
from access.retry import was_tried
from store.unit_of_work import UnitOfWork
from tasks import settlement
from tasks.attempts import log_postponed
from tasks.faults import Row
from tasks.lateness import next_moment, raise_if_late
from tasks.services import Services

_log = structlog.get_logger(__name__)


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
        until = next_moment(services, operation, until=until, within=work)
        settlement.postponed(work, operation, failure, tries=tries, until=until, now=services.clock.now(), **columns)
        raise_if_late(services, work, operation, why=failure.what)


def put_request_back(services: Services, request: Request, failure: Failure, *, until: datetime) -> None:
    """Plan a request later: at ``until``, or when the fault allows."""
    with services.store.write() as work:
        until = services.faults.met(work, Row.of_request(request), failure, Phase.READ, otherwise=until)
        _postpone(services, work, request, failure.what, str(failure), until=until, tried=was_tried(failure))
    log_postponed("request.postponed", failure, request_id=request.id, until=until)


def hold_request(services: Services, request: Request, fault: Fault) -> bool:
    """Have a request wait for the end of a shared fault; whether that lasts."""
    with services.store.write() as work:
        until = services.faults.join(work, Row.of_request(request), fault)
        if until is None:
            return False
        said = f"{fault.what} {fault.remedy}".rstrip()
        _postpone(services, work, request, fault.what, said, until=until, tried=False)
    _log.info("request.held", request_id=request.id, why=said, until=until)
    return True


def hold_operation(services: Services, operation: Operation, row: Row, fault: Fault) -> bool:
    """Have an operation, leased to us, wait for the end of a shared fault; whether that lasts."""
    with services.store.write() as work:
        until = services.faults.join(work, row, fault)
        if until is None:
            return False
        may_be_made = operation.before is not None or operation.wrote_at is not None
        work.operations.settle(
            operation.id,
            fence=operation.fence,
            state=str(OperationState.RUNNING if may_be_made else OperationState.READY),
            due_at=next_moment(services, operation, until=until, within=work),
            error=f"{fault.what} {fault.remedy}".rstrip(),
        )
        raise_if_late(services, work, operation, why=fault.what)
    _log.info("operation.held", why=fault.what, until=until)
    return True


def _postpone(
    services: Services, work: UnitOfWork, request: Request, what: str, said: str, *, until: datetime, tried: bool
) -> None:
    now = services.clock.now()
    if services.mode is not Provisioning.ON:
        # It cannot begin before that is switched on: no time runs against it.
        work.requests.postpone(request, until=until, now=now, reason=said, tried=tried, begun_at=until)
        return
    until = next_moment(services, request, until=until, within=work)
    work.requests.postpone(request, until=until, now=now, reason=said, tried=tried)
    raise_if_late(services, work, request, why=what)
