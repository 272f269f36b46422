from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.entitlements import System
from access.people import AccountRef
from cli.decisions import Reason
from cli.options import AsJson, ConfigFile, Limit, Text, group
from cli.os_user import os_user
from cli.output import cell, moment, print_json, print_lines, print_listing
from cli.problems import Problem
from cli.store_access import opened

if TYPE_CHECKING:
    from store.queries.people import PeopleQueries
    from tasks.people import People

people = group("Persons: which accounts belong together, and what proves it. Nothing is joined by a guess.")

ThePerson = Annotated[
    str,
    typer.Argument(metavar="PERSON", help="The id, address or username of the JumpCloud user, or a joined account."),
]
_Account = Annotated[
    str, typer.Argument(metavar="ACCOUNT", help="An account, as jira:<id> or jumpcloud:<id>; without a system of Jira.")
]

_COLUMNS = ("person", "title", "email", "status", "accounts", "disputed")


@people.command("list")
def list_people(
    config: ConfigFile = None,
    text: Text = None,
    disputed: Annotated[
        bool, typer.Option("--disputed", help="Only those with an account that may be theirs.")
    ] = False,
    limit: Limit = 100,
    as_json: AsJson = False,
) -> None:
    """List persons by name, each with the number of accounts that are theirs and that may be."""
    with _queries(config) as queries:
        rows = (_plain(row) for row in queries.persons(text=text, disputed=disputed))
        print_listing(rows, _COLUMNS, none="No such persons.", as_json=as_json, limit=limit)


@people.command("show")
def show_person(person: ThePerson, config: ConfigFile = None, as_json: AsJson = False) -> None:
    """Show a person: the accounts that are joined, what proves each, and the accounts that may be theirs, with why not."""
    with _queries(config) as queries:
        found = the_person(queries, person)
        facts = _plain(found) | {
            "accounts": [_account(row) for row in queries.accounts_of(found["id"])],
            "disputed": [_account(row) for row in queries.disputes_of(found["id"])],
        }
    if as_json:
        print_json(facts)
    else:
        print_lines(*_in_words(facts))


@people.command("join")
def join_account(person: ThePerson, account: _Account, reason: Reason, config: ConfigFile = None) -> None:
    """Decide that an account is a person's."""
    with _deciding(config, person, account) as (keep, whose, which):
        keep.join(whose, which, by=os_user(), reason=reason)
    print_lines(f"{cell(str(which))}: joined to {cell(whose)}")


@people.command("split")
def split_account(person: ThePerson, account: _Account, reason: Reason, config: ConfigFile = None) -> None:
    """Decide that an account is not a person's. No proof joins the two again."""
    with _deciding(config, person, account) as (keep, whose, which):
        keep.split(whose, which, by=os_user(), reason=reason)
    print_lines(f"{cell(str(which))}: not {cell(whose)}'s any more")


def the_person(queries: PeopleQueries, named: str) -> Mapping[str, Any]:
    """The one person of this id, address, username or account. Raises ``Problem`` for none, or several."""
    found = queries.named(named)
    if not found:
        raise Problem(
            f"There is no person '{cell(named)}'.", "See 'provisor people list --text …' for those there are."
        )
    if len(found) > 1:
        some = ", ".join(str(row["id"]) for row in found)
        raise Problem(f"'{cell(named)}' names {len(found)} persons: {some}.", "Name one of them by its id.")
    return found[0]


@contextmanager
def _queries(config: Path | None) -> Iterator[PeopleQueries]:
    from store.queries.people import PeopleQueries

    with opened(config) as (_, store), store.database.one_moment() as connection:
        yield PeopleQueries(connection)


@contextmanager
def _deciding(config: Path | None, person: str, account: str) -> Iterator[tuple[People, str, AccountRef]]:
    """Persons, the id of the one that is meant, and the account. Raises ``Problem`` where a decision is not possible."""
    from access.clock import MeasuredClock
    from store.queries.people import PeopleQueries
    from tasks.decisions import NotPossible
    from tasks.people import People

    which = _account_ref(account)
    with opened(config) as (settings, store):
        with store.database.one_moment() as connection:
            queries = PeopleQueries(connection)
            whose = str(the_person(queries, person)["id"])
            if queries.account(which.system, which.id) is None:
                raise Problem(
                    f"There is no account '{cell(account)}' in the last snapshot.",
                    "See 'provisor accounts list --text …' for those there are.",
                )
        try:
            yield People(store, MeasuredClock(store.now), domains=settings.people.domains), whose, which
        except NotPossible as exc:
            raise Problem(exc.what, exc.remedy) from exc


def _account_ref(written: str) -> AccountRef:
    system, colon, key = written.partition(":")
    known = {str(each): each for each in System}
    # The ids of Jira's accounts may hold a colon themselves.
    return AccountRef(known[system], key) if colon and system in known else AccountRef(System.JIRA, written)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = dict(row)
    facts = {**facts, "person": facts.pop("id")} if "id" in facts else facts
    if "address" in facts:
        facts["email"] = facts.pop("address")
    return facts | {"since": moment(facts["since"])}


def _account(row: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: row.get(name) for name in ("system", "account_id", "title", "kind", "status")}
    if "why" in row:
        return facts | {"why": row["why"], "first_seen_at": moment(row["first_seen"])}
    return facts | {
        "proof": row["proof"],
        "joined": row["joined"],
        "joined_at": moment(row["joined_at"]),
        "decided_by": row["decided_by"],
        "reason": row["reason"],
    }


def _in_words(person: Mapping[str, Any]) -> list[str]:
    lines = [
        f"{cell(person['title'])} ({cell(person['person'])})",
        f"  address: {cell(person['email'])}",
        f"  JumpCloud: {person['status']} since {person['since']}",
    ]
    for account in person["accounts"]:
        how = (
            f"{account['proof']}, by {account['decided_by']}: {account['reason']}"
            if account["decided_by"]
            else account["proof"]
        )
        when = f"joined {account['joined_at']}" if account["joined"] else "seen once: the next snapshots confirm it"
        lines.append(f"  {_written(account)}: {cell(how)}; {when}")
    if not person["accounts"]:
        lines.append("  no other account is joined")
    lines += [f"  may be {_written(account)}: {cell(account['why'])}" for account in person["disputed"]]
    return lines


def _written(account: Mapping[str, Any]) -> str:
    return f"{account['system']}:{cell(account['account_id'])} {cell(account['title'])} ({account['status'] or 'not listed'})"
