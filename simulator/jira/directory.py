from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence

from simulator.folding import ascii_lower
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
        self._searched_later: list[str] = []
        self._active_members: dict[str, list[str]] = {}

    def __repr__(self) -> str:
        return f"<Directory {len(self.users)} users, {len(self.groups)} groups>"

    def add_user(self, user: User) -> User:
        """Add an account; raises ValueError when its id or its address is taken."""
        if user.account_id in self.users:
            raise ValueError(f"There is an account {user.account_id!r} already.")
        self._check_free(user.email, user.account_id)
        self.user_ids.append(user.account_id)
        self.users[user.account_id] = user
        self.names.added(user)
        self._index_email(user)
        return user

    def replace_user(self, user: User) -> User:
        """Put an account in the place of the one with the same id; raises ValueError when its address is taken."""
        self._check_free(user.email, user.account_id)
        self._by_email.pop(ascii_lower(self.users[user.account_id].email), None)
        self.users[user.account_id] = user
        self.names.clear()
        self._index_email(user)
        self.status_changed(user)
        return user

    def _check_free(self, email: str, account_id: str) -> None:
        holder = self.user_by_email(email) if email else None
        if holder is not None and holder.account_id != account_id:
            raise ValueError(f"The address {email} belongs to the account {holder.account_id!r}.")

    def _index_email(self, user: User) -> None:
        if user.email:
            self._by_email[ascii_lower(user.email)] = user.account_id

    def user_by_email(self, email: str) -> User | None:
        """Find by address whatever its ASCII case, hidden or not; the truth, for the simulators' own use."""
        account_id = self._by_email.get(ascii_lower(email))
        return None if account_id is None else self.users[account_id]

    def status_changed(self, user: User) -> None:
        """Drop what was remembered about who is active in the user's groups."""
        for group_id in self._groups_of.get(user.account_id, NO_GROUPS):
            self._active_members.pop(group_id, None)

    def close(self, user: User) -> None:
        """Blank an account as its deletion does; the id stays."""
        self._by_email.pop(ascii_lower(user.email), None)
        user.email, user.display_name, user.account_status = "", self._switches.former_user_name, "closed"
        self.names.clear()
        self.status_changed(user)

    def change_profile(self, user: User, *, name: str | None = None, email: str | None = None) -> None:
        """Change the name or address of an account; raises ValueError when the address is another's."""
        self.searched_later(user)
        if email is not None:
            self._check_free(email, user.account_id)
            self._by_email.pop(ascii_lower(user.email), None)
            user.email = email
            self._index_email(user)
        user.display_name = name or user.display_name
        self.names.clear()

    def searched_later(self, user: User) -> None:
        """Let user search go on with the present name and address of an account until its lag is over."""
        lag, now = self._switches.user_search_lag_ms, self._now()
        if lag and user.searched_from <= now:
            user.searched_as = (user.display_name, user.email)
        if lag:
            user.searched_from = now + lag / 1000
            self._searched_later.append(user.account_id)

    def search_lags(self) -> list[User]:
        """Return the accounts that user search still knows under what they were before."""
        now = self._now()
        self._searched_later = [each for each in self._searched_later if self.users[each].searched_from > now]
        return [self.users[each] for each in dict.fromkeys(self._searched_later)]

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
