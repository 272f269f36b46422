"""Threads that know whose work they do.

Celery finds the task of a message in the thread's current application. Without this, that is one of the process, whatever
worker the thread belongs to; it is wrong where two workers, or a test's and another's, share a process.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from celery import Celery
from celery.concurrency.thread import TaskPool


class Threads(TaskPool):
    """Celery's pool of threads, each working for the application of its pool."""

    def on_apply(self, target: Callable[..., Any], *args: Any, **options: Any) -> Any:
        """Have ``target`` called in a thread."""
        return super().on_apply(partial(_called_for, self.app, target), *args, **options)


def _called_for(app: Celery, target: Callable[..., Any], *args: Any, **options: Any) -> Any:
    app.set_current()
    return target(*args, **options)
