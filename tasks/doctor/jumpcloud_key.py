from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from tasks.doctor.findings import Check, Finding
from tasks.doctor.probe import text

#: A key that ends within this time is a warning.
_SOON = timedelta(days=14)


def examine_key(area: str, api_key: str | None, admins: Sequence[dict[str, Any]], now: datetime) -> Iterator[Finding]:
    """Whose key it is and when it ends, where JumpCloud shows the beginnings of keys [spec 2026-03]."""
    for admin in admins:
        shown = admin.get("apiKeyHash")
        prefix = text(shown, "prefix")
        if prefix and api_key is not None and api_key.startswith(prefix):
            role = text(admin, "roleName") or "no role that is shown"
            yield Check(area, "owner").ok(f"The key is that of {text(admin, 'email')} ({role}).")
            yield from _expiry(Check(area, "expiry"), text(shown, "expireAt"), now)
            return


def _expiry(check: Check, written: str, now: datetime) -> Iterator[Finding]:
    try:
        ends = datetime.fromisoformat(written)
    except ValueError:
        return
    if ends.tzinfo is None:
        return
    if ends - now > _SOON:
        yield check.ok(f"The key is good until {ends:%Y-%m-%d}.")
    else:
        message = f"The key ends on {ends:%Y-%m-%d}, in {max(0, (ends - now).days)} days."
        yield check.warning(message, "Make a new one in time and set jumpcloud.api_key.")
