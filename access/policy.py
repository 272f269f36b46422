"""Policy: what the company lets Provisor do with each entitlement, and by which method.

The first rule whose pattern matches the entitlement, by ids or by names, decides. No rule means no. Where a pattern has another
case than the entitlement, an allowing rule matches only if both names are found to be one; a denying rule always does.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from access.entitlements import Entitlement, EntitlementRef, ResourceKind
from access.findings import WATCHED, ProfileRule
from access.guard import Terms
from access.methods import Direction, Method
from access.patterns import matches, matches_loosely, spelled_like
from access.sources import is_among
from access.ticket_routes import TicketRoute

#: Whether an entitlement, spelled as a rule spells it, is found to be the one that is asked for.
IsMeant = Callable[[EntitlementRef], bool]

#: Patterns of the entitlements that give an administrator's power, unless the settings list others.
ADMINISTRATOR_LIKE = ("*:admin-role:*", "*:group:*admin*:member", "jira:project-role:*:*admin*:assigned")


#: How long giving may take where no rule says otherwise.
GIVE_WITHIN = timedelta(hours=24)


class MissingAccount(StrEnum):
    """What to do for a person who has no account in the system yet."""

    #: Make the account first.
    CREATE = "create"
    #: Ask a person to make it, then go on.
    TICKET = "ticket"
    #: Refuse the request.
    REFUSE = "refuse"


class Suspended(StrEnum):
    """What to do when a person whose account is suspended is to be given access."""

    #: Refuse the request.
    REFUSE = "refuse"
    #: Give the access: it works from the day on which the account is opened again.
    GIVE = "give"


class AccountProof(StrEnum):
    """What has to be proven of the account that is to be given access."""

    #: That it is the person's: named by its id, or shown with the address.
    REQUIRED = "required"
    #: Nothing: the only match by an address that the system hides is enough.
    OPTIONAL = "optional"


class LastAdministrator(StrEnum):
    """How an administrator's power is taken from the last account that holds it."""

    #: A person takes it, with a plain warning.
    TICKET = "ticket"
    #: Like from any other account.
    ALLOW = "allow"


class LeaverAccess(StrEnum):
    """What becomes of the standing access of a person whom the directory suspends."""

    #: A plan that a person has to approve.
    APPROVE = "approve"
    #: A plan that runs by itself, under the fuse.
    AUTOMATE = "automate"


@dataclass(frozen=True, slots=True)
class Rule:
    """What holds for the entitlements that ``pattern`` matches: ``*`` and ``?`` over the written form.

    ``products`` are what a new account gets, and all that a request may name instead. ``required`` are the facts that a
    request to give access has to carry, ``required_to_take`` those of a request to take access away. Without ``proof``,
    entitlements that give an administrator's power require it. ``give_within`` is how long giving by API may take from when it
    could begin: access for a time is not given after that. ``sources`` are patterns of who may ask under it (``access.sources``);
    without them it is for all. ``notice_before`` says how long before the end of access for a time there is notice of it.
    ``fed_by`` is the JumpCloud group that fills the Jira groups that the pattern matches, and ``via`` the one whose members have
    the applications: access to the one goes through the other.
    """

    pattern: str
    give: Method = Method.CONNECTOR
    take: Method = Method.CONNECTOR
    max_duration: timedelta | None = None
    give_within: timedelta = GIVE_WITHIN
    notice_before: tuple[timedelta, ...] = ()
    required: tuple[str, ...] = ()
    required_to_take: tuple[str, ...] = ()
    suspended: Suspended = Suspended.REFUSE
    last_administrator: LastAdministrator = LastAdministrator.TICKET
    missing_account: MissingAccount = MissingAccount.REFUSE
    proof: AccountProof | None = None
    products: tuple[str, ...] = ()
    ticket: TicketRoute | None = None
    sources: tuple[str, ...] = ()
    fed_by: EntitlementRef | None = None
    via: EntitlementRef | None = None

    @property
    def through(self) -> EntitlementRef | None:
        """The JumpCloud group through which access goes to what the pattern matches."""
        return self.fed_by or self.via

    def method(self, direction: Direction) -> Method:
        """The method for giving or for taking away."""
        return self.give if direction is Direction.GIVE else self.take

    def facts_for(self, direction: Direction) -> tuple[str, ...]:
        """The facts that a request has to carry to give, or to take away."""
        return self.required if direction is Direction.GIVE else self.required_to_take

    def applies(self, names: Collection[str], direction: Direction, is_meant: IsMeant) -> bool:
        """Whether one of the entitlement's names, in their written form, fits the pattern."""
        if self.method(direction) is Method.DENY:
            return any(matches_loosely(self.pattern, name) for name in names)
        if any(matches(self.pattern, name) for name in names):
            return True
        spelled = {other for name in names if (other := spelled_like(self.pattern, name)) is not None}
        return any(is_meant(EntitlementRef.parse(other)) for other in spelled)


