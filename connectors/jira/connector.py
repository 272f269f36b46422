from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import ClassVar, Protocol

from access.accounts import Account, NoMatch, Subject
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.failures import Permanent
from access.methods import Direction
from connectors.guard import require_allowed
from connectors.jira.absence import Absence
from connectors.jira.accounts import Accounts, KnownEmails, RememberAddress
from connectors.jira.groups import Groups, IsExternal
from connectors.jira.holdings import read_holdings
from connectors.jira.invitations import Invitations
from connectors.jira.permissions import OwnPermissions
from connectors.jira.projects import Projects
from connectors.jira.roles import Roles
from connectors.ports import Holdings, Observation, Target
from httpclient import HttpClient, RateLimiter


class Suspension(Protocol):
    """Shuts accounts where the site's own API cannot, and knows their seats."""

    def suspend(self, account_id: str) -> None:
        """Shut the account. Safe to repeat."""
        ...

    def products(self, account_id: str) -> Sequence[str] | None:
        """The products that the account has a seat of; None where that cannot be seen."""
        ...


def _forget(email: str, account_id: str, *, shown: bool) -> None:
    """Remember nothing."""


@dataclass(eq=False, repr=False)
class JiraConnector:
    """Group members, project-role actors and accounts of one Jira Cloud site.

    ``client`` comes from ``jira_client``; ``site`` is the address people use, which links for people need (never the
    gateway's). ``known_emails`` is our own record of the accountId of a normalized address, ``remember_address`` adds to
    that record, ``idp_groups`` says which group ids an identity provider fills, and ``protected_groups`` are names
    and ids of groups that Provisor never changes, besides Jira's own system groups. ``holdings_calls`` is how many calls one
    listing of an account's holdings may cost. ``suspension`` shuts accounts, where that is switched on.
    """

    client: HttpClient
    _: KW_ONLY
    site: str
    known_emails: KnownEmails = lambda _: None
    remember_address: RememberAddress = _forget
    idp_groups: IsExternal = lambda _: False
    protected_groups: Collection[str] = ()
    holdings_calls: int = 300
    suspension: Suspension | None = None

    #: The kinds of resource that the API changes, for each direction. People remove accounts.
    automated: ClassVar[Mapping[Direction, frozenset[ResourceKind]]] = {
        Direction.GIVE: frozenset({ResourceKind.GROUP, ResourceKind.PROJECT_ROLE, ResourceKind.ACCOUNT}),
        Direction.TAKE: frozenset({ResourceKind.GROUP, ResourceKind.PROJECT_ROLE}),
    }

    def __post_init__(self) -> None:
        self.site = self.site.rstrip("/")
        own = OwnPermissions(self.client)
        self._projects = Projects(self.client, own)
        self._accounts = Accounts(self.client, own, self.known_emails, self.remember_address)
        self._groups = Groups(self.client, self._accounts, self.protected_groups, self.idp_groups)
        self._roles = Roles(self._projects, self._accounts, self._groups, self.site)
        self._absence = Absence(self.client, self._accounts, own, self._projects)
        self._invitations = Invitations(self.client, self._accounts)

    def __repr__(self) -> str:
        return f"JiraConnector({self.client!r}, site={self.site!r})"

    @property
    def system(self) -> System:
        """Jira."""
        return System.JIRA

    def with_rate_limiter(self, rate_limiter: RateLimiter) -> JiraConnector:
        """The same connector on the same connections, for the lane of ``rate_limiter``."""
        return replace(self, client=self.client.with_rate_limiter(rate_limiter))

    def automates(self, kind: ResourceKind, direction: Direction) -> bool:
        """Groups and project roles, both ways, and new accounts. People remove accounts, unless these are suspended."""
        if kind is ResourceKind.ACCOUNT and direction is Direction.TAKE and self.suspension is not None:
            return True
        return kind in self.automated[direction]

    def find_account(self, subject: Subject) -> Account | NoMatch:
        """The one account that the subject names by accountId or email; see ``Account.email_proven`` for hidden addresses."""
        return self._accounts.find(subject)

    def is_own(self, account_id: str) -> bool:
        """Whether it is the account of the credential; that it is, is read anew."""
        own = self._accounts
        return account_id == own.own_id() and account_id == own.check_credential().accountId

    def find_entitlement(self, ref: EntitlementRef) -> Entitlement | NoMatch:
        """The group, project role or account that the reference names, by id or name."""
        if ref.kind is ResourceKind.GROUP:
            return self._groups.find(ref.path[0])
        if ref.kind is ResourceKind.PROJECT_ROLE:
            return self._roles.find(ref.path[0], ref.path[1])
        return Entitlement(ref=ref, named=ref, title="Jira account", url=self.site)

    def why_by_person(self, ref: EntitlementRef) -> str | None:
        """Why only a person changes a group or role: protected, Jira's own, or filled by an identity provider."""
        if ref.kind is ResourceKind.GROUP:
            return self._groups.why_by_person(ref.path[0])
        return self._roles.why_by_person(*ref.path) if ref.kind is ResourceKind.PROJECT_ROLE else None

    def is_last_holder(self, ref: EntitlementRef, account_id: str, *, leaving: Collection[str] = ()) -> bool:
        """Whether no other active person is in the group, or holds the project role, but for those ``leaving``."""
        but = frozenset({account_id, *leaving})
        if ref.kind is ResourceKind.GROUP:
            held = self._groups.observe(ref.path[0], account_id).present
            return held and not self._groups.has_another(ref.path[0], but)
        if ref.kind is not ResourceKind.PROJECT_ROLE:
            return False
        return self._roles.is_last_holder(ref.path[0], ref.path[1], account_id, but)

    def observe(self, target: Target) -> Observation:
        """Whether the account exists, is in the group, or is itself in the role, read from Jira now."""
        kind, path = target.entitlement.kind, target.entitlement.path
        if kind is ResourceKind.ACCOUNT:
            return self._with_seats(self._accounts.observe(target.account_id, target.email))
        if target.account_id is None:
            return Observation(present=False, evidence="No Jira account is known yet.")
        if kind is ResourceKind.GROUP:
            return self._groups.observe(path[0], target.account_id)
        if kind is ResourceKind.PROJECT_ROLE:
            return self._roles.observe(path[0], path[1], target.account_id)
        raise _not_by_api(target)

    def proof_of_gone(self, target: Target) -> str | None:
        """The proof that the account, group or role does not exist: a complete list without it.

        A project counts as gone when it is neither live nor archived nor in the trash.
        """
        return self._absence.proof(target)

    def give(self, target: Target) -> str | None:
        """Add to the group or role, or invite the address. Raises ``Guarded`` for what the guard bars or leaves to a person."""
        require_allowed(self, target, Direction.GIVE)
        kind, path = target.entitlement.kind, target.entitlement.path
        if kind is ResourceKind.ACCOUNT:
            return self._give_account(target)
        if kind is ResourceKind.GROUP:
            self._groups.give(path[0], _account(target))
        elif kind is ResourceKind.PROJECT_ROLE:
            self._roles.give(path[0], path[1], _account(target))
        else:
            raise _not_by_api(target)
        return None

    def take(self, target: Target) -> None:
        """Take out of the group or role, or suspend the account. Raises ``Guarded`` for what the guard leaves to a person."""
        require_allowed(self, target, Direction.TAKE)
        kind, path = target.entitlement.kind, target.entitlement.path
        if kind is ResourceKind.GROUP:
            self._groups.take(path[0], _account(target))
        elif kind is ResourceKind.PROJECT_ROLE:
            self._roles.take(path[0], path[1], _account(target))
        elif kind is ResourceKind.ACCOUNT and self.suspension is not None:
            self.suspension.suspend(_account(target))
        else:
            raise _not_by_api(target)

    def _with_seats(self, seen: Observation) -> Observation:
        """The look at an account that cannot be used, with its seats: each product has its own [docs]."""
        if seen.present or seen.account_id is None or self.suspension is None:
            return seen
        products = self.suspension.products(seen.account_id)
        if products is None:
            return seen
        seats = f"it still has a seat of {', '.join(products)}" if products else "no product has a seat of it"
        return replace(seen, evidence=f"{seen.evidence} In the organization {seats}.")

    def holdings(self, account_id: str) -> Holdings:
        """The account's groups and the project roles that it is in itself, within the limit of calls."""
        return read_holdings(self._groups, self._projects, account_id, most_calls=self.holdings_calls)

    def _give_account(self, target: Target) -> str | None:
        if target.account_id and self._accounts.observe(target.account_id, None).present:
            return target.account_id
        if not target.email:
            raise Permanent("No address to invite is named.", remedy="Ask again with the person's email.")
        return self._invitations.give(target.email, target.products)


def _account(target: Target) -> str:
    if target.account_id is None:
        raise Permanent("No Jira account is named.", remedy="Ask for the account first.")
    return target.account_id


def _not_by_api(target: Target) -> Permanent:
    return Permanent(
        f"Provisor cannot do this to {target.entitlement} by Jira's API.",
        remedy="A person must do it in the administration.",
    )
