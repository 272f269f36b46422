import hashlib
import hmac
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Empty, Queue
from typing import Any

import pytest
import requests

from simulator.jira.world import ADMIN_ACCOUNT
from tests.simulator.jira_client import Jira, adf

SECRET = "shared"
UNSPECIFIED = "0.0.0.0"  # noqa: S104 -- an address of this machine that is no loopback address


class Receiver:
    """A web server that keeps what it is sent and answers with the next of `statuses`."""

    def __init__(self) -> None:
        self.got: Queue[tuple[dict[str, str], bytes]] = Queue()
        self.statuses: list[int] = []
        keep = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                keep.got.put((dict(self.headers.items()), body))
                self.send_response(keep.statuses.pop(0) if keep.statuses else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"

    def next(self) -> tuple[dict[str, str], dict[str, Any]]:
        headers, body = self.got.get(timeout=300)
        return headers, json.loads(body) if body else {}

    def is_quiet(self) -> bool:
        try:
            self.got.get(timeout=0.1)
        except Empty:
            return True
        return False


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    thread = threading.Thread(target=found.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield found
    found.server.shutdown()
    found.server.server_close()
    thread.join()


def register(jira: Jira, receiver: Receiver, *events: str, **more: Any) -> requests.Response:
    body = {
        "name": "ours",
        "url": receiver.url,
        "events": list(events) or ["jira:issue_updated"],
        "secret": SECRET,
        **more,
    }
    return jira.session.post(f"{jira.site}/rest/webhooks/1.0/webhook", json=body, timeout=300)


def test_the_secret_is_written_and_never_read(jira: Jira, receiver: Receiver) -> None:
    made = register(jira, receiver)
    assert made.status_code == 201
    shown = jira.session.get(made.json()["self"], timeout=300)
    assert SECRET not in shown.text
    assert shown.json()["isSigned"] is True
    assert jira.session.delete(made.json()["self"], timeout=300).status_code == 204
    assert jira.session.get(made.json()["self"], timeout=300).status_code == 404


def test_a_transition_is_told_with_a_signature_over_the_raw_body(jira: Jira, receiver: Receiver) -> None:
    jira.project("ACC")
    key = jira.issue(description=adf("first", "second"))["key"]
    register(jira, receiver)
    jira.act("done", issue=key, by="admin@example.com")
    headers, raw = receiver.got.get(timeout=300)
    digest = hmac.new(SECRET.encode(), raw, hashlib.sha256).hexdigest()
    assert headers["X-Hub-Signature"] == f"sha256={digest}"
    assert (headers["X-Atlassian-Webhook-Flow"], "X-Atlassian-Webhook-Retry" in headers) == ("Primary", False)
    body = json.loads(raw)
    assert (body["webhookEvent"], body["issue_event_type_name"]) == ("jira:issue_updated", "issue_generic")
    assert (body["issue"]["key"], body["user"]["accountId"]) == (key, ADMIN_ACCOUNT)
    assert body["issue"]["fields"]["description"] == "first\n\nsecond"
    assert body["changelog"]["items"][0]["toString"] == "Done"
    assert isinstance(body["timestamp"], int)


def test_only_wanted_events_and_matching_issues_are_told(jira: Jira, receiver: Receiver) -> None:
    jira.project("ACC")
    jira.project("OTHER")
    filters = {"issue-related-events-section": "project = ACC and labels = ours"}
    register(jira, receiver, "jira:issue_created", "jira:issue_deleted", filters=filters)
    jira.issue("OTHER", labels=["ours"])
    jira.issue("ACC")
    key = jira.issue("ACC", labels=["ours"])["key"]
    _, created = receiver.next()
    assert (created["webhookEvent"], created["issue"]["key"], "changelog" in created) == (
        "jira:issue_created",
        key,
        False,
    )
    jira.act("done", issue=key)
    jira.act("delete_issue", issue=key)
    assert receiver.next()[1]["webhookEvent"] == "jira:issue_deleted"


def test_a_comment_is_an_event_and_an_update(jira: Jira, key: str, receiver: Receiver) -> None:
    register(jira, receiver, "comment_created", "jira:issue_updated")
    jira.act("comment", issue=key, text="done *now*")
    assert receiver.next()[1]["comment"]["body"] == "done *now*"
    update = receiver.next()[1]
    assert (update["issue_event_type_name"], update["comment"]["body"]) == ("issue_commented", "done *now*")


def test_a_refused_webhook_comes_again_under_the_same_identifier(jira: Jira, key: str, receiver: Receiver) -> None:
    jira.switch(webhook_retry_ms=1)
    receiver.statuses = [503, 429]
    register(jira, receiver)
    jira.act("done", issue=key)
    tries = [receiver.next()[0] for _ in range(3)]
    assert [each.get("X-Atlassian-Webhook-Retry") for each in tries] == [None, "1", "2"]
    assert len({each["X-Atlassian-Webhook-Identifier"] for each in tries}) == 1


def test_a_webhook_refused_for_good_does_not_come_again(jira: Jira, key: str, receiver: Receiver) -> None:
    jira.switch(webhook_retry_ms=1)
    receiver.statuses = [401]
    register(jira, receiver)
    jira.act("done", issue=key)
    receiver.next()
    assert receiver.is_quiet()


@pytest.mark.parametrize("copies", [0, 2])
def test_webhooks_can_be_lost_or_doubled(jira: Jira, key: str, receiver: Receiver, copies: int) -> None:
    jira.switch(webhook_copies=copies)
    register(jira, receiver)
    jira.act("done", issue=key)
    for _ in range(copies):
        receiver.next()
    assert receiver.is_quiet()


@pytest.mark.parametrize(
    ("method", "path"), [("GET", ""), ("POST", ""), ("DELETE", ""), ("PUT", "/refresh"), ("GET", "/failed")]
)
def test_dynamic_webhooks_are_for_apps(jira: Jira, method: str, path: str) -> None:
    assert jira.call(method, f"/webhook{path}", json={}).status_code == 403


def test_other_hosts_are_reached_only_when_allowed(jira: Jira, key: str, receiver: Receiver) -> None:
    url = receiver.url.replace("127.0.0.1", UNSPECIFIED)
    register(jira, receiver, url=url)
    jira.act("done", issue=key)
    assert receiver.is_quiet()
    assert [post.url for post in jira.world.webhooks.delivery.failed] == [url]
    jira.switch(webhook_any_host=True)
    jira.act("reopen", issue=key)
    assert receiver.next()[1]["issue"]["key"] == key


def test_webhooks_can_be_late_or_off(jira: Jira, key: str, receiver: Receiver) -> None:
    register(jira, receiver)
    jira.switch(webhook_delay_ms=2500)
    jira.act("done", issue=key)
    assert receiver.is_quiet()
    receiver.next()
    jira.switch(webhooks_on=False, webhook_delay_ms=0)
    jira.act("reopen", issue=key)
    assert receiver.is_quiet()
