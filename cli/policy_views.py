from __future__ import annotations

from pathlib import Path
from typing import Any

from access.entitlements import EntitlementRef
from access.policy import Policy, Rule, TicketRoute
from cli import output
from cli.problems import Problem
from cli.store_access import load_settings, settings_told
from config.policy_file import PolicyFile, load_policy
from config.settings import Settings


def check(config: Path | None, file: Path, *, as_json: bool) -> None:
    """Check a policy file. Raises ``Problem`` with all that is wrong."""
    found = _load(load_settings(config), file)
    if as_json:
        output.print_json({"ok": True, "rules": len(found.policy.rules), "warnings": found.warnings})
        return
    output.print_lines(
        f"{file} can be used: {len(found.policy.rules)} rules.", *(f"  - {odd}" for odd in found.warnings)
    )


def explain(config: Path | None, file: Path | None, entitlement: str, *, as_json: bool) -> None:
    """Say which rule decides. Raises ``Problem``."""
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
    policy = _load(settings, path).policy
    rule = policy.rule_for(ref)
    facts = _facts(ref, policy, rule)
    if as_json:
        output.print_json(facts)
    elif rule is None:
        output.print_lines(f"No rule of {path} matches {ref}: requests for it are refused.")
    else:
        shown = {name: value for name, value in facts.items() if name != "entitlement"}
        output.print_lines(
            f"{ref}:", *(f"  {name.replace('_', ' ')}: {output.cell(each)}" for name, each in shown.items())
        )


def _load(settings: Settings, file: Path) -> PolicyFile:
    ticketing = settings.ticketing
    route = TicketRoute(project=ticketing.project, issue_type=ticketing.issue_type) if ticketing.project else None
    with settings_told():
        return load_policy(file, ticket=route)


def _facts(ref: EntitlementRef, policy: Policy, rule: Rule | None) -> dict[str, Any]:
    if rule is None:
        return {"entitlement": str(ref), "rule": None}
    route = policy.ticket_route(rule)
    return {
        "entitlement": str(ref),
        "rule": list(policy.rules).index(rule) + 1,
        "pattern": rule.pattern,
        "give": str(rule.give),
        "take": str(rule.take),
        "max_duration": None if rule.max_duration is None else str(rule.max_duration),
        "required": list(rule.required),
        "missing_account": str(rule.missing_account),
        "products": list(rule.products),
        "ticket_project": route.project,
        "ticket_issue_type": route.issue_type,
        "ticket_labels": list(route.labels),
    }
