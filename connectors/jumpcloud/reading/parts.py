"""The parts of a JumpCloud snapshot, and the parts that a change touches.

A part's name also tells the method of reading, so that a run never keeps what another method read for the last snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator

from access.entitlements import ResourceKind
from connectors.jumpcloud.reading.change_events import Changes
from connectors.jumpcloud.reading.method_choice import MembershipMethod
from connectors.reading import Catalogue, Part

USERS = "users"
#: Users and their groups in one pass, by the search.
USERS_AND_MEMBERSHIPS = "users+memberships"
ADMINS = "admins"
GROUPS = "groups"
APPLICATIONS = "applications"
#: All memberships, by the report.
MEMBERSHIPS = "memberships"
#: Followed by a group's id: its members.
MEMBERS = "members/"
#: The same for a group with a rule: its members change with users, and no event tells [assumed].
MEMBERS_BY_RULE = "members-by-rule/"
#: Followed by an application's id: the groups or the users bound to it.
APP_GROUPS = "app-groups/"
APP_USERS = "app-users/"
#: Followed by a group's id: the applications bound to it.
GROUP_APPS = "group-apps/"


def lists(method: MembershipMethod) -> list[Part]:
    """The parts of the first stage."""
    users = USERS_AND_MEMBERSHIPS if method is MembershipMethod.SEARCH else USERS
    return [Part(users, large=True), Part(ADMINS), Part(GROUPS, large=True), Part(APPLICATIONS, large=True)]


def members(catalogue: Catalogue) -> Iterator[Part]:
    """A part for each group."""
    for group in catalogue.resources(ResourceKind.GROUP):
        kind = MEMBERS_BY_RULE if group.attributes.get("follows_a_rule") else MEMBERS
        yield Part(f"{kind}{group.id}", {"group": group.id})


def bindings(catalogue: Catalogue) -> Iterator[Part]:
    """The bindings of applications to groups, from the side with fewer lists, and those to single users."""
    by_group = catalogue.count(ResourceKind.GROUP) < catalogue.count(ResourceKind.APPLICATION)
    if by_group:
        for group in catalogue.resources(ResourceKind.GROUP):
            yield Part(f"{GROUP_APPS}{group.id}", {"group": group.id})
    for application in catalogue.resources(ResourceKind.APPLICATION):
        about = {"application": application.id}
        if not by_group:
            yield Part(f"{APP_GROUPS}{application.id}", about)
        yield Part(f"{APP_USERS}{application.id}", about)


def touched(changes: Changes, method: MembershipMethod) -> list[str]:
    """The names of the parts to read again."""
    whole = (
        (changes.users, USERS),
        (changes.users, MEMBERS_BY_RULE),
        (changes.memberships and method is MembershipMethod.SEARCH, USERS_AND_MEMBERSHIPS),
        (changes.memberships and method is MembershipMethod.REPORT, MEMBERSHIPS),
        (changes.admins, ADMINS),
        (changes.groups, GROUPS),
        (changes.applications, APPLICATIONS),
    )
    single = (
        (MEMBERS, changes.members),
        (MEMBERS_BY_RULE, changes.members),
        (APP_GROUPS, changes.app_groups),
        (GROUP_APPS, changes.group_apps),
        (APP_USERS, changes.app_users),
    )
    names = [name for changed, name in whole if changed]
    return names + [f"{kind}{key}" for kind, keys in single for key in sorted(keys)]
