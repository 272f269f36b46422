from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import AsJson, ConfigFile, Limit, OfKind, OfSystem, Text, TheAccount, TheResource, group
from cli.output import Facts, cell, moment, one_more, print_json_rows, print_lines, print_listing
from cli.problems import Problem
from cli.snapshots import Row, current_snapshots, the_resource
from connectors.reading import AccountStatus

if TYPE_CHECKING:
    from store.queries.snapshots import Queries

grants = group(
    "Who holds what in the systems. Whoever gave it, directly or through a group, as of the last complete snapshot; "
    "'provisor claims' lists what Provisor gave."
)

_WHO = ("account_title", "email", "account_status")
_HELD = ("kind", "resource", "resource_name", "entitlement", "through", "through_name", "claim")
#: The members of a grant that are called as the columns of the query.
_AS_READ = ("system", "account", "account_kind", *_WHO, "username", *_HELD)
_COLUMNS = (*_WHO, "system", "kind", "project", "resource_name", "through_name", "first_seen_at", "request")


@grants.command("list")
def list_grants(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: OfKind = None,
    status: Annotated[
        AccountStatus | None, typer.Option(help="Only of accounts with this status.", show_default=False)
    ] = None,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ID", help="Only of this id, address or username.")
    ] = None,
    resource: Annotated[
        str | None,
        typer.Option("--resource", metavar="ID", help="Only of this id or name; a role also as KEY:role."),
    ] = None,
    text: Text = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List who holds what."""
    from store.queries.snapshots import Filters

    wanted = Filters(
        system=system,
        kind=kind,
        status=status,
        account=account,
        resource=resource,
        text=text,
        limit=one_more(limit),
    )
    with current_snapshots(config, system) as (_, queries):
        # Few rows are sorted; of many rows the first are printed at once, in the order of the database.
        narrow = account is not None or resource is not None
        rows = map(grant_facts, queries.grants(wanted, in_order=narrow))
        print_listing(
            rows,
            _COLUMNS,
            none="No such grants.",
            as_json=as_json,
            limit=limit,
            total=lambda: None,  # there may be a million, made from groups and their members as they are read
            shown=_with_way_named,
        )


@grants.command("show")
def show_grant(account: TheAccount, resource: TheResource, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show in which ways an account holds a resource, and the claims on it."""
    with current_snapshots(config, None) as (_, queries):
        row = the_resource(queries, resource)
        found = list(grants_of(queries, system=row["system"], kind=row["kind"], resource=row["id"], account=account))
        if not found:
            raise Problem(
                f"'{cell(account)}' does not hold {cell(row['name'])} in the last snapshot.",
                "See 'provisor grants list --account …' for what it holds.",
            )
        if as_json:
            print_json_rows(found)
        else:
            print_lines(*chain.from_iterable(map(_in_words, found)))


def grants_of(queries: Queries, **wanted: str) -> Iterable[dict[str, Any]]:
    """The grants that match, by the names of ``Filters``, sorted."""
    from store.queries.snapshots import Filters

    return map(grant_facts, queries.grants(Filters(**wanted), in_order=True))  # type: ignore[arg-type] # none is the limit


def grant_facts(row: Row) -> dict[str, Any]:
    """One grant. ``held`` is direct or group; ``since`` is None where the system does not say it."""
    return {
        **{name: row[name] for name in _AS_READ},
        "project": row["parent_key"],
        "project_name": row["parent_name"],
        "held": "direct" if row["through"] is None else "group",
        "since": _spelled(row["since"]),
        "first_seen_at": _spelled(row["first_seen"]),
        "last_active": _spelled(row["last_active"]),
        "request": row["request_id"],
        "claim_ends_at": _spelled(row["ends_at"]),
        "snapshot_began_at": _spelled(row["began_at"]),
    }


def what_is_held(grant: Facts) -> str:
    """The resource of a grant in words."""
    project = f"{grant['project']}: " if grant["project"] else ""
    return cell(f"{project}{grant['resource_name'] or grant['resource']} ({grant['kind']})")


def how_it_is_held(grant: Facts) -> str:
    """How and since when a grant is held, in words that follow its account or resource."""
    way = ", directly" if grant["held"] == "direct" else f", through {grant['through_name'] or grant['through']}"
    since = f", since {grant['since']}" if grant["since"] else f", first seen {grant['first_seen_at']}"
    claim = ""
    if grant["request"]:
        ends = f", until {grant['claim_ends_at']}" if grant["claim_ends_at"] else ""
        claim = f", by request {grant['request']}{ends}"
    return cell(f"{way}{since}{claim}")


#: A million grants have few different moments: most are those of one snapshot.
_spelled = lru_cache(maxsize=4096)(moment)


def _with_way_named(row: Facts) -> Facts:
    return {**row, "through_name": "(direct)" if row["held"] == "direct" else row["through_name"] or row["through"]}


def _in_words(grant: Facts) -> list[str]:
    who = cell(grant["account_title"] or grant["account"])
    return [f"{who} holds {what_is_held(grant)}{how_it_is_held(grant)}", f"  {grant['entitlement']}"]
