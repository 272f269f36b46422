from __future__ import annotations

from collections.abc import Callable

from access import email_address
from access.accounts import Account, NoMatch, Subject
from access.entitlements import System
from connectors.jira.client import API, USER_SEARCH
from connectors.jira.permissions import OwnPermissions
from connectors.jira.shapes import User, is_account_id
from connectors.ports import Observation
from httpclient import Call, HttpClient

#: Our own record of the account id of a normalized address, None when there is none.
KnownEmails = Callable[[str], str | None]

_MYSELF = f"{API}/myself"
_USER = f"{API}/user"
_USER_SEARCH = f"{API}/user/search"

#: An unknown id gives 404 [spec], a text that cannot be an id 400 [observed]: neither names an account.
_NO_SUCH_ACCOUNT = frozenset({400, 404})

_MOST_CANDIDATES = 5


class Accounts:
    """Finds accounts. A profile may hide its address even from administrators [docs], so Provisor weighs what a search finds."""

    def __init__(self, client: HttpClient, own: OwnPermissions, known_emails: KnownEmails) -> None:
        self._client = client
        self._own = own
        self._known_emails = known_emails
        self._own_id: str | None = None

    def find(self, subject: Subject) -> Account | NoMatch:
        """The one account that the subject names by accountId, else by email; Jira has no usernames any more [docs]."""
        if subject.id:
            user = self.by_id(subject.id)
            if user is None:
                return NoMatch(f"The Jira account {subject.id}", self._near(subject.email))
            if subject.email and (other := self._contradiction(user, subject.email)) is not None:
                wanted = f"The Jira account {subject.id} with the address {subject.email}"
                return NoMatch(wanted, (_written(user), *other), contradiction=True)
            return _account(user, email=user.emailAddress, proven=True)
        if subject.email:
            return self.by_email(subject.email.strip())
        return NoMatch(f"The Jira account {subject}, named by neither email nor accountId,")

    def _contradiction(self, user: User, email: str) -> tuple[str, ...] | None:
        """Whose the address is, when that is not the user's; None when nothing speaks against the user.

        An address that the user's profile hides is the user's unless another account shows the address.
        """
        if user.emailAddress:
            return None if email_address.same(user.emailAddress, email) else ()
        if self._known_emails(email_address.normalized(email)) == user.accountId:
            return None
        shown = [hit for hit in self._search(email) if email_address.same(hit.emailAddress or "", email)]
        return tuple(_written(hit) for hit in shown if hit.accountId != user.accountId) or None

    def own_id(self) -> str:
        """The accountId of Provisor's own account (``GET /myself`` [spec]), asked for once."""
        if self._own_id is None:
            self._own_id = self.check_credential().accountId
        return self._own_id

    def check_credential(self) -> User:
        """Provisor's own account, read now: Jira answers it to a good credential alone (``GET /myself`` [spec])."""
        return self._client.get(_MYSELF).read_as(User, what="Provisor's own account")

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

        Provisor asks its own record first, and reads the account that the record names. A search hit counts when its address
        is the wanted one, in any case. A single person with a hidden address is probable, never proven: the search compares
        hidden addresses [observed], but also the beginnings of names [spec]. The search finds no inactive accounts [spec].
        """
        known = self._known_emails(email_address.normalized(email))
        user = self.by_id(known) if known else None
        if user and (not user.emailAddress or email_address.same(user.emailAddress, email)):
            return _account(user, email=email, proven=True)
        hits = [hit for hit in self._search(email) if hit.accountId != "unknown"]
        people = [hit for hit in hits if hit.is_person]
        exact = [hit for hit in people if email_address.same(hit.emailAddress or "", email)]
        hidden = [hit for hit in people if not hit.emailAddress]
        wanted = f"The Jira account {email}"
        likely = exact or hidden
        if len(likely) == 1:
            return _account(likely[0], email=email, proven=bool(exact))
        if likely:
            return NoMatch(wanted, tuple(_written(hit) for hit in likely), several=True)
        return NoMatch(wanted, self._near(email))

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
        hidden = "" if found.email_proven else ", the only match, whose address is hidden"
        state = "active" if found.active else "deactivated"
        return Observation(
            present=found.active,
            evidence=f"Jira finds account {found.id} by the address {email}{hidden}; it is {state}.",
            account_id=found.id,
        )

    def _search(self, query: str) -> list[User]:
        call = Call(
            method="GET",
            route=_USER_SEARCH,
            params={"query": query, "maxResults": 50},
            endpoint_class=USER_SEARCH,
        )
        answer = self._client.send(call)
        found = answer.read_as(list[User], what="users")
        if not found:
            self._own.require_browsing(answer)  # without the permission the search finds nobody [spec]
        return found

    def _near(self, email: str | None) -> tuple[str, ...]:
        name = (email or "").split("@")[0]
        if not name:
            return ()
        return tuple(_written(hit) for hit in self._search(name) if hit.is_person)[:_MOST_CANDIDATES]


def _written(user: User) -> str:
    address = f" <{user.emailAddress}>" if user.emailAddress else ""
    return f"{user.title}{address} ({user.accountId})"


def _account(user: User, *, email: str | None, proven: bool) -> Account:
    return Account(
        system=System.JIRA,
        id=user.accountId,
        title=user.title,
        email=email or None,
        active=user.usable,
        email_proven=proven,
        suspended=not user.usable,
    )
