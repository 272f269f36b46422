"""What a snapshot costs, in calls. Tests hold the reader to this formula."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from connectors.jira.projects import PROJECTS_A_PAGE
from connectors.jira.reading.list_calls import MEMBERS_A_PAGE, USERS_A_PAGE
from connectors.paging import pages, total_pages

_DIRECTORY_PAGE = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How large a site is.

    ``members`` are the member counts of the groups, ``roles`` the number of roles of all projects together, ``group_page``
    the page that ``/group/bulk`` really gives. ``people`` is the number of people in the organization's directories when
    memberships come from there, None when they come from Jira. ``unlisted`` are the member counts of the groups that are
    read from Jira all the same, and ``strangers`` is the number of accounts that the directories do not show, such as apps.
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
    """The calls of a full snapshot, without those that check the credential and probe."""
    groups = len(sizes.members)
    lists = -(-sizes.users // USERS_A_PAGE) + 1
    lists += 1  # the groups of products
    lists += pages(groups, sizes.group_page) + pages(sizes.projects, PROJECTS_A_PAGE)
    roles = min(sizes.projects, 1 + sizes.team_managed) + sizes.roles
    if sizes.people is None:
        return lists + total_pages(sizes.members, MEMBERS_A_PAGE) + roles
    directory = pages(sizes.people, _DIRECTORY_PAGE) + pages(groups, _DIRECTORY_PAGE)
    return lists + directory + total_pages(sizes.unlisted, MEMBERS_A_PAGE) + sizes.strangers + roles
