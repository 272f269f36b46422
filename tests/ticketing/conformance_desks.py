"""The desks on which the rules of ``ticketing/conformance.py`` are tried: a simulated site with either provider of ours."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from simulator.jira.issues import Issue
from simulator.jira.world import ADMIN_EMAIL
from simulator.switches import change_switches
from simulator.systems import act
from tests.ticketing.simulated_ticketing import SimulatedTicketing, draft
from ticketing.adf import plain_text
from ticketing.jira import JiraTicketProvider
from ticketing.jira.calls import PROPERTY
from ticketing.ports import TicketDraft, TicketRef


class SimulatedDesk:
    """A simulated Jira site with a provider of ours. ``more`` is what its drafts have besides."""

    def __init__(self, harness: SimulatedTicketing, provider: JiraTicketProvider, **more: Any) -> None:
        self._harness = harness
        self._world = harness.world
        self._more = more
        self._provider = provider
        for name in ("colleague", "closer"):
            if self._world.directory.user_by_email(f"{name}@example.com") is None:
                act(self._world, "create_user", email=f"{name}@example.com", name=name.title())

    @property
    def provider(self) -> Any:
        return self._provider

    @property
    def colleague(self) -> str:
        return "colleague@example.com"

    def draft(self, marker: str) -> TicketDraft:
        return draft(marker=marker, **self._more)

    def number_with(self, marker: str) -> int:
        return sum(issue.properties.get(PROPERTY, {}).get("marker") == marker for issue in self._harness.issues())

    def comments(self, ref: TicketRef) -> Sequence[str]:
        return [plain_text(comment.body) for comment in self._issue(ref).comments]

    def text(self, ref: TicketRef) -> str:
        issue = self._issue(ref)
        return f"{issue.summary} {plain_text(issue.values['description'])}"

    def links(self, ref: TicketRef) -> Sequence[str]:
        return [str(link.content["object"]["url"]) for link in self._issue(ref).remote_links]

    def close(self, ref: TicketRef, *, declined: bool = False) -> str:
        act(self._world, "decline" if declined else "done", issue=ref.key, by="closer@example.com")
        return "Closer"

    def reopen(self, ref: TicketRef) -> None:
        act(self._world, "reopen", issue=ref.key, by="closer@example.com")

    def delete(self, ref: TicketRef) -> None:
        act(self._world, "delete_issue", issue=ref.key, by="closer@example.com")

    def hide(self, ref: TicketRef) -> None:
        act(self._world, "restrict_issue", issue=ref.key)

    def copy(self, ref: TicketRef) -> None:
        act(self._world, "clone_issue", issue=ref.key, by="closer@example.com")

    def lose_answer(self) -> None:
        self._harness.fault(method="POST", path=r"/rest/api/3/issue(/[^/]+/comment)?$", drop="after")

    def refuse_credential(self, *, refused: bool) -> None:
        (token,) = (each for each in self._world.tokens.by_value.values() if each.account_id == self._me)
        token.revoked = refused

    def lag(self, *, lags: bool) -> None:
        change_switches(self._world.switches, search_lag_ms=60_000 if lags else 0)

    @property
    def _me(self) -> str:
        return self._world.user(ADMIN_EMAIL).account_id

    def _issue(self, ref: TicketRef) -> Issue:
        return self._harness.issue(ref)


@contextmanager
def work_items() -> Iterator[SimulatedDesk]:
    """Tickets as issues."""
    with SimulatedTicketing.open() as harness:
        yield SimulatedDesk(harness, harness.provider)


@contextmanager
def requests() -> Iterator[SimulatedDesk]:
    """Tickets as requests of a service project."""
    with SimulatedTicketing.open() as harness:
        yield SimulatedDesk(harness, harness.service_desk(), project="HELP", issue_type="Access")
