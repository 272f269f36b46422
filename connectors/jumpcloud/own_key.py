"""Whose administrator's key Provisor has, and when it ends, where JumpCloud shows the beginnings of keys."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from httpclient import HttpClient

_ADMINS = "/api/users"
_PAGE = 100


@dataclass(frozen=True, slots=True)
class OwnKey:
    """The address and the role of the key's owner, and its end; None for one that has none, or is not told."""

    email: str
    role: str
    ends_at: datetime | None


def own_key(admins: Iterable[Mapping[str, Any]], api_key: str) -> OwnKey | None:
    """The key among those of the administrators; None when it is not shown.

    ``apiKeyHash`` has the key's ``prefix`` and ``expireAt`` [spec 2026-03].
    """
    for admin in admins:
        shown = admin.get("apiKeyHash")
        if not isinstance(shown, dict):
            continue
        prefix = _text(shown, "prefix")
        if prefix and api_key.startswith(prefix):
            return OwnKey(_text(admin, "email"), _text(admin, "roleName"), _moment(shown.get("expireAt")))
    return None


def key_end(client: HttpClient, api_key: str) -> datetime | None:
    """When the key ends, from the first page of administrators; None where that does not tell. Raises the failure words."""
    answer = client.get(_ADMINS, params={"limit": _PAGE}, expects={403})
    results = answer.member("results")
    found = (
        own_key((each for each in results if isinstance(each, dict)), api_key) if isinstance(results, list) else None
    )
    return None if found is None else found.ends_at


def _text(of: Mapping[str, Any], name: str) -> str:
    value = of.get(name)
    return value if isinstance(value, str) else ""


def _moment(written: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return None
    return moment if moment.tzinfo is not None else None
