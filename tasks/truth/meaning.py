"""From the words of a ticket to accounts and resources of the systems, and how these stand there now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from access.accounts import Account
from access.entitlements import EntitlementRef, ResourceKind, System
from access.methods import Direction
from access.ticket_mapping import Said, TicketMapping, parts_of
from access.truth import Access, Judgement, Now, Reason, Statement, Verdict, unsaid
from access.truth_naming import Accounts, SaidPerson, Thing, Things, Unclear, the_thing, written_entitlement
from access.truth_verdicts import Names
from connectors.reading import AccountKind, AccountRow, AccountStatus, ResourceRow
from tasks.truth.picture import Picture
from ticketing.closed_tickets import FoundTicket

#: Addresses of these sources are shown by the system; our own record is no proof.
_SHOWN = frozenset({"profile", "organization"})
_USABLE = frozenset({AccountStatus.ACTIVE, AccountStatus.LOCKED})
_CAN_HOLD = frozenset({AccountKind.USER, AccountKind.ATLASSIAN, AccountKind.APP})

_BY_RULE = "its members follow a rule, and the log need not tell such changes"
_BY_PROVIDER = "an identity provider fills it, and the log need not tell such changes"


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement of a ticket, as far as it is clear: with a judgement where nothing more is to be read for it."""

    ticket: FoundTicket
    said: Said
    person: str
    thing: str
    judgement: Judgement | None = None
    system: System | None = None
    account: Account | None = None
    resource: Thing | None = None
    statement: Statement | None = None
    now: Now | None = None

    @property
    def names(self) -> Names:
        """What sentences call the account and the thing."""
        assert self.system is not None
        who = self.account.title if self.account is not None else self.person
        what = self.resource.title if self.resource is not None else self.thing
        return Names(who, what, self.system.label)


class Meaning:
    """Finds what tickets mean. ``gaps`` says for connected systems that could not be read why."""

    def __init__(
        self,
        mapping: TicketMapping,
        pictures: Mapping[System, Picture],
        gaps: Mapping[System, str],
        *,
        connected: Sequence[System],
    ) -> None:
        self._mapping = mapping
        self._pictures = pictures
        self._gaps = gaps
        self._connected = connected
        self._people = {
            (system, admins): _accounts(system, picture, admins=admins)
            for system, picture in pictures.items()
            for admins in (False, True)
        }
        self._things = {system: Things(system, _things(picture)) for system, picture in pictures.items()}
        self._known: dict[str, tuple[System, Thing] | Unclear] = {}

    def of(self, ticket: FoundTicket, said: Said) -> Iterator[Finding]:
        """A finding for each person and each thing that a ticket names."""
        people = said.people or [SaidPerson("")]
        words = [each for text in said.things or [""] for each in self._several(text)]
        for person in people:
            for text in words:
                finding = Finding(ticket, said, person.text, text)
                problem = said.problem or (None if ticket.closed_at else "The ticket does not say when it was closed.")
                if problem is not None:
                    yield replace(finding, judgement=unsaid(Reason.TICKET_UNREADABLE, problem))
                else:
                    yield self._one(finding, person)

    def title(self, system: System, account: str) -> str:
        """What people call an account; the id itself for one that is not listed."""
        picture = self._pictures.get(system)
        row = picture.accounts.get(account) if picture is not None else None
        return account if row is None else row.title

    def thing_title(self, system: System, kind: ResourceKind, resource: str) -> str:
        """What people call a resource; the id itself for one that is not listed."""
        thing = self._things[system].get(kind, resource) if system in self._things else None
        return resource if thing is None else thing.title

    def _several(self, text: str) -> list[str]:
        """The things that a text names: one, when all of it is a name, else its parts."""
        if not isinstance(self._thing(text), Unclear):
            return [text]
        return parts_of(text) or [text]

    def _thing(self, text: str) -> tuple[System, Thing] | Unclear:
        """What a text means; many tickets name the same few things."""
        if text not in self._known:
            self._known[text] = the_thing(text, self._mapping.kinds, self._mapping.called, self._things)
        return self._known[text]

    def _one(self, finding: Finding, person: SaidPerson) -> Finding:
        found = self._thing(finding.thing)
        if unread := self._unread(finding.thing):
            return replace(finding, judgement=unsaid(Reason.SYSTEM_UNREADABLE, unread))
        if isinstance(found, Unclear):
            return replace(finding, judgement=unsaid(found.reason, found.because))
        system, thing = found
        finding = replace(finding, system=system, resource=thing)
        picture = self._pictures[system]
        if gap := picture.gap(thing.kind, thing.id):
            return replace(
                finding, judgement=unsaid(Reason.SYSTEM_UNREADABLE, f"Who has {thing.title} cannot be read: {gap}")
            )
        accounts = self._people[system, thing.kind is ResourceKind.ADMIN_ROLE]
        account = accounts.meant(self._with_address(person), self._mapping.names)
        if isinstance(account, Unclear):
            gone = _gone(finding, picture, accounts.gone(person))
            return replace(finding, judgement=gone or unsaid(account.reason, account.because))
        statement = _statement(finding, Access(account.id, thing.kind, thing.id))
        return replace(finding, account=account, statement=statement, now=_now(picture, statement.access, account))

    def _unread(self, text: str) -> str | None:
        """Why it cannot be told what a text means: one of the systems where it may be was not read."""
        written = written_entitlement(text, self._mapping.called)
        systems = {system for system, _ in self._mapping.kinds} if written is None else {written.system}
        for system in sorted(systems):
            if system in self._gaps:
                return f"{system.label} could not be read: {self._gaps[system]}"
            if system not in self._connected:
                return f"{system.label} is not connected: set a credential below {system} in the settings."
        return None

    def _with_address(self, person: SaidPerson) -> SaidPerson:
        """A person of Jira's with the address that Jira shows, by the ticket or by its list of accounts."""
        if person.jira_id is None or person.email or System.JIRA not in self._pictures:
            return person
        account = self._people[System.JIRA, False].get(person.jira_id)
        return person if account is None else replace(person, email=account.email)


