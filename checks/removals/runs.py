"""Runs, several at a time, each in a process that tries one after the other."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic

import structlog

from checks.removals.trial import Outcome, trial
from store.database import Database
from store.migrations import migrate

#: Where files that are only of this run are kept in memory, if the machine has such a place.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder made there has a name of its own


def tried(seed: int, numbers: Iterable[int], *, workers: int, until: float) -> Iterator[Outcome]:
    """Try the runs of these numbers; none begins after ``until``, by the monotonic clock."""
    where = str(_MEMORY) if _MEMORY.is_dir() else None
    with TemporaryDirectory(dir=where) as name:
        folder = Path(name)
        template = folder / "empty.db"
        database = Database(f"sqlite:///{template}", pool_size=1)
        migrate(database)
        database.close()
        one = partial(_one, seed, template=template, folder=folder, until=until)
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn"), initializer=_quiet) as pool:
            for future in as_completed([pool.submit(one, number) for number in numbers]):
                outcome = future.result()
                if outcome is not None:
                    yield outcome


def _quiet() -> None:
    """Keep what Provisor logs from the terminal: false lists make it warn all the time."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.WARNING)


def _one(seed: int, number: int, *, template: Path, folder: Path, until: float) -> Outcome | None:
    """Try one run, unless the time is over."""
    return trial(seed, number, template, folder) if monotonic() < until else None
