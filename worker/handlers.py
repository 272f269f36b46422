"""What a worker does about the rows that are due."""

from __future__ import annotations

from store.outbox import Topic
from worker.composition import Provisor
from worker.dispatcher import UseCases
from worker.rate_limiter import as_a_whole


def use_cases_of(provisor: Provisor) -> UseCases:
    """The use-case for each topic."""
    return {
        Topic.REQUEST: as_a_whole(provisor.fulfilment.fulfil),
        Topic.OPERATION: as_a_whole(provisor.fulfilment.operate),
        Topic.CLAIM: as_a_whole(provisor.expiry.end),
        Topic.TICKETS: as_a_whole(lambda _ref: _follow(provisor)),
        Topic.SYNC: provisor.syncing.work,
    }


def _follow(provisor: Provisor) -> None:
    """Look at what happened in the ticketing system: to our tickets, and to the issues that access waits for."""
    provisor.ticket_tracker.follow()
    provisor.issue_watch.follow()