def entitlement(system: System, thing: Thing) -> EntitlementRef:
    """The written form of what a thing gives, by ids."""
    path = tuple(thing.id.split("/", 1)) if thing.kind is ResourceKind.PROJECT_ROLE else (thing.id,)
    return EntitlementRef(system, thing.kind, () if thing.kind is ResourceKind.ACCOUNT else path)


def _gone(finding: Finding, picture: Picture, account: str | None) -> Judgement | None:
    """That access was taken from an account whose id no list has any more; None where that is not so, or was not to be.

    Only of access that was taken: whether a deleted account had been given something before, the lists do not tell.
    """
    system, thing = finding.system, finding.resource
    assert system is not None
    assert thing is not None
    if account is None or finding.said.action is not Direction.TAKE:
        return None
    now = _now(picture, Access(account, thing.kind, thing.id), Account(system, account, account, active=False))
    if now.present:
        return None
    because = f"{system.label} lists no account {account} any more, and nothing lists it."
    return Judgement(Verdict.TRUE, Reason.AS_SAID, because, as_said=True)


def _statement(finding: Finding, access: Access) -> Statement:
    ticket, said = finding.ticket, finding.said
    assert ticket.closed_at is not None
    assert said.action is not None
    return Statement(
        ticket=ticket.ref.key,
        action=said.action,
        access=access,
        closed=ticket.closed_at,
        closed_from=ticket.closed_from,
        created=ticket.created_at,
        end=said.end,
        end_from=said.end_from,
    )


def _now(picture: Picture, access: Access, account: Account) -> Now:
    """How an access stands: an account that exists and can be used, or a hold on a resource."""
    if access.kind is ResourceKind.ACCOUNT:
        return Now(read_at=picture.began_at, direct=account.active)
    key = (access.kind, access.resource)
    ways = {
        group: access.account in picture.holders[ResourceKind.GROUP, group]
        for group in sorted(picture.holding_groups[key])
    }
    groups = [*ways, *([access.resource] if access.kind is ResourceKind.GROUP else [])]
    rows = [row for group in groups if (row := picture.things[ResourceKind.GROUP].get(group)) is not None]
    return Now(
        read_at=picture.began_at,
        direct=access.account in picture.holders[key],
        ways=ways,
        usable=account.active,
        unlogged=next((why for row in rows if (why := _unlogged(row))), None),
    )


def _unlogged(group: ResourceRow) -> str | None:
    if group.attributes.get("follows_a_rule"):
        return _BY_RULE
    external = group.attributes.get("external_synced") or group.attributes.get("managed_by") == "external"
    return _BY_PROVIDER if external else None


def _accounts(system: System, picture: Picture, *, admins: bool) -> Accounts:
    """The accounts that can hold resources, or administrators, whose accounts are apart."""
    rows = (
        row for row in picture.accounts.values() if (row.kind is AccountKind.ADMIN if admins else row.kind in _CAN_HOLD)
    )
    return Accounts(system, (_account(system, row) for row in rows))


def _account(system: System, row: AccountRow) -> Account:
    shown = row.email if row.email_source in _SHOWN else None
    return Account(
        system=system, id=row.id, title=row.title, email=shown, username=row.username, active=row.status in _USABLE
    )


def _things(picture: Picture) -> Iterator[Thing]:
    projects = picture.things[ResourceKind.PROJECT]
    for kind, rows in list(picture.things.items()):
        for row in rows.values():
            project = projects.get(row.parent or "")
            scope = (str(project.attributes.get("key") or project.name), project.name) if project is not None else ()
            if kind is not ResourceKind.PROJECT:
                yield Thing(kind, row.id, row.name, scope)
