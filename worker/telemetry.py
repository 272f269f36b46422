"""Structured logs, and errors to Sentry when a DSN is set. Neither gets secrets."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import sentry_sdk
import structlog
from sentry_sdk.types import Event, Hint

from httpclient.redaction import Redaction


def start_logging(*, level: str, form: str, redaction: Redaction, stream: TextIO | None = None) -> None:
    """Send all logs, ours and the libraries', to ``stream`` (standard error) in one form: json, console or auto."""
    stream = stream or sys.stderr
    as_json = form == "json" or (form == "auto" and not stream.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    finish: list[Any] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _redacting(redaction),
        last,
    ]
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=finish))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    logging.captureWarnings(capture=True)
    for name in ("urllib3", "amqp", "kombu", "celery", "jira", "alembic"):
        # Their debug lines hold bodies and headers; their info lines say nothing about access.
        logging.getLogger(name).setLevel(max(logging.WARNING, root.level))
    # It warns of tasks with an ETA; Provisor has none.
    logging.getLogger("kombu.transport.native_delayed_delivery").setLevel(logging.ERROR)


def _redacting(redaction: Redaction) -> Any:
    def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        cleaned: MutableMapping[str, Any] = redaction.value(dict(event))
        return cleaned

    return redact


def start_sentry(dsn: str | None, *, environment: str, release: str, redaction: Redaction) -> None:
    """Send errors to Sentry; without a DSN do nothing.

    Must run before the first import of ``celery.worker``: later, Sentry's integration captures nothing [measured].
    """
    if dsn is None:
        return
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=release,
        send_default_pii=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        before_send=_scrubbing(redaction),
        before_breadcrumb=lambda crumb, _hint: redaction.value(crumb),
    )


def _work_under_way() -> dict[str, str]:
    """The ids of the request and the operation that the thread is at, as its log lines have them."""
    bound = structlog.contextvars.get_contextvars()
    if bound.get("topic") in {"request", "operation"}:
        bound = {f"{bound['topic']}_id": bound["ref"], **bound}
    return {name: str(bound[name]) for name in ("request_id", "operation_id") if name in bound}


def _scrubbing(redaction: Redaction) -> Any:
    def scrub(event: Event, _hint: Hint) -> Event:
        event.get("extra", {}).pop("sys.argv", None)
        event["tags"] = {**dict(event.get("tags") or {}), **_work_under_way()}
        cleaned: Event = redaction.value(event)
        return cleaned

    return scrub
