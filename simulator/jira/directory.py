from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence

from simulator.jira.names import NameIndex
from simulator.jira.people import Group, MembershipChange, User
from simulator.jira.switches import Switches

NO_GROUPS: list[str] = []


class Directory:
    """Users, groups and memberships with the indexes that keep each read O(page).

    Writes change the truth at once. Group reads go through `members` and `groups_of`, which hide changes younger than
    `switches.directory_lag_ms`; `is_member` is always the truth.
    """

    def __init__(self, switches: Switches, now: Callable[[], float]) -> None:
        self._switches = switches
        self._now = now
        self.users: dict[str, User] = {}
        self.user_ids: list[str] = []
        self.groups: dict[str, Group] = {}
        self.names = NameIndex(self.users)
        self._by_email: dict[str, str] = {}
        self._by_group_name: dict[str, str] = {}
        self._group_names: list[str] = []
        self._groups_of: dict[str, list[str]] = {}
        self._pending: list[MembershipChange] = []
        self._active_members: dict[str, list[str]] = {}

    def __repr__(self) -> str:
        return f"<Directory {len(self.users)} users, {len(self.groups)} groups>"

    def add_user(self, user: User) -> User:
        """Add or replace an account."""
        old = self.users.get(user.account_id)
        if old is None:
            self.user_ids.append(user.account_id)
            self.names.added(user)
        else:
            self._by_email.pop(old.email.casefold(), None)
            self.names.clear()
        self.users[user.account_id] = user
        if user.email:
            self._by_email[user.email.casefold()] = user.account_id
        return user

    def user_by_email(self, email: str) -> User | None:
        """Find by address whatever its case, hidden or not; the truth, for the simulators' own use."""
        account_id = self._by_email.get(email.casefold())
        return None if account_id is None else self.users[account_id]

    def status_changed(self, user: User) -> None:
        """Drop what was remembered about who is active in the user's groups."""
        for group_id in self._groups_of.get(user.account_id, NO_GROUPS):
            self._active_members.pop(group_id, None)

    def close(self, user: User) -> None:
        """Blank an account as its deletion does; the id stays."""
        self._by_email.pop(user.email.casefold(), None)
        user.email, user.display_name, user.account_status = "", "Former user", "closed"
        self.names.clear()
        self.status_changed(user)

    def change_profile(self, user: User, *, name: str | None = None, email: str | None = None) -> None:
        """Change the name or address of an account."""
        if email is not None:
            self._by_email.pop(user.email.casefold(), None)
            self._by_email[email.casefold()] = user.account_id
            user.email = email
        user.display_name = name or user.display_name
        self.names.clear()

    def add_group(self, group: Group) -> Group:
        """Add a group; `members` may come unsorted."""
        group.members.sort()
        self.groups[group.id] = group
        self._by_group_name[group.name] = group.id
        insort(self._group_names, group.name)
        for account_id in group.members:
            self._groups_of.setdefault(account_id, []).append(group.id)
        return group

    def remove_group(self, group: Group) -> None:
        """Forget a group and its memberships."""
        for account_id in group.members:
            self._groups_of[account_id].remove(group.id)
        self._forget_name(group)
        del self.groups[group.id]
        self._active_members.pop(group.id, None)
        self._pending = [change for change in self._pending if change.group_id != group.id]

    def rename_group(self, group: Group, name: str) -> None:
        """Change the name; the id stays."""
        self._forget_name(group)
        group.name = name
        self._by_group_name[name] = group.id
        insort(self._group_names, name)

    def _forget_name(self, group: Group) -> None:
        del self._by_group_name[group.name]
        del self._group_names[bisect_left(self._group_names, group.name)]

    def group_by_name(self, name: str) -> Group | None:
        """Find a group by its exact name."""
        group_id = self._by_group_name.get(name)
        return None if group_id is None else self.groups[group_id]

    def group_names(self) -> Sequence[str]:
        """Return all names, sorted."""
        return self._group_names

    def groups_in_order(self, start: int = 0, stop: int | None = None) -> Iterator[Group]:
        """Return groups sorted by name."""
        return (self.groups[self._by_group_name[name]] for name in self._group_names[start:stop])

    def is_member(self, group: Group, account_id: str) -> bool:
        """Return the truth about a membership, without lag."""
        return _holds(group.members, account_id)

    def add_member(self, group: Group, account_id: str) -> None:
        """Write a membership that is not there yet."""
        insort(group.members, account_id)
        self._groups_of.setdefault(account_id, []).append(group.id)
        self._changed(group, account_id, added=True)

    def remove_member(self, group: Group, account_id: str) -> None:
        """Take away a membership that is there."""
        del group.members[bisect_left(group.members, account_id)]
        self._groups_of[account_id].remove(group.id)
        self._changed(group, account_id, added=False)

    def _changed(self, group: Group, account_id: str, *, added: bool) -> None:
        self._active_members.pop(group.id, None)
        lag = self._switches.directory_lag_ms
        if lag:
            change = MembershipChange(group.id, account_id, added=added, seen_from=self._now() + lag / 1000)
            self._pending.append(change)

    def members(self, group: Group, *, include_inactive: bool = True) -> Sequence[str]:
        """Return the account ids of the members as group reads show them, sorted."""
        unseen = [change for change in self._unseen() if change.group_id == group.id]
        if unseen:
            return self._as_seen(group, unseen, include_inactive=include_inactive)
        if include_inactive:
            return group.members
        if group.id not in self._active_members:
            self._active_members[group.id] = [each for each in group.members if self.users[each].active]
        return self._active_members[group.id]

    def _as_seen(self, group: Group, unseen: list[MembershipChange], *, include_inactive: bool) -> Sequence[str]:
        seen = list(group.members)
        for change in reversed(unseen):
            if change.added and _holds(seen, change.account_id):
                del seen[bisect_left(seen, change.account_id)]
            elif not change.added and not _holds(seen, change.account_id):
                insort(seen, change.account_id)
        return seen if include_inactive else [each for each in seen if self.users[each].active]

    def groups_of(self, account_id: str) -> list[Group]:
        """Return the groups of an account as reads show them, sorted by name."""
        ids = set(self._groups_of.get(account_id, NO_GROUPS))
        for change in reversed([each for each in self._unseen() if each.account_id == account_id]):
            if change.added:
                ids.discard(change.group_id)
            else:
                ids.add(change.group_id)
        return sorted((self.groups[each] for each in ids), key=lambda group: group.name)

    def group_ids_of(self, account_id: str) -> Sequence[str]:
        """Return the truth about the groups of an account, without lag."""
        return self._groups_of.get(account_id, NO_GROUPS)

    def _unseen(self) -> list[MembershipChange]:
        if self._pending:
            now = self._now()
            self._pending = [change for change in self._pending if change.seen_from > now]
        return self._pending


def _holds(ordered: list[str], wanted: str) -> bool:
    place = bisect_left(ordered, wanted)
    return place < len(ordered) and ordered[place] == wanted
