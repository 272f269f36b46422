from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from uuid import uuid4

from simulator.jira.delivery import Delivery, Post
from simulator.jira.switches import Switches

COMMENT_EVENTS = {"comment_created"}


@dataclass(slots=True)
class Webhook:
    """A webhook that an administrator registered; the secret can be written, never read."""

    id: int
    name: str
    url: str
    events: list[str]
    jql: str = ""
    secret: str | None = None
    enabled: bool = True
    exclude_body: bool = False
    updated: float = 0.0


@dataclass(slots=True)
class Webhooks:
    """Registered webhooks, and what is sent to them."""

    switches: Switches
    delivery: Delivery = field(default_factory=Delivery)
    by_id: dict[int, Webhook] = field(default_factory=dict)

    def register(self, **fields: Any) -> Webhook:
        """Add a webhook."""
        webhook = Webhook(id=max(self.by_id, default=0) + 1, **fields)
        self.by_id[webhook.id] = webhook
        return webhook

    def dump(self) -> list[dict[str, Any]]:
        """Return all webhooks with their secrets."""
        return [asdict(each) for each in self.by_id.values()]

    def load(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Add webhooks as `dump` gives them; without an id they get one."""
        for each in documents:
            if "id" in each:
                self.by_id[each["id"]] = Webhook(**each)
            else:
                self.register(**each)

    def wanting(self, event: str, matches: Callable[[str], bool]) -> list[Webhook]:
        """Return the webhooks that want an event of an issue; `matches` tells whether it meets a JQL filter."""
        if not self.switches.webhooks_on:
            return []
        return [
            each
            for each in self.by_id.values()
            if each.enabled and event in each.events and (not each.jql or matches(each.jql))
        ]

    def send(self, webhook: Webhook, body: Mapping[str, Any]) -> None:
        """Queue a delivery; it leaves from a thread of its own, and is repeated until it is taken."""
        raw = b"" if webhook.exclude_body else json.dumps(body, separators=(",", ":")).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Atlassian Webhook HTTP Client",
            "X-Atlassian-Webhook-Identifier": str(uuid4()),
            "X-Atlassian-Webhook-Flow": self.switches.webhook_flow,
        }
        if webhook.secret is not None:
            digest = hmac.new(webhook.secret.encode(), raw, hashlib.sha256).hexdigest()
            headers["X-Hub-Signature"] = f"sha256={digest}"
        for _ in range(self.switches.webhook_copies):
            self.delivery.put(
                Post(webhook.url, raw, headers),
                delay=self.switches.webhook_delay_ms / 1000,
                pause=self.switches.webhook_retry_ms / 1000,
                any_host=self.switches.webhook_any_host,
            )
