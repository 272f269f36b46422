from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from http import HTTPStatus
from typing import ClassVar

from access.accounts import Account, NoMatch, Subject
from access.entitlements import Entitlement, EntitlementRef, ResourceKind, System
from access.failures import CredentialRefused, Permanent
from access.methods import Direction
from access.tenants import Tenant
from connectors.guard import require_allowed
from connectors.jumpcloud.accounts import Accounts
from connectors.jumpcloud.applications import GIVEN_BY_GROUPS, Applications
from connectors.jumpcloud.groups import Groups
from connectors.jumpcloud.memberships import Memberships
from connectors.jumpcloud.shapes import Envelope, Organization
from connectors.ports import Holdings, Observation, Target
from connectors.reading import Shifted
from httpclient import Call, HttpClient, RateLimiter

_ORGANIZATIONS = "/api/organizations"


class JumpCloudConnector:
    """Membership of JumpCloud user groups. People change applications and administrators' roles.

    ``client`` comes from ``jumpcloud_client``; its address is also that of the console that people use. ``protected_groups``
    are names and ids of groups that Provisor never changes. ``organization`` is the id of the one that calls choose of
    several, and ``known`` says which one is ours, None before that is known.
    """

    #: The kinds of resource that the API changes, for each direction. People do the rest.
    automated: ClassVar[Mapping[Direction, frozenset[ResourceKind]]] = dict.fromkeys(
        Direction, frozenset({ResourceKind.GROUP})
    )

    def __init__(
        self,
        client: HttpClient,
        *,
        protected_groups: Collection[str] = (),
        organization: str | None = None,
        known: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._client = client
        self._protected_groups = protected_groups
        self._organization = organization
        self._known = known
        self._accounts = Accounts(client)
        self._groups = Groups(client, protected_groups)
        self._applications = Applications(client, self._groups)
        self._memberships = Memberships(client, self._accounts, self._groups)

    def __repr__(self) -> str:
        return f"JumpCloudConnector({self._client!r})"

    @property
    def system(self) -> System:
        """JumpCloud."""
        return System.JUMPCLOUD

    def with_rate_limiter(self, rate_limiter: RateLimiter) -> JumpCloudConnector:
        """The same connector on the same connections, for the lane of ``rate_limiter``."""
        client = self._client.with_rate_limiter(rate_limiter)
        return JumpCloudConnector(
            client, protected_groups=self._protected_groups, organization=self._organization, known=self._known
        )

    def prove(self) -> str:
        """The name of the credential's organization.

        Raises ``CredentialRefused`` when JumpCloud does not know the credential, forbids even this call, or is not the
        organization that is known to be ours.
        """
        tenant, known = self.tenant(), self._known()
        if tenant is not None and known is not None and tenant.id != known:
            raise CredentialRefused(f"JumpCloud answers as {tenant}, which is not our organization ({known}).")
        return (tenant.name if tenant else None) or "JumpCloud organization"

    def tenant(self) -> Tenant | None:
        """The organization that calls reach, by ``GET /api/organizations`` [observed]; None where JumpCloud does not say.

        Raises ``CredentialRefused`` when JumpCloud does not know the credential, or forbids even this call.
        """
        params = {"limit": 100 if self._organization else 1}
        answer = self._client.send(
            Call(method="GET", route=_ORGANIZATIONS, params=params, expects=frozenset({403}), any_wording=True)
        )
        if answer.status == HTTPStatus.FORBIDDEN:
            raise answer.failure(
                CredentialRefused,
                f"JumpCloud forbids Provisor's credential everything{answer.quoted}.",
                remedy="Check the administrator's role, the organization id and whether this address is blocked.",
            )
        found = [each for each in answer.read_as(Envelope[Organization], what="organizations").results if each.id]
        # A key of one organization alone may ignore the choice [assumed].
        chosen = next((each for each in found if each.id == (self._organization or "").lower()), None)
        one = chosen or next(iter(found), None)
        return None if one is None or one.id is None else Tenant(one.id, one.displayName or "")

    def automates(self, kind: ResourceKind, direction: Direction) -> bool:
        """Groups, both ways."""
        return kind in self.automated[direction]

    def find_account(self, subject: Subject) -> Account | NoMatch:
        """The one system user that the subject names, by id, email or username (v1 ``systemusers`` [spec])."""
        return self._accounts.find(subject)

    def find_entitlement(self, ref: EntitlementRef) -> Entitlement | NoMatch:
        """The one group or application of that id or name.

        ``by_person`` says where a rule (``DYNAMIC…`` [spec]) or another directory has the say. Other kinds come back as the
        request names them, for a person.
        """
        if ref.kind is ResourceKind.GROUP:
            return self._groups.find(ref.path[0])
        if ref.kind is ResourceKind.APPLICATION:
            return self._applications.find(ref.path[0])
        if ref.kind in {ResourceKind.PROJECT_ROLE, ResourceKind.ACCOUNT}:
            return NoMatch(f"JumpCloud has no {ref.kind} that access could be to: {ref}")
        title = f"JumpCloud {ref.kind.replace('-', ' ')} {ref.path[0]}"
        return Entitlement(ref=ref, named=ref, title=title, by_person="Provisor does not change it by API")

    def why_by_person(self, ref: EntitlementRef) -> str | None:
        """Why only a person changes a group: protected, or a rule or another directory has the say about its members.

        An application is given through a group.
        """
        if ref.kind is ResourceKind.APPLICATION:
            return GIVEN_BY_GROUPS
        return self._groups.why_by_person(ref.path[0]) if ref.kind is ResourceKind.GROUP else None

    def is_last_holder(self, ref: EntitlementRef, account_id: str, *, leaving: Collection[str] = ()) -> bool:
        """Whether the user is in the group, and no other usable user is, but for those ``leaving``."""
        return ref.kind is ResourceKind.GROUP and self._memberships.is_last(ref.path[0], account_id, leaving=leaving)

    def is_own(self, account_id: str) -> bool:  # noqa: ARG002 - the port's signature
        """Never: the credential is an administrator's or a service account's, and neither is a system user."""
        return False

    def observe(self, target: Target) -> Observation:
        """Whether the user is in the group now (``GET /users/{id}/memberof`` [spec]), has the application, or a usable account.

        Whether an application is held directly or through a group makes no difference.
        """
        if target.entitlement.kind is ResourceKind.ACCOUNT:
            return self._observe_account(target)
        if target.account_id is None:
            return Observation(present=False, evidence="No JumpCloud user is known yet.")
        if target.entitlement.kind is ResourceKind.APPLICATION:
            return self._memberships.observe_application(target.entitlement.path[0], target.account_id)
        return self._memberships.observe(_group(target), target.account_id)

    def _observe_account(self, target: Target) -> Observation:
        """Whether there is an account that is not suspended, although only people make and remove JumpCloud accounts.

        The id alone counts once it is known: a user who got another address, or is locked or staged, is there.
        """
        subject = Subject(id=target.account_id) if target.account_id else Subject(email=target.email)
        found = self._accounts.find(subject)
        if isinstance(found, NoMatch):
            return Observation(present=False, evidence=found.sentence(), missing=f"user {subject}")
        state = "suspended" if found.suspended else "not suspended"
        return Observation(
            present=not found.suspended,
            evidence=f"JumpCloud shows user {found.id} as {state}",
            account_id=found.id,
            email_shown=target.account_id is None,
        )

    def proof_of_gone(self, target: Target) -> str | None:
        """The proof that the user or the group does not exist: a check of the credential, and a list without the id."""
        self.prove()
        user, kind, path = target.account_id, target.entitlement.kind, target.entitlement.path
        try:
            if user is not None and self._accounts.by_id(user) is None:
                listed = self._accounts.every()
                if listed and user not in listed:
                    return f"JumpCloud's complete list of {len(listed)} users does not have user {user}."
            if kind is not ResourceKind.GROUP:
                return None
            listed = self._groups.complete()
        except Shifted:  # A list that changed while it was read proves nothing.
            return None
        if not listed or path[0] in listed:
            return None
        return f"JumpCloud's complete list of {len(listed)} groups does not have group {path[0]}."

    def give(self, target: Target) -> str | None:
        """Add the user to the group. Raises ``Guarded`` for what the guard bars or leaves to a person."""
        require_allowed(self, target, Direction.GIVE)
        self._memberships.give(_group(target), _user(target))
        return None

    def take(self, target: Target) -> None:
        """Take the user out of the group. Raises ``Guarded`` for what the guard leaves to a person."""
        require_allowed(self, target, Direction.TAKE)
        self._memberships.take(_group(target), _user(target))

    def holdings(self, account_id: str) -> Holdings:
        """Names of the user's groups; the id of a group that somebody deleted meanwhile."""
        held = self._memberships.group_ids(account_id)
        if not held:
            return Holdings()
        names = {group.id: group.name for group in self._groups.every()}
        return Holdings(groups=tuple(sorted(names.get(group_id, group_id) for group_id in held)))


def _group(target: Target) -> str:
    if target.entitlement.kind is not ResourceKind.GROUP:
        raise Permanent(
            f"Provisor cannot read or change {target.entitlement} by JumpCloud's API.",
            remedy="A person must do it in the JumpCloud console.",
        )
    return target.entitlement.path[0]


def _user(target: Target) -> str:
    if target.account_id is None:
        raise Permanent("No JumpCloud user is named.", remedy="Create the user in JumpCloud first.")
    return target.account_id
