from __future__ import annotations

from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from store.alarms import AlarmKind
from store.database import Database
from store.existing_store import why_not_writable
from store.unit_of_work import Store
from tests.cli.doctor_harness import DoctorHarness
from tests.fakes.faults import Fault
from tests.fakes.local_stack import LocalStack
from tests.machine import Amqp, Redis


def test_findings_are_json_with_an_outcome_for_each_check(harness: DoctorHarness) -> None:
    ran = harness.see("--json", jumpcloud=harness.jumpcloud_section())
    assert {tuple(each) for each in ran.json} == {("area", "check", "outcome", "message", "remedy")}
    assert {each["outcome"] for each in ran.json} <= {"ok", "unknown", "warning", "problem"}


def test_findings_are_told_by_area_with_a_summary(harness: DoctorHarness) -> None:
    ran = harness.see(jumpcloud=harness.jumpcloud_section())
    lines = ran.out.splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "policy",
        "store",
        "broker",
        "jumpcloud",
        "credentials",
        "ticketing",
        "0 problems, 1 warning.",
    ]
    assert "\x1b" not in ran.out


def test_settings_that_connect_nothing(harness: DoctorHarness) -> None:
    assert harness.said("systems") == [
        "No system is connected. Set a credential under jumpcloud or jira in the settings."
    ]


def test_a_policy_that_is_not_set_or_cannot_be_used(harness: DoctorHarness, tmp_path: Path) -> None:
    assert harness.said("policy", policy=None) == [
        "No policy file is set, so every request is refused. Set policy to the path of one."
    ]
    (tmp_path / "broken.yaml").write_text("rules: [{pattern: 7, give: perhaps}]\n")
    problems = harness.said("policy", policy=str(tmp_path / "broken.yaml"))
    assert problems
    assert all(each.endswith("Check it with 'provisor policy check'.") for each in problems)


def test_what_is_odd_about_a_policy_is_a_warning(harness: DoctorHarness) -> None:
    harness.policy["rules"] = [{"pattern": "jira:*"}, {"pattern": "jira:group:devs:member"}]
    (warning,) = harness.said("policy", outcome="warning")
    assert "jira:group:devs:member" in warning


