"""How old what the pictures show is, said where it matters: nobody should take an old picture for the truth of today."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime, timedelta

from access.entitlements import System
from access.pictures import Picture
from config.settings import Settings
from store.looking import Looking
from worker.cli.problems import Problem
from worker.cli.sync_facts import age

#: How old a picture may be where none is taken by the clock.
_OLD = timedelta(days=1)
#: Periods that a picture may be late before it is called old.
_PERIODS = 2


def require_pictures(look: Looking, settings: Settings, system: System | None, *, now: datetime) -> Sequence[Picture]:
    """The current pictures of the system, or of all; says on standard error which are old or missing.

    Raises ``Problem`` when there is none.
    """
    pictures = look.pictures(None if system is None else str(system))
    if not pictures:
        of = "" if system is None else f" of {system}"
        raise Problem(f"There is no complete picture{of} yet.", "Run 'provisor sync', or wait for 'provisor up' to.")
    unseen = [
        f"There is no complete picture of {each} yet, so nothing of it is shown. Run 'provisor sync'."
        for each in missing(pictures, settings, system)
    ]
    for sentence in (*unseen, *_old(pictures, settings, now)):
        sys.stderr.write(f"provisor: {sentence}\n")
    return pictures


def missing(pictures: Sequence[Picture], settings: Settings, system: System | None) -> list[System]:
    """The systems that are wanted and connected, and have no picture."""
    enabled = {System.JUMPCLOUD: settings.jumpcloud.enabled, System.JIRA: settings.jira.enabled}
    seen = {picture.system for picture in pictures}
    return [each for each in System if enabled[each] and each not in seen and system in (None, each)]


def age_of(picture: Picture, now: datetime) -> str:
    """The age of a picture, for people."""
    return age(picture.age(now))


def _old(pictures: Sequence[Picture], settings: Settings, now: datetime) -> list[str]:
    period = settings.sync.period
    limit = _OLD if period is None else period * _PERIODS
    return [
        f"The picture of {picture.system} is {age(picture.age(now))} old "
        f"({picture.began_at:%Y-%m-%d %H:%M} UTC). Run 'provisor sync' for a new one."
        for picture in pictures
        if picture.age(now) > limit
    ]
