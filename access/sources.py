"""Who handed a message in, as the way it came shows it: never what the message says of itself.

- ``rabbitmq:<user>``: the user of the broker, where the producer sets ``user_id``. RabbitMQ refuses another user's name
  (https://www.rabbitmq.com/docs/validated-user-id).
- ``exchange:<name>``: the exchange of the broker that it was published to, where no user is named.
- ``inbox:<user>``: the user of the operating system who handed it in with a command.
- ``plan``: Provisor itself, for a plan that was approved.
- ``unknown``: nothing shows who it was.
"""

from __future__ import annotations

from collections.abc import Iterable

from access.patterns import matches_text

UNKNOWN = "unknown"


def of_broker(user: str | None, exchange: str) -> str:
    """The source of a message from RabbitMQ; ``exchange`` is empty where it shows nothing."""
    if user:
        return f"rabbitmq:{user}"
    return f"exchange:{exchange}" if exchange else UNKNOWN


def of_inbox(user: str) -> str:
    """The source of a message that this user of the operating system handed in."""
    return f"inbox:{user}"


def is_among(source: str, patterns: Iterable[str]) -> bool:
    """Whether one of the patterns, in which ``*`` and ``?`` stand for any text and any character, matches the source."""
    return any(matches_text(pattern, source) for pattern in patterns)
