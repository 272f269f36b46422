"""Groups, accounts and memberships of a site, read in one pass over the directories of its organization.

The directories show what Jira hides (addresses, times of last use, owners of groups) and, without a further call, who is in
which group. The reader compares one group with Jira first, and reads memberships from Jira when the two differ.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from access.failures import Permanent, Transient
from connectors.atlassian.organization import AtlassianOrganization
from connectors.atlassian.shapes import DirectoryGroup, DirectoryPerson
from connectors.jira.reading.list_calls import MEMBERS_A_PAGE, ListCalls
from connectors.jira.reading.snapshot_rows import AccountRows, DirectoryFacts, directory_facts, group_row, member_row
from connectors.jira.shapes import ListedUser
from connectors.paging import total_pages
from connectors.reading import Incomplete, Row
from httpclient import Fetcher

#: When Jira gives the members of all groups in so few calls, a probe does not pay.
_FEW_CALLS = 6
#: The largest group that the reader compares.
_LARGEST_PROBE = 200
#: The reader compares at most so many groups until Jira knows one.
_PROBES = 3
#: The reader asks Jira for the groups of at most so many accounts that the directories do not show (apps), one by one.
_MOST_STRANGERS = 1000

#: A directory that leaves memberships out leaves out those of these people first.
_IDLE = ("deactivated", "suspended")

#: Statuses of what is not the organization's answer, though something answered: another shape, or a redirect.
_NOT_THE_ORGANIZATION = range(200, 400)


@dataclass(frozen=True, slots=True)
class DirectoryUse:
    """What a run reads from the organization: its ``people``, its ``groups``, and the ``memberships`` of listed groups."""

    people: bool = False
    groups: bool = False
    memberships: bool = False


class DirectoryReader:
    """Reads with the help of the organization."""

    def __init__(
        self, organization: AtlassianOrganization, lists: ListCalls, accounts: AccountRows, fetching: Fetcher
    ) -> None:
        self._organization = organization
        self._lists = lists
        self._accounts = accounts
        self._fetching = fetching

    def probe(self) -> tuple[DirectoryUse, list[str]]:
        """What the organization's key lets Provisor read, and notes on the rest."""
        notes: list[str] = []
        groups = self._first(lambda: next(self._organization.groups(counted=True), []), notes, "groups")
        idle = self._first(
            lambda: next(self._organization.people(expand=("groups",), status=list(_IDLE)), []), notes, "people"
        )
        memberships = bool(groups and idle is not None and _worth_it(groups)) and self._agrees(groups, idle or [])
        if groups and idle is not None and not memberships:
            notes.append("Members of groups are read from Jira, group by group.")
        return DirectoryUse(people=idle is not None, groups=groups is not None, memberships=memberships), notes

    def read(self, use: DirectoryUse) -> Iterator[Sequence[Row]]:
        """Groups, then memberships, then accounts. Raises ``Shifted`` and ``Incomplete``."""
        listed = {group.id: group for page in self._organization.groups() for group in page} if use.groups else {}
        covered: set[str] = set()
        products = self._lists.product_groups()
        for groups in self._lists.groups():
            if use.memberships:
                covered.update(group.groupId for group in groups if group.groupId in listed)
            yield [
                group_row(
                    group,
                    listed.get(group.groupId),
                    members_known=group.groupId in covered,
                    product_groups=products,
                )
                for group in groups
            ]
        known: dict[str, DirectoryFacts] = {}
        if use.people:
            yield from self._people(known, covered)
        strangers: list[str] = []
        for users in self._lists.users():
            yield self._accounts.of(users, known)
            strangers += [user.accountId for user in users if covered and _may_be_in_groups(user, known)]
        yield from self._strangers(strangers, covered)

    def _people(self, known: dict[str, DirectoryFacts], covered: set[str]) -> Iterator[Sequence[Row]]:
        expand = ("productAccess", "groups") if covered else ("productAccess",)
        # One string object for each group, however many members it has.
        names = {group_id: group_id for group_id in covered}
        for people in self._organization.people(expand=expand):
            rows: list[Row] = []
            for person in people:
                before = known[person.accountId].groups if person.accountId in known else ()  # in several directories
                more = tuple(names[one] for one in sorted(person.group_ids) if one in covered and one not in before)
                rows += [member_row(group_id, person.accountId) for group_id in more]
                known[person.accountId] = directory_facts(person, before + more)
            yield rows

    def _strangers(self, accounts: Sequence[str], covered: set[str]) -> Iterator[Sequence[Row]]:
        """The groups of accounts that the directories do not show: one call for each account."""
        if len(accounts) > _MOST_STRANGERS:
            raise Incomplete(
                f"The organization's directories do not show {len(accounts)} of the site's accounts. "
                "Check that the key may manage the site's directory, or leave the key out: then memberships come from Jira."
            )
        found = self._fetching.ahead(partial(self._lists.groups_of, account_id) for account_id in accounts)
        for account_id, groups in zip(accounts, found, strict=True):
            yield [member_row(group.groupId, account_id) for group in groups if group.groupId in covered]

    def _first(self, ask: Any, notes: list[str], what: str) -> Any:
        """The first page, None when the key may not have it, or something else than the organization answers at its URL."""
        try:
            return ask()
        except (Permanent, Transient) as refusal:
            if isinstance(refusal, Transient) and refusal.status not in _NOT_THE_ORGANIZATION:
                raise
            notes.append(f"The organization's {what} are not read: {refusal}")
            return None

    def _agrees(self, groups: Sequence[DirectoryGroup], idle: Sequence[DirectoryPerson]) -> bool:
        """Whether the directories and Jira name the same members of a group; a group with inactive members comes first."""
        theirs = frozenset[str]().union(*(person.group_ids for person in idle))
        if idle and not theirs and self._fetching.one(partial(self._lists.groups_of, idle[0].accountId)):
            return False  # Jira shows groups of a person whom the directories show without groups
        sizes = {group.id: group.members for group in groups if group.members and group.members <= _LARGEST_PROBE}
        tried = sorted(sizes, key=lambda group_id: (group_id not in theirs, sizes[group_id], group_id))
        for group_id in tried[:_PROBES]:
            in_jira = {member.accountId: member for page in self._lists.members(group_id) for member in page}
            if not in_jira:
                continue
            people = [
                person for page in self._organization.people(groupIds=[group_id], expand=("groups",)) for person in page
            ]
            in_directory = {person.accountId for person in people if group_id in person.group_ids}
            missing = [member for member in in_jira.values() if member.accountId not in in_directory]
            return in_directory <= set(in_jira) and all(member.accountType != "atlassian" for member in missing)
        return False


def _worth_it(groups: Sequence[DirectoryGroup]) -> bool:
    return total_pages((group.members or 0 for group in groups), MEMBERS_A_PAGE) > _FEW_CALLS


def _may_be_in_groups(user: ListedUser, known: dict[str, DirectoryFacts]) -> bool:
    """Whether an account that the directories do not show may be in a group.

    Apps may; portal customers and removed people may not [assumed].
    """
    if user.accountId in known or user.accountType == "customer":
        return False
    return user.active or user.accountType == "app"
