from __future__ import annotations

from enum import StrEnum


class MembershipMethod(StrEnum):
    """How memberships are read."""

    #: The best of those below that proves itself.
    AUTO = "auto"
    #: The members of each group: every call of it is published [spec]. A call or more for each group.
    LISTING = "listing"
    #: The report of users to user groups: a few calls however many groups there are, made while the rest is read.
    REPORT = "report"
    #: The search for users, whose answers tell the groups of each [spec 2026-03 + assumed]. No call more than for the users.
    SEARCH = "search"
