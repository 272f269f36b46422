from __future__ import annotations

from collections.abc import Callable, Sequence
from difflib import get_close_matches

from access import email_address
from access.accounts import Account, NoMatch, Subject
from access.entitlements import System
from access.failures import Transient
from access.text import ascii_lower, named, same_name
from connectors.jumpcloud.client import PAGE
from connectors.jumpcloud.shapes import Envelope, RawRow, User, is_object_id, row_id
from connectors.paging import OffsetList, Page, complete_ids
from httpclient import Call, HttpClient
from httpclient.calls import Params

_USER = "/api/systemusers/{user}"
_USERS = "/api/systemusers"
_SEARCH = "/api/search/systemusers"

#: The fields that Provisor reads, space-separated in v1 [spec]; ids always come.
_FIELDS = (
    "username email displayname firstname lastname state suspended account_locked "
    "alternateEmail recoveryEmail managedAppleId externally_managed external_source_type"
)

#: Unknown ids give 404, ids of another form 400 [assumed]: neither names a user.
_NO_SUCH_ID = frozenset({400, 404})

#: Most pages of a search: 10 000 users.
_MOST_PAGES = 100

#: Most similar names in the answer when no name matches.
_MOST_CANDIDATES = 5

#: The search for similar names uses so many letters of a name: most typing errors come later in a word.
_TRUSTED_LETTERS = 3


#: The lower case in which JumpCloud stores a field [assumed].
_LOWER_CASE: dict[str, Callable[[str], str]] = {"email": email_address.lower_case, "username": ascii_lower}


