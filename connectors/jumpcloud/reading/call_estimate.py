"""What a snapshot costs, in calls. Tests hold the reader to this formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.reading.method_choice import MembershipMethod
from connectors.paging import total_pages


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


def expected_calls(method: MembershipMethod, sizes: Sizes) -> int:
    """The calls of one full pass, without those that check the credential and probe.

    The formula leaves out the row that each page repeats of the page before it: one call more for about a hundred pages.
    A report counts as made when Provisor first asks for it. ``MembershipMethod.AUTO`` counts as listing.
    """
    groups, applications = len(sizes.members), len(sizes.app_groups)
    lists = [sizes.users, sizes.admins, sizes.roles, groups, applications, *sizes.app_users]
    lists += sizes.app_groups if applications <= groups else sizes.group_apps
    if method in {MembershipMethod.LISTING, MembershipMethod.AUTO}:
        lists += sizes.members
    return total_pages(lists, PAGE) + (3 if method is MembershipMethod.REPORT else 0)
