from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from difflib import get_close_matches
from http import HTTPStatus

from access.accounts import NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.failures import Transient
from access.text import loose_name, named
from connectors.guard import FACTS_AT_MOST_OLD
from connectors.jumpcloud.client import PAGE, total_count
from connectors.jumpcloud.directories import Directories
from connectors.jumpcloud.shapes import Group, RawRow, is_object_id, row_id
from connectors.paging import OffsetList, Page, complete_ids
from httpclient import HttpClient
from httpclient.calls import Params

_GROUP = "/api/v2/usergroups/{group}"
_GROUPS = "/api/v2/usergroups"

#: Unknown ids give 404, ids of another form 400 [assumed]: neither names a group.
_NO_SUCH_ID = frozenset({400, 404})

#: Most pages of the list of groups: 100 000 groups.
_MOST_PAGES = 1000

_MOST_CANDIDATES = 5


def group_link(console: str, group_id: str) -> str:
    """The address of a group in the console that people use [observed]."""
    return f"{console}/#/groups/user/{group_id}/details"


def come_from(domain: str) -> str:
    """Why only a person changes a group that another directory masters."""
    return f"its members come from the Active Directory {domain}, and are changed there"


class Groups:
    """Finds user groups. ``protected`` are names and ids of groups that Provisor never changes."""

    def __init__(self, client: HttpClient, protected: Collection[str] = ()) -> None:
        self._client = client
        self.directories = Directories(client)
        self._protected = frozenset(map(loose_name, protected))

    def find(self, name_or_id: str) -> Entitlement | NoMatch:
        """The membership of the one group of this id or name.

        Names are unique in any case [docs]. The filter is case-sensitive, takes wildcards, and reads a comma as a second
        filter [spec], so it is only a short cut: when it does not find the name, Provisor reads all groups.
        """
        group = self._single(name_or_id, at_most_old=FACTS_AT_MOST_OLD)
        same = [group] if group else self._by_filter(name_or_id)
        every = [] if same else self.every()
        same = same or _with_id(name_or_id, every) or named(name_or_id, every, lambda group: group.name)
        if len(same) == 1:
            return self._entitlement(same[0])
        names = {loose_name(group.name): group for group in every}
        close = get_close_matches(loose_name(name_or_id), list(names), n=_MOST_CANDIDATES)
        near = same or [names[name] for name in close]
        candidates = tuple(f"{group.name} ({group.id})" for group in near)
        return NoMatch(f"The JumpCloud group '{name_or_id}'", candidates, several=len(same) > 1)

    def by_id(self, group_id: str, *, at_most_old: timedelta | None = None) -> Group | None:
        """The group, None when no group has that id: a single read says so, and the list of groups agrees.

        A gateway may answer the single read with 404.
        """
        return self._single(group_id, at_most_old=at_most_old) or next(iter(_with_id(group_id, self.every())), None)

    def _single(self, group_id: str, *, at_most_old: timedelta | None) -> Group | None:
        if not is_object_id(group_id):
            return None
        path = {"group": group_id}
        answer = self._client.get(_GROUP, path=path, expects=_NO_SUCH_ID, at_most_old=at_most_old)
        return None if answer.status in _NO_SUCH_ID else answer.read_as(Group, what="a group")

    def why_by_person(self, group_id: str) -> str | None:
        """Why only a person changes the group, as it is now; None when the API can, or there is no such group."""
        group = self.by_id(group_id)
        return None if group is None else self._by_person(group)

    def _by_person(self, group: Group) -> str | None:
        if self._protected & {loose_name(group.name), loose_name(group.id)}:
            return "it is a protected group that Provisor never changes"
        if group.follows_a_rule:
            return "its members follow a rule (dynamic group)"
        master = self.directories.master_of(group.id)
        return None if master is None else come_from(master)

    def every(self) -> list[Group]:
        """All user groups, each once; a group that moves while the list is read may be missing.

        The list ends at its total [observed] or at an empty page, never at a short page [assumed].
        """
        found: dict[str, Group] = {}
        read = 0
        for _ in range(_MOST_PAGES):
            answer = self._client.get(_GROUPS, params={"sort": "name", "limit": PAGE, "skip": read})
            page = answer.read_as(list[Group], what="groups")
            found |= {group.id: group for group in page}
            read += len(page)
            total = total_count(answer)
            if not page or (total is not None and read >= total):
                return list(found.values())
        raise Transient("JumpCloud's list of groups did not end.", remedy="Report it: the service ignores paging.")

    def complete(self) -> frozenset[str]:
        """The ids of all user groups. Raises ``Shifted`` when the list changed while it was read."""
        return complete_ids(OffsetList(page=self._page, size=PAGE, key=row_id))

    def _page(self, skip: int) -> Page[RawRow]:
        answer = self._client.get(_GROUPS, params={"sort": "name", "limit": PAGE, "skip": skip})
        return Page(answer.read_as(list[RawRow], what="groups"), total_count(answer))

    def _by_filter(self, name: str) -> list[Group]:
        # JumpCloud may refuse a name that the filter cannot hold; Provisor then reads all groups.
        params: Params = {"filter": f"name:eq:{name}", "limit": PAGE}
        answer = self._client.get(_GROUPS, params=params, expects={400}, at_most_old=FACTS_AT_MOST_OLD)
        if answer.status == HTTPStatus.BAD_REQUEST:
            return []
        return [group for group in answer.read_as(list[Group], what="groups") if group.name == name]

    def _entitlement(self, group: Group) -> Entitlement:
        def ref(part: str) -> EntitlementRef:
            return EntitlementRef(system=System.JUMPCLOUD, kind=ResourceKind.GROUP, path=(part,))

        return Entitlement(
            ref=ref(group.id),
            named=ref(group.name or group.id),
            title=f"JumpCloud group {group.name or group.id}",
            url=group_link(self._client.base_url, group.id),
            by_person=self._by_person(group),
        )


def _with_id(group_id: str, groups: list[Group]) -> list[Group]:
    return [group for group in groups if group.id == group_id]
