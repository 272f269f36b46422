"""Whether Provisor changes anything: the setting ``provisioning``."""

from __future__ import annotations

from enum import StrEnum


class Provisioning(StrEnum):
    """Whether Provisor changes anything."""

    #: Requests are taken in and wait.
    OFF = "off"
    #: What would be done is shown, with reasons; nothing is changed.
    PLAN = "plan"
    #: Changes are made.
    ON = "on"
