"""Markdown in which the words of other people stay words: they make no markup, no links and no lines of their own."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Self
from zoneinfo import ZoneInfo

#: Shown for a fact that is not known.
UNKNOWN = "not given"

#: All punctuation that means something in Markdown or one of its dialects.
_PUNCTUATION = re.compile(r"([!#$&()*+.:<=>@\[\]\\^_`{|}~-])")
#: Characters that turn the direction of text and so make it read as something else.
_TURNING = re.compile("[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c]")
_BACKTICKS = re.compile(r"`+")
_WEB_URL = re.compile(r"https?://[^\s<>\"'`\\]+", re.IGNORECASE)


class Markdown(str):
    """Text that is Markdown already, and is not escaped again."""

    __slots__ = ()


class Rendered(str):
    """Plain text that a template made; ``markdown`` is the same for fields that hold documents."""

    __slots__ = ("markdown",)
    markdown: str

    def __new__(cls, plain: str, markdown: str) -> Self:
        """Text and the Markdown of it."""
        self = super().__new__(cls, plain)
        self.markdown = markdown
        return self


def escaped(value: object) -> Markdown:
    """Any value as literal text on one line. ``Markdown`` is left as it is; None is "not given"."""
    if isinstance(value, Markdown):
        return value
    if value is None:
        return Markdown(UNKNOWN)
    return Markdown(_PUNCTUATION.sub(r"\\\1", _one_line(_as_text(value))))


def code(value: object) -> Markdown:
    """A value as inline code, for what is copied: ids and written forms. Not for tables."""
    if value is None:
        return Markdown(UNKNOWN)
    text = _one_line(_as_text(value))
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    return Markdown(f"{fence} {text} {fence}" if text else UNKNOWN)


def quotation(value: object) -> Markdown:
    """A value of several lines as a block quotation; begin the line with it."""
    lines = [escaped(line) for line in _as_text(UNKNOWN if value is None else value).splitlines() if line.strip()]
    return Markdown("\n>\n".join(f"> {line}" for line in lines) or f"> {UNKNOWN}")


def link(url: str | None, words: object) -> Markdown:
    """A link to a system or a ticket; only the words when the URL is none that a browser opens."""
    if url is None or not _WEB_URL.fullmatch(url):
        return escaped(words)
    return Markdown(f"[{escaped(words)}](<{url}>)")


def moment(value: datetime, time_zone: str = "UTC") -> Markdown:
    """A moment in a time zone, with the zone, and in UTC beside it when that is another."""
    local = value.astimezone(ZoneInfo(time_zone))
    shown = f"{local:%Y-%m-%d %H:%M} {local.tzname()}"
    if local.utcoffset() != value.astimezone(UTC).utcoffset():
        shown += f" ({value.astimezone(UTC):%Y-%m-%d %H:%M} UTC)"
    return escaped(shown)


def iso(value: date | None) -> Markdown:
    """A day or a moment as fields of such types take it (ISO 8601, with the zone); nothing where it is not known."""
    return Markdown("" if value is None else value.isoformat())


def duration(value: timedelta) -> Markdown:
    """A duration in words: "1 hour", "2 days 30 minutes". Parts below a second are left out."""
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    counted = ((value.days, "day"), (hours, "hour"), (minutes, "minute"), (seconds, "second"))
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in counted if count]
    return escaped(" ".join(parts) or "less than a second")


def _as_text(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
    return value.isoformat() if isinstance(value, date) else str(value)


def _one_line(text: str) -> str:
    return " ".join(_TURNING.sub("", text).split())
