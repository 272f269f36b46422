from datetime import timedelta

import pytest

from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown

KINDS: tuple[type[Failure], ...] = (Failure, *Failure.__subclasses__())


def test_every_kind_of_failure_has_its_own_word() -> None:
    assert {kind.__name__: kind.word for kind in KINDS} == {
        "Failure": "failure",
        "Transient": "transient",
        "Permanent": "permanent",
        "Unknown": "unknown",
        "CredentialRefused": "credential_refused",
    }


@pytest.mark.parametrize("kind", [Transient, Permanent, Unknown, CredentialRefused])
def test_a_failure_reads_as_what_happened_its_trace_and_what_to_do(kind: type[Failure]) -> None:
    failure = kind("Jira answered 503.", remedy="Wait.", status=503, trace_id="abc")
    assert str(failure) == "Jira answered 503. (trace abc) Wait."
    assert (failure.what, failure.remedy, failure.status, failure.trace_id) == (
        "Jira answered 503.",
        "Wait.",
        503,
        "abc",
    )


def test_a_failure_without_trace_and_remedy_is_only_its_sentence() -> None:
    assert str(Unknown("The connection broke.")) == "The connection broke."


def test_a_transient_failure_keeps_the_wait_the_service_asked_for() -> None:
    assert Transient("Busy.", retry_after=timedelta(seconds=9)).retry_after == timedelta(seconds=9)
    assert Transient("Busy.").retry_after is None
