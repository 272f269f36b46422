from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from access.entitlements import EntitlementRef
from access.methods import Direction
from access.policy import ADMINISTRATOR_LIKE, Policy
from access.ticket_routes import TicketRoute
from cli import output
from cli.options import AsJson, ConfigFile, Limit, group
from cli.problems import Problem
from cli.store_access import load_settings, opened, settings_problems

if TYPE_CHECKING:
    from config.policy_file import PolicyFile
    from config.settings import Settings

policy = group("What may be given, and how.")


@policy.command("check")
def check_policy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The policy file.")],
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Check a policy file. Exit 1 when it cannot be used.

    Rules that are odd, but not wrong, are listed as well. Of the settings, only where tickets go is used.
    """
    try:
        settings = load_settings(config)
    except Problem as problem:
        settings = None
        output.print_note(f"The policy is checked without the settings. {problem}")
    found = _load(file, settings)
    if as_json:
        output.print_json({"ok": True, "rules": len(found.policy.rules), "warnings": found.warnings})
        return
    output.print_lines(
        f"{file} can be used: {len(found.policy.rules)} rules.", *(f"  - {warning}" for warning in found.warnings)
    )


@policy.command("explain")
def explain_policy(
    entitlement: Annotated[
        str, typer.Argument(metavar="ENTITLEMENT", help="Such as jira:project-role:PAY:Developers:assigned.")
    ],
    file: Annotated[
        Path | None, typer.Option("--policy", metavar="FILE", help="This file instead of the settings' policy.")
    ] = None,
    config: ConfigFile = None,
    as_json: AsJson = False,
) -> None:
    """Say which rule decides about an entitlement.

    The entitlement is matched as it is written here, by names or by ids; requests are matched by both.
    """
    settings = load_settings(config)
    path = file or settings.policy
    if path is None:
        raise Problem(
            "No policy file is set, so every request is refused.", "Set policy, or name a file with --policy."
        )
    try:
        ref = EntitlementRef.parse(entitlement)
    except ValueError as exc:
        raise Problem(str(exc)) from exc
    facts = _rule_facts(_load(path, settings).policy, ref)
    if as_json:
        output.print_json({"entitlement": str(ref), **(facts or {"rule": None})})
    elif facts is None:
        output.print_lines(f"No rule of {path} matches {ref}: requests for it are refused.")
    else:
        output.print_lines(f"{ref}:", *output.labelled_lines(facts))


_DIFFERS = ("means", "who", "title", "ends_at", "would_end_at", "request_id", "why")


@policy.command("diff")
def diff_policy(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The changed policy file, which is not in force.")],
    config: ConfigFile = None,
    limit: Limit = 0,
    as_json: AsJson = False,
) -> None:
    """Show what a changed policy would mean for what is held now, beside the policy of the settings.

    Listed are the access that would be refused today, the access that might not last so long, and the resources that become
    managed or are managed no more. Nothing is changed, and no system is asked. A policy never changes the end of access that
    is held.
    """
    from tasks.policy_diff import policy_changes

    with opened(config) as (settings, store):
        if settings.policy is None:
            raise Problem("No policy file is set, so there is nothing to compare with.", "Set policy in the settings.")
        before, after = _load(settings.policy, settings).policy, _load(file, settings).policy
        output.print_listing(
            (output.facts_of(each, "system", *_DIFFERS) for each in policy_changes(store, before, after)),
            _DIFFERS,
            none="Nothing that is held now would be otherwise.",
            as_json=as_json,
            limit=limit,
        )


def deciding_rule(settings: Settings, *refs: EntitlementRef) -> dict[str, Any] | None:
    """The rule of the settings' policy about one entitlement, by names or ids; None when none matches, which refuses."""
    return None if settings.policy is None else _rule_facts(_load(settings.policy, settings).policy, *refs)


def _rule_facts(policy: Policy, *refs: EntitlementRef) -> dict[str, Any] | None:
    """The rule that decides about one entitlement, with its number; None when none matches."""
    rule = policy.rule_for(*refs, direction=Direction.GIVE)
    if rule is None:
        return None
    route = policy.ticket_route(rule)
    return {
        "rule": list(policy.rules).index(rule) + 1,
        "pattern": rule.pattern,
        "give": str(rule.give),
        "take": str(rule.take),
        "max_duration": None if rule.max_duration is None else str(rule.max_duration),
        "give_within": str(rule.give_within),
        "required": list(rule.required),
        "sources": list(rule.sources),
        "missing_account": str(rule.missing_account),
        "proof": None if rule.proof is None else str(rule.proof),
        "products": list(rule.products),
        "ticket_project": route.project,
        "ticket_issue_type": route.issue_type,
        "ticket_labels": list(route.labels),
    }


def _load(file: Path, settings: Settings | None) -> PolicyFile:
    from config.policy_file import load_policy

    route: TicketRoute | None = None
    administrator_like: Sequence[str] = ADMINISTRATOR_LIKE
    if settings is not None:
        administrator_like = settings.administrator_like
    if settings is not None and settings.ticketing.project:
        route = TicketRoute(project=settings.ticketing.project, issue_type=settings.ticketing.issue_type)
    with settings_problems():
        return load_policy(file, ticket=route, administrator_like=administrator_like)
