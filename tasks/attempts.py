"""Attempts at a piece of work: how one can fail, and whether the work is tried again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

import structlog

from access.failures import CredentialRefused, Failure
from access.retry import GiveUp, RetryAt, decide
from store.leases import LeaseLost
from store.unit_of_work import Conflict, Unavailable
from tasks.own_faults import Race, own_fault
from tasks.services import Services

_log = structlog.get_logger(__name__)

T = TypeVar("T")


def attempt(work: str, do: Callable[[], T], on_failure: Callable[[Failure], T]) -> T | None:
    """What ``do`` returns, or what ``on_failure`` returns for the failure that ended ``do``.

    - A failure word is handed on as it is.
    - A ``Conflict`` is a ``Race`` between workers.
    - Any other exception is a mistake of ours: logged with its trace, and an ``OwnFault``, so that the work is not lost.
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
            return on_failure(Race("Another worker changed the same access at the same moment."))
        except (LeaseLost, Unavailable):
            raise
        except Exception as exc:  # noqa: BLE001 - every mistake of ours is a failure of the work at hand
            _log.exception(f"{work}.error")
            return on_failure(own_fault(exc))
    except LeaseLost:
        _log.warning(f"{work}.taken_over", why="the lease ran out and another worker has taken it")
        return None


def next_try(
    services: Services,
    failure: Failure,
    *,
    tries: int,
    first_tried_at: datetime | None,
    bounded: bool = False,
    final: bool = True,
) -> RetryAt | GiveUp:
    """When to try again after try number ``tries``, with the limits and the jitter of ``services``.

    Neither tries nor time end work that a fault holds, unless it is ``bounded``: for tries that prove something about the
    work itself. ``final`` is whether a failure that is ``Permanent`` ends it.
    """
    now = services.clock.now()
    return decide(
        failure,
        tries=tries,
        first_tried_at=first_tried_at or now,
        now=now,
        limits=services.options.retry,
        jitter=services.jitter(),
        endless=not bounded,
        final=final,
    )


def log_postponed(event: str, failure: Failure, **facts: object) -> None:
    """Log that work is put off. A refused credential, which the operator has to mend, is an error."""
    level = _log.error if isinstance(failure, CredentialRefused) else _log.warning
    level(event, failure=failure.word, why=str(failure), **facts)
