"""One ``up`` to an embedded store: the lock goes with the process, however it ends."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.problems import Problem


@contextmanager
def held(database: Path | None) -> Iterator[bool]:
    """Hold the lock file beside an SQLite database, which is whether it is held: other databases need none.

    Raises ``Problem`` when another process holds it. The file stays when it ends: taking it away would let a third in.
    """
    if database is None:
        yield False
        return
    path = database.with_name(f"{database.name}.lock")
    with _opened(path) as descriptor:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            holder = os.pread(descriptor, 20, 0).decode(errors="replace").strip()
            raise Problem(
                f"Another 'provisor up' works on {database}{f' (process {holder})' if holder.isdigit() else ''}.",
                "Stop it first, or use PostgreSQL, which several may share.",
            ) from exc
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        yield True


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise Problem(
            f"The lock file {path} cannot be written ({exc.strerror}).", "Check store.url, and who may write there."
        ) from exc
    try:
        yield descriptor
    finally:
        os.close(descriptor)
