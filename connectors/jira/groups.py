from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import timedelta
from difflib import get_close_matches
from http import HTTPStatus

from access.accounts import NoMatch
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.failures import Failure, Transient, Unseen
from access.guard import FILLED
from access.text import loose_name, named, spellings
from connectors.guard import FACTS_AT_MOST_OLD
from connectors.jira.accounts import Accounts
from connectors.jira.client import API, disagreement, gone, refusal
from connectors.jira.shapes import Group, ListedUser, PageBean, PickedGroups, is_group_id
from connectors.ports import Observation
from httpclient import Call, HttpClient, Response
from httpclient.calls import Params

#: Whether an identity provider fills the group of this id, as far as the organization tells.
IsExternal = Callable[[str], bool]

#: Jira's system groups, which Provisor never changes [docs][observed].
SYSTEM_GROUPS = frozenset(
    {"system-administrators", "site-admins", "atlassian-addons", "atlassian-addons-admin", "org-admins"}
)
_SYSTEM_PREFIX = "atlassian-addons"

_GROUPS = f"{API}/group/bulk"
_PICKER = f"{API}/groups/picker"
_MEMBER = f"{API}/group/user"
_MEMBERS = f"{API}/group/member"
_MEMBER_OF = f"{API}/user/groups"

#: Rows of a page of members and of groups, and most pages: 50 000 rows.
_MEMBERS_A_PAGE = 50
_GROUPS_A_PAGE = 50
_MOST_PAGES = 1000

_PROTECTED = "it is a protected group that Provisor never changes"
_ALREADY = "already a member"
_NOT_A_MEMBER = "not a member of"
#: Refusals of a change whose reason Provisor looks up. Which status a non-member or an identity-provider group gets is
#: [assumed].
_LOOKED_INTO = frozenset({400, 403, 404})

#: An unknown id gives an empty list [spec]; a text that cannot be an id may be refused [assumed].
_NO_SUCH_GROUP = frozenset({400, 404})

_AT_THE_PROVIDER = "A person must do it in the identity provider that fills this group."
_MAYBE_AT_THE_PROVIDER = (
    "If an identity provider fills the group, a person must do it there; if the group gives a licence, free a seat; "
    "otherwise check that Provisor's account is a site administrator."
)


def is_system_group(name: str) -> bool:
    """Whether it is one of Jira's system groups or a group of Jira's apps."""
    name = loose_name(name)
    return name in SYSTEM_GROUPS or name.startswith(_SYSTEM_PREFIX)


