"""What a worker does about a wake-up."""

from __future__ import annotations

from collections.abc import Callable

import structlog

from store.outbox import Topic
from store.unit_of_work import OtherRevision, Unavailable
from worker.app import Handlers
from worker.composition import Provisor
from worker.revision_check import RevisionCheck

_log = structlog.get_logger(__name__)


def handlers_of(provisor: Provisor, revision_check: RevisionCheck) -> Handlers:
    """The use-case for each topic."""
    use_cases: Handlers = {
        Topic.REQUEST: provisor.fulfilment.fulfil,
        Topic.OPERATION: provisor.fulfilment.operate,
        Topic.CLAIM: provisor.expiry.end,
        Topic.TICKETS: lambda _ref: provisor.ticket_tracker.follow(),
        Topic.SYNC: provisor.syncing.work,
    }
    return {topic: _handler(use_case, revision_check) for topic, use_case in use_cases.items()}


def _handler(use_case: Callable[[str], None], revision_check: RevisionCheck) -> Callable[[str], None]:
    """A database that cannot do it now is no verdict on the work: its row stays due, and the sweep finds it again."""

    def handle(ref: str) -> None:
        if revision_check.failed:
            return
        try:
            use_case(ref)
        except OtherRevision as found:
            revision_check.fail(found)
        except Unavailable as exc:
            _log.warning("work.postponed", why=str(exc))

    return handle
