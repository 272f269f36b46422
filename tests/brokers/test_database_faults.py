"""A fault of the database is no verdict on a message or on work: nothing is buried, and all is done once it is mended."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from secrets import token_hex

import pytest
from sqlalchemy.engine import make_url

from simulator.systems import act
from tests.brokers.conftest import MakeSite
from tests.crash.process_stack import EMBEDDED, ForkServer, ProcessStack
from tests.fakes.database_faults import DatabaseFault, execute, other_revision, right_missing, table_missing
from tests.flow.simulated_stack import SimulatedCompany
from tests.machine import Amqp, Redis
from worker.intake_consumer import publish
from worker.queues import INTAKE, RETURNED


@pytest.fixture
def plain_user(postgresql_url: str) -> Iterator[str]:
    """The store's address for a user who may write and owns nothing: what PostgreSQL refuses a superuser is little."""
    name = f"provisor_test_{token_hex(4)}"
    everything = "ALL ON ALL TABLES IN SCHEMA public", "ALL ON ALL SEQUENCES IN SCHEMA public"
    execute(postgresql_url, f"CREATE ROLE {name} LOGIN", *(f"GRANT {each} TO PUBLIC" for each in everything))
    yield make_url(postgresql_url).set(username=name).render_as_string(hide_password=False)
    execute(postgresql_url, *(f"REVOKE {each} FROM PUBLIC" for each in everything), f"DROP ROLE {name}")


@pytest.fixture
def cluster(plain_user: str, make_site: MakeSite, rabbitmq: Amqp) -> ProcessStack:
    stack = make_site(plain_user, rabbitmq, rabbitmq.publish)
    stack.declare_queues()
    started(stack)
    return stack


def started(stack: ProcessStack) -> None:
    """Start a worker, and wait until it has opened the store."""
    worker = stack.up()
    stack.until(lambda: worker.events()["provisor.up"], what="the start")


def ask(stack: ProcessStack) -> list[tuple[str, str]]:
    """Two grants and a revocation: the requests with their groups."""
    email = stack.company.person()
    groups = [stack.company.jumpcloud_group() for _ in range(3)]
    act(stack.company.jumpcloud, "add_member", group=groups[2], user=email)
    how = (stack.grant, stack.grant, stack.revoke)
    return [(do(email, f"jumpcloud:group:{group}:member"), group) for do, group in zip(how, groups, strict=True)]


def all_done_once(stack: ProcessStack, asked: list[tuple[str, str]]) -> None:
    for request, _ in asked:
        stack.ended(request)
    assert [stack.changes(group) for _, group in asked] == [["add"], ["add"], ["add", "remove"]]
    assert stack.audited("request.received") == {request: 1 for request, _ in asked}
    nothing_buried(stack)


def nothing_buried(stack: ProcessStack) -> None:
    with stack.store.read() as work:
        assert work.dead_letters.recent(over=True) == []


@pytest.mark.parametrize("fault", [table_missing, right_missing])
def test_messages_wait_while_the_database_fails(
    cluster: ProcessStack, postgresql_url: str, rabbitmq: Amqp, fault: DatabaseFault
) -> None:
    with fault(postgresql_url):
        asked = ask(cluster)
        cluster.until(lambda: cluster.worker.events()["intake.postponed"] >= 3, what="three tries")
        nothing_buried(cluster)
    all_done_once(cluster, asked)
    assert not rabbitmq.waiting()


def test_a_worker_ends_while_the_database_fails_and_leaves_messages_on_the_queue(
    cluster: ProcessStack, postgresql_url: str, rabbitmq: Amqp
) -> None:
    with table_missing(postgresql_url):
        asked = ask(cluster)
        cluster.until(lambda: cluster.worker.events()["intake.postponed"], what="a try")
        assert cluster.worker.stop() == 0
        assert rabbitmq.depth() == len(asked)
    cluster.up()
    all_done_once(cluster, asked)