class Groups:
    """Finds groups, and reads and changes who is in them, always by ``groupId``.

    ``protected`` are names and ids of groups that Provisor never changes, besides Jira's system groups.
    """

    def __init__(
        self, client: HttpClient, accounts: Accounts, protected: Collection[str], is_external: IsExternal
    ) -> None:
        self._client = client
        self._accounts = accounts
        self._protected = frozenset(map(loose_name, protected))
        self._is_external = is_external

    def find(self, name_or_id: str) -> Entitlement | NoMatch:
        """The membership of the one group of this id or name; ``by_person`` for protected and external groups."""
        found = self._by_id(name_or_id, at_most_old=FACTS_AT_MOST_OLD) if is_group_id(name_or_id) else []
        found = found or self._by_name(name_or_id)
        if len(found) == 1:
            return self._entitlement(found[0])
        wanted = f"The Jira group '{name_or_id}'"
        if found:
            return NoMatch(wanted, tuple(f"{group.name} ({group.groupId})" for group in found), several=True)
        return NoMatch(wanted, self._near(name_or_id))

    def held(self, account_id: str) -> list[Group] | None:
        """The groups an account is in (``GET /user/groups``, not paged [spec]), None when there is no such account."""
        answer = self._client.get(_MEMBER_OF, params={"accountId": account_id}, expects={400, 404})
        if answer.status == HTTPStatus.OK:
            return answer.read_as(list[Group], what="a user's groups")
        if self._accounts.by_id(account_id) is None:
            return None
        what = f"list the groups of account {account_id}"
        raise refusal(answer, what, remedy="Check the permissions of Provisor's account.")

    def observe(self, group_id: str, account_id: str) -> Observation:
        """Whether the account is in the group, from the account's own groups."""
        held = self.held(account_id)
        if held is None:
            evidence = f"Jira has no account {account_id}."
            return Observation(present=False, evidence=evidence, missing=f"account {account_id}")
        name = next((group.name for group in held if group.groupId == group_id), None)
        lists = f"does not list group {group_id}" if name is None else f"lists {name}"
        evidence = f"Jira {lists} among the {len(held)} groups of account {account_id}."
        return Observation(present=name is not None, evidence=evidence)

    def why_by_person(self, group_id: str) -> str | None:
        """Why only a person changes the group, from its name and owner now; None when the API can, or there is no such group.

        Without an organization's key only Jira's refusal tells that an identity provider fills the group.
        """
        found = self._by_id(group_id)
        return self._by_person(found[0] if found else Group(name=group_id, groupId=group_id))

    def has_another(self, group_id: str, but: Collection[str]) -> bool:
        """Whether a person is an active member, and could do what the group lets its members do, ``but`` for these accounts."""
        params: Params = {"groupId": group_id, "includeInactiveUsers": "false", "maxResults": _MEMBERS_A_PAGE}
        start = 0
        for _ in range(_MOST_PAGES):
            answer = self._client.get(_MEMBERS, params={**params, "startAt": start}, expects={404})
            if answer.status == HTTPStatus.NOT_FOUND:
                return False
            page = answer.read_as(PageBean[ListedUser], what="members of a group")
            if any(user.usable and user.is_person and user.accountId not in but for user in page.values):
                return True
            if page.ends(start):
                return False
            start += len(page.values)
        return True

    def give(self, group_id: str, account_id: str) -> None:
        """Add the account: 201, or 400 with ``already a member`` [observed], which is success too."""
        call = Call(
            method="POST",
            route=_MEMBER,
            params={"groupId": group_id},
            body={"accountId": account_id},
            expects=_LOOKED_INTO,
        )
        answer = self._client.send(call)
        if answer.status not in _LOOKED_INTO or _ALREADY in answer.said.lower():
            return
        if not self.observe(group_id, account_id).present:
            raise self._why_not(answer, f"add account {account_id} to group {group_id}", group_id, account_id)

    def take(self, group_id: str, account_id: str) -> None:
        """Remove the account: 200; 400 or 404 for a non-member [assumed], which the text tells, else a read.

        Raises ``Unseen`` when the group cannot be seen: then no list of groups can show it.
        """
        params = {"groupId": group_id, "accountId": account_id}
        answer = self._client.send(Call(method="DELETE", route=_MEMBER, params=params, expects=_LOOKED_INTO))
        if answer.status not in _LOOKED_INTO or _NOT_A_MEMBER in answer.said.lower():
            return
        if self.observe(group_id, account_id).present:
            raise self._why_not(answer, f"take account {account_id} out of group {group_id}", group_id, account_id)
        if not self._by_id(group_id):
            raise answer.failure(Unseen, f"Jira shows no group {group_id}.")

    def _why_not(self, answer: Response, what: str, group_id: str, account_id: str) -> Failure:
        if self._is_external(group_id):
            return refusal(answer, what, remedy=_AT_THE_PROVIDER)
        if answer.status != HTTPStatus.NOT_FOUND:
            return refusal(answer, what, remedy=_MAYBE_AT_THE_PROVIDER)
        if not self._by_id(group_id):
            return gone(answer, f"group {group_id}")
        if self._accounts.by_id(account_id) is None:
            return gone(answer, f"account {account_id}")
        return disagreement(answer, what)

    def _by_id(self, group_id: str, *, at_most_old: timedelta | None = None) -> list[Group]:
        wanted = group_id.lower()
        return [group for group in self._bulk({"groupId": wanted}, at_most_old) if group.groupId.lower() == wanted]

    def _by_name(self, name: str) -> list[Group]:
        exact = [group for group in self._bulk({"groupName": name}, FACTS_AT_MOST_OLD) if group.name == name]
        if exact:
            return exact
        pages = [self._picked(spelled) for spelled in spellings(name)]
        if any(page.total > len(page.groups) for page in pages):
            return named(name, self._every(), lambda group: group.name)
        picked = {
            group.groupId: Group(name=group.name, groupId=group.groupId)
            for page in pages
            for group in page.groups
            if group.groupId
        }
        return named(name, picked.values(), lambda group: group.name)

    def _bulk(self, which: dict[str, str], at_most_old: timedelta | None) -> list[Group]:
        params: Params = {**which, "maxResults": 50}
        answer = self._client.get(_GROUPS, params=params, expects=_NO_SUCH_GROUP, at_most_old=at_most_old)
        return [] if answer.status in _NO_SUCH_GROUP else answer.read_as(PageBean[Group], what="groups").values

    def _every(self) -> list[Group]:
        """All groups: the picker shows only some of those that it finds, and another may have the name too."""
        found: dict[str, Group] = {}
        start = 0
        for _ in range(_MOST_PAGES):
            answer = self._client.get(_GROUPS, params={"startAt": start, "maxResults": _GROUPS_A_PAGE})
            page = answer.read_as(PageBean[Group], what="groups")
            found |= {group.groupId: group for group in page.values}
            if page.ends(start):
                return list(found.values())
            start += len(page.values)
        raise Transient("Jira's list of groups did not end.", remedy="Report it: the service ignores paging.")

    def _picked(self, query: str) -> PickedGroups:
        params: Params = {"query": query, "caseInsensitive": "true", "maxResults": 50}
        return self._client.get(_PICKER, params=params).read_as(PickedGroups, what="groups")

    def _near(self, name: str) -> tuple[str, ...]:
        names = {group.name: group for group in self._picked(name.strip()[:3]).groups}
        close = get_close_matches(name, list(names), n=5)
        return tuple(f"{near} ({names[near].groupId})" for near in close)

    def _entitlement(self, group: Group) -> Entitlement:
        def ref(part: str) -> EntitlementRef:
            return EntitlementRef(system=System.JIRA, kind=ResourceKind.GROUP, path=(part,))

        return Entitlement(
            ref=ref(group.groupId),
            named=ref(group.name),
            title=f"Jira group {group.name}",
            by_person=self._by_person(group),
        )

    def _is_protected(self, group: Group) -> bool:
        name_and_id = {loose_name(group.name), loose_name(group.groupId)}
        return is_system_group(group.name) or bool(name_and_id & self._protected)

    def _by_person(self, group: Group) -> str | None:
        if self._is_protected(group):
            return _PROTECTED
        if self._is_external(group.groupId):
            return FILLED
        return None
