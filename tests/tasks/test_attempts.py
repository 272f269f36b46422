"""How an attempt can fail: each kind of exception has one meaning, for all use-cases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from access.retry import GiveUp, RetryAt
from store.leases import LeaseLost
from store.unit_of_work import Conflict, Unavailable
from tasks.attempts import attempt, log_postponed, next_try
from tasks.own_faults import OwnFault
from tests.fakes.local_stack import LocalStack


def tried(error: BaseException | None, *, on_failure: BaseException | None = None) -> Failure | str | None:
    """The failure that an attempt is told of, or what it returned."""

    def do() -> Failure | str:
        if error is not None:
            raise error
        return "done"

    def give(failure: Failure) -> Failure | str:
        if on_failure is not None:
            raise on_failure
        return failure

    return attempt("operation", do, give)


@pytest.mark.parametrize("failure", [Transient("Busy."), Permanent("No."), Unknown("Lost."), CredentialRefused("Who?")])
def test_a_failure_word_is_handed_on_as_it_is(failure: Failure) -> None:
    assert tried(failure) is failure


def test_an_attempt_that_succeeds_returns_its_result() -> None:
    assert tried(None) == "done"


def test_a_race_between_workers_is_a_fault_without_a_trace_in_the_log() -> None:
    with capture_logs() as logs:
        failure = tried(Conflict("unique constraint"))
    assert isinstance(failure, OwnFault)
    assert "Another worker" in str(failure)
    assert logs == []


def test_a_mistake_of_ours_is_a_fault_that_repeats_nobodys_data() -> None:
    with capture_logs() as logs:
        failure = tried(ValueError("hunter2"))
    assert isinstance(failure, OwnFault)
    assert "ValueError" in str(failure)
    assert "hunter2" not in str(failure)
    assert [log["event"] for log in logs] == ["operation.error"]


@pytest.mark.parametrize("error", [None, Transient("Busy."), Conflict("x"), ValueError("x")])
def test_a_lost_lease_ends_the_attempt_wherever_it_is_noticed(error: Exception | None) -> None:
    lost = LeaseLost("op1")
    with capture_logs() as logs:
        assert (tried(lost) if error is None else tried(error, on_failure=lost)) is None
    assert logs[-1]["event"] == "operation.taken_over"


@pytest.mark.parametrize("error", [Unavailable("away"), KeyboardInterrupt()])
def test_a_database_that_is_away_and_the_end_of_the_process_are_no_verdict(error: BaseException) -> None:
    with pytest.raises(type(error)):
        tried(error)


@pytest.mark.parametrize(
    ("failure", "bounded", "final", "goes_on"),
    [
        (Transient("Busy."), True, True, False),
        (Transient("Busy."), False, True, True),
        (OwnFault("Ours."), False, True, True),
        (Permanent("No."), False, True, False),
        (Permanent("No."), False, False, True),
        (Permanent("Forbidden.", status=403), False, True, True),
        (Permanent("Forbidden.", status=403), True, True, False),
        (CredentialRefused("Who?"), True, True, True),
    ],
)
def test_only_a_refusal_of_the_very_thing_ends_work_that_a_fault_holds(
    stack: LocalStack, failure: Failure, *, bounded: bool, final: bool, goes_on: bool
) -> None:
    verdict = next_try(stack.services, failure, tries=99, first_tried_at=None, bounded=bounded, final=final)
    assert isinstance(verdict, RetryAt if goes_on else GiveUp)


def test_retries_are_spread_by_the_jitter_of_the_services(stack: LocalStack) -> None:
    services = replace(stack.services, jitter=lambda: 1.0)
    verdict = next_try(services, Transient("Busy."), tries=1, first_tried_at=None)
    assert verdict == RetryAt(stack.clock.now() + timedelta(seconds=2.5))


@pytest.mark.parametrize(("failure", "level"), [(Transient("Busy."), "warning"), (CredentialRefused("Who?"), "error")])
def test_a_refused_credential_reaches_the_operator(failure: Failure, level: str) -> None:
    with capture_logs() as logs:
        log_postponed("request.postponed", failure)
    assert [(log["event"], log["log_level"]) for log in logs] == [("request.postponed", level)]
