from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from tasks.doctor.findings import Area, Finding
from tasks.doctor.probing import word

#: How long before its end a key is worth a word.
_SOON = timedelta(days=14)


def examine_key(area: Area, api_key: str | None, admins: Sequence[dict[str, Any]], now: datetime) -> Iterator[Finding]:
    """Whose key it is and when it ends, where JumpCloud shows the beginnings of keys [spec 2026-03]."""
    for admin in admins:
        shown = admin.get("apiKeyHash")
        prefix = word(shown, "prefix")
        if not prefix or api_key is None or not api_key.startswith(prefix):
            continue
        role = word(admin, "roleName") or "no role that is shown"
        yield area.ok("owner", f"The key is that of {word(admin, 'email')} ({role}).")
        yield from _expiry(area, word(shown, "expireAt"), now)
        return


def _expiry(area: Area, text: str, now: datetime) -> Iterator[Finding]:
    try:
        ends = datetime.fromisoformat(text)
    except ValueError:
        return
    if ends.tzinfo is None:
        return
    left = ends - now
    if left > _SOON:
        yield area.ok("expiry", f"The key is good until {ends:%Y-%m-%d}.")
    else:
        yield area.warning(
            "expiry",
            f"The key ends on {ends:%Y-%m-%d}, in {max(0, left.days)} days.",
            "Make a new one in time and set jumpcloud.api_key.",
        )