class Accounts:
    """Finds system users. Exactly one user must match everything that the subject says."""

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def find(self, subject: Subject) -> Account | NoMatch:
        """The one user of the subject's id, else email, else username; the rest of the subject must fit that user."""
        wanted = f"The JumpCloud user {subject}"
        users = self._named(subject)
        if len(users) > 1:
            return NoMatch(wanted, tuple(_written(user) for user in users), several=True)
        if not users:
            other = self._by_other_address(subject.email.strip()) if subject.email and not subject.id else []
            if other:
                ids = tuple(user.id for user in other)
                return NoMatch(wanted, tuple(map(_written, other)), unproven=True, ids=ids)
            return NoMatch(wanted, self._near(subject))
        user = users[0]
        # An address beside a user's own is not the user's while it is somebody else's own.
        own = not subject.email or email_address.same(user.email or "", subject.email)
        others = () if own and _agrees(user, subject) else self._others(user, subject)
        if others or not _agrees(user, subject):
            wanted = f"{wanted} with everything else in the request"
            return NoMatch(wanted, (_written(user), *others), contradiction=True)
        return _account(user)

    def _others(self, user: User, subject: Subject) -> tuple[str, ...]:
        """Whose the other parts of a subject are that do not fit the user."""
        parts = (("email", subject.email), ("username", subject.username))
        named = [other for name, value in parts if value for other in self._by_field(name, value.strip())]
        return tuple(_written(other) for other in named if other.id != user.id)

    def _by_other_address(self, email: str) -> list[User]:
        """Users with the address in a field beside their address: such a one is not verified, and several may have the same."""
        found = self._search(email, "alternateEmail", "managedAppleId", "recoveryEmail")
        return [user for user in found if _has_other_address(user, email)]

    def by_id(self, user_id: str) -> User | None:
        """The user, None when no user has that id: a single read says so, and the list of users agrees.

        A gateway may answer the single read with 404.
        """
        if not is_object_id(user_id):
            return None
        answer = self._client.get(_USER, path={"user": user_id}, params={"fields": _FIELDS}, expects=_NO_SUCH_ID)
        if answer.status not in _NO_SUCH_ID:
            return answer.read_as(User, what="a user")
        return next((user for user in self._filtered("_id", user_id) if user.id == user_id), None)

    def every(self) -> frozenset[str]:
        """The ids of all users. Raises ``Shifted`` when the list changed while it was read."""
        return complete_ids(OffsetList(page=self._page, size=PAGE, key=row_id, ascending=True))

    def _page(self, skip: int) -> Page[RawRow]:
        params: Params = {"fields": "username", "sort": "_id", "limit": PAGE, "skip": skip}
        found = self._client.get(_USERS, params=params).read_as(Envelope[RawRow], what="users")
        return Page(found.results, found.totalCount)

    def lists(self, user_id: str) -> bool:
        """Whether the list of users has this id.

        A gateway may answer a single read with 404; only an answer of 200 without the user shows that the user is gone.
        """
        return any(user.id == user_id for user in self._filtered("_id", user_id))

    def _named(self, subject: Subject) -> list[User]:
        if subject.id:
            user = self.by_id(subject.id)
            return [user] if user else []
        name, value = ("email", subject.email) if subject.email else ("username", subject.username)
        return self._by_field(name, (value or "").strip())

    def _by_field(self, name: str, value: str) -> list[User]:
        # JumpCloud stores these in lower case [assumed] and filters case-sensitively [spec]; the search finds any other.
        users = _exactly(self._filtered(name, _LOWER_CASE[name](value)), name, value)
        return users or _exactly(self._search(value, name), name, value)

    def _filtered(self, name: str, value: str) -> list[User]:
        params: Params = {"filter": f"{name}:$eq:{value}", "fields": _FIELDS, "sort": "_id", "limit": PAGE}
        return self._client.get(_USERS, params=params).read_as(Envelope[User], what="users").results

    def _search(self, term: str, *fields: str) -> list[User]:
        """All users with the term anywhere in one of the fields [spec]: one that was left out may have the name too."""
        found: list[User] = []
        for _ in range(_MOST_PAGES):
            page = self._search_page(term, fields, skip=len(found))
            found += page.results
            if not page.results or len(found) >= (page.totalCount or 0):
                return found
        raise Transient("JumpCloud's search for users did not end.", remedy="Report it: the service ignores paging.")

    def _search_page(self, term: str, fields: Sequence[str], *, skip: int = 0) -> Envelope[User]:
        search = {"searchTerm": term, "fields": fields}
        body = {"searchFilter": search, "fields": _FIELDS, "sort": "_id", "limit": PAGE, "skip": skip}
        answer = self._client.send(Call(method="POST", route=_SEARCH, body=body, endpoint_class="read"))
        return answer.read_as(Envelope[User], what="users")

    def _near(self, subject: Subject) -> tuple[str, ...]:
        said = subject.email or subject.username
        if not said:
            return ()
        found = self._search_page(said.split("@")[0][:_TRUSTED_LETTERS], ("email", "username"))
        near = {(user.email if subject.email else user.username) or user.id: user for user in found.results}
        close = get_close_matches(ascii_lower(said), list(near), n=_MOST_CANDIDATES, cutoff=0.6)
        return tuple(_written(near[name]) for name in close)


def _exactly(users: list[User], name: str, value: str) -> list[User]:
    """Users whose field has the value: a service may ignore the filter."""
    users = list({user.id: user for user in users}.values())
    if name == "username":
        return named(value, users, lambda user: user.username or "")
    return [user for user in users if email_address.same(user.email or "", value)]


def _agrees(user: User, subject: Subject) -> bool:
    """Whether nothing of the subject speaks against the user. Another address of the user's does not."""
    email, username = subject.email, subject.username
    if email and not (email_address.same(user.email or "", email) or _has_other_address(user, email)):
        return False
    return not username or same_name(user.username or "", username)


def _has_other_address(user: User, email: str) -> bool:
    return any(email_address.same(address, email) for address in user.other_addresses)


def _written(user: User) -> str:
    return f"{user.email or user.username or user.title} ({user.id})"


def _account(user: User) -> Account:
    return Account(
        system=System.JUMPCLOUD,
        id=user.id,
        title=user.title,
        email=user.email or None,
        username=user.username or None,
        active=user.active,
        suspended=user.is_suspended,
        managed_by=user.managed_by,
    )
