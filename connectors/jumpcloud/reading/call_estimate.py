"""What a snapshot costs, in calls. Tests hold the reader to this formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.reading.membership_method import MembershipMethod
from connectors.paging import pages


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


def expected_calls(
    method: MembershipMethod, sizes: Sizes, *, applications: bool = True, direct_app_users: bool = True, polls: int = 1
) -> int:
    """The calls of one full pass, without those that check the credential and probe.

    The formula leaves out the row that each page repeats of the page before it: one call more for about a hundred pages.
    ``polls`` is how often Provisor asks for a report until JumpCloud has made it. ``MembershipMethod.AUTO`` counts as
    listing.
    """
    groups = len(sizes.members)

    def of_each(counts: Sequence[int]) -> int:
        return sum(pages(count, PAGE) for count in counts)

    calls = of_each([sizes.users, sizes.admins, sizes.roles, groups])
    if method is MembershipMethod.REPORT:
        calls += 2 + polls
    elif method is not MembershipMethod.SEARCH:
        calls += of_each(sizes.members)
    if not applications:
        return calls
    calls += pages(len(sizes.app_groups), PAGE)
    by_application = len(sizes.app_groups) <= groups
    calls += of_each(sizes.app_groups if by_application else sizes.group_apps)
    if direct_app_users:
        calls += of_each(sizes.app_users)
    return calls
