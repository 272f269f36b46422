from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Annotated

from config.field_types import Duration, matching, within
from config.section import Section
from config.urls import Token


class AuditSettings(Section):
    """The audit trail: how long it is kept, and how a change of it is found."""

    #: How long its rows are kept; for ever when left out. Seals are kept for ever.
    kept: Annotated[Duration, within(timedelta(days=1))] | None = None
    #: Signs seals. Without one they are hashes, which whoever may write to the database can compute anew.
    signing_key: Token | None = None
    #: Key of a Jira issue: the newest seals are noted in a property of it, on the site where tickets are made.
    anchor_issue: (
        Annotated[
            str, matching(r"[A-Z][A-Z0-9_]{1,254}-[0-9]{1,12}", "is not an issue key; write one such as ACCESS-1")
        ]
        | None
    ) = None
    #: A file to which the newest seals are added, best on another machine's disk or where lines can only be added.
    anchor_file: Path | None = None
    #: How often the newest seal is noted there.
    anchor_every: Annotated[Duration, within(timedelta(minutes=1), timedelta(days=7))] = timedelta(hours=1)