@dataclass(frozen=True, slots=True)
class OwnerRule:
    """Who answers for the entitlements that ``pattern`` matches: they get a digest of the findings on them."""

    pattern: str
    owner: str


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules in order, and where tickets go when a rule does not say.

    ``administrator_like`` are patterns of entitlements that give an administrator's power, ``protected_accounts`` ids and
    addresses of accounts that only a person changes, besides Provisor's own. ``manage`` are patterns of the entitlements on
    which access that nothing explains is a finding; without any, it is what rules let be given. ``profiles`` say what is done
    about findings, ``owners`` who answers for them.
    """

    rules: Sequence[Rule]
    ticket: TicketRoute
    administrator_like: Sequence[str] = ADMINISTRATOR_LIKE
    protected_accounts: Sequence[str] = ()
    leavers: LeaverAccess = LeaverAccess.APPROVE
    manage: Sequence[str] = ()
    profiles: Sequence[ProfileRule] = ()
    owners: Sequence[OwnerRule] = ()

    @property
    def automates_leavers(self) -> bool:
        """Whether what a suspended person holds is taken without an approval."""
        return self.leavers is LeaverAccess.AUTOMATE

    @property
    def ticket_routes(self) -> Sequence[TicketRoute]:
        """Every road that tickets may take, each once, in the order in which they are written."""
        every = [self.ticket, *(rule.ticket for rule in self.rules if rule.ticket is not None)]
        return [each for number, each in enumerate(every) if each.project and each not in every[:number]]

    def manages(self, *refs: EntitlementRef) -> bool:
        """Whether access to the entitlement is compared with what should be, by any of its names."""
        if self.manage:
            return any(matches(pattern, str(ref)) for pattern in self.manage for ref in refs)
        rule = self.rule_for(*refs, direction=Direction.GIVE)
        return rule is not None and rule.give is not Method.DENY

    def profile_for(self, *refs: EntitlementRef) -> ProfileRule:
        """What is done about findings on the entitlement: the first rule that matches any of its names."""
        fits = (rule for rule in self.profiles if any(matches(rule.pattern, str(ref)) for ref in refs))
        return next(fits, WATCHED)

    def owner_of(self, *refs: EntitlementRef) -> str | None:
        """Who answers for the entitlement: the first that matches any of its names; None where nobody does."""
        fits = (rule.owner for rule in self.owners if any(matches(rule.pattern, str(ref)) for ref in refs))
        return next(fits, None)

    def rule_for(self, *refs: EntitlementRef, direction: Direction, is_meant: IsMeant = lambda _: True) -> Rule | None:
        """The first rule that matches the entitlement under any of its names; None when there is none."""
        names = set(map(str, refs))
        return next((rule for rule in self.rules if rule.applies(names, direction, is_meant)), None)

    def of(self, source: str) -> Policy:
        """The policy as it is for requests from ``source``: rules for others are left out."""
        if not any(rule.sources for rule in self.rules):
            return self
        rules = tuple(rule for rule in self.rules if not rule.sources or is_among(source, rule.sources))
        return Policy(rules, self.ticket, self.administrator_like, self.protected_accounts)

    def wants_proof(self, rule: Rule, entitlement: Entitlement) -> bool:
        """Whether the entitlement is given to proven accounts only, under the rule."""
        if rule.proof is not None or entitlement.ref.kind is ResourceKind.ACCOUNT:
            return rule.proof is AccountProof.REQUIRED
        return self.gives_power(entitlement.ref, entitlement.named)

    def gives_power(self, *refs: EntitlementRef) -> bool:
        """Whether an entitlement gives an administrator's power, by any of its names."""
        names = set(map(str, refs))
        return any(matches_loosely(pattern, name) for pattern in self.administrator_like for name in names)

    def terms(self, *refs: EntitlementRef) -> Terms:
        """What the guard has to know of policy for a change of the entitlement."""
        giving, taking = (self.rule_for(*refs, direction=direction) for direction in (Direction.GIVE, Direction.TAKE))
        allows_last = taking is not None and taking.last_administrator is LastAdministrator.ALLOW
        return Terms(
            suspended_too=giving is not None and giving.suspended is Suspended.GIVE,
            keeps_last=not allows_last and self.gives_power(*refs),
            protected_accounts=self.protected_accounts,
        )

    def give_within(self, *refs: EntitlementRef) -> timedelta:
        """How long giving the entitlement may take from when it could begin."""
        rule = self.rule_for(*refs, direction=Direction.GIVE)
        return GIVE_WITHIN if rule is None else rule.give_within

    def ticket_route(self, rule: Rule | None) -> TicketRoute:
        """Where a ticket under ``rule`` goes."""
        return rule.ticket if rule and rule.ticket else self.ticket
