"""Asynchronous reports: ordered, made after a while, fetched as CSV or JSON."""

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from simulator.jumpcloud import documents
from simulator.jumpcloud.journal import timestamp
from simulator.jumpcloud.records import Actor, Group, Report, User
from simulator.jumpcloud.world import World

Row = dict[str, Any]

TYPES = (
    "browser-patch-policy",
    "os-patch-policy",
    "users-to-devices",
    "users-to-directories",
    "users-to-ldap-servers",
    "users-to-radius-servers",
    "users-to-sso-applications",
    "users-to-user-groups",
    "user-account-health",
)
_KEPT_SECONDS = 7 * 86_400
_ALIASES = {"user_object_id": "user_id", "user_group_object_id": "group_id"}


def artifacts(report: Report) -> list[dict[str, str]]:
    """Return the two forms of a finished report."""
    if report.status != "COMPLETED":
        return []
    return [{"id": f"{report.id}-csv", "format": "CSV"}, {"id": f"{report.id}-json", "format": "JSON"}]


def report_document(report: Report) -> dict[str, Any]:
    """Return the report as the service shows it."""
    return {
        "id": report.id,
        "type": report.type,
        "status": report.status,
        "artifacts": artifacts(report),
        "created_at": timestamp(report.ordered_at),
        "updated_at": timestamp(report.done_at if report.rows is not None else report.ordered_at),
        "expiration": timestamp(report.ordered_at + _KEPT_SECONDS),
        "requester_id": report.requester.id,
        "requester_email": report.requester.email,
        "parameters": [],
    }


def order(world: World, by: Actor, kind: str) -> Report:
    """Order a report."""
    now = world.clock()
    report = Report(world.ids.next(), kind, now, now + world.switches.report_delay_ms / 1000, by)
    world.reports[report.id] = report
    return report


def advance(world: World, report: Report) -> None:
    """Bring a report to where it ought to be by now."""
    now = world.clock()
    if report.status not in {"PENDING", "IN_PROGRESS"}:
        return
    if now < report.done_at or world.switches.report_outcome == "stuck":
        half = (report.ordered_at + report.done_at) / 2
        report.status = "IN_PROGRESS" if now >= half else "PENDING"
    elif world.switches.report_outcome == "failed":
        report.status = "FAILED"
    else:
        report.status = "COMPLETED"
        report.rows = list(_ROWS.get(report.type, _no_rows)(world))


def as_csv(report: Report) -> str:
    """Return a finished report as CSV with a header line."""
    rows = report.rows or []
    out = io.StringIO()
    writer = csv.DictWriter(out, fieldnames=list(rows[0]) if rows else [])
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def as_json(report: Report) -> str:
    """Return a finished report as a JSON array."""
    return json.dumps(report.rows or [])


def _memberships(world: World) -> Iterator[Row]:
    """Return one row for each membership, and one for each user without a group and each group without a user."""
    for user in world.users:
        groups = [group for ident in world.members.lefts(user.id) if (group := world.groups.get(ident))]
        for group in groups:
            yield _row(world, user, group)
        if not groups:
            yield _row(world, user, None)
    for group in world.groups:
        if group.kind == "user_group" and not world.members.rights(group.id):
            yield _row(world, None, group)


def _row(world: World, user: User | None, group: Group | None) -> Row:
    row: Row = {"username": "no users", "email": "", "user_group_name": group.name if group else "no user group"}
    row |= dict.fromkeys(
        ("user_created_at", "user_state", "account_locked", "password_expired", "password_expiration_date"), ""
    )
    if user is not None:
        row |= {
            "username": user.username,
            "email": user.email,
            "user_created_at": timestamp(user.created / 1000),
            "user_state": user.state,
            "account_locked": documents.user_value(user, "account_locked"),
            "password_expired": documents.user_value(user, "password_expired"),
        }
    if world.switches.report_columns != "without_ids":
        ids = {
            "user_object_id": user.id if user else "",
            "user_group_object_id": group.id if group else "",
        }
        if world.switches.report_columns == "aliases":
            ids = {_ALIASES[name]: value for name, value in ids.items()}
        row |= ids
    return row


def _application_users(world: World) -> Iterator[Row]:
    for application in world.applications:
        direct = [(user_id, "direct") for user_id in world.app_users.rights(application.id)]
        through = [
            (user_id, "group")
            for group_id in world.app_groups.rights(application.id)
            for user_id in world.members.rights(group_id)
        ]
        for user_id, how in [*direct, *through]:
            if user := world.users.get(user_id):
                yield {
                    "username": user.username,
                    "email": user.email,
                    "application_name": application.display_label,
                    "user_state": user.state,
                    "association_type": how,
                    "association_timestamp": "",
                    "last_login_timestamp": "",
                }


def _account_health(world: World) -> Iterator[Row]:
    for user in world.users:
        yield {
            "username": user.username,
            "email": user.email,
            "user_state": user.state,
            "account_locked": documents.user_value(user, "account_locked"),
            "password_expired": documents.user_value(user, "password_expired"),
        }


def _no_rows(_: World) -> Iterator[Row]:
    return iter(())


_ROWS = {
    "users-to-user-groups": _memberships,
    "users-to-sso-applications": _application_users,
    "user-account-health": _account_health,
}
