from __future__ import annotations

from itertools import chain
from typing import Annotated, Any

import typer

from cli.grants import grants_of, how_it_is_held, what_is_held
from cli.options import AsJson, ConfigFile, Limit, OfSystem, Text, TheAccount, group
from cli.output import cell, labelled_lines, print_json_rows, print_lines, print_listing
from cli.problems import Problem
from cli.snapshots import current_snapshots, row_facts
from connectors.reading import AccountKind, AccountStatus

accounts = group("Accounts that the systems have, as of the last complete snapshot.")

_COLUMNS = ("system", "kind", "title", "email", "status", "last_active", "id")


@accounts.command("list")
def list_accounts(
    config: ConfigFile = None,
    system: OfSystem = None,
    kind: Annotated[AccountKind | None, typer.Option(help="Only this kind.", show_default=False)] = None,
    status: Annotated[AccountStatus | None, typer.Option(help="Only this status.", show_default=False)] = None,
    text: Text = None,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List accounts by system and name."""
    from store.queries.snapshots import Filters

    with current_snapshots(config, system) as (_, queries):
        rows = queries.accounts(Filters(system=system, kind=kind, status=status, text=text))
        print_listing(map(row_facts, rows), _COLUMNS, none="No such accounts.", as_json=as_json, limit=limit)


@accounts.command("show")
def show_account(
    account: TheAccount, config: ConfigFile = None, system: OfSystem = None, as_json: AsJson = False
) -> None:
    """Show every account of that id, address or username: its profile, what it holds and through what, and its claims."""
    from store.queries.snapshots import Filters

    with current_snapshots(config, system) as (_, queries):
        found = list(queries.accounts(Filters(system=system, account=account)))
        if not found:
            raise Problem(
                f"There is no account '{cell(account)}' in the last snapshot.",
                "See 'provisor accounts list --text …' for those there are.",
            )
        facts = (
            row_facts(row) | {"grants": list(grants_of(queries, system=row["system"], account=row["id"]))}
            for row in found
        )
        if as_json:
            print_json_rows(facts)
        else:
            print_lines(*chain.from_iterable(map(_in_words, facts)))


def _in_words(account: dict[str, Any]) -> list[str]:
    held, attributes = account.pop("grants"), account.pop("attributes", {})
    holds = [f"  {what_is_held(grant)}{how_it_is_held(grant)}" for grant in held] or ["  nothing"]
    return [*labelled_lines(account | attributes), "", "Holds", *holds, ""]
