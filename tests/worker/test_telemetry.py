"""What leaves the process: every line names its request, and neither logs nor Sentry ever hold a secret."""

from __future__ import annotations

import gzip
import io
import json
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import structlog
import yaml

from access.operations import Lane
from httpclient.redaction import Redaction
from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import load
from store.database import Database
from store.unit_of_work import Store
from tests.patience import until
from worker.telemetry import _scrubbing, start_logging

ROOT = Path(__file__).parents[2]
CANARY = "jca_canary0123456789abcdefcanary"
ID = "r-telemetry"
NOW = datetime(2026, 11, 22, 9, tzinfo=UTC)
GRANT = {
    "id": ID,
    "action": "grant",
    "subject": {"email": "ada@example.com"},
    "entitlement": "jumpcloud:group:Engineering:member",
}


class Sentry(ThreadingHTTPServer):
    """Takes what an SDK sends to Sentry, and keeps it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Envelope)
        self.envelopes: list[str] = []

    @property
    def dsn(self) -> str:
        return f"http://publickey@127.0.0.1:{self.server_port}/1"

    def events(self) -> list[dict[str, Any]]:
        lines = [line for envelope in self.envelopes for line in envelope.splitlines() if line.startswith("{")]
        return [found for line in lines if "exception" in (found := json.loads(line)) or "logentry" in found]


class Envelope(BaseHTTPRequestHandler):
    server: Sentry

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.server.envelopes.append(body.decode())
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments: object) -> None:
        pass


@contextmanager
def restored_logging() -> Iterator[None]:
    """Puts back what a start of logging changes for the whole process."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    try:
        yield
    finally:
        root.handlers[:], root.level = handlers, level
        logging.captureWarnings(capture=False)
        structlog.configure(**before)


@pytest.fixture
def sentry() -> Iterator[Sentry]:
    server = Sentry()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def company() -> Iterator[Simulators]:
    world = World()
    load(world, {"users": [{"email": "ada@example.com"}], "groups": [{"name": "Engineering"}]})
    with Simulators(jumpcloud=world) as simulators:
        yield simulators


