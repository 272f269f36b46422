"""kombu's transport for Redis, which drops what is no message, and leaves a silent server at once.

kombu parses an entry of a list after it was taken from the list, and before anybody sees it: an entry that is no envelope would
end the process. Lanes hold wake-ups only, and the sweep finds the row of a lost one, so such an entry is dropped with a log line.
"""

from __future__ import annotations

from typing import Any

import structlog
from kombu.transport import redis as _redis
from kombu.transport import virtual as _virtual

#: The stubs know little of both.
redis: Any = _redis
virtual: Any = _virtual

_log = structlog.get_logger(__name__)

#: An answer that is later by more does not come any more.
_LATE_SECONDS = 0.5


class _Message(virtual.Message):  # type: ignore[misc] # the same
    """A message that is never unpacked by a header: nobody compresses wake-ups."""

    def __init__(self, payload: dict[str, Any], **options: Any) -> None:
        headers = payload.get("headers")
        if isinstance(headers, dict):
            headers.pop("compression", None)
        super().__init__(payload, **options)


class _Channel(redis.Channel):  # type: ignore[misc] # the same
    Message = _Message

    def _brpop_read(self, **options: Any) -> Any:
        # kombu counts a KeyError among the errors of a connection [5.7]; an entry without delivery info raises one.
        lost = tuple(each for each in self.connection_errors if each is not KeyError)
        try:
            return super()._brpop_read(**options)
        except (*lost, redis.Empty):
            raise
        except Exception as exc:  # noqa: BLE001 - whatever lies in the list
            _log.warning("wake_up.dropped", why=f"the entry is no wake-up: {type(exc).__name__}")
            return True

    def close(self) -> None:
        """Close, without waiting for the answer of a server that has fallen silent."""
        channel: Any = self
        if channel._in_poll and not self._is_answered():  # noqa: SLF001 - kombu asks nobody
            channel.client.connection.disconnect()
            channel._in_poll = None  # noqa: SLF001 - the same
        super().close()

    def _is_answered(self) -> bool:
        """Whether the wait for messages comes to its end: a server that lives answers within the time it was given."""
        try:
            return bool(self.client.connection.can_read(timeout=self.brpop_timeout + _LATE_SECONDS))
        except self.connection_errors:
            return False


class Transport(redis.Transport):  # type: ignore[misc] # the same
    """The transport that Celery is told to use for Redis."""

    Channel = _Channel
