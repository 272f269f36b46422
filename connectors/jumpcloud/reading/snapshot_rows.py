"""Rows of a snapshot, made of JumpCloud's answers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from access.entitlements import ResourceKind
from access.text import loose_name
from connectors.jumpcloud.groups import group_link
from connectors.jumpcloud.reading.json_fields import Record, object_id, record, records, text, texts, timestamp
from connectors.reading import (
    AccountKind,
    AccountRow,
    AccountStatus,
    GrantRow,
    Incomplete,
    PrincipalKind,
    ResourceRow,
    Row,
)

#: The fields of a profile that a snapshot keeps: their names in JumpCloud [spec] and in the snapshot.
_PROFILE = {
    "firstname": "first_name",
    "middlename": "middle_name",
    "lastname": "last_name",
    "displayname": "display_name",
    "alternateEmail": "alternate_email",
    "managedAppleId": "managed_apple_id",
    "department": "department",
    "jobTitle": "job_title",
    "company": "company",
    "costCenter": "cost_center",
    "location": "location",
    "employeeType": "employee_type",
    "employeeIdentifier": "employee_id",
    "description": "description",
    "manager": "manager",
    "state": "state",
}

#: The fields that the reader asks for, space-separated in v1 [spec]; ids always come.
USER_FIELDS = " ".join(
    [*_PROFILE, "username", "email", "suspended", "account_locked", "created", "attributes", "mfa", "admin"]
)

#: The fields of an application; never ``config``, which may hold certificates and keys [observed].
APPLICATION_FIELDS = "name displayName displayLabel active ssoUrl sso"

#: Administrators choose the names of custom attributes; a snapshot leaves out names that suggest a secret.
_SECRET = re.compile(r"pass|pwd|secret|token|key|credential|\bpin\b|ssn", re.IGNORECASE)

#: Built-in roles that JumpCloud spells with "With" or "with" [docs][observed].
_BUILT_IN = ("Administrator With Billing", "Command Runner With Billing")


def user_row(user: Record) -> AccountRow:
    """A user with status and profile."""
    key = required_id(user, "user")
    email = text(user, "email")
    return AccountRow(
        id=key,
        kind=AccountKind.USER,
        title=text(user, "displayname") or _names(user) or text(user, "username") or email or key,
        status=_status(user),
        username=text(user, "username"),
        email=email,
        email_source="profile" if email else None,
        created_at=timestamp(user, "created"),
        attributes=_attributes(user),
    )


def membership_rows(user: Record) -> Iterator[GrantRow]:
    """The groups of a user in a search. Raises ``Incomplete`` when the search does not tell them."""
    groups = groups_of(user)
    if groups is None:
        raise Incomplete(
            "JumpCloud's search did not say for every user which groups they are in. "
            "Set the method of reading to 'listing'."
        )
    for group in groups:
        yield member_row(group, required_id(user, "user"))


def groups_of(user: Record) -> list[str] | None:
    """The ids of a user's groups in a search, each once; None when the search does not tell them."""
    groups = user.get("memberof")
    if not isinstance(groups, list) or not all(isinstance(group, str) for group in groups):
        return None
    return list(dict.fromkeys(groups))


def member_row(group: str, user: str) -> GrantRow:
    """A user is in a group."""
    return GrantRow(ResourceKind.GROUP, group, PrincipalKind.ACCOUNT, user)


class Roles:
    """The administrators' roles: those of the list, and those that only an administrator names."""

    def __init__(self) -> None:
        self._by_id: dict[str, str] = {}
        self._by_name: dict[str, str] = {}

    def listed(self, role: Record) -> ResourceRow:
        """A role of the list."""
        return self._add(required_id(role, "role"), text(role, "name"), text(role, "description"))

    def admin_rows(self, admin: Record) -> Iterator[Row]:
        """An administrator, an account apart from a user with the same address, and the roles of that account."""
        key = required_id(admin, "administrator")
        yield admin_row(admin)
        held: set[str] = set()
        for role, name in _held(admin):
            known = role if role in self._by_id else self._by_name.get(loose_name(name or ""))
            if known is None:
                known = role or f"name:{loose_name(name or '')}"
                yield self._add(known, name, None)
            if known not in held:
                held.add(known)
                yield GrantRow(ResourceKind.ADMIN_ROLE, known, PrincipalKind.ACCOUNT, key)

    def _add(self, key: str, name: str | None, description: str | None) -> ResourceRow:
        spelled = _spelled(name or key)
        self._by_id[key] = spelled
        self._by_name.setdefault(loose_name(spelled), key)
        attributes = {"description": description} if description else {}
        return ResourceRow(ResourceKind.ADMIN_ROLE, key, spelled, attributes=attributes)


