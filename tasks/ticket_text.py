"""The texts of tickets and comments: gathers the facts of an operation for the templates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from access.entitlements import ResourceKind, System
from access.lifecycle import TicketState
from access.methods import Direction
from access.operations import Claim, Operation, Request, Ticket
from access.policy import Policy
from access.ticket_routes import TicketRoute
from connectors.ports import Holdings, Observation
from ticketing.escaping import Markdown, code, moment
from ticketing.facts import STAYS_BEHIND, Holding, TicketFacts
from ticketing.ports import Phase, RemoteLink, TicketDraft, Way
from ticketing.templates import CommentKind, Templates, TicketKind, is_template


class TicketWriter:
    """Writes tickets and comments. ``due_in_days`` after their making tickets are due; None is no due date."""

    def __init__(self, templates: Templates, policy: Policy, *, due_in_days: int | None = None) -> None:
        self._templates = templates
        self._policy = policy
        self._due_in_days = due_in_days

    @staticmethod
    def route(operation: Operation, policy: Policy) -> TicketRoute:
        """Where the operation's ticket goes by the policy for its request."""
        rule = policy.rule_for(operation.entitlement, operation.named, direction=operation.direction)
        return policy.ticket_route(rule)

    def route_of(self, operation: Operation, request: Request) -> TicketRoute:
        """Where the operation's ticket goes by the policy of now."""
        return self.route(operation, self._policy.of(request.source))

    @staticmethod
    def lists_holdings(operation: Operation) -> bool:
        """Whether the ticket lists what the account holds: deprovisioning does."""
        return _kind(operation) is TicketKind.DEPROVISION

    def draft(
        self,
        operation: Operation,
        request: Request,
        ticket: Ticket,
        claim: Claim | None,
        holdings: Holdings | None,
        *,
        earlier: Sequence[Ticket] = (),
        warnings: tuple[str, ...] = (),
        state_now: str | None = None,
        now: datetime,
    ) -> TicketDraft:
        """The ticket to be made, or as it should be now; ``earlier`` are those that were made for the same before."""
        route = self.route_of(operation, request)
        due = ticket.due_on or due_on(route, self._due_in_days, now)
        facts = self._facts(
            operation,
            request,
            claim,
            holdings,
            due=due,
            attempt=len(earlier) + 1,
            replaces=_replaced(earlier),
            warnings=warnings,
            state_now=state_now,
            instructions=route.instructions,
        )
        words = self._templates.ticket(_kind(operation), facts)
        return TicketDraft(
            marker=ticket.marker,
            project=ticket.project,
            issue_type=route.issue_type,
            summary=words.title,
            body=words.body,
            data={
                "request": request.id,
                "operation": operation.id,
                "ticket": ticket.id,
                "direction": str(operation.direction),
                "entitlement": str(operation.entitlement),
                "account": operation.account_id or "",
            },
            labels=route.labels,
            fields=self._templates.fields(route.fields, facts),
            due=due,
            assignees=route.assignees,
        )

    def templated(self, operation: Operation, request: Request, draft: TicketDraft) -> Mapping[str, Any]:
        """The fields of a draft whose values policy gives as templates, so that they follow the request."""
        route = self.route_of(operation, request)
        return {name: value for name, value in draft.fields.items() if is_template(route.fields.get(name))}

    def way(self, operation: Operation, request: Request, to: Phase) -> Way:
        """How the operation's ticket is to go back to work, or to its end, by policy."""
        route = self.route_of(operation, request)
        if to is Phase.OPEN:
            return Way(route.reopen_through, route.reopen_fields)
        return Way(route.close_through, route.close_fields)

    @staticmethod
    def link(operation: Operation, ticket: Ticket) -> RemoteLink | None:
        """The link from the ticket to what it is about; None where the system has no page of that."""
        if operation.url is None:
            return None
        title = f"{operation.title} ({operation.system.label})"
        resolved = ticket.state is TicketState.VERIFIED
        summary = _ENDS.get(ticket.state, f"{_ACTIONS[_kind(operation)]}: {operation.account_title}")
        return RemoteLink(f"provisor-{operation.id}", operation.url, title, summary, resolved)

    def still_wrong(self, operation: Operation, request: Request, ticket: Ticket, seen: Observation) -> str:
        """The comment on a ticket that was closed although the system does not show it."""
        facts = self._facts(
            operation, request, None, None, attempt=ticket.answers, still_wrong=(_wrong(operation, seen),)
        )
        return self._templates.comment(CommentKind.STILL_WRONG, facts)

    def escalated(self, operation: Operation, request: Request, ticket: Ticket, seen: Observation) -> str:
        """The comment on a ticket that is given up."""
        facts = self._facts(
            operation, request, None, None, attempt=ticket.answers, still_wrong=(_wrong(operation, seen),)
        )
        return self._templates.comment(CommentKind.ESCALATED, facts)

    def verified(self, operation: Operation, request: Request, claim: Claim | None) -> str:
        """The comment on a ticket that was closed, and whose change the system shows."""
        return self._templates.comment(CommentKind.VERIFIED, self._facts(operation, request, claim, None))

    def withdrawn(self, operation: Operation, request: Request) -> str:
        """The comment on a ticket that is not needed any more."""
        return self._templates.comment(CommentKind.WITHDRAWN, self._facts(operation, request, None, None))

    def declined(self, operation: Operation, request: Request, *, by: str | None) -> str:
        """The comment on a ticket that somebody closed with the word that it will not be done."""
        return self._templates.comment(
            CommentKind.DECLINED, self._facts(operation, request, None, None, closed_by=by, end=_end_of(operation))
        )

    def over(self, operation: Operation, request: Request, state: TicketState) -> str:
        """The comment on a ticket that people went on with after its end."""
        facts = self._facts(operation, request, None, None, end=_ENDS[state])
        return self._templates.comment(CommentKind.OVER, facts)

    def resolution_kept(self, operation: Operation, request: Request, resolution: str) -> str:
        """The comment on a ticket whose way back to work left its resolution."""
        facts = self._facts(operation, request, None, None, end=resolution)
        return self._templates.comment(CommentKind.RESOLUTION_KEPT, facts)

    def duplicate(self, operation: Operation, request: Request, instead: Ticket) -> str:
        """The comment on a ticket in place of which another one counts."""
        facts = self._facts(operation, request, None, None, instead=instead.issue_key)
        return self._templates.comment(CommentKind.DUPLICATE, facts)

    def changed(
        self, operation: Operation, request: Request, claim: Claim, *, until: datetime, before: datetime, now: datetime
    ) -> str:
        """The comment on a ticket whose access lasts until another moment than it said; ``claim`` is why."""
        end = moment(until)
        if until > before:
            change = f"The access lasts longer, until {end}, as request {code(claim.request_id)} asks."
        else:
            change = f"The access {'ended' if until <= now else 'ends'} earlier, at {end}."
        facts = self._facts(operation, request, None, None, change=Markdown(change))
        return self._templates.comment(CommentKind.CHANGED, facts)

    @staticmethod
    def _facts(
        operation: Operation,
        request: Request,
        claim: Claim | None,
        holdings: Holdings | None,
        *,
        due: date | None = None,
        attempt: int = 1,
        still_wrong: tuple[str, ...] = (),
        replaces: tuple[str, ...] = (),
        warnings: tuple[str, ...] = (),
        instead: str | None = None,
        closed_by: str | None = None,
        end: str = "",
        change: str = "",
        state_now: str | None = None,
        instructions: str | None = None,
    ) -> TicketFacts:
        message = request.message
        extra = dict(message.fields)
        if holdings is not None and holdings.note:
            extra["About the list of what the account holds"] = holdings.note
        return TicketFacts(
            request_id=request.id,
            operation_id=operation.id,
            action=_ACTIONS[_kind(operation)],
            subject=str(message.who),
            system=operation.system.label,
            kind=str(_kind(operation)),
            account_title=operation.account_title,
            account_id=operation.account_id,
            account_email=operation.email,
            entitlement_title=operation.title,
            entitlement=str(operation.named),
            resource=" / ".join(operation.named.path),
            right=operation.named.right,
            instructions=None if instructions is None else Markdown(instructions),
            state_now=state_now,
            link=operation.url,
            reason=message.reason or None,
            requested_by=message.requested_by,
            approved_by=message.approved_by,
            ends_at=None if claim is None else claim.ends_at,
            lasts=message.duration,
            why_by_person=operation.why,
            checks=(_check(operation),),
            holdings=_holdings(holdings),
            stays_behind=STAYS_BEHIND if operation.system is System.JIRA else (),
            still_wrong=still_wrong,
            replaces=replaces,
            warnings=warnings,
            instead=instead,
            closed_by=closed_by,
            end=end,
            change=change,
            attempt=attempt,
            due=due,
            extra=extra,
        )


