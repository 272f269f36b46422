from __future__ import annotations

from typing import Annotated

import typer

from access.entitlements import ResourceKind, System
from cli.options import AsJson, ConfigFile, group
from connectors.reading import AccountKind, AccountStatus

accounts = group("Accounts that the systems have, as of the last complete snapshot.")
resources = group("What access can be to: groups, projects and their roles, applications, administrators' roles.")
entitlements = group("Entitlements: one kind of access to one resource, who holds it, and what the policy says.")
grants = group("Who holds what, directly or through which group, and the claim that explains it.")

OfSystem = Annotated[System | None, typer.Option("--system", help="Only this system.", show_default=False)]
Text = Annotated[
    str | None, typer.Option("--text", metavar="TEXT", help="Only where this is in a name, address or username.")
]
Kind = Annotated[ResourceKind | None, typer.Option(help="Only this kind of resource.", show_default=False)]
ByAccount = Annotated[str | None, typer.Option("--account", metavar="ID", help="Only of this id, address or username.")]
ByResource = Annotated[
    str | None,
    typer.Option("--resource", metavar="ID", help="Only of this id or name; a role also as KEY:role."),
]
AtMost = Annotated[int, typer.Option("--limit", "-n", min=0, help="Show at most so many; 0 for all.")]
TheAccount = Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id, address or username.")]
TheResource = Annotated[
    str, typer.Argument(metavar="RESOURCE", help="Its id, its name, KEY:role, or an entitlement in its written form.")
]


def declare(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.add_typer(accounts, name="accounts")
    app.add_typer(resources, name="resources")
    app.add_typer(entitlements, name="entitlements")
    app.add_typer(grants, name="grants")


@accounts.command("list")
def list_accounts(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Annotated[AccountKind | None, typer.Option(help="Only this kind.", show_default=False)] = None,
    status: Annotated[AccountStatus | None, typer.Option(help="Only this status.", show_default=False)] = None,
    text: Text = None,
    limit: AtMost = 100,
    as_json: AsJson = False,
) -> None:
    """List accounts by system and name."""
    from cli import snapshot_lists

    snapshot_lists.accounts(config, system=system, kind=kind, status=status, text=text, limit=limit, as_json=as_json)


@accounts.command("show")
def show_account(
    account: TheAccount, config: ConfigFile = None, system: OfSystem = None, as_json: AsJson = False
) -> None:
    """Show every account of that id, address or username: its profile, what it holds and through what, and its claims."""
    from cli import snapshot_shows

    snapshot_shows.account(config, account, system=system, as_json=as_json)


@resources.command("list")
def list_resources(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Kind = None,
    text: Text = None,
    limit: AtMost = 100,
    as_json: AsJson = False,
) -> None:
    """List resources by system, kind and name."""
    from cli import snapshot_lists

    snapshot_lists.resources(config, system=system, kind=kind, text=text, limit=limit, as_json=as_json)


@resources.command("show")
def show_resource(
    resource: TheResource,
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Kind = None,
    as_json: AsJson = False,
) -> None:
    """Show one resource and who holds it, directly or through which group."""
    from cli import snapshot_shows

    snapshot_shows.resource(config, resource, system=system, kind=kind, as_json=as_json)


@entitlements.command("list")
def list_entitlements(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Annotated[ResourceKind | None, typer.Option(help="Only this kind.", show_default=False)] = None,
    text: Text = None,
    limit: AtMost = 100,
    as_json: AsJson = False,
) -> None:
    """List entitlements as they are written, by ids and by names."""
    from cli import snapshot_lists

    snapshot_lists.entitlements(config, system=system, kind=kind, text=text, limit=limit, as_json=as_json)


@entitlements.command("show")
def show_entitlement(entitlement: TheResource, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show one entitlement: who holds it, and the rule of the policy that decides about it."""
    from cli import snapshot_shows

    snapshot_shows.entitlement(config, entitlement, as_json=as_json)


@grants.command("list")
def list_grants(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Kind = None,
    status: Annotated[
        AccountStatus | None, typer.Option(help="Only of accounts with this status.", show_default=False)
    ] = None,
    account: ByAccount = None,
    resource: ByResource = None,
    text: Text = None,
    limit: AtMost = 100,
    as_json: AsJson = False,
) -> None:
    """List who holds what."""
    from cli import snapshot_lists

    snapshot_lists.grants(
        config,
        system=system,
        kind=kind,
        status=status,
        account=account,
        resource=resource,
        text=text,
        limit=limit,
        as_json=as_json,
    )


@grants.command("show")
def show_grant(account: TheAccount, resource: TheResource, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show in which ways an account holds a resource, and the claims on it."""
    from cli import snapshot_shows

    snapshot_shows.grant(config, account, resource, as_json=as_json)
