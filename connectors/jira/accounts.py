from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Protocol

from access import email_address
from access.accounts import Account, NoMatch, Subject
from access.entitlements import System
from access.text import begins_a_word
from connectors.jira.client import API, USER_SEARCH
from connectors.jira.permissions import OwnPermissions
from connectors.jira.shapes import NOBODY, User, is_account_id
from connectors.ports import Observation
from httpclient import Call, HttpClient

#: Our own record of the account id of a normalized address, None when there is none.
KnownEmails = Callable[[str], str | None]


class RememberAddress(Protocol):
    """Keeps whose a normalized address is. ``shown`` says whether Jira shows the address on that account."""

    def __call__(self, email: str, account_id: str, *, shown: bool) -> None:
        """Keep it; an address that is not shown only when the account is new."""
        ...


_MYSELF = f"{API}/myself"
_USER = f"{API}/user"
_USER_SEARCH = f"{API}/user/search"

#: An unknown id gives 404 [spec], a text that cannot be an id 400 [observed]: neither names an account.
_NO_SUCH_ACCOUNT = frozenset({400, 404})

_MOST_CANDIDATES = 5

#: A credential is one account's for good; the answers of one before are forgotten.
_OWN_AT_MOST_OLD = timedelta(days=1)

#: How many accounts one search may answer with; more are there when it does.
_SEARCHED = 50