def due_on(route: TicketRoute, usual_days: int | None, now: datetime) -> date | None:
    """The day by which a ticket that is made now is to be done; ``usual_days`` holds where the road says nothing."""
    days = usual_days if route.due_days is None else route.due_days
    return None if days is None else (now + timedelta(days=days)).date()


_ACTIONS = {
    TicketKind.GIVE: "Give access",
    TicketKind.TAKE: "Take access away",
    TicketKind.DEPROVISION: "Deprovision the account",
    TicketKind.CREATE_ACCOUNT: "Create an account",
    TicketKind.REACTIVATE_ACCOUNT: "Reactivate the account",
}


#: How a ticket came to its end, by its state.
_ENDS = {
    TicketState.VERIFIED: "It was done, and seen in the system.",
    TicketState.DECLINED: "It was declined.",
    TicketState.ESCALATED: "It was closed too often without being done.",
    TicketState.WITHDRAWN: "It was called back.",
}


def _end_of(operation: Operation) -> str:
    if operation.direction is Direction.GIVE:
        return "The access is not given, and the request has failed."
    return "The access still stands: an operator of Provisor has been told, and decides."


def _kind(operation: Operation) -> TicketKind:
    about_account = operation.entitlement.kind is ResourceKind.ACCOUNT
    if operation.direction is Direction.GIVE:
        if not about_account:
            return TicketKind.GIVE
        return TicketKind.CREATE_ACCOUNT if operation.account_id is None else TicketKind.REACTIVATE_ACCOUNT
    return TicketKind.DEPROVISION if about_account else TicketKind.TAKE


