from __future__ import annotations

from typing import Annotated, Any

import typer

from access.entitlements import RIGHTS, EntitlementRef, ResourceKind, System
from cli.options import AsJson, ConfigFile, Limit, OfSystem, Text, TheResource, group
from cli.output import cell, print_listing
from cli.policy import deciding_rule
from cli.problems import Problem
from cli.resources import print_with_holders
from cli.snapshots import Row, current_snapshots, row_facts, the_resource

entitlements = group("One kind of access to one resource each: who holds it, and what the policy says.")

#: The members of an entitlement that are called as those of its resource.
_AS_READ = ("entitlement", "system", "kind", "holders", "holder_groups", "url", "attributes", "snapshot_began_at")
_COLUMNS = ("named", "holders", "holder_groups", "entitlement")


@entitlements.command("list")
def list_entitlements(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Annotated[ResourceKind | None, typer.Option(help="Only this kind.", show_default=False)] = None,
    text: Text = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List entitlements as they are written, by ids and by names."""
    from store.queries.snapshots import Filters

    with current_snapshots(config, system) as (_, queries):
        rows = queries.resources(Filters(system=system, kind=kind, text=text))
        carried = (entitlement_facts(row) for row in rows if row["entitlement"] is not None)
        print_listing(carried, _COLUMNS, none="No such entitlements.", as_json=as_json, limit=limit)


@entitlements.command("show")
def show_entitlement(entitlement: TheResource, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show one entitlement: who holds it, and the rule of the policy that decides about it."""
    with current_snapshots(config, None) as (settings, queries):
        row = the_resource(queries, entitlement)
        if row["entitlement"] is None:
            raise Problem(
                f"'{cell(entitlement)}' is a project, which carries no entitlement itself.",
                f"Name one of its roles; see 'provisor entitlements list --text {cell(row['id'])}/'.",
            )
        by_names = _by_names(row)
        refs = [EntitlementRef.parse(row["entitlement"]), *([by_names] if by_names else [])]
        rule = deciding_rule(settings, *refs)
        policy = rule if as_json else _rule_in_words(rule)
        print_with_holders(queries, row, entitlement_facts(row) | {"policy": policy}, as_json=as_json)


def entitlement_facts(row: Row) -> dict[str, Any]:
    """The entitlement that a resource carries, by ids and by names."""
    facts, by_names = row_facts(row), _by_names(row)
    return {
        **{name: facts[name] for name in _AS_READ},
        "named": None if by_names is None else str(by_names),
        "resource": facts["id"],
        "resource_name": facts["name"],
        "project": facts["parent_key"],
    }


def _by_names(row: Row) -> EntitlementRef | None:
    """The entitlement of a resource by the names that policies are written with; None where names are missing."""
    kind = ResourceKind(row["kind"])
    if kind not in RIGHTS:
        return None
    path = (row["parent_key"], row["name"]) if kind is ResourceKind.PROJECT_ROLE else (row["name"],)
    return EntitlementRef(System(row["system"]), kind, path) if all(path) else None


def _rule_in_words(rule: dict[str, Any] | None) -> str:
    if rule is None:
        return "no rule matches, so requests for it are refused"
    most = f", for {rule['max_duration']} at most" if rule["max_duration"] else ""
    needs = f", needs {', '.join(rule['required'])}" if rule["required"] else ""
    return f"rule {rule['rule']} ({rule['pattern']}): give by {rule['give']}, take by {rule['take']}{most}{needs}"
