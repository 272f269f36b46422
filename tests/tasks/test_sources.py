"""Which producer may ask what: by the way a message came, and never by what it says of itself."""

from __future__ import annotations

import json
from typing import Any

import pytest

from access import actors
from access.lifecycle import RequestState
from access.methods import Method
from access.policy import Rule
from access.sources import is_among, of_broker, of_inbox
from tests.fakes.local_stack import ADA, GROUP, LocalStack

DONE, REFUSED = RequestState.DONE, RequestState.REFUSED
FROM_HR = Rule("jumpcloud:group:*", sources=("rabbitmq:hr*", "inbox:grace"))


def send(stack: LocalStack, request_id: str, source: str, **more: Any) -> None:
    message = {"id": request_id, "action": "grant", "subject": {"id": ADA}, "entitlement": GROUP} | more
    stack.intake.take(json.dumps(message).encode(), content_type=None, source=source)


@pytest.mark.parametrize(
    ("source", "state"),
    [
        ("rabbitmq:hr", DONE),
        ("rabbitmq:hr-portal", DONE),
        ("inbox:grace", DONE),
        ("inbox:grace2", REFUSED),
        ("exchange:rabbitmq:hr", REFUSED),
        ("unknown", REFUSED),
    ],
)
def test_a_rule_is_for_the_sources_that_it_names(stack: LocalStack, source: str, state: RequestState) -> None:
    other = LocalStack.over(stack.store, like=stack, rules=[FROM_HR])
    send(other, "r1", source, requested_by="rabbitmq:hr", fields={"source": "rabbitmq:hr"})
    other.run()
    found = other.request("r1")
    assert found.state is state
    if state is REFUSED:
        assert f"and not '{source}', from where the request came." in (found.reason or "")


def test_the_next_rule_decides_for_the_other_sources(stack: LocalStack) -> None:
    for_all = Rule("jumpcloud:group:*", give=Method.TICKET)
    other = LocalStack.over(stack.store, like=stack, rules=[FROM_HR, for_all])
    send(other, "r1", "unknown")
    other.run()
    assert other.operation("r1").via is Method.TICKET


def test_a_denial_for_one_source_denies_no_other(stack: LocalStack) -> None:
    denied = Rule("jumpcloud:*", give=Method.DENY, sources=("exchange:*",))
    other = LocalStack.over(stack.store, like=stack, rules=[denied, Rule("jumpcloud:*")])
    send(other, "r1", "exchange:legacy")
    send(other, "r2", "unknown")
    other.run()
    assert (other.request("r1").state, other.request("r2").state) == (REFUSED, DONE)


def test_what_a_rule_allows_one_source_beside_the_method_no_other_has(stack: LocalStack) -> None:
    """The first rule that matches an entitlement is not the rule of this request."""
    rules = [
        Rule("jumpcloud:*", sources=("rabbitmq:hr",), required=("approved_by",)),
        Rule("jumpcloud:*", max_duration=None, required=("reason",)),
    ]
    other = LocalStack.over(stack.store, like=stack, rules=rules)
    send(other, "r1", "unknown", reason="on call")
    send(other, "r2", "rabbitmq:hr", reason="on call")
    other.run()
    assert (other.request("r1").state, other.request("r2").state) == (DONE, REFUSED)


def test_who_may_take_and_extend_is_asked_as_well(stack: LocalStack) -> None:
    other = LocalStack.over(stack.store, like=stack, rules=[FROM_HR])
    send(other, "r1", "rabbitmq:hr", duration="PT1H")
    other.run()
    send(other, "v1", "unknown", action="revoke")
    send(other, "x1", "unknown", action="extend", duration="PT1H")
    send(other, "x2", "rabbitmq:hr", action="extend", duration="PT1H")
    other.run()
    assert [other.request(each).state for each in ("v1", "x1", "x2")] == [REFUSED, REFUSED, DONE]
    assert other.has()


def test_the_author_of_a_request_is_its_source_and_what_it_says_is_kept_as_said(stack: LocalStack) -> None:
    send(stack, "r1", "rabbitmq:hr", requested_by="provisor", approved_by="the owner")
    with stack.store.read() as work:
        received = work.audit.of_request("r1")[0]
    assert received.actor == actors.producer("rabbitmq:hr")
    assert (received.detail["requested_by"], received.detail["approved_by"]) == ("provisor", "the owner")


def test_a_source_is_written_so_that_no_other_can_pass_for_it() -> None:
    assert of_broker("hr", "provisor.intake") == "rabbitmq:hr"
    assert of_broker(None, "rabbitmq:hr") == "exchange:rabbitmq:hr"
    assert of_broker(None, "") == "unknown"
    assert of_inbox("rabbitmq:hr") == "inbox:rabbitmq:hr"
    assert not is_among("exchange:rabbitmq:hr", ["rabbitmq:*"])
    assert not is_among("rabbitmq:hr", ["rabbitmq:HR", "rabbitmq:h", "rabbitmq:[h]r"])
