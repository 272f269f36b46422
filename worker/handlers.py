"""What a worker does about the rows that are due."""

from __future__ import annotations

from store.outbox import Topic
from worker.composition import Provisor
from worker.dispatcher import UseCases


def use_cases_of(provisor: Provisor) -> UseCases:
    """The use-case for each topic."""
    return {
        Topic.REQUEST: provisor.fulfilment.fulfil,
        Topic.OPERATION: provisor.fulfilment.operate,
        Topic.CLAIM: provisor.expiry.end,
        Topic.TICKETS: lambda _ref: provisor.ticket_tracker.follow(),
        Topic.SYNC: provisor.syncing.work,
    }