def test_a_returned_message_waits_too(cluster: ProcessStack, postgresql_url: str, rabbitmq: Amqp) -> None:
    with table_missing(postgresql_url, "dead_letters"):
        rabbitmq.publish('{"id": "broken"}', queue=RETURNED)
        cluster.until(lambda: cluster.worker.events()["intake.postponed"], what="a try")
    [copy] = cluster.until(rabbitmq.waiting, what="the copy")
    assert "required" in str(copy.headers["x-provisor-reason"])


def test_work_keeps_its_due_time_while_the_database_fails(cluster: ProcessStack, postgresql_url: str) -> None:
    """The table of operations is away when the write at the system is answered: no try is counted for that."""
    group = cluster.company.jumpcloud_group()
    held = cluster.faults.add(system="jumpcloud", method="POST", path="/members$", hold="after")
    request = cluster.grant(cluster.company.person(), f"jumpcloud:group:{group}:member")
    cluster.until_held(held)
    with table_missing(postgresql_url, "operations"):
        cluster.faults.release(held)
        cluster.until(lambda: cluster.worker.events()["work.postponed"], what="the postponement")
    cluster.let_leases_run_out()
    cluster.ended(request)
    [operation] = cluster.operations(request)
    assert operation.tries == 1
    assert cluster.changes(group) == ["add"]
    assert not cluster.audited("operation.retry")


def stopped(stack: ProcessStack) -> bool:
    return stack.worker.events()["consumer.stopped"] > 0


def test_a_process_takes_nothing_in_once_another_version_has_migrated_the_store(
    cluster: ProcessStack, postgresql_url: str, rabbitmq: Amqp
) -> None:
    """Its messages go back to the queue, where a process of the other version would take them."""
    with other_revision(postgresql_url):
        asked = ask(cluster)
        cluster.until(lambda: stopped(cluster), what="the worker's notice")
        rabbitmq.publish("{oh")  # not even that is judged
        cluster.until(lambda: rabbitmq.depth() == len(asked) + 1, what="the messages being back")
        nothing_buried(cluster)
        assert cluster.worker.stop() == 0
        assert cluster.worker.events()["consumer.stopped"] == 1
        assert not cluster.worker.events()["request.received"]
    *valid, broken = sorted((each.body for each in rabbitmq.waiting(INTAKE)), reverse=True, key=len)
    assert broken == b"{oh"
    rabbitmq.publish(*valid)
    cluster.up()
    all_done_once(cluster, asked)


def test_redis_has_its_messages_back_too(make_site: MakeSite, sqlite_url: str, redis: Redis) -> None:
    stack = make_site(sqlite_url, redis, None)

    def hand_in(body: bytes) -> None:
        with stack.process.app.connection() as connection:
            publish(connection, stack.process.queues, [body])

    stack.hand_in = hand_in
    started(stack)
    with other_revision(sqlite_url):
        asked = ask(stack)
        stack.until(lambda: stopped(stack), what="the worker's notice")
        assert stack.worker.stop() == 0
        nothing_buried(stack)
    stack.up()
    all_done_once(stack, asked)


@pytest.fixture
def embedded(
    company: SimulatedCompany, fork_server: ForkServer, tmp_path: Path, sqlite_url: str
) -> Iterator[ProcessStack]:
    """SQLite and no broker; requests are handed in through the store."""
    settings = company.settings(tmp_path, sqlite_url, **EMBEDDED)
    stack = ProcessStack.made(company, tmp_path, settings, fork_server)
    started(stack)
    yield stack
    stack.close()


def test_without_a_broker_messages_wait_in_the_store(embedded: ProcessStack, sqlite_url: str) -> None:
    with table_missing(sqlite_url):
        asked = ask(embedded)
        embedded.until(lambda: embedded.worker.events()["sweep.postponed"] >= 2, what="two turns")
        nothing_buried(embedded)
    all_done_once(embedded, asked)


def test_without_a_broker_another_version_ends_the_intake_too(embedded: ProcessStack, sqlite_url: str) -> None:
    with other_revision(sqlite_url):
        embedded.until(lambda: stopped(embedded), what="the worker's notice")
        asked = ask(embedded)
        assert embedded.worker.stop() == 0
        with embedded.store.read() as work:
            assert len(work.inbox.waiting(10)) == len(asked)
    embedded.up()
    all_done_once(embedded, asked)