def admin_row(admin: Record) -> AccountRow:
    """An administrator's account."""
    key = required_id(admin, "administrator")
    email = text(admin, "email")
    return AccountRow(
        id=key,
        kind=AccountKind.ADMIN,
        title=_names(admin) or email or key,
        status=AccountStatus.SUSPENDED if admin.get("suspended") is True else AccountStatus.ACTIVE,
        email=email,
        email_source="profile" if email else None,
        created_at=timestamp(admin, "created"),
    )


def group_row(group: Record, *, console: str) -> ResourceRow:
    """A user group. A missing or null method counts as NOTSET, a static group [assumed]."""
    key = required_id(group, "group")
    method = (text(group, "membershipMethod") or "NOTSET").upper()
    attributes: dict[str, Any] = {"membership_method": method, "follows_a_rule": method.startswith("DYNAMIC")}
    attributes |= {field: value for field in ("description", "email") if (value := text(group, field))}
    name = text(group, "name") or key
    return ResourceRow(ResourceKind.GROUP, key, name, url=group_link(console, key), attributes=attributes)


def application_row(application: Record) -> ResourceRow:
    """An application under the label that the administrator chose."""
    key = required_id(application, "application")
    name = text(application, "displayLabel") or text(application, "displayName") or text(application, "name") or key
    attributes: dict[str, Any] = {}
    if template := text(application, "name"):
        attributes["template"] = template
    if isinstance(active := application.get("active"), bool):
        attributes["active"] = active
    if kind := text(record(application, "sso"), "type"):
        attributes["sso"] = kind
    return ResourceRow(ResourceKind.APPLICATION, key, name, url=text(application, "ssoUrl"), attributes=attributes)


def application_grant(application: str, holder: str, through: PrincipalKind) -> GrantRow:
    """A user has an application, or a group has it for all its members."""
    return GrantRow(ResourceKind.APPLICATION, application, through, holder)


def required_id(of: Record, what: str) -> str:
    """The id. Raises ``Incomplete`` for a row without one: a list without that row would not be complete."""
    key = object_id(of)
    if key is None:
        raise Incomplete(f"JumpCloud listed a {what} without an id. Report it: the service may have changed.")
    return key


def _names(person: Record) -> str:
    return " ".join(part for part in (text(person, "firstname"), text(person, "lastname")) if part)


def _status(user: Record) -> AccountStatus:
    """The status [observed]; an unknown state counts as suspended."""
    state = (text(user, "state") or "ACTIVATED").upper()
    if user.get("suspended") is True or state not in {"ACTIVATED", "STAGED"}:
        return AccountStatus.SUSPENDED
    if state == "STAGED":
        return AccountStatus.STAGED
    return AccountStatus.LOCKED if user.get("account_locked") is True else AccountStatus.ACTIVE


def _attributes(user: Record) -> dict[str, Any]:
    found: dict[str, Any] = {ours: value for theirs, ours in _PROFILE.items() if (value := text(user, theirs))}
    custom = {
        name: value
        for one in records(user, "attributes")
        if (name := text(one, "name")) and not _SECRET.search(name) and (value := text(one, "value"))
    }
    if custom:
        found["custom"] = custom
    if isinstance(configured := record(user, "mfa").get("configured"), bool):
        found["mfa"] = configured
    if admin := object_id(record(user, "admin")):
        found["admin"] = admin
    return found


def _held(admin: Record) -> Iterator[tuple[str | None, str | None]]:
    """Ids and names of the roles: one of each, and in newer answers [spec] lists of them."""
    ids, names = texts(admin, "roles"), texts(admin, "roleNames")
    held = list(zip(ids, names, strict=True)) if len(ids) == len(names) else [(one, None) for one in ids]
    pairs: list[tuple[str | None, str | None]] = [(text(admin, "role"), text(admin, "roleName"))]
    pairs += [pair for pair in held if pair[0] != pairs[0][0]]
    if not ids:
        pairs += [(None, name) for name in names if _spelled(name) != _spelled(pairs[0][1] or "")]
    return (pair for pair in pairs if pair != (None, None))


def _spelled(name: str) -> str:
    return next((known for known in _BUILT_IN if loose_name(known) == loose_name(name)), name)
