from __future__ import annotations

from http import HTTPStatus

from access.accounts import Account, NoMatch
from access.failures import CredentialRefused, Failure, Permanent, Transient, Unknown
from connectors.jira.accounts import Accounts
from connectors.jira.client import API, refusal
from connectors.jira.shapes import User
from httpclient import Call, HttpClient, Response, read_with_retries

_USER = f"{API}/user"

#: Client errors after which Provisor looks the address up: Jira may have made the invitation all the same [observed: 400].
_LOOKED_INTO = frozenset(range(400, 429)) - {401} | frozenset(range(430, 500))

#: Text of a 400 that came although Jira had made the invitation [observed].
_MADE_ALL_THE_SAME = "failed to add user"

_REMEDY = (
    "A person must look in the site's administration: an account without access to Jira must be given a product there, "
    "a full licence needs a free seat, and an account of a managed domain may have to come from its directory."
)


class Invitations:
    """Makes accounts. Jira takes no idempotency key, so Provisor looks the address up before, and after every answer but 201."""

    def __init__(self, client: HttpClient, accounts: Accounts) -> None:
        self._client = client
        self._accounts = accounts

    def give(self, email: str, products: tuple[str, ...]) -> str | None:
        """Invite the address with these products (``POST /user`` [spec]); a second call does no harm [spec].

        Returns the id of the account, for which Jira itself knows the address, hidden or not; None when the answer has no id.

        Raises ``Unknown`` when the answer got lost and no account has the address (the search may not find a new user for
        seconds [observed]), ``Permanent`` when Jira refused and no account has the address.
        """
        found = self._accounts.by_email(email)
        before = found if isinstance(found, Account) and found.email_proven else None
        if before is not None and self._is_enough(before, products):
            return before.id
        failure, answer = self._invite(email, products)
        if answer is not None and answer.status == HTTPStatus.CREATED:
            return self._learn(email, answer)
        if before is not None and answer is not None:
            raise refusal(
                answer, f"give access to {before.title} ({before.id}), who has an account without any", remedy=_REMEDY
            )
        shown = None if before is not None else self._look_again(email)
        # A probable match does not show that the call made the account.
        if shown is not None and shown.active and shown.email_proven:
            return shown.id
        if failure is not None:
            raise failure
        assert answer is not None
        raise _refused(answer, email)

    def _is_enough(self, found: Account, products: tuple[str, ...]) -> bool:
        if not found.active:
            raise Permanent(
                f"{found.email} has a Jira account that is deactivated ({found.id}).",
                remedy="A person must reactivate it in the organization's administration.",
            )
        return not products or self._accounts.has_access(found.id)

    def _learn(self, email: str, answer: Response) -> str | None:
        """Keep the id in the answer, since the address may be hidden later. A search finds an account without it."""
        try:
            made = answer.read_as(User, what="the new user")
        except Failure:
            return None
        self._accounts.learn(email, made)
        return made.accountId

    def _invite(self, email: str, products: tuple[str, ...]) -> tuple[Failure | None, Response | None]:
        call = Call(
            method="POST",
            route=_USER,
            # Without "products" Jira refuses [observed]; an empty list makes an account without any product [spec].
            body={"emailAddress": email, "products": list(products)},
            expects=_LOOKED_INTO,
            idempotent=False,
        )
        try:
            return None, self._client.send(call)
        except Unknown as exc:
            return exc, None

    def _look_again(self, email: str) -> Account | None:
        def look() -> Account:
            found = self._accounts.by_email(email)
            if isinstance(found, NoMatch):
                raise Transient(f"Jira does not find {email} yet.")
            return found

        try:
            return read_with_retries(look, self._client.retry_policy)
        except CredentialRefused:
            raise
        except Failure:
            return None


def _refused(answer: Response, email: str) -> Failure:
    what = f"make an account for {email}"
    if _MADE_ALL_THE_SAME in answer.said.lower():
        return answer.failure(
            Unknown,
            f"Jira answered {answer.status} when asked to {what}; Jira may have made the invitation.",
            remedy="Look for the account before repeating it.",
        )
    return refusal(answer, what, remedy=_REMEDY)
