"""Whatever ends ``provisor up`` at its start, or has it try in vain, is a problem that the doctor names."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from shutil import copyfile
from typing import Any

import pytest
import yaml

from access.clock import SystemClock
from cli.doctor import examine
from cli.problems import Problem
from cli.store_access import load_settings
from store.database import Database
from tasks.doctor.findings import Outcome
from tests.crash.process_stack import ForkServer, Worker
from tests.machine import Amqp
from tests.patience import until
from worker.roles import ProcessRole
from worker.systems.table import SYSTEMS

POLICY = "ticket: {project: OPS}\nrules: [{pattern: 'jumpcloud:group:*:member'}]"


@dataclass(frozen=True)
class Fault:
    """What is wrong; what ``up`` says then, and whether it ends; and the doctor's problem, by its beginning."""

    name: str
    up_says: str
    doctor_says: str
    ends: bool = True


FAULTS = [
    Fault("port taken", "cannot be listened at", "monitoring address: telemetry.listen: "),
    Fault("broken policy", "can match no entitlement", "policy file: "),
    Fault("unreadable policy", "cannot be read (No such file", "policy file: "),
    Fault("unreadable secrets", "secrets_dir", "settings: "),
    Fault("store in no directory", "The lock file", "store writing: No store can be made at "),
    Fault("store that is none", "file is not a database", "store form: The store at "),
    Fault("store of a newer version", "by a newer version", "store form: The store at "),
    Fault("database away", "Connection refused", "store form: The store at "),
    Fault("database read-only", "session is read-only", "store writing: The store at "),
    Fault("database without TLS", "does not support SSL", "store form: The store at "),
    Fault("broker away", "Connection refused", "broker address: The broker at ", ends=False),
    Fault("wrong password", "ACCESS_REFUSED", "broker credential: The broker at "),
    Fault("no virtual host", "NOT_ALLOWED", "broker rights: The broker at ", ends=False),
    Fault("no right to queues", "ACCESS_REFUSED", "broker rights: The broker at "),
    Fault("queue made otherwise", "PRECONDITION_FAILED", "broker queues: The queue "),
    Fault("wrong authority", "No such file or directory", "broker certificate: The broker at ", ends=False),
]


@pytest.fixture
def settings_of(
    tmp_path: Path, migrated_sqlite: Path, postgresql_url: str, rabbitmq: Amqp, producer: Amqp
) -> Iterator[Callable[[str], dict[str, Any]]]:
    """The sections of the settings that make a fault."""
    (tmp_path / "policy.yaml").write_text(POLICY)
    (tmp_path / "broken.yaml").write_text(POLICY.replace("group:*", "grp:*"))
    (tmp_path / "plain").write_text("x" * 4096)
    newer = tmp_path / "newer.db"
    copyfile(migrated_sqlite, newer)
    database = Database(f"sqlite:///{newer}", pool_size=1)
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    database.close()
    otherwise = f"{rabbitmq.prefix}otherwise."
    with rabbitmq.connect() as broker:
        broker.channel().queue_declare(f"{otherwise}provisor.lane.grant", durable=True, auto_delete=False)

    def broker_at(url: str, prefix: str = rabbitmq.prefix) -> dict[str, Any]:
        return {"broker": {"url": url, "prefix": prefix}}

    def store_at(url: str) -> dict[str, Any]:
        return {"store": {"url": url}}

    with ExitStack() as closing:
        taken = closing.enter_context(socket.create_server(("127.0.0.1", 0)))
        held = closing.enter_context(socket.socket())
        held.bind(("127.0.0.1", 0))
        nobody = held.getsockname()[1]
        far = postgresql_url.replace("@127.0.0.1", "@db.example.com")
        made: dict[str, dict[str, Any]] = {
            "port taken": {"telemetry": {"listen": f"127.0.0.1:{taken.getsockname()[1]}"}},
            "broken policy": {"policy": str(tmp_path / "broken.yaml")},
            "unreadable policy": {"policy": str(tmp_path / "none.yaml")},
            "unreadable secrets": {"secrets_dir": str(tmp_path / "plain")},
            "store in no directory": store_at(f"sqlite:///{tmp_path}/plain/provisor.db"),
            "store that is none": store_at(f"sqlite:///{tmp_path}/plain"),
            "store of a newer version": store_at(f"sqlite:///{newer}"),
            "database away": store_at(f"postgresql://root@127.0.0.1:{nobody}/provisor"),
            "database read-only": store_at(f"{postgresql_url}?options=-c%20default_transaction_read_only%3Don"),
            "database without TLS": store_at(f"{far}?hostaddr=127.0.0.1"),
            "broker away": broker_at(f"amqp://127.0.0.1:{nobody}//"),
            "wrong password": broker_at(rabbitmq.url.replace(":guest@", ":wrong@")),
            "no virtual host": broker_at(rabbitmq.url.rpartition("/")[0] + "none"),
            "no right to queues": broker_at(producer.url),
            "queue made otherwise": broker_at(rabbitmq.url, otherwise),
            "wrong authority": broker_at(f"{rabbitmq.url.replace('amqp:', 'amqps:')}?ssl_ca_certs={tmp_path}/none.pem"),
        }
        yield made.__getitem__
    with rabbitmq.connect() as broker:
        for name in ("lane.revoke", "lane.grant", "lane.ticket", "lane.sync", "intake.requests"):
            broker.channel().queue_delete(f"{otherwise}provisor.{name}")
        for name in ("intake.returned", "intake.dead"):
            broker.channel().queue_delete(f"{otherwise}provisor.{name}")


def doctor_says(config: Path) -> list[str]:
    """The problems; settings that do not load are one of the command's own."""
    try:
        found = examine(load_settings(config), SystemClock(), SYSTEMS)
    except Problem as problem:
        return [f"settings: {problem}"]
    return [f"{each.area} {each.check}: {each}" for each in found if each.outcome is Outcome.PROBLEM]


def test_what_ends_up_or_keeps_it_trying_is_a_problem_of_the_doctor(
    settings_of: Callable[[str], dict[str, Any]], tmp_path: Path, migrated_sqlite: Path, fork_server: ForkServer
) -> None:
    workers: dict[Fault, Worker] = {}
    configs: dict[Fault, Path] = {}
    for fault in FAULTS:
        store = tmp_path / f"{token_hex(4)}.db"
        copyfile(migrated_sqlite, store)
        settings = {
            "store": {"url": f"sqlite:///{store}"},
            "provisioning": "on",
            "policy": str(tmp_path / "policy.yaml"),
        }
        configs[fault] = tmp_path / f"{fault.name}.yaml"
        configs[fault].write_text(yaml.safe_dump(settings | settings_of(fault.name)))
        workers[fault] = fork_server.start(configs[fault], tmp_path / f"{fault.name}.log", tuple(ProcessRole))
    try:
        for fault, worker in workers.items():
            until(
                lambda: worker.log.exists() and fault.up_says in worker.log.read_text(),  # noqa: B023 - within the turn
                lambda: f"{fault.name}: {worker.log.read_text() if worker.log.exists() else ''}",  # noqa: B023 - within the turn
            )
        for fault, worker in workers.items():
            if fault.ends:
                assert worker.ended() != 0, fault.name
        said = {fault: doctor_says(config) for fault, config in configs.items()}
        missing = {
            fault.name: found
            for fault, found in said.items()
            if not any(each.startswith(fault.doctor_says) for each in found)
        }
        assert missing == {}
    finally:
        for worker in workers.values():
            if worker.alive:
                worker.kill()
