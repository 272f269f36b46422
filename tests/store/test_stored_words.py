"""Words that stand in stored rows, in brokers and in ticketing systems keep their spelling.

Every value was written by the version of 22 November 2026, before its rooms and classes were renamed.
"""

from __future__ import annotations

import ast
from enum import StrEnum
from typing import Any, TypeVar

import pytest

from access.entitlements import ResourceKind, System
from access.lifecycle import ClaimState, OperationState, RequestState, TicketState
from access.message import AccessRequest, Action
from access.methods import Direction, Method
from access.operations import Lane, Purpose
from access.snapshots import RunState
from store.outbox import Topic
from ticketing.jira.calls import PROPERTY
from ticketing.jira.provider import MARKER
from worker.celery_app import task_name
from worker.queues import Queues

Node = TypeVar("Node", bound=ast.AST)

ADA = {"email": "ada@example.com"}

FINGERPRINTS: list[tuple[dict[str, Any], str]] = [
    (
        {"id": "r1", "action": "grant", "subject": ADA, "entitlement": "jumpcloud:group:g1:member"},
        "88572699b0a710e8591d1bd70e3b5be227373d81154b567c4b7751536aadd298",
    ),
    (
        {
            "id": "r2",
            "action": "grant",
            "subject": {"email": "Ada@Example.com"},
            "entitlement": "jira:project-role:PAY:Developers:assigned",
            "duration": "P1DT2H30M",
            "reason": "on call",
            "requested_by": "grace@example.com",
            "approved_by": "alan@example.com",
            "requested_at": "2026-11-22T10:00:00+01:00",
            "fields": {"cost centre": "42", "straße": "1"},
        },
        "10015939c464427e7243da746d996a37fadc29960b66fcded803e32ac75142f5",
    ),
    (
        {"id": "r3", "action": "revoke", "subject": ADA, "entitlement": "jira:group:team:member", "claim_of": "r2"},
        "26e30a93c5c9a3e79f47a5becbbd464cf349c14fa43f3a8a394ae398dc661e61",
    ),
    (
        {"id": "r4", "action": "create_account", "subject": ADA, "system": "jira", "products": ["jira-software"]},
        "9f57d246bfca010e8217b13fbd4d828b1d8256cfeccc5eec0fdb8a1b58122e1a",
    ),
    (
        {"id": "r5", "action": "deprovision_account", "subject": {"username": "ada"}, "system": "jumpcloud"},
        "2ee319d8efae3bcad5a871dd24007e58db2a4fb1d4af7023d6494ae3425c8d4f",
    ),
    (
        {"id": "r6", "action": "revoke", "subject": ADA, "entitlement": "jira:group:team a:member"},
        "69a657ef7c7c4da7f0f451b236b944a9e869354a5bec464beb4ba038f8c675fd",
    ),
    (
        {
            "id": "req-1",
            "action": "grant",
            "subject": {"email": "Ada@BÜCHER.example"},
            "entitlement": "jira:project-role:PAY:Administrators:assigned",
            "duration": "P1DT90.5S",
            "reason": "x",
        },
        "416557e39b6fd2ba5bd4c3d591a6cd59ab06d4091edad94181046b4046d10f91",
    ),
]


@pytest.mark.parametrize(("message", "fingerprint"), FINGERPRINTS, ids=[each["id"] for each, _ in FINGERPRINTS])
def test_a_request_keeps_its_fingerprint(message: dict[str, Any], fingerprint: str) -> None:
    """Else a request that is sent again after an upgrade would count as another one under the same id."""
    assert AccessRequest.model_validate(message).fingerprint() == fingerprint


WORDS: list[tuple[type[StrEnum], str]] = [
    (RequestState, "received planned fulfilling done refused failed withdrawn"),
    (OperationState, "waiting ready running with_person done failed dropped"),
    (ClaimState, "pending active ending ended void"),
    (TicketState, "intended open answered verified declined lost withdrawn escalated"),
    (RunState, "running complete failed"),
    (Direction, "give take"),
    (Method, "connector ticket"),  # the column operations.via
    (Purpose, "request expiry"),
    (Action, "grant revoke create_account deprovision_account"),
    (System, "jumpcloud jira"),
    (ResourceKind, "group project-role account application admin-role"),
    (Lane, "revoke grant ticket sync"),
    (Topic, "request operation claim tickets sync"),
]


@pytest.mark.parametrize(("enum", "words"), WORDS, ids=[enum.__name__ for enum, _ in WORDS])
def test_stored_words_are_still_known(enum: type[StrEnum], words: str) -> None:
    assert set(words.split()) <= set(enum)


def test_queues_and_tasks_keep_their_names() -> None:
    """Workers of two versions share a broker during an upgrade, and producers know the intake queue."""
    queues = Queues(prefix="eu.", amqp=True)
    assert [queue.name for queue in (queues.intake, queues.returned, queues.dead)] == [
        "eu.provisor.intake.requests",
        "eu.provisor.intake.returned",
        "eu.provisor.intake.dead",
    ]
    assert queues.intake_exchange.name == "eu.provisor.intake"
    assert {queues.lane(lane).name for lane in Lane} >= {
        "eu.provisor.lane.revoke",
        "eu.provisor.lane.grant",
        "eu.provisor.lane.ticket",
        "eu.provisor.lane.sync",
    }
    assert {task_name(topic) for topic in Topic} >= {
        "provisor.request",
        "provisor.operation",
        "provisor.claim",
        "provisor.tickets",
        "provisor.sync",
    }


def test_tickets_keep_their_marks() -> None:
    """By these an issue is found whose creation was not answered."""
    assert (PROPERTY, MARKER) == ("provisor", "marker")
