"""What a process tells its monitoring: whether it lives, whether it can work, and figures that the alerts can rely on."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path
from time import monotonic
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import yaml
from sqlalchemy import column, table

from access.clock import SystemClock
from store.database import Database
from store.queries.figures import FIGURES
from store.revision import REVISION
from store.unit_of_work import Store
from tests.machine import free_port
from worker.heartbeats import Heartbeats
from worker.metrics import OWN, PREFIX, Figures, as_text, registry_of, why_not_ready
from worker.monitoring_server import MonitoringServer

#: Alembic's own table.
_VERSION = table("alembic_version", column("version_num"))

ROOT = Path(__file__).resolve().parents[2]
MONITORING = ROOT / "docker" / "monitoring"
PAGE = (ROOT / "docs" / "howto" / "watch-it.md").read_text(encoding="utf-8")
KNOWN = {PREFIX + name for name in (*FIGURES, *OWN)}
ALERTS = [
    rule
    for group in yaml.safe_load((MONITORING / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
]
PANELS = json.loads((MONITORING / "dashboard.json").read_text(encoding="utf-8"))["panels"]


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=2)
    yield Store(database)
    database.close()


@contextmanager
def serving(store: Store, heartbeats: Heartbeats | None = None) -> Iterator[MonitoringServer]:
    heartbeats = heartbeats or Heartbeats()
    registry = registry_of(Figures(store, SystemClock(), heartbeats, version="1", provisioning=lambda: "on"))
    server = MonitoringServer(
        f"127.0.0.1:{free_port()}",
        heartbeats,
        metrics=lambda: as_text(registry),
        not_ready=lambda: why_not_ready(store),
    )
    server.start()
    try:
        yield server
    finally:
        server.join(monotonic() + 5)


def asked(server: MonitoringServer, path: str) -> tuple[int, str]:
    try:
        with urlopen(f"http://127.0.0.1:{server.port}{path}", timeout=300) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as answer:
        return answer.code, answer.read().decode()


def test_a_process_with_its_store_lives_is_ready_and_tells_its_figures(store: Store) -> None:
    with serving(store) as server:
        assert asked(server, "/live") == (HTTPStatus.OK, '{"live": true}\n')
        assert asked(server, "/ready") == (HTTPStatus.OK, '{"ready": true}\n')
        status, text = asked(server, "/metrics?x=1")
        assert status == HTTPStatus.OK
        assert 'provisor_info{provisioning="on",version="1"} 1.0' in text
        assert "provisor_store_up 1.0" in text
        assert asked(server, "/")[0] == HTTPStatus.NOT_FOUND


def test_a_store_of_another_version_is_not_ready_and_the_process_lives_all_the_same(store: Store) -> None:
    with store.database.write() as connection:
        connection.execute(_VERSION.update().values(version_num="9999"))
    with serving(store) as server:
        status, text = asked(server, "/ready")
        assert status == HTTPStatus.SERVICE_UNAVAILABLE
        assert "Another version" in text
        assert asked(server, "/live")[0] == HTTPStatus.OK
    with store.database.write() as connection:
        connection.execute(_VERSION.update().values(version_num=REVISION))


def test_figures_of_a_store_that_is_away_are_left_out_and_that_is_told() -> None:
    away = Store(Database(f"postgresql+psycopg://nobody@127.0.0.1:{free_port()}/none", pool_size=1))
    with serving(away) as server:
        status, text = asked(server, "/metrics")
        assert (status, "provisor_store_up 0.0" in text, "provisor_requests{" in text) == (HTTPStatus.OK, True, False)
        assert asked(server, "/ready")[0] == HTTPStatus.SERVICE_UNAVAILABLE
        assert asked(server, "/live")[0] == HTTPStatus.OK


def test_a_thread_that_turns_no_more_is_named(store: Store) -> None:
    now = 0.0
    heartbeats = Heartbeats(ticks=lambda: now)
    heartbeats.beat("dispatcher")
    heartbeats.beat("scheduler")
    with serving(store, heartbeats) as server:
        now = 600.0
        heartbeats.beat("scheduler")
        assert asked(server, "/live")[0] == HTTPStatus.OK
        now = 700.0
        status, text = asked(server, "/live")
        assert status == HTTPStatus.SERVICE_UNAVAILABLE
        assert "dispatcher" in text
        assert "scheduler" not in text


def test_a_process_that_was_told_to_end_is_not_ready(store: Store) -> None:
    with serving(store) as server:
        server.stop()
        assert asked(server, "/ready")[0] == HTTPStatus.SERVICE_UNAVAILABLE
        assert asked(server, "/live")[0] == HTTPStatus.OK


@pytest.mark.parametrize(
    "sent", [b"\x00\xff\r\n\r\n", b"GET /%00%ff HTTP/1.1\r\n\r\n", b"POST /metrics HTTP/1.1\r\n\r\n", b""]
)
def test_nothing_that_is_sent_closes_the_door(store: Store, sent: bytes) -> None:
    with serving(store) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
        assert asked(server, "/live")[0] == HTTPStatus.OK


def test_an_address_that_is_taken_says_so_at_once() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(OSError, match="in use"):
            MonitoringServer(f"127.0.0.1:{taken.getsockname()[1]}", Heartbeats(), metrics=bytes, not_ready=lambda: None)


@pytest.mark.parametrize(
    "expression",
    [rule["expr"] for rule in ALERTS] + [target["expr"] for panel in PANELS for target in panel["targets"]],
)
def test_alerts_and_dashboard_name_only_figures_and_labels_that_there_are(expression: str) -> None:
    named = set(re.findall(r"provisor_[a-z_]+", expression))
    assert named
    assert named <= KNOWN
    labels = {label for name in named for label in {**FIGURES, **OWN}[name.removeprefix(PREFIX)][0]}
    by = {word.strip() for group in re.findall(r"by \(([^)]*)\)", expression) for word in group.split(",")}
    assert by <= labels | {"instance", "__name__"}


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_each_alert_has_a_page_that_says_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert (ROOT / page).is_file()
    assert anchor == str(rule["alert"]).lower()
    assert f"### {rule['alert']}\n" in PAGE


@pytest.mark.parametrize("name", sorted(KNOWN))
def test_each_figure_stands_on_the_page(name: str) -> None:
    assert f"| `{name}` |" in PAGE
