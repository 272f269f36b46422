"""One account, resource, entitlement or grant, with all there is to say about it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from access.entitlements import EntitlementRef, ResourceKind, System
from access.policy import TicketRoute
from cli import output
from cli.output import Facts
from cli.problems import Problem
from cli.snapshot_facts import (
    Row,
    account_facts,
    entitlement_facts,
    grant_facts,
    named_entitlement,
    resource_facts,
    written_entitlement,
)
from cli.snapshot_lists import looking
from cli.store_access import settings_told
from cli.streaming import print_json_rows, print_json_with_rows
from config.policy_file import load_policy
from config.settings import Settings
from store.queries.snapshots import Filters, Queries

#: Of several that are meant, those that are named in the answer.
_MOST_CANDIDATES = 5


def account(config: Path | None, named: str, *, system: System | None, as_json: bool) -> None:
    """Print the accounts of that name. Raises ``Problem`` when there is none."""
    with looking(config, system) as (_, look):
        found = list(look.accounts(Filters(system=system, account=named)))
        if not found:
            raise Problem(
                f"There is no account '{output.cell(named)}' in the last snapshot.",
                "See 'provisor accounts list --text …' for those there are.",
            )
        facts = (
            account_facts(row) | {"grants": [grant_facts(grant) for grant in _held_by(look, row)]} for row in found
        )
        if as_json:
            print_json_rows(facts)
        else:
            output.print_lines(*chain.from_iterable(map(_account_told, facts)))


def resource(
    config: Path | None, named: str, *, system: System | None, kind: ResourceKind | None, as_json: bool
) -> None:
    """Print one resource. Raises ``Problem`` when it is not one."""
    with looking(config, system) as (_, look):
        row = _the_one(look, named, system=system, kind=kind)
        _print_with_holders(resource_facts(row), _holders(look, row), as_json=as_json)


def entitlement(config: Path | None, named: str, *, as_json: bool) -> None:
    """Print one entitlement. Raises ``Problem`` when it is not one."""
    with looking(config, None) as (settings, look):
        row = _the_one(look, named, system=None, kind=None)
        refs = [ref for ref in (written_entitlement(row), named_entitlement(row)) if ref is not None]
        if not refs:
            raise Problem(
                f"'{output.cell(named)}' is a project, which carries no entitlement itself.",
                f"Name one of its roles; see 'provisor entitlements list --text {output.cell(row['id'])}/'.",
            )
        facts = entitlement_facts(row) | {"policy": _policy_facts(settings, refs)}
        _print_with_holders(facts, _holders(look, row), as_json=as_json)


def grant(config: Path | None, account_named: str, resource_named: str, *, as_json: bool) -> None:
    """Print the ways in which an account holds a resource. Raises ``Problem`` when there is none."""
    with looking(config, None) as (_, look):
        row = _the_one(look, resource_named, system=None, kind=None)
        ways = look.grants(
            Filters(system=row["system"], kind=row["kind"], resource=row["id"], account=account_named), in_order=True
        )
        found = [grant_facts(way) for way in ways]
        if not found:
            raise Problem(
                f"'{output.cell(account_named)}' does not hold {output.cell(row['name'])} in the last snapshot.",
                "See 'provisor grants list --account …' for what it holds.",
            )
        if as_json:
            print_json_rows(found)
        else:
            output.print_lines(*chain.from_iterable(map(_grant_told, found)))


def _the_one(look: Queries, named: str, *, system: System | None, kind: ResourceKind | None) -> Row:
    found = _found(look, named, system=system, kind=kind)
    if not found:
        raise Problem(
            f"There is no resource '{output.cell(named)}' in the last snapshot.",
            "See 'provisor resources list --text …' for those there are.",
        )
    if len(found) > 1:
        some = ", ".join(str(row["entitlement"] or row["id"]) for row in found[:_MOST_CANDIDATES])
        raise Problem(
            f"'{output.cell(named)}' names {len(found)} resources: {some}{', …' if found[_MOST_CANDIDATES:] else ''}.",
            "Name one of them by its id or by the written form of its entitlement.",
        )
    return found[0]


def _found(look: Queries, named: str, *, system: System | None, kind: ResourceKind | None) -> Sequence[Row]:
    try:
        ref = EntitlementRef.parse(named)
    except ValueError:
        return list(look.resources(Filters(system=system, kind=kind, resource=named)))
    if ref.kind is ResourceKind.ACCOUNT:
        raise Problem(
            f"{ref} is held by every account of {ref.system}.", f"See 'provisor accounts list --system {ref.system}'."
        )
    for spelled in ("/".join(ref.path), ":".join(ref.path)):
        found = list(look.resources(Filters(system=ref.system, kind=str(ref.kind), resource=spelled)))
        if found:
            return found
    return ()


def _held_by(look: Queries, row: Row) -> Iterable[Row]:
    return look.grants(Filters(system=row["system"], account=row["id"]), in_order=True)


def _holders(look: Queries, row: Row) -> Iterable[Facts]:
    wanted = Filters(system=row["system"], kind=row["kind"], resource=row["id"])
    return map(grant_facts, look.grants(wanted, in_order=True))


def _policy_facts(settings: Settings, refs: Sequence[EntitlementRef]) -> dict[str, Any] | None:
    """The rule that decides; None when no policy file is set or no rule matches, which both refuse."""
    if settings.policy is None:
        return None
    ticketing = settings.ticketing
    route = TicketRoute(project=ticketing.project, issue_type=ticketing.issue_type) if ticketing.project else None
    with settings_told():
        policy = load_policy(settings.policy, ticket=route).policy
    rule = policy.rule_for(*refs)
    if rule is None:
        return None
    return {
        "rule": list(policy.rules).index(rule) + 1,
        "pattern": rule.pattern,
        "give": str(rule.give),
        "take": str(rule.take),
        "max_duration": None if rule.max_duration is None else str(rule.max_duration),
        "required": list(rule.required),
    }


def _print_with_holders(facts: dict[str, Any], holders: Iterable[Facts], *, as_json: bool) -> None:
    if as_json:
        print_json_with_rows(facts, "held_by", holders)
        return
    policy = facts.pop("policy", ...)
    output.print_lines(*_members_told(facts))
    if policy is not ...:
        output.print_lines(f"  policy: {_rule_told(policy)}")
    output.print_lines("", "Held by")
    none = True
    for holder in holders:
        none = False
        output.print_lines(f"  {output.cell(holder['account_title'] or holder['account'])}{_way(holder)}")
    if none:
        output.print_lines("  nobody")


def _rule_told(policy: dict[str, Any] | None) -> str:
    if policy is None:
        return "no rule matches, so requests for it are refused"
    most = f", for {policy['max_duration']} at most" if policy["max_duration"] else ""
    needs = f", needs {', '.join(policy['required'])}" if policy["required"] else ""
    return (
        f"rule {policy['rule']} ({policy['pattern']}): give by {policy['give']}, take by {policy['take']}{most}{needs}"
    )


def _account_told(facts: dict[str, Any]) -> list[str]:
    held = facts.pop("grants")
    lines = [*_members_told(facts), "", "Holds"]
    lines += [f"  {output.cell(_what(each))}{_way(each)}" for each in held] or ["  nothing"]
    return [*lines, ""]


def _grant_told(facts: dict[str, Any]) -> list[str]:
    who = output.cell(facts["account_title"] or facts["account"])
    return [f"{who} holds {output.cell(_what(facts))}{_way(facts)}", f"  {facts['entitlement']}"]


def _what(facts: Facts) -> str:
    project = f"{facts['project']}: " if facts["project"] else ""
    return f"{project}{facts['resource_name'] or facts['resource']} ({facts['kind']})"


def _way(facts: Facts) -> str:
    through = "" if facts["held"] == "direct" else f", through {facts['through_name'] or facts['through']}"
    since = f", since {facts['since']}" if facts["since"] else f", first seen {facts['first_seen_at']}"
    claim = ""
    if facts["request"]:
        ends = f", until {facts['claim_ends_at']}" if facts["claim_ends_at"] else ""
        claim = f", by request {facts['request']}{ends}"
    return output.cell(f"{through or ', directly'}{since}{claim}")


def _members_told(facts: Facts) -> list[str]:
    """The members of an object, one in a line, those of its attributes among them."""
    flat = {**{name: value for name, value in facts.items() if name != "attributes"}, **facts.get("attributes", {})}
    return [
        f"  {name.replace('_', ' ')}: {output.cell(value)}"
        for name, value in flat.items()
        if value not in (None, "", [])
    ]
