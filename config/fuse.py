"""The settings of plans, and of the fuse: how much access may be taken away that no request foresaw."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import Field

from config.field_types import Duration, within
from config.section import Section

_Count = Annotated[int, Field(ge=0, le=1_000_000)]
_Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
_Window = Annotated[Duration, within(timedelta(minutes=1), timedelta(days=14))]


class PlanSettings(Section):
    """Who may approve plans."""

    #: Whether somebody who had a plan made by command may approve it; it is recorded as that.
    self_approval: bool = False


class FuseSettings(Section):
    """How much access may be taken away that no request foresaw. Ends that a request set are never held."""

    #: Removals by plans that may begin in one system within ``grants_window``.
    grants: _Count = 50
    #: So large a share of the system's managed grants, where that is more.
    grants_share: _Share = 0.05
    #: Never more than these.
    grants_most: _Count = 200
    #: The time in which they are counted.
    grants_window: _Window = timedelta(hours=24)
    #: Leavers whose plans may begin within ``persons_window``.
    persons: _Count = 5
    #: So large a share of all people, where that is more.
    persons_share: _Share = 0.01
    #: The time in which they are counted.
    persons_window: _Window = timedelta(hours=24)
    #: Removals that one producer may ask for within ``revokes_window``, of what it did not give itself.
    revokes: _Count = 50
    #: The time in which they are counted.
    revokes_window: _Window = timedelta(minutes=10)
    #: After them one removal of that producer begins every so often.
    revokes_pace: Annotated[Duration, within(timedelta(seconds=1), timedelta(hours=1))] = timedelta(minutes=1)
    #: How long all processes may be away. Ends of claims that come later than that may be a jump of the clock: they are counted.
    absence: Annotated[Duration, within(timedelta(hours=1))] = timedelta(days=7)
