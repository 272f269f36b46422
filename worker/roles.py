"""The parts of the work that a process can take."""

from __future__ import annotations

from enum import StrEnum


class ProcessRole(StrEnum):
    """One part of the work. Any number of processes may take each."""

    #: Carries out the work that wake-ups name.
    WORKER = "worker"
    #: Takes access requests from the broker.
    INTAKE = "intake"
    #: Finds due work in the store.
    SCHEDULER = "scheduler"
