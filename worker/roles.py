"""The parts of the work that a process can take. Apart from ``worker.running``, so that ``--help`` imports no Celery."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A part of the work that a process can take."""

    #: Carry out what wake-ups ask for.
    WORKER = "worker"
    #: Take access requests from the broker.
    INTAKE = "intake"
    #: Find what is due; any number of these may run.
    SCHEDULER = "scheduler"
