"""Listings of what the current snapshots show, a row at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from access.clock import SystemClock
from access.entitlements import ResourceKind, System
from cli.freshness import require_snapshots
from cli.output import Facts
from cli.snapshot_facts import account_facts, entitlement_facts, grant_facts, resource_facts
from cli.store_access import opened
from cli.streaming import at_most, print_json_rows, print_rows
from config.settings import Settings
from connectors.reading import AccountKind, AccountStatus
from store.queries.snapshots import Filters, Queries, one_moment

_ACCOUNTS = {
    "system": "system",
    "kind": "kind",
    "title": "name",
    "email": "address",
    "status": "status",
    "last_active": "last active",
    "id": "id",
}
_RESOURCES = {
    "system": "system",
    "kind": "kind",
    "parent_key": "project",
    "name": "name",
    "holders": "accounts",
    "holder_groups": "groups",
    "id": "id",
}
_ENTITLEMENTS = {
    "named": "entitlement by names",
    "holders": "accounts",
    "holder_groups": "groups",
    "entitlement": "by ids",
}
_GRANTS = {
    "account_title": "who",
    "email": "address",
    "account_status": "status",
    "system": "system",
    "kind": "kind",
    "project": "project",
    "resource_name": "has",
    "through_name": "through",
    "first_seen_at": "first seen",
    "request": "claim of",
}


@contextmanager
def looking(config: Path | None, system: System | None) -> Iterator[tuple[Settings, Queries]]:
    """The current snapshots, which there must be; raises ``Problem``."""
    with opened(config) as (settings, store), one_moment(store.database) as look:
        require_snapshots(look, settings, system, now=SystemClock().now())
        yield settings, look


def accounts(
    config: Path | None,
    *,
    system: System | None,
    kind: AccountKind | None,
    status: AccountStatus | None,
    text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print accounts."""
    with looking(config, system) as (_, look):
        rows = look.accounts(Filters(system=system, kind=kind, status=status, text=text, limit=_one_more(limit)))
        _print(map(account_facts, rows), _ACCOUNTS, limit, none="No such accounts.", as_json=as_json)


def resources(
    config: Path | None,
    *,
    system: System | None,
    kind: ResourceKind | None,
    text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print resources."""
    with looking(config, system) as (_, look):
        rows = look.resources(Filters(system=system, kind=kind, text=text, limit=_one_more(limit)))
        _print(map(resource_facts, rows), _RESOURCES, limit, none="No such resources.", as_json=as_json)


def entitlements(
    config: Path | None,
    *,
    system: System | None,
    kind: ResourceKind | None,
    text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print entitlements."""
    with looking(config, system) as (_, look):
        # Projects are among the resources and carry none: how many of those come first is not known.
        rows = look.resources(Filters(system=system, kind=kind, text=text))
        carried = (entitlement_facts(row) for row in rows if row["entitlement"] is not None)
        _print(carried, _ENTITLEMENTS, limit, none="No such entitlements.", as_json=as_json)


def grants(
    config: Path | None,
    *,
    system: System | None,
    kind: ResourceKind | None,
    status: AccountStatus | None,
    account: str | None,
    resource: str | None,
    text: str | None,
    limit: int,
    as_json: bool,
) -> None:
    """Print grants."""
    wanted = Filters(
        system=system,
        kind=kind,
        status=status,
        account=account,
        resource=resource,
        text=text,
        limit=_one_more(limit),
    )
    with looking(config, system) as (_, look):
        # Few rows are sorted; of many, the first are shown as they come, at once.
        narrow = account is not None or resource is not None
        rows = map(grant_facts, look.grants(wanted, in_order=narrow))
        _print(rows, _GRANTS, limit, none="No such grants.", as_json=as_json, shown=_direct_said)


def _direct_said(row: Facts) -> Facts:
    return {**row, "through_name": "(direct)" if row["held"] == "direct" else row["through_name"] or row["through"]}


def _one_more(limit: int) -> int | None:
    return limit + 1 if limit else None


def _print(
    rows: Iterable[Facts],
    columns: Mapping[str, str],
    limit: int,
    *,
    none: str,
    as_json: bool,
    shown: Callable[[Facts], Any] = dict,
) -> None:
    some = at_most(rows, limit)
    if as_json:
        print_json_rows(some)
    else:
        print_rows(map(shown, some), columns, none=none)
