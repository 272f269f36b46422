"""A newer version beside an older one, with work under way: each request has one effect, and the older one stands back."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from simulator.jumpcloud import World
from simulator.server import Simulators
from simulator.systems import act
from store.database import Database
from store.unit_of_work import Store
from tests.patience import until

ROOT = Path(__file__).resolve().parents[2]
REQUESTS = 60


def git(*words: str) -> bytes:
    return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, check=True).stdout


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """The tree before the newest form of the store."""
    newest = git("log", "--first-parent", "-1", "--format=%H", "--", "store/revision.py").decode().strip()
    tree = tmp_path / "older"
    with tarfile.open(fileobj=io.BytesIO(git("archive", f"{newest}~1"))) as packed:
        packed.extractall(tree, filter="data")
    return tree


@pytest.fixture
def company() -> Iterator[tuple[World, Simulators]]:
    world = World()
    with Simulators(jumpcloud=world) as simulators:
        yield world, simulators


def start(tree: Path, config: Path, log: Path) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "PYTHONPATH": str(tree)}
    with log.open("wb") as stream:
        return subprocess.Popen(
            [sys.executable, "-m", "provisor", "up", "-c", str(config)], cwd=tree, env=environ, stderr=stream
        )


@pytest.mark.long
def test_old_and_new_side_by_side_give_each_access_once(
    empty_postgresql: str, older: Path, company: tuple[World, Simulators], tmp_path: Path
) -> None:
    world, simulators = company
    act(world, "add_group", name="team")
    policy, config = tmp_path / "policy.yaml", tmp_path / "provisor.yaml"
    policy.write_text("ticket: {project: OPS}\nrules: [{pattern: 'jumpcloud:group:*:member'}]")
    url = simulators.jumpcloud_url
    sections = {
        "provisioning": "on",
        "policy": str(policy),
        "store": {"url": empty_postgresql},
        "worker": {"poll": "0.1s", "lease": "10s"},
        "sync": {"period": None},
        "jumpcloud": {"api_url": url, "api_key": world.credentials()["api_key"], "rate": 20, "burst": 1},
        "telemetry": {"log_format": "json"},
    }
    config.write_text(yaml.safe_dump(sections))
    logs = tmp_path / "old.log", tmp_path / "new.log"
    old = start(older, config, logs[0])
    new: subprocess.Popen[bytes] | None = None
    try:
        until(lambda: "provisor.up" in logs[0].read_text(), logs[0].read_text)
        for number in range(REQUESTS):
            act(world, "add_user", email=f"p{number}@example.com", username=f"p{number}")
        store = Store(Database(empty_postgresql))
        with store.write() as work:
            for number in range(REQUESTS):
                message = {
                    "id": f"r{number}",
                    "action": "grant",
                    "subject": {"email": f"p{number}@example.com"},
                    "entitlement": "jumpcloud:group:team:member",
                }
                work.inbox.add(json.dumps(message).encode(), content_type=None, source="local:test", now=store.now())
        group = world.group_ids["team"]
        until(lambda: len(world.members.rights(group)) > 3, logs[0].read_text)
        new = start(ROOT, config, logs[1])
        until(lambda: "consumer.stopped" in logs[0].read_text(), lambda: logs[0].read_text() + logs[1].read_text())

        def all_over() -> bool:
            with store.read() as work:
                found = [work.requests.get(f"r{number}") for number in range(REQUESTS)]
            return all(each is not None and each.state == "done" for each in found)

        until(all_over, logs[1].read_text)
        store.database.close()
    finally:
        for process in (old, new):
            if process is not None:
                process.terminate()
                process.wait()
    assert len(world.members.rights(group)) == REQUESTS
    writes = [call for call in simulators.calls.latest() if call.method == "POST" and call.route.endswith("/members")]
    assert len([call for call in writes if call.status == 204]) <= REQUESTS
    said = [line["event"] for line in map(json.loads, filter(None, logs[0].read_text().splitlines()))]
    assert said.count("consumer.stopped") == 1