def test_a_store_that_is_not_there_yet_is_no_problem_and_is_not_made(harness: DoctorHarness, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/deep/provisor.db"
    assert harness.said("store", store={"url": url}) == []
    assert harness.said("store", outcome="unknown", store={"url": url}) == [
        f"There is no store at {tmp_path}/deep/provisor.db yet; 'provisor up' makes it in {tmp_path}."
    ]
    assert not (tmp_path / "deep").exists()


def test_a_store_that_is_whole_can_be_written_and_is_not(
    harness: DoctorHarness, migrated_sqlite: Path, tmp_path: Path
) -> None:
    file = tmp_path / "whole.db"
    copyfile(migrated_sqlite, file)
    assert harness.said("store", outcome="ok", store={"url": f"sqlite:///{file}"}) == [
        f"The store at sqlite:///{file} has the form of this version.",
        "It can be written.",
    ]


def test_a_store_of_another_version(harness: DoctorHarness, migrated_sqlite: Path, tmp_path: Path) -> None:
    file = tmp_path / "old.db"
    copyfile(migrated_sqlite, file)
    database = Database(f"sqlite:///{file}")
    with database.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'")
    database.close()
    (problem,) = harness.said("store", store={"url": f"sqlite:///{file}"})
    assert "has the form of another version of Provisor." in problem


def test_a_store_that_may_only_be_read(sqlite_url: str, postgresql_url: str) -> None:
    """As the account of these tests may write any file, the database is told to refuse."""
    sqlite = Database(f"{sqlite_url.replace('sqlite:///', 'sqlite:///file:')}?mode=ro&uri=true")
    assert why_not_writable(sqlite) == "attempt to write a readonly database"
    sqlite.close()
    postgresql = Database(f"{postgresql_url}?options=-c%20default_transaction_read_only%3Don")
    assert why_not_writable(postgresql) == "cannot execute UPDATE in a read-only transaction"
    postgresql.close()
    for url in (sqlite_url, postgresql_url):
        database = Database(url)
        assert why_not_writable(database) is None
        database.close()


def test_a_database_that_is_not_there(harness: DoctorHarness, free_port: int) -> None:
    (problem,) = harness.said("store", store={"url": f"postgresql://ada:a-password@127.0.0.1:{free_port}/provisor"})
    assert problem.startswith(f"The store at postgresql://ada:***@127.0.0.1:{free_port}/provisor cannot be used: ")
    assert "a-password" not in problem


def test_a_broker_that_lets_us_in(harness: DoctorHarness, rabbitmq: Amqp, redis: Redis) -> None:
    for broker in (rabbitmq, redis):
        assert harness.said("broker", broker={"url": broker.url}) == []


def test_a_broker_that_does_not_know_the_password(harness: DoctorHarness, rabbitmq: Amqp) -> None:
    url = rabbitmq.url.replace("guest:guest@", "guest:not-the-password@")
    (problem,) = harness.said("broker", broker={"url": url})
    assert "does not let us in (AccessRefused). Correct user and password in broker.url." in problem
    assert "not-the-password" not in problem


@pytest.mark.parametrize("scheme", ["amqp", "redis"])
def test_a_broker_that_is_not_there(harness: DoctorHarness, free_port: int, scheme: str) -> None:
    (problem,) = harness.said("broker", broker={"url": f"{scheme}://127.0.0.1:{free_port}/0"})
    assert problem.startswith(f"The broker at {scheme}://127.0.0.1:{free_port}/0 cannot be reached (")
    assert problem.endswith("Correct broker.url, or start the broker.")


def test_a_brokers_name_that_does_not_resolve(harness: DoctorHarness) -> None:
    assert harness.said("broker", broker={"url": "amqp://nowhere.test//"}) == [
        (
            "The name in the broker's address amqp://nowhere.test// does not resolve. "
            "Correct broker.url, or this machine's name service."
        )
    ]


@pytest.mark.parametrize("query", ["ssl_cert_reqs=none", "ssl_cert_reqs=CERT_OPTIONAL", "ssl_check_hostname=false"])
def test_a_broker_that_need_not_prove_who_it_is(harness: DoctorHarness, query: str) -> None:
    said = harness.said("broker", outcome="warning", broker={"url": f"rediss://nowhere.test:6379/0?{query}"})
    assert any("need not prove who it is" in each for each in said)


def test_a_broker_that_has_to_prove_who_it_is_is_not_warned_of(harness: DoctorHarness) -> None:
    url = "rediss://nowhere.test:6379/0?ssl_ca_certs=/etc/ssl/own.pem"
    assert harness.said("broker", outcome="warning", broker={"url": url}) == []


@pytest.mark.parametrize(
    ("system", "name", "page"), [("jumpcloud", "JumpCloud", "jumpcloud"), ("jira", "Jira", "atlassian")]
)
def test_a_service_that_is_not_well(harness: DoctorHarness, system: str, name: str, page: str) -> None:
    sections: Any = {system: harness.jira_section() if system == "jira" else harness.jumpcloud_section()}
    harness.simulators.faults.add(system=system, path="myself|organizations", status=503, times=None)
    sentence = f"{name} answers 503 at the moment. Try again later; see status.{page}.com."
    assert harness.said(system, **sections) == [sentence]


def test_faults_and_alarms_that_last_are_told_with_what_to_do(harness: DoctorHarness, sqlite_url: str) -> None:
    database = Database(sqlite_url, pool_size=1)
    stack = LocalStack.over(Store(database))
    stack.system.faults.lasting = Fault.LOCKED_OUT
    stack.grant("r1")
    stack.run()
    with stack.store.write() as work:
        cause = {"what": "Request r9 is late.", "remedy": "Ask who has its ticket."}
        work.alarms.begin(AlarmKind.LATE, "request", "r1", **cause, now=stack.clock.now())
    database.close()
    told = harness.said("work", outcome="warning", store={"url": sqlite_url})
    assert told[0].startswith(
        "Since 2026-11-22 09:00 UTC one piece of work waits for jumpcloud: The credential is refused."
    )
    assert told[1].endswith("there is an alarm about request r1: Request r9 is late. Ask who has its ticket.")
    assert len(told) == 2


def test_where_nothing_waits_the_doctor_says_so(harness: DoctorHarness, sqlite_url: str) -> None:
    assert harness.said("work", outcome="ok", store={"url": sqlite_url}) == [
        "No fault keeps work from going on.",
        "No other alarm lasts.",
    ]
