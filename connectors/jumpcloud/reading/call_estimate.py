"""How many calls a complete snapshot costs, to hold the reader to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.reading.methods import MembershipMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a tenant is.

    ``members`` are the sizes of its groups. ``app_groups`` and ``app_users`` say for each application how many groups and
    users are bound to it directly, ``group_apps`` for each group how many applications it is bound to.
    """

    users: int
    admins: int = 0
    roles: int = 0
    members: Sequence[int] = ()
    app_groups: Sequence[int] = ()
    app_users: Sequence[int] = ()
    group_apps: Sequence[int] = ()


def pages(rows: int) -> int:
    """The calls for a list of so many rows."""
    return max(1, -(-rows // PAGE))


def expected_calls(
    method: MembershipMethod, sizes: Sizes, *, applications: bool = True, direct_app_users: bool = True, polls: int = 1
) -> int:
    """The calls of one full pass, probes and the proof of the credential left out.

    So is that each page of a list has a row in common with the one before it: a call more for about a hundred pages.
    ``polls`` is how often a report is asked for before it is done. ``MembershipMethod.AUTO`` counts as listing.
    """
    groups = len(sizes.members)
    calls = pages(sizes.users) + pages(sizes.admins) + pages(sizes.roles) + pages(groups)
    if method is MembershipMethod.REPORT:
        calls += 2 + polls
    elif method is not MembershipMethod.SEARCH:
        calls += sum(map(pages, sizes.members))
    if not applications:
        return calls
    calls += pages(len(sizes.app_groups))
    by_application = len(sizes.app_groups) <= groups
    calls += sum(map(pages, sizes.app_groups if by_application else sizes.group_apps))
    if direct_app_users:
        calls += sum(map(pages, sizes.app_users))
    return calls
