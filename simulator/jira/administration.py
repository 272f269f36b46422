from __future__ import annotations

from random import Random
from uuid import UUID

from simulator.jira.directory import Directory
from simulator.jira.journal import Journal, Named
from simulator.jira.people import Group, User
from simulator.jira.site import Site
from simulator.jira.switches import Switches

ACCOUNT_PREFIX = "712020:"


class Administration:
    """What administrators do to people and groups, by whichever API or by hand, noted in the journal.

    `actor` is the account id of who does it, or `""` for the system. Rules of an API (who may, duplicates) are the
    API's own; these methods only do.
    """

    def __init__(self, directory: Directory, journal: Journal, site: Site, random: Random) -> None:
        self.directory = directory
        self.journal = journal
        self.site = site
        self._random = random

    def fresh_uuid(self) -> str:
        """Return the next UUID of the repeatable sequence that names no group or account yet."""
        while True:
            made = str(UUID(int=self._random.getrandbits(128), version=4))
            if made not in self.directory.groups and f"{ACCOUNT_PREFIX}{made}" not in self.directory.users:
                return made

    def create_user(self, email: str, *, now: float, switches: Switches, actor: str = "") -> User:
        """Invite an address that no account has yet."""
        user = User(
            account_id=f"{ACCOUNT_PREFIX}{self.fresh_uuid()}",
            email=email,
            display_name=email if switches.invitee_name == "address" else email.partition("@")[0],
            added=now,
            found_from=now + switches.new_user_lag_ms / 1000,
            searched_from=now + switches.user_search_lag_ms / 1000 if switches.user_search_lag_ms else 0.0,
        )
        self.directory.add_user(user)
        self.directory.searched_later(user)
        self.journal.note("user_created", named_user(user), actor=actor)
        return user

    def access_groups(self, applications: list[str]) -> list[Group]:
        """Return the default-access group of each application, made when the site has none."""
        groups = []
        for application in applications:
            name = f"{application}-users-{self.site.name}"
            group = self.directory.group_by_name(name)
            if group is None:
                group = Group(self.fresh_uuid(), name, access_type="user", grants=[application])
                self.directory.add_group(group)
            groups.append(group)
        return groups

    def has_access(self, user: User) -> bool:
        """Return whether the account may use an application of the site."""
        groups = self.directory.groups
        return user.active and any(groups[each].grants for each in self.directory.group_ids_of(user.account_id))

    def invite_back(self, user: User, *, actor: str = "") -> None:
        """Let an account into the site again, without its former groups."""
        if user.membership_status != "active":
            user.membership_status = "active"
            self.directory.status_changed(user)
            self.journal.note("user_invited", named_user(user), actor=actor)

    def create_group(self, name: str, description: str = "", *, actor: str = "") -> Group:
        """Make a group."""
        group = self.directory.add_group(Group(self.fresh_uuid(), name, description))
        self.journal.note("group_created", named_group(group), actor=actor)
        return group

    def delete_group(self, group: Group, *, actor: str = "") -> None:
        """Delete a group with its memberships."""
        self.directory.remove_group(group)
        self.journal.note("group_deleted", named_group(group), actor=actor)

    def add_member(self, group: Group, user: User, *, actor: str = "") -> None:
        """Add to a group; nothing happens when the user is in it."""
        if not self.directory.is_member(group, user.account_id):
            self.directory.add_member(group, user.account_id)
            self.journal.note("group_member_added", named_user(user), actor=actor, target=named_group(group))

    def remove_member(self, group: Group, user: User, *, actor: str = "") -> None:
        """Take out of a group; nothing happens when the user is not in it."""
        if self.directory.is_member(group, user.account_id):
            self.directory.remove_member(group, user.account_id)
            self.journal.note("group_member_removed", named_user(user), actor=actor, target=named_group(group))

    def set_account_status(self, user: User, status: str, *, actor: str = "") -> None:
        """Make the account `active`, `inactive` (deactivated) or `closed` (deleted)."""
        about = named_user(user)
        if status == "closed":
            self.directory.close(user)
        else:
            user.account_status = "active" if status == "active" else "inactive"
            self.directory.status_changed(user)
        self.journal.note(f"account_{status}", about, actor=actor)

    def set_membership_status(self, user: User, status: str, *, actor: str = "") -> None:
        """Make the membership in the directory `active` or `suspended`."""
        user.membership_status = "active" if status == "active" else "suspended"
        self.directory.status_changed(user)
        self.journal.note(f"user_{'restored' if status == 'active' else 'suspended'}", named_user(user), actor=actor)

    def remove_user(self, user: User, *, seen_from: float = 0.0, actor: str = "") -> None:
        """Take an account out of the site or directory; its groups go, the Atlassian account stays."""
        for group_id in list(self.directory.group_ids_of(user.account_id)):
            self.directory.remove_member(self.directory.groups[group_id], user.account_id)
        user.membership_status, user.removal_seen_from = "no_membership", seen_from
        self.directory.status_changed(user)
        self.journal.note("user_removed", named_user(user), actor=actor)


def named_user(user: User) -> Named:
    """Return a user as the journal names it."""
    return Named("USER", user.account_id, user.display_name)


def named_group(group: Group) -> Named:
    """Return a group as the journal names it."""
    return Named("GROUP", group.id, group.name)
