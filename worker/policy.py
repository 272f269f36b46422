from __future__ import annotations

from access.policy import Policy
from access.ticket_routes import TicketRoute
from config.policy_file import load_policy
from config.settings import Settings


def policy_from(settings: Settings) -> tuple[Policy, tuple[str, ...]]:
    """The policy, and one sentence for each oddity in it. Raises ``SettingsError`` for a file that cannot be used.

    Without a policy file the policy has no rules, so every request is refused; the oddity says so.
    """
    ticketing = settings.ticketing
    route = TicketRoute(project=ticketing.project, issue_type=ticketing.issue_type) if ticketing.project else None
    if settings.policy is None:
        return Policy(rules=(), ticket=route or TicketRoute(project="")), (
            "No policy file is set, so every request is refused; set policy to the path of one.",
        )
    file = load_policy(settings.policy, ticket=route, administrator_like=settings.administrator_like)
    return file.policy, file.warnings
