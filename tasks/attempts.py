"""Attempts at a piece of work: how one can fail, and whether the work is tried again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import structlog

from access.failures import CredentialRefused, Failure, Transient
from access.retry import GiveUp, RetryAt, decide
from store.leases import LeaseLost
from store.unit_of_work import Conflict, Unavailable
from tasks.services import Services

_log = structlog.get_logger(__name__)

T = TypeVar("T")


class Fault(Transient):
    """The attempt failed within Provisor, not in a system, so waiting longer is no cure: its tries are always bounded."""


def attempt(work: str, do: Callable[[], T], on_failure: Callable[[Failure], T]) -> T | None:
    """What ``do`` returns, or what ``on_failure`` returns for the failure that ended ``do``.

    - A failure word is handed on as it is.
    - A ``Conflict`` is a race between workers, and an ordinary ``Fault``.
    - Any other exception is a mistake of ours: logged with its trace, and a ``Fault`` too, so that the work neither repeats
      for ever nor is lost.
    - ``LeaseLost``: another worker has the work, so nothing is written and the result is None.

    ``work`` begins the names of the log events. Raises ``Unavailable``: while the database is away nothing can be written,
    and the sweep finds the work again when its lease has run out.
    """
    try:
        try:
            return do()
        except Failure as failure:
            return on_failure(failure)
        except Conflict:
            return on_failure(Fault("Another worker changed the same access at the same moment."))
        except (LeaseLost, Unavailable):
            raise
        except Exception as exc:  # noqa: BLE001 - every mistake of ours ends as a failed try
            _log.exception(f"{work}.error")
            return on_failure(fault(exc))
    except LeaseLost:
        _log.warning(f"{work}.taken_over", why="the lease ran out and another worker has taken it")
        return None


def fault(exc: Exception) -> Fault:
    """A mistake of ours as a failure. The exception's own text may hold anybody's data, so only its type is repeated."""
    return Fault(
        f"Provisor itself failed ({type(exc).__name__}).",
        remedy="Read its log, and report the fault to its makers.",
    )


def next_try(
    services: Services,
    failure: Failure,
    *,
    tries: int,
    first_tried_at: datetime | None,
    outlast: bool = False,
    endless: bool = False,
) -> RetryAt | GiveUp:
    """When to try again after try number ``tries``, with the limits and the jitter of ``services``.

    ``outlast`` is for work that nobody else can do while a system is away: only the deadline bounds it. A ``Fault`` is
    bounded by the number of tries all the same. ``endless`` is for taking access away, which time and tries never end.
    """
    limits = services.options.retry
    if outlast and not isinstance(failure, Fault):
        limits = replace(limits, attempts=sys.maxsize)
    now = services.clock.now()
    return decide(
        failure,
        tries=tries,
        first_tried_at=first_tried_at or now,
        now=now,
        limits=limits,
        jitter=services.jitter(),
        endless=endless,
    )


def log_postponed(event: str, failure: Failure, *, late: bool = False, **facts: object) -> None:
    """Log that work is put off. A refused credential, which the operator has to mend, and ``late`` work are errors."""
    level = _log.error if late or isinstance(failure, CredentialRefused) else _log.warning
    level(event, failure=failure.word, why=str(failure), **facts)