def run_until(settings: Path, log: Path, *, ended: Callable[[], bool]) -> list[dict[str, Any]]:
    """Run a worker process until ``ended(store)``; its log lines."""
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "provisor", "up", "-c", str(settings)], stderr=stream, cwd=ROOT
        )
    try:
        until(lambda: ended() or process.poll() is not None, log.read_text)
        assert process.poll() is None, log.read_text()
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
    return [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")]


def write_settings(folder: Path, store_url: str, company: Simulators, *, key: str, **telemetry: Any) -> Path:
    (folder / "policy.yaml").write_text("ticket: {project: OPS}\nrules: [{pattern: 'jumpcloud:group:*:member'}]")
    file = folder / "provisor.yaml"
    sections = {
        "provisioning": "on",
        "policy": "policy.yaml",
        "store": {"url": store_url},
        "sync": {"period": None},
        "jumpcloud": {"api_url": company.jumpcloud_url, "api_key": key},
        "telemetry": {"log_format": "json"} | telemetry,
    }
    file.write_text(yaml.safe_dump(sections))
    return file


@pytest.fixture
def handed_in(sqlite_url: str) -> Iterator[Store]:
    """A store with one message in its inbox."""
    database = Database(sqlite_url)
    store = Store(database)
    with store.write() as work:
        work.inbox.add(json.dumps(GRANT).encode(), content_type=None, source="test", now=datetime.now(UTC))
    yield store
    database.close()


def test_every_line_about_an_operation_names_it_and_its_request(
    company: Simulators, handed_in: Store, sqlite_url: str, tmp_path: Path
) -> None:
    key = company.worlds["jumpcloud"].credentials()["api_key"]
    settings = write_settings(tmp_path, sqlite_url, company, key=key)

    def done() -> bool:
        with handed_in.read() as work:
            request = work.requests.get(ID)
        return request is not None and request.finished_at is not None

    lines = run_until(settings, tmp_path / "up.log", ended=done)
    about = {line["event"]: line for line in lines if line.get("request_id") == ID}
    assert {"request.received", "request.planned", "operation.done"} <= set(about)
    assert about["operation.done"]["operation_id"].startswith("op-")
    assert all({"timestamp", "level", "logger", "event"} <= set(line) for line in lines)
    assert key not in (tmp_path / "up.log").read_text()


@pytest.mark.usefixtures("handed_in")
def test_a_refused_credential_reaches_sentry_and_no_secret_does(
    sentry: Sentry, company: Simulators, sqlite_url: str, tmp_path: Path
) -> None:
    settings = write_settings(tmp_path, sqlite_url, company, key=CANARY, sentry_dsn=sentry.dsn, environment="test")
    run_until(settings, tmp_path / "up.log", ended=lambda: bool(sentry.events()))
    event = sentry.events()[0]
    assert event["environment"] == "test"
    assert event["release"].startswith("provisor@")
    everything = "\n".join(sentry.envelopes) + (tmp_path / "up.log").read_text()
    assert CANARY not in everything
    assert "sys.argv" not in everything
    assert "vars" not in json.dumps(event), "local variables are not sent"


@pytest.mark.usefixtures("handed_in")
def test_nothing_is_sent_without_a_dsn(sentry: Sentry, company: Simulators, sqlite_url: str, tmp_path: Path) -> None:
    settings = write_settings(tmp_path, sqlite_url, company, key=CANARY)

    def tried() -> bool:
        return "credential" in (tmp_path / "up.log").read_text().lower()

    run_until(settings, tmp_path / "up.log", ended=tried)
    assert sentry.envelopes == []
    assert CANARY not in (tmp_path / "up.log").read_text()


@pytest.mark.parametrize(
    "value",
    [
        f"Authorization: Basic {CANARY}",
        {"headers": {"x-api-key": CANARY}},
        ["a", {"deep": (CANARY,)}],
        {"password": "short"},
        {"sentry_dsn": "http://x@y/1"},
        {CANARY: "a name"},
        CANARY.encode(),
        {CANARY},
        ValueError(CANARY),
        Path(CANARY),
        MappingProxyType({"x": CANARY}),
    ],
    ids=str,
)
def test_a_secret_is_taken_out_however_deep_it_lies(value: object) -> None:
    cleaned = json.dumps(Redaction([CANARY]).value(value))
    assert CANARY not in cleaned
    assert "[secret]" in cleaned


def test_what_json_has_no_word_for_is_told_without_python(tmp_path: Path) -> None:
    told = Redaction([]).value(
        {"at": NOW, "day": NOW.date(), "for": timedelta(hours=2), "kind": Lane.REVOKE, "path": tmp_path, "some": {1}}
    )
    assert told == {
        "at": "2026-11-22T09:00:00+00:00",
        "day": "2026-11-22",
        "for": "2:00:00",
        "kind": "revoke",
        "path": str(tmp_path),
        "some": [1],
    }
    stream = io.StringIO()
    with restored_logging():
        start_logging(level="info", form="json", redaction=Redaction([CANARY]), stream=stream)
        structlog.get_logger("provisor").info("told", at=NOW, error=ValueError(CANARY), seen={NOW: Lane.REVOKE})
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["at"] == "2026-11-22T09:00:00+00:00"
    assert not [word for word in ("datetime", "ValueError(", "<", CANARY) if word in line]


def test_a_report_to_sentry_names_the_request_and_the_operation_that_were_under_way() -> None:
    before_send = _scrubbing(Redaction([CANARY]))
    with structlog.contextvars.bound_contextvars(topic="operation", ref="op-1", request_id=ID):
        event = before_send({"tags": {"component": CANARY}, "extra": {"sys.argv": ["x"]}}, {})
    assert event["tags"] == {"component": "[secret]", "request_id": ID, "operation_id": "op-1"}
    with structlog.contextvars.bound_contextvars(topic="request", ref=ID):
        assert before_send({}, {})["tags"] == {"request_id": ID}


def test_words_that_are_no_secrets_stay() -> None:
    redaction = Redaction(["abc"])  # too short to be one
    assert redaction.value({"event": "abc", "credential_refused": "why"}) == {
        "event": "abc",
        "credential_refused": "why",
    }
