from __future__ import annotations

from typing import Any

from starlette.responses import Response

from simulator.jira.api.call import Call
from simulator.jira.api.operation import Operation
from simulator.jira.api.responses import answer, empty, refuse
from simulator.jira.jql.parser import parse
from simulator.jira.jql.syntax import JqlError
from simulator.jira.webhooks import Webhook

SECTION = "issue-related-events-section"
NOT_AN_APP = "Only Connect and OAuth 2.0 apps can use this operation."
EVENTS = frozenset(
    [
        "jira:issue_created",
        "jira:issue_updated",
        "jira:issue_deleted",
        "comment_created",
        "comment_updated",
        "comment_deleted",
        "issuelink_created",
        "issuelink_deleted",
        "user_created",
        "user_updated",
        "user_deleted",
        "project_created",
        "project_updated",
        "project_deleted",
        "attachment_created",
        "attachment_deleted",
        "worklog_created",
        "worklog_updated",
        "worklog_deleted",
    ]
)


def listing(call: Call) -> Response:
    """Return the registered webhooks, without their secrets."""
    _require_admin(call)
    return answer([_document(call, each) for each in call.world.webhooks.by_id.values()])


def register(call: Call) -> Response:
    """Register a webhook."""
    _require_admin(call)
    webhook = call.world.webhooks.register(**_read(call), updated=call.world.now())
    return answer(_document(call, webhook), 201)


def one(call: Call) -> Response:
    """Return one webhook."""
    _require_admin(call)
    return answer(_document(call, _the_webhook(call)))


def change(call: Call) -> Response:
    """Change a webhook; without a secret the old one stays."""
    _require_admin(call)
    webhook = _the_webhook(call)
    for name, value in _read(call).items():
        if name != "secret" or value is not None:
            setattr(webhook, name, value)
    webhook.updated = call.world.now()
    return answer(_document(call, webhook))


def delete(call: Call) -> Response:
    """Delete a webhook."""
    _require_admin(call)
    del call.world.webhooks.by_id[_the_webhook(call).id]
    return empty()


def _require_admin(call: Call) -> None:
    call.require("ADMINISTER", "You do not have permission to administer webhooks.")


def _the_webhook(call: Call) -> Webhook:
    number = call.path("webhook")
    webhook = call.world.webhooks.by_id.get(int(number)) if number.isdigit() else None
    if webhook is None:
        raise refuse(404, f"No webhook with id {number} exists.")
    return webhook


def _read(call: Call) -> dict[str, Any]:
    body = call.members()
    url, events = body.get("url"), body.get("events", [])
    if not isinstance(body.get("name"), str) or not body["name"]:
        raise refuse(400, "The webhook needs a name.")
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):
        raise refuse(400, "The webhook needs an absolute URL.")
    if not isinstance(events, list) or not set(events) <= EVENTS:
        raise refuse(400, "The webhook names an unknown event.")
    jql = (body.get("filters") or {}).get(SECTION, "")
    if jql:
        try:
            parse(jql)
        except JqlError as error:
            raise refuse(400, str(error)) from error
    return {
        "name": body["name"],
        "url": url,
        "events": events,
        "jql": jql,
        "secret": body.get("secret"),
        "enabled": body.get("enabled", True),
        "exclude_body": body.get("excludeBody", False),
    }


def _document(call: Call, each: Webhook) -> dict[str, Any]:
    return {
        "name": each.name,
        "url": each.url,
        "excludeBody": each.exclude_body,
        "filters": {SECTION: each.jql},
        "events": each.events,
        "enabled": each.enabled,
        "self": f"{call.base}/rest/webhooks/1.0/webhook/{each.id}",
        "lastUpdated": int(each.updated * 1000),
        "isSigned": each.secret is not None,
    }


def for_apps(_: Call) -> Response:
    """Refuse: dynamic webhooks are for apps, not for tokens of people."""
    raise refuse(403, NOT_AN_APP)


AT = "/rest/webhooks/1.0/webhook"
MANAGE = "manage:jira-configuration"
DYNAMIC = "manage:jira-webhook read:jira-work"
OPERATIONS = (
    Operation("GET", AT, listing, MANAGE, root=True),
    Operation("POST", AT, register, MANAGE, root=True),
    Operation("GET", f"{AT}/{{webhook}}", one, MANAGE, root=True),
    Operation("PUT", f"{AT}/{{webhook}}", change, MANAGE, root=True),
    Operation("DELETE", f"{AT}/{{webhook}}", delete, MANAGE, root=True),
    Operation("GET", "/webhook", for_apps, DYNAMIC, "read:jql read:webhook"),
    Operation("POST", "/webhook", for_apps, DYNAMIC, "read:field read:project write:webhook"),
    Operation("DELETE", "/webhook", for_apps, DYNAMIC, "delete:webhook"),
    Operation("PUT", "/webhook/refresh", for_apps, DYNAMIC, "read:webhook write:webhook"),
    Operation("GET", "/webhook/failed", for_apps, DYNAMIC, "read:webhook"),
)
