"""Several workers meet, test and end the same faults at one moment: none of them fails for it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest

from access.failures import CredentialRefused, Failure, Transient
from access.faults import Phase
from store.database import Database
from store.outbox import Topic
from store.unit_of_work import Store
from tasks.faults import Faults, Row
from tests.fakes.local_stack import LocalStack
from tests.together import together

WORKERS, TURNS = 6, 12


@pytest.fixture(params=["sqlite_url", "postgresql_url"])
def shared_store(request: pytest.FixtureRequest) -> Iterator[Store]:
    database = Database(request.getfixturevalue(request.param), pool_size=WORKERS)
    yield Store(database)
    database.close()


def test_workers_that_meet_test_and_end_faults_at_once_do_not_keep_each_other_from_it(shared_store: Store) -> None:
    stack = LocalStack.over(shared_store)
    for number in range(WORKERS):
        stack.grant(f"r{number}", subject={"id": f"p{number}"})

    def work(number: int) -> None:
        faults = Faults(shared_store, stack.clock)
        request = stack.request(f"r{number}")
        row = Row.of_request(request)
        assert row.topic is Topic.REQUEST
        for turn in range(TURNS):
            failure: Failure = Transient("Away.") if (turn + number) % 2 else CredentialRefused("Who?")
            with shared_store.write() as writing:
                otherwise = stack.clock.now() + timedelta(seconds=1)
                until = faults.met(writing, row, failure, Phase.READ, otherwise=otherwise)
                writing.requests.postpone(request, until=until, now=stack.clock.now(), reason="away")
            faults.tidy()
            if (turn + number) % 3 == 0:
                faults.passed(row, Phase.READ)

    together(partial(work, number) for number in range(WORKERS))
    with shared_store.read() as reading:
        assert len(reading.faults.at("jumpcloud")) <= 2
