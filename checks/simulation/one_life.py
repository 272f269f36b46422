"""``python -m checks.simulation.one_life SEED DAYS REQUESTS``: one life, in a process in which nothing else decides anything."""

from __future__ import annotations

import json
import secrets
import sys
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import structlog

from checks.simulation.judgement import Judgement, judge
from checks.simulation.life import Life
from store.database import Database
from store.migrations import migrate


def main(seed: int, days: int, requests: int) -> None:
    """Live it, and print what came of it as JSON."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(50))
    # Ids are drawn from this source: the seed decides them too.
    secrets._sysrand = Random(seed)  # type: ignore[attr-defined] # noqa: S311, SLF001 - ids that repeat are the purpose
    memory = Path("/dev/shm")  # noqa: S108 - a folder of ours is made there
    with TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        template = Path(folder) / "template.db"
        database = Database(f"sqlite:///{template}", pool_size=1)
        migrate(database)
        database.close()
        life = Life(seed, Path(folder), template, days=days, requests=requests)
        try:
            life.run()
            print(json.dumps(told(life, judge(life), days=days)))
        finally:
            life.close()


def told(life: Life, judgement: Judgement, *, days: int) -> dict[str, object]:
    """What a life tells."""
    return {
        "seed": life.seed,
        "days": days,
        "requests": sum(message.taken_at is not None for story in life.stories for message in story.messages),
        "reached": sorted(life.points.reached),
        "crashed": sorted(life.points.crashed),
        "counts": life.counts(),
        "sentences": judgement.found,
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
