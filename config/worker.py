"""The settings of the process: store, broker, worker, limits, sync and telemetry."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator

from config.field_types import Duration, matching, within
from config.section import Section
from config.urls import BrokerUrl, DatabaseUrl, SentryDsn

#: Anything shorter is a mistake, not a timeout.
_BLINK = timedelta(milliseconds=10)


class StoreSettings(Section):
    """Where the durable state is."""

    #: SQLite file (one machine) or PostgreSQL (a cluster).
    url: DatabaseUrl = SecretStr("sqlite:///./var/provisor.db")
    #: Connections that one process keeps open to PostgreSQL.
    pool_size: Annotated[int, Field(ge=1, le=200)] = 20
    #: A PostgreSQL server that has to answer and says nothing for so long counts as lost.
    silence: Annotated[Duration, within(timedelta(seconds=0.5), timedelta(seconds=8))] = timedelta(seconds=8)
    #: How long messages that were not accepted are kept.
    dead_letters_kept: Annotated[Duration, within(timedelta(minutes=1))] = timedelta(days=90)
    #: How long events are kept for those who follow them.
    events_kept: Annotated[Duration, within(timedelta(minutes=1))] = timedelta(days=30)


class BrokerSettings(Section):
    """The broker, which wakes workers up. The store alone holds state, so the broker may lose every message."""

    #: Memory (one process), RabbitMQ (amqp) or Redis.
    url: BrokerUrl = SecretStr("memory://")
    #: Put before every queue's name, for several Provisors on one broker.
    prefix: Annotated[
        str, matching(r"[A-Za-z0-9._-]{0,60}", "is no name for queues; write letters, digits, dots and dashes")
    ] = ""
    #: Redis only: after how long an unacknowledged message is delivered again.
    visibility_timeout: Annotated[Duration, within(timedelta(seconds=1))] = timedelta(hours=1)


class WorkerSettings(Section):
    """How one worker process behaves."""

    #: Threads; they mostly wait for answers of the systems. One system holds all but one of them at the most.
    concurrency: Annotated[int, Field(ge=4, le=256)] = 16
    #: Threads for each system besides these, which only take access away.
    removal_threads: Annotated[int, Field(ge=1, le=64)] = 4
    #: How often due work is looked for in the store.
    poll: Annotated[Duration, within(timedelta(milliseconds=10), timedelta(minutes=5))] = timedelta(seconds=0.2)
    #: After how long without a sign of life another worker takes over what a worker had; it is renewed while the work lasts.
    lease: Annotated[Duration, within(timedelta(seconds=0.5))] = timedelta(seconds=9)
    #: Messages taken from the broker before the first of them is acknowledged.
    intake_batch: Annotated[int, Field(ge=1, le=1000)] = 50
    #: Whether workers obey Celery's remote control; then whoever may write to the broker can command them.
    remote_control: bool = False
    #: Whether workers publish Celery's events, for monitors such as 'celery -A worker events'.
    task_events: bool = False


class LimitSettings(Section):
    """How long and how often something is tried before a person is asked or told."""

    #: Writes of one operation that the system accepts and does not show, before a person is asked by ticket.
    attempts: Annotated[int, Field(ge=1, le=100)] = 8
    #: The wait after the first try; it doubles with each further one.
    first_wait: Annotated[Duration, within(timedelta(milliseconds=10), timedelta(minutes=10))] = timedelta(seconds=2)
    #: After this long such a write is not repeated, and a removal that waits for anything raises an alarm.
    deadline: Annotated[Duration, within(timedelta(seconds=1))] = timedelta(hours=4)
    #: How long a change may stay invisible in the system before it counts as not made.
    verification: Annotated[Duration, within(timedelta(0))] = timedelta(minutes=3)
    #: How long an identity provider may take to pass a change on, before a person is asked.
    propagation: Annotated[Duration, within(timedelta(seconds=1))] = timedelta(minutes=15)
    #: Waiting for a connection.
    connect_timeout: Annotated[Duration, within(_BLINK, timedelta(minutes=2))] = timedelta(seconds=3)
    #: Waiting for an answer; with connect_timeout, the time for a whole call, however slowly its answer comes.
    read_timeout: Annotated[Duration, within(_BLINK, timedelta(minutes=10))] = timedelta(seconds=20)
    #: How long "stop until" of a service (Retry-After) holds what takes access away; after it, one call tries.
    longest_stop: Annotated[Duration, within(timedelta(seconds=1), timedelta(days=1))] = timedelta(minutes=15)


class SyncSettings(Section):
    """How snapshots of the systems are taken."""

    #: How often a snapshot is taken; off when left empty.
    period: Annotated[Duration, Field(ge=timedelta(minutes=1))] | None = timedelta(hours=1)
    #: How old the last full pass may be before everything is read again, whatever the events say.
    full_every: Annotated[Duration, Field(ge=timedelta(minutes=1))] = timedelta(hours=24)
    #: A list that lost more than this share of its rows must be read twice and show the same.
    shrink_share: Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False)] = 0.3
    #: Lists shorter than this may shrink as they like.
    shrink_at_least: Annotated[int, Field(ge=1)] = 10
    #: How JumpCloud memberships are read.
    jumpcloud_method: Literal["auto", "listing", "report", "search"] = "auto"
    #: Whether events (Directory Insights, the organization's log) may say what need not be read again.
    use_events: bool = True
    #: Whether portal customers of Jira are left out.
    skip_customers: bool = False
    #: Whether project participants are left out.
    skip_participants: bool = False


class TelemetrySettings(Section):
    """Logs and reports of errors."""

    #: The least important lines that are shown.
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    #: ``auto`` is console on a terminal and JSON elsewhere.
    log_format: Literal["json", "console", "auto"] = "auto"
    #: Where each process answers ``/live``, ``/ready`` and ``/metrics`` by HTTP; off when left out.
    listen: (
        Annotated[
            str,
            matching(r"(\[[0-9A-Fa-f:]+\]|[0-9.]+|[A-Za-z0-9.-]+):[0-9]{1,5}", "is no address; write 127.0.0.1:9464"),
        ]
        | None
    ) = None
    #: Errors go to Sentry when this is set.
    sentry_dsn: SentryDsn | None = None
    #: Name of this deployment in logs and Sentry.
    environment: Annotated[
        str, matching(r"[^\s/]{1,64}", "is no name of an environment; write one word such as production")
    ] = "production"

    @field_validator("log_level", "log_format", mode="before")
    @classmethod
    def _any_case(cls, value: object) -> object:
        return value.lower() if isinstance(value, str) else value
