"""Processes whose wall clock is off: they load a library (``shifted_clock.c``) before any other."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.crash.process_stack import ForkServer


class NoCompilerError(Exception):
    """This machine cannot make the library."""


def compiled(folder: Path) -> Path:
    """The library, made in a folder. Raises ``NoCompilerError``."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise NoCompilerError("there is no cc")
    library = folder / "clock.so"
    source = Path(__file__).with_name("shifted_clock.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def shifted(library: Path, seconds: int) -> ForkServer:
    """What starts workers whose clock is that many seconds ahead of the machine's."""
    return ForkServer(LD_PRELOAD=str(library), CLOCK_SHIFT=str(seconds))
