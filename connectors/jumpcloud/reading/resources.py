"""Groups and applications as rows of a snapshot."""

from __future__ import annotations

from typing import Any

from access.entitlements import ResourceKind
from connectors.jumpcloud.reading.json_values import Record, record, text
from connectors.jumpcloud.reading.people import known_id
from connectors.reading import GrantRow, PrincipalKind, ResourceRow

#: The fields asked for; never ``config``, which may hold certificates and keys [observed].
APPLICATION_FIELDS = "name displayName displayLabel active ssoUrl sso"


def group_row(group: Record, *, console: str) -> ResourceRow:
    """A user group. A missing or null method counts as NOTSET, which is a static group [assumed]."""
    key = known_id(group, "group")
    method = (text(group, "membershipMethod") or "NOTSET").upper()
    attributes: dict[str, Any] = {"membership_method": method, "follows_a_rule": method.startswith("DYNAMIC")}
    for name in ("description", "email"):
        if value := text(group, name):
            attributes[name] = value
    # [observed: JumpCloud's own documentation of its RADIUS tool]
    url = f"{console}/#/groups/user/{key}/details"
    return ResourceRow(ResourceKind.GROUP, key, text(group, "name") or key, url=url, attributes=attributes)


def application_row(application: Record) -> ResourceRow:
    """An application under the label the administrator chose."""
    key = known_id(application, "application")
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
    """A user, or everybody in a group, has an application."""
    return GrantRow(ResourceKind.APPLICATION, application, through, holder)
