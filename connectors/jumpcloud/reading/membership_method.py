from __future__ import annotations

from enum import StrEnum


class MembershipMethod(StrEnum):
    """How Provisor reads memberships."""

    #: The method with the fewest calls that passes its probe.
    AUTO = "auto"
    #: The members of each group, by published calls only [spec]: at least one call for each group.
    LISTING = "listing"
    #: The report of users and user groups: a few calls for any number of groups. JumpCloud makes it while Provisor reads on.
    REPORT = "report"
    #: The search for users, which also tells the groups of each [spec, contents assumed]: no call besides those for users.
    SEARCH = "search"
