from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from redis import Redis as Client

from cli.os_user import os_user
from tests.cli.command_result import RunCommand
from tests.fakes.local_stack import GROUP, LocalStack
from tests.machine import Amqp, Redis
from worker.queues import INTAKE

GOOD = {"id": "r1", "action": "grant", "subject": {"id": "u1"}, "entitlement": GROUP}


def _file(folder: Path, *requests: dict[str, Any]) -> Path:
    file = folder / "requests.json"
    file.write_text(json.dumps(list(requests)))
    return file


def test_what_is_handed_in_is_taken_in_by_a_worker(
    provisor: RunCommand, config: Path, stack: LocalStack, tmp_path: Path
) -> None:
    ran = provisor("submit", _file(tmp_path, GOOD), "-c", config)
    assert (ran.code, ran.out) == (0, "request 1: r1: handed in\n1 handed in.\n")
    assert stack.intake.drain_inbox(10) == 1
    assert stack.request("r1").source == f"inbox:{os_user()}"


def test_an_invalid_entry_is_told_with_its_place_and_the_others_go_on(
    provisor: RunCommand, config: Path, stack: LocalStack, tmp_path: Path
) -> None:
    ran = provisor("submit", _file(tmp_path, GOOD | {"action": "grnt"}, GOOD), "-c", config, "--json")
    assert ran.code == 1
    first, second = ran.json
    assert (first["position"], first["outcome"]) == ("request 1", "invalid")
    assert "action" in first["reason"]
    assert second["outcome"] == "handed in"
    assert stack.intake.drain_inbox(10) == 1


def test_lines_and_tables_are_read_and_so_is_standard_input(provisor: RunCommand, config: Path, tmp_path: Path) -> None:
    lines = b"".join(json.dumps(GOOD | {"id": f"l{n}"}).encode() + b"\n" for n in range(3))
    assert "3 handed in." in provisor("submit", "-", "-c", config, stdin=lines).out
    table = tmp_path / "requests.csv"
    table.write_text(f"id,action,subject_id,entitlement\nt1,grant,u1,{GROUP}\nt2,revoke,u1,{GROUP}\n")
    assert "2 handed in." in provisor("submit", table, "-c", config).out


def test_the_same_request_again_is_known_and_another_of_its_id_a_conflict(
    provisor: RunCommand, config: Path, stack: LocalStack, tmp_path: Path
) -> None:
    stack.submit(**GOOD)
    ran = provisor("submit", _file(tmp_path, GOOD, GOOD | {"reason": "other"}), "-c", config, "--json")
    assert ran.code == 1
    assert [row["outcome"] for row in ran.json] == ["known", "conflict"]
    assert stack.intake.drain_inbox(10) == 0


def test_two_requests_of_one_id_in_one_file_are_a_conflict(provisor: RunCommand, config: Path, tmp_path: Path) -> None:
    ran = provisor("submit", _file(tmp_path, GOOD, GOOD, GOOD | {"reason": "other"}), "-c", config, "--json")
    assert [row["outcome"] for row in ran.json] == ["handed in", "known", "conflict"]


def test_waiting_follows_to_the_end_and_tells_it(
    provisor: RunCommand, config: Path, stack: LocalStack, tmp_path: Path
) -> None:
    stop = threading.Event()

    def work() -> None:
        while not stop.wait(0.05):
            stack.intake.drain_inbox(10)
            stack.run()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        file = _file(tmp_path, GOOD, GOOD | {"id": "r2", "subject": {"email": "nobody@example.com"}})
        ran = provisor("submit", file, "-c", config, "--wait", "--timeout", "600")
    finally:
        stop.set()
        worker.join()
    assert ran.code == 1, "one was refused"
    assert "r1: done" in ran.out
    assert "r2: refused: " in ran.out


def test_waiting_gives_up_in_time_and_says_what_is_not_over(provisor: RunCommand, config: Path, tmp_path: Path) -> None:
    ran = provisor("submit", _file(tmp_path, GOOD), "-c", config, "--wait", "--timeout", "0.3")
    assert ran.code == 1
    assert "r1: not over after 0.3 s" in ran.out


def test_a_file_that_cannot_be_read_is_exit_1_with_a_remedy(provisor: RunCommand, config: Path, tmp_path: Path) -> None:
    latin = tmp_path / "latin.csv"
    latin.write_bytes("id,reason\n1,für\n".encode("latin-1"))
    empty = tmp_path / "empty.json"
    empty.write_text("[]")
    for file, said in (
        (tmp_path / "none", "cannot be read"),
        (latin, "not UTF-8"),
        (empty, "no request"),
        (tmp_path, "read"),
    ):
        ran = provisor("submit", file, "-c", config)
        assert ran.code == 1
        assert said in ran.err
        assert "Traceback" not in ran.err


def test_with_rabbitmq_requests_go_to_the_intake_queue(
    provisor: RunCommand, configure: Callable[..., Path], rabbitmq: Amqp, tmp_path: Path
) -> None:
    config = configure(broker={"url": rabbitmq.url, "prefix": rabbitmq.prefix})
    assert provisor("submit", _file(tmp_path, GOOD), "-c", config).code == 0
    (seen,) = rabbitmq.waiting(INTAKE)
    assert json.loads(seen.body) == GOOD
    assert seen.content_type == "application/json"


def test_with_redis_requests_go_to_the_intake_queue(
    provisor: RunCommand, configure: Callable[..., Path], redis: Redis, tmp_path: Path
) -> None:
    config = configure(broker={"url": redis.url, "prefix": redis.prefix})
    assert provisor("submit", _file(tmp_path, GOOD), "-c", config).code == 0
    with closing(Client.from_url(redis.url)) as client:
        assert client.llen(redis.prefix + INTAKE) == 1


@pytest.mark.parametrize("place", ["the broker", "nowhere"])
def test_a_broker_that_refuses_the_password_or_is_away_is_said_without_the_password(
    provisor: RunCommand, configure: Callable[..., Path], rabbitmq: Amqp, tmp_path: Path, place: str
) -> None:
    url = rabbitmq.url.replace("guest:guest@", "guest:opensesame@")
    if place == "nowhere":
        url = "amqp://guest:opensesame@127.0.0.1:1//"
    config = configure(broker={"url": url}, limits={"connect_timeout": "1s"})
    ran = provisor("submit", _file(tmp_path, GOOD), "-c", config)
    assert ran.code == 1
    assert ("did not take the requests (AccessRefused)" in ran.err) is (place == "the broker")
    assert "did not take the requests" in ran.err
    assert "opensesame" not in ran.err + ran.out
    assert "Traceback" not in ran.err


def test_who_sends_to_a_broker_needs_no_store_and_gets_none(
    provisor: RunCommand, rabbitmq: Amqp, tmp_path: Path
) -> None:
    config = tmp_path / "producer.yaml"
    config.write_text(
        f"store: {{url: 'sqlite:///{tmp_path}/new.db'}}\nbroker: {{url: '{rabbitmq.url}', prefix: '{rabbitmq.prefix}'}}"
    )
    assert provisor("submit", _file(tmp_path, GOOD), "-c", config).code == 0
    assert len(rabbitmq.waiting(INTAKE)) == 1
    assert not (tmp_path / "new.db").exists()
    ran = provisor("submit", _file(tmp_path, GOOD), "-c", config, "--wait")
    assert (ran.code, "There is no store" in ran.err) == (1, True)
    assert rabbitmq.waiting(INTAKE) == []
