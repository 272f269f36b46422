"""What a snapshot costs, in calls: the formula that the reader is held to [docs: Jira Cloud contract, section 11]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.jira.reading.lists import MEMBER_PAGE, PROJECT_PAGE, USER_PAGE

_DIRECTORY_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a site is.

    ``members`` are the member counts of the groups, ``roles`` all roles of all projects together, ``group_page`` the page
    that ``/group/bulk`` really gives. ``people`` is how many the organization's directories list when memberships come from
    there (None: they come from Jira); ``unlisted`` are then the member counts of the groups that are still read from Jira, and
    ``strangers`` is the number of accounts that the directories do not show, such as apps.
    """

    users: int
    members: Sequence[int]
    projects: int
    roles: int
    team_managed: int = 0
    group_page: int = 50
    people: int | None = None
    unlisted: Sequence[int] = ()
    strangers: int = 0


def expected_calls(sizes: Sizes) -> int:
    """The calls of a full snapshot, without those that prove and probe."""
    groups = len(sizes.members)
    lists = -(-sizes.users // USER_PAGE) + 1 + _pages(groups, sizes.group_page) + _pages(sizes.projects, PROJECT_PAGE)
    roles = min(sizes.projects, 1 + sizes.team_managed) + sizes.roles
    if sizes.people is None:
        return lists + _of_groups(sizes.members) + roles
    directory = _pages(sizes.people, _DIRECTORY_PAGE) + _pages(groups, _DIRECTORY_PAGE)
    return lists + directory + _of_groups(sizes.unlisted) + sizes.strangers + roles


def _of_groups(counts: Sequence[int]) -> int:
    return sum(_pages(count, MEMBER_PAGE) for count in counts)


def _pages(rows: int, size: int) -> int:
    return max(1, -(-rows // size))
