"""Groups and applications as rows of a snapshot."""

from __future__ import annotations

from typing import Any

from access.entitlements import ResourceKind
from connectors.jumpcloud.groups import group_link
from connectors.jumpcloud.reading.account_rows import required_id
from connectors.jumpcloud.reading.json_fields import Record, record, text
from connectors.reading import GrantRow, PrincipalKind, ResourceRow

#: The fields that the reader asks for; never ``config``, which may hold certificates and keys [observed].
APPLICATION_FIELDS = "name displayName displayLabel active ssoUrl sso"


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


def application_grant(application: str, holder: str, *, through: PrincipalKind) -> GrantRow:
    """A user has an application, or a group has it for all its members."""
    return GrantRow(ResourceKind.APPLICATION, application, through, holder)