def _check(operation: Operation) -> str:
    who = operation.account_title
    if operation.entitlement.kind is ResourceKind.ACCOUNT:
        if operation.direction is Direction.GIVE:
            return f"{who} has an active account"
        return f"the account of {who} is gone or inactive"
    if operation.direction is Direction.GIVE:
        return f"{who} has {operation.title} directly"
    return f"{who} does not have {operation.title} directly any more"


def _wrong(operation: Operation, seen: Observation) -> str:
    """What is still wrong, in the names that people know, and the evidence, which may have ids only."""
    who = operation.account_title
    if operation.entitlement.kind is ResourceKind.ACCOUNT:
        giving, taking = f"{who} has no active account", f"the account of {who} is still active"
    else:
        giving, taking = f"{who} does not have {operation.title}", f"{who} still has {operation.title}"
    return f"{giving if operation.direction is Direction.GIVE else taking} ({seen.evidence})"


def _replaced(earlier: Sequence[Ticket]) -> tuple[str, ...]:
    how = {TicketState.HIDDEN: "was deleted or hidden from Provisor", TicketState.LOST: "could not be used any more"}
    return tuple(
        f"{ticket.issue_key}, which {how[ticket.state]}"
        for ticket in earlier
        if ticket.issue_key and ticket.state in how
    )


def _holdings(holdings: Holdings | None) -> tuple[Holding, ...]:
    if holdings is None:
        return ()
    groups = [Holding("group", title) for title in holdings.groups]
    return (*groups, *(Holding("project role", title) for title in holdings.project_roles))