class Accounts:
    """Finds accounts. A profile may hide its address even from administrators [docs], so Provisor weighs what a search finds.

    An address proves an account only while Jira shows that address on it. What Provisor remembers names a candidate.
    """

    def __init__(
        self, client: HttpClient, own: OwnPermissions, known_emails: KnownEmails, remember: RememberAddress
    ) -> None:
        self._client = client
        self._own = own
        self._known_emails = known_emails
        self._remember = remember

    def find(self, subject: Subject) -> Account | NoMatch:
        """The one account that the subject names by accountId, else by email; Jira has no usernames any more [docs]."""
        if subject.id:
            user = self.by_id(subject.id)
            if user is None:
                return NoMatch(f"The Jira account {subject.id}", self._near(subject.email))
            if subject.email and (other := self._contradiction(user, subject.email)) is not None:
                wanted = f"The Jira account {subject.id} with the address {subject.email}"
                return NoMatch(wanted, (_written(user), *other), contradiction=True)
            return _account(user, proven=True)
        if subject.email:
            return self.by_email(subject.email.strip())
        return NoMatch(f"The Jira account {subject}, named by neither email nor accountId,")

    def _contradiction(self, user: User, email: str) -> tuple[str, ...] | None:
        """Whose the address is, when that is not the user's; None when nothing speaks against the user.

        An address that the user's profile hides is the user's unless the search finds it with others only.
        """
        if _shows(user, email):
            return None
        people = self._people(email)
        holders = [hit for hit in people if _shows(hit, email)] or _probable(people, email)
        if not user.emailAddress and (not holders or user.accountId in {hit.accountId for hit in holders}):
            return None
        return tuple(map(_written, holders))

    def own_id(self) -> str:
        """The accountId of Provisor's own account (``GET /myself`` [spec]), asked for once a day and credential."""
        return self._myself(at_most_old=_OWN_AT_MOST_OLD).accountId

    def check_credential(self) -> User:
        """Provisor's own account, read now: Jira answers it to a good credential alone (``GET /myself`` [spec])."""
        return self._myself()

    def _myself(self, *, at_most_old: timedelta | None = None) -> User:
        return self._client.get(_MYSELF, at_most_old=at_most_old).read_as(User, what="Provisor's own account")

    def by_id(self, account_id: str) -> User | None:
        """The user, active or not, None when no user has that id (``GET /user`` [spec])."""
        if not is_account_id(account_id):
            return None
        answer = self._client.get(_USER, params={"accountId": account_id}, expects=_NO_SUCH_ACCOUNT)
        if answer.status in _NO_SUCH_ACCOUNT:
            self._own.require_browsing(answer)
            return None
        user = answer.read_as(User, what="a user")
        return user if user.accountId == account_id else None

    def has_access(self, account_id: str) -> bool:
        """Whether the account has access to any Jira product; False also when Jira does not tell [spec]."""
        params = {"accountId": account_id, "expand": "applicationRoles"}
        answer = self._client.get(_USER, params=params, expects=_NO_SUCH_ACCOUNT)
        return answer.status not in _NO_SUCH_ACCOUNT and answer.read_as(User, what="a user").products > 0

    def by_email(self, email: str) -> Account | NoMatch:
        """The one account of this address.

        - The account that shows the address is proven. Provisor reads the one that it remembers first, since the search finds
          no inactive accounts [spec].
        - A single person with a hidden address is probable: the search compares hidden addresses too [observed]. Where it finds
          beginnings of hidden addresses, the address may be a longer one, and the person is only a candidate.
        - A person whose name explains the hit, because the search compares the beginnings of its words too [spec], is no
          match, and no proof that there is none; nor is one whom only Provisor remembers, and whose address is hidden.
        """
        known = self._known_emails(email_address.normalized(email))
        remembered = self._remembered(known, email)
        if remembered is not None and _shows(remembered, email):
            return _account(remembered, proven=True)
        wanted = f"The Jira account {email}"
        people = self._people(email)
        exact = [hit for hit in people if _shows(hit, email)]
        if len(exact) == 1:
            if known not in (None, exact[0].accountId):
                self.learn(email, exact[0])
            return _account(exact[0], proven=True)
        if exact:
            return NoMatch(wanted, tuple(map(_written, exact)), several=True)
        candidates = {hit.accountId: hit for hit in people if not hit.emailAddress}
        if remembered is not None and remembered.usable:
            candidates[remembered.accountId] = remembered
        likely = _probable(people, email)
        if len(likely) == 1 and (remembered is None or remembered.accountId == likely[0].accountId):
            return _account(likely[0], proven=False, may_be_longer=self._may_be_longer(likely[0], email))
        if candidates:
            return NoMatch(wanted, tuple(map(_written, candidates.values())), unproven=True, ids=tuple(candidates))
        # Who is shut by now and hides the address does not keep the address from being invited.
        former = () if remembered is None else (_written(remembered),)
        return NoMatch(wanted, former or self._near(email))

    def learn(self, email: str, user: User) -> None:
        """Remember whose the address is."""
        self._remember(email_address.normalized(email), user.accountId, shown=_shows(user, email))

    def observe(self, account_id: str | None, email: str | None) -> Observation:
        """Whether there is a usable account; the observation names the account that the address found."""
        if account_id:
            user = self.by_id(account_id)
            if user is None:
                evidence = f"Jira has no account {account_id}."
                return Observation(present=False, evidence=evidence, missing=f"account {account_id}")
            state = "active" if user.usable else "deactivated or deleted"
            return Observation(
                present=user.usable, evidence=f"Jira shows account {account_id} as {state}.", account_id=account_id
            )
        found = self.by_email(email) if email else NoMatch("An account without an address")
        if isinstance(found, NoMatch):
            return Observation(present=False, evidence=f"Jira finds no account by the address {email}.")
        if found.may_be_longer:
            evidence = f"Jira finds only {found.id} by the address {email}, whose hidden address may be a longer one."
            return Observation(present=False, evidence=evidence)
        hidden = "" if found.email_proven else ", the only match, whose address is hidden"
        state = "active" if found.active else "deactivated"
        return Observation(
            present=found.active,
            evidence=f"Jira finds account {found.id} by the address {email}{hidden}; it is {state}.",
            account_id=found.id,
            email_shown=found.email_proven,
        )

    def _remembered(self, known: str | None, email: str) -> User | None:
        """The account of our own record, unless it shows another address by now, or does not exist."""
        user = self.by_id(known) if known else None
        return None if user is None or (user.emailAddress and not _shows(user, email)) else user

    def _may_be_longer(self, hit: User, email: str) -> bool:
        """Whether a hidden address that the search found may be a longer one.

        The search compares the beginnings of addresses [spec], of hidden ones on some sites all of it only [assumed]. So a hit
        that less than the whole address does not find is no beginning.
        """
        found = self._search(email[:-1])
        return len(found) >= _SEARCHED or hit.accountId in {each.accountId for each in found}

    def _people(self, query: str) -> list[User]:
        return [hit for hit in self._search(query) if hit.is_person and hit.accountId != NOBODY]

    def _search(self, query: str) -> list[User]:
        call = Call(
            method="GET",
            route=_USER_SEARCH,
            params={"query": query, "maxResults": _SEARCHED},
            endpoint_class=USER_SEARCH,
        )
        answer = self._client.send(call)
        found = answer.read_as(list[User], what="users")
        if not found:
            self._own.require_browsing(answer)  # without the permission the search finds nobody [spec]
        return found

    def _near(self, email: str | None) -> tuple[str, ...]:
        name = (email or "").split("@")[0]
        return tuple(map(_written, self._people(name)))[:_MOST_CANDIDATES] if name else ()


def _shows(user: User, email: str) -> bool:
    return email_address.same(user.emailAddress or "", email)


def _probable(people: Iterable[User], email: str) -> list[User]:
    """People whom the search found by a hidden address: nothing of their names explains the hit."""
    return [hit for hit in people if not hit.emailAddress and not begins_a_word(email, hit.displayName or "")]


def _written(user: User) -> str:
    address = f" <{user.emailAddress}>" if user.emailAddress else ""
    return f"{user.title}{address} ({user.accountId})"


def _account(user: User, *, proven: bool, may_be_longer: bool = False) -> Account:
    return Account(
        system=System.JIRA,
        id=user.accountId,
        title=user.title,
        email=user.emailAddress or None,
        active=user.usable,
        email_proven=proven,
        may_be_longer=may_be_longer,
        suspended=not user.usable,
    )
