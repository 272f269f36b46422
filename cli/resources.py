from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cli.grants import grants_of, how_it_is_held
from cli.options import AsJson, ConfigFile, Limit, OfKind, OfSystem, Text, TheResource, group
from cli.output import cell, labelled_lines, print_json_with_rows, print_lines, print_listing
from cli.snapshots import Row, current_snapshots, row_facts, the_resource

if TYPE_CHECKING:
    from store.queries.snapshots import Queries

resources = group("What access can be to: groups, projects and their roles, applications, administrators' roles.")

_COLUMNS = ("system", "kind", "parent_key", "name", "holders", "holder_groups", "id")


@resources.command("list")
def list_resources(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: OfKind = None,
    text: Text = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List resources by system, kind and name."""
    from store.queries.snapshots import Filters

    with current_snapshots(config, system) as (_, queries):
        rows = queries.resources(Filters(system=system, kind=kind, text=text))
        print_listing(map(row_facts, rows), _COLUMNS, none="No such resources.", as_json=as_json, limit=limit)


@resources.command("show")
def show_resource(
    resource: TheResource,
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: OfKind = None,
    as_json: AsJson = False,
) -> None:
    """Show one resource and who holds it, directly or through which group."""
    with current_snapshots(config, system) as (_, queries):
        row = the_resource(queries, resource, system=system, kind=kind)
        print_with_holders(queries, row, row_facts(row), as_json=as_json)


def print_with_holders(queries: Queries, row: Row, facts: dict[str, Any], *, as_json: bool) -> None:
    """Print facts about the resource of a row, and who holds that resource."""
    holders = grants_of(queries, system=row["system"], kind=row["kind"], resource=row["id"])
    if as_json:
        print_json_with_rows(facts, "held_by", holders)
        return
    attributes = facts.pop("attributes", {})
    print_lines(*labelled_lines(facts | attributes), "", "Held by")
    nobody = True
    for holder in holders:
        nobody = False
        print_lines(f"  {cell(holder['account_title'] or holder['account'])}{how_it_is_held(holder)}")
    if nobody:
        print_lines("  nobody")
