"""Celery's own commands find the application: ``celery -A worker …``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "provisor.yaml"
    settings = {
        "store": {"url": f"sqlite:///{tmp_path / 'store' / 'provisor.db'}"},
        "broker": {"url": "amqp://provisor:s3cret-word@mq.internal//", "prefix": "eu."},
    }
    file.write_text(yaml.safe_dump(settings), encoding="utf-8")
    return file


def celery(config: Path, *command: str) -> subprocess.CompletedProcess[str]:
    bare = {name: value for name, value in os.environ.items() if not name.startswith("PROVISOR_")}
    return subprocess.run(
        [sys.executable, "-m", "celery", "-A", "worker", *command],
        cwd=ROOT,
        env=bare | {"PROVISOR_CONFIG": str(config)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_report_shows_the_settings_without_the_password_and_opens_no_store(config: Path) -> None:
    ended = celery(config, "report")
    assert ended.returncode == 0, ended.stderr
    assert "amqp://provisor:********@mq.internal" in ended.stdout
    assert "eu.provisor.lane.revoke" in ended.stdout
    assert "worker_enable_remote_control: False" in ended.stdout
    assert "worker_send_task_events: False" in ended.stdout
    assert "s3cret-word" not in ended.stdout + ended.stderr
    assert not (config.parent / "store").exists()


def test_settings_reach_the_application(config: Path) -> None:
    with config.open("a", encoding="utf-8") as file:
        file.write("worker: {remote_control: true, task_events: true}\n")
    said = celery(config, "report").stdout
    assert "worker_enable_remote_control: True" in said
    assert "worker_send_task_events: True" in said
    assert "control_exchange: 'eu.provisor.control'" in said


def test_it_starts_no_worker(config: Path) -> None:
    """Such a worker would take wake-ups from the queues, and know no task for them."""
    ended = celery(config, "worker")
    assert ended.returncode == 1
    assert "start one with 'provisor up'" in ended.stderr


def test_importing_the_package_makes_no_application() -> None:
    code = "import sys, worker; print(sorted(name for name in sys.modules if name.partition('.')[0] in ('celery', 'worker')))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said.strip() == "['worker']"
