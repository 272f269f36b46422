from __future__ import annotations

from collections.abc import Collection
from http import HTTPStatus

from access.failures import Failure, Permanent, Transient, Unseen
from access.guard import ByPerson, Guarded
from connectors.jumpcloud.accounts import Accounts
from connectors.jumpcloud.client import PAGE, total_count
from connectors.jumpcloud.groups import Groups, come_from
from connectors.jumpcloud.shapes import Connection, GraphObject, is_object_id
from connectors.ports import Observation
from httpclient import Call, HttpClient, Response, read_again

_MEMBERS = "/api/v2/usergroups/{group}/members"
_MEMBER_OF = "/api/v2/users/{user}/memberof"
_APPLICATIONS_OF = "/api/v2/users/{user}/applications"

_NO_SUCH_USER = frozenset({400, 404})
#: Client errors of a change whose reason Provisor looks up. Which status a group with a rule or an unknown user gets is
#: [assumed].
_LOOKED_INTO = frozenset({400, 404, 405, 409, 422})

#: Most pages of one user's groups: 10 000 groups.
_MOST_PAGES = 100

#: So many members are looked at for another one who is active: a group of more people has one.
_MOST_LOOKED_AT = 50


class Memberships:
    """Reads and changes whether one user is in one user group. Repeating a change has no further effect [observed]."""

    def __init__(self, client: HttpClient, accounts: Accounts, groups: Groups) -> None:
        self._client = client
        self._accounts = accounts
        self._groups = groups

    def observe(self, group_id: str, user_id: str) -> Observation:
        """Whether the user is in the group, from the list of the user's groups.

        Provisor does not use the filter of that list [assumed]: a filter that wrongly finds nothing would make a membership
        look gone. The whole list costs one call for up to 100 groups.
        """
        held = self.group_ids(user_id)
        if held is None:
            return Observation(present=False, evidence=f"JumpCloud has no user {user_id}.", missing=f"user {user_id}")
        lists = "lists" if group_id in held else "does not list"
        evidence = f"JumpCloud {lists} group {group_id} among the {len(held)} groups of user {user_id}."
        return Observation(present=group_id in held, evidence=evidence)

    def observe_application(self, application_id: str, user_id: str) -> Observation:
        """Whether the user has the application, directly or through a group, from the list of the user's applications [spec]."""
        held = self._held(user_id, _APPLICATIONS_OF, "applications")
        if held is None:
            return Observation(present=False, evidence=f"JumpCloud has no user {user_id}.", missing=f"user {user_id}")
        lists = "lists" if application_id in held else "does not list"
        evidence = f"JumpCloud {lists} application {application_id} among the {len(held)} of user {user_id}."
        return Observation(present=application_id in held, evidence=evidence)

    def group_ids(self, user_id: str) -> frozenset[str] | None:
        """Ids of all groups the user is in, None when there is no such user.

        Raises ``Transient`` when the groups changed during two readings in a row: half a list proves nothing.
        """
        return self._held(user_id, _MEMBER_OF, "groups")

    def _held(self, user_id: str, route: str, what: str) -> frozenset[str] | None:
        for _ in range(2):
            held, complete = self._read(user_id, route, what)
            if complete:
                return held
            read_again()
        raise Transient(f"The {what} of JumpCloud user {user_id} kept changing while they were read.")

    def is_last(self, group_id: str, user_id: str, *, leaving: Collection[str] = ()) -> bool:
        """Whether the user is in the group, and no other user who can use it is, but for those ``leaving``."""
        if not self.observe(group_id, user_id).present:
            return False
        others = 0
        for skip in range(0, PAGE * _MOST_PAGES, PAGE):
            params = {"limit": PAGE, "skip": skip}
            answer = self._client.get(_MEMBERS, path={"group": group_id}, params=params, expects=_NO_SUCH_USER)
            if answer.status in _NO_SUCH_USER:
                raise answer.failure(
                    Transient,
                    f"JumpCloud answered {answer.status} for the members of group {group_id}, which has some.",
                )
            page = [row.to.id for row in answer.read_as(list[Connection], what="members of a group")]
            if not page:
                return True
            staying = [each for each in page if each != user_id and each not in leaving]
            others += len(staying)
            if others > _MOST_LOOKED_AT or any(map(self._is_usable, staying)):
                return False
        return False

    def _is_usable(self, user_id: str) -> bool:
        user = self._accounts.by_id(user_id)
        return user is not None and user.active

    def give(self, group_id: str, user_id: str) -> None:
        """Add the user: 204 [spec], or 409 for a member [observed].

        After a 404 Provisor reads group and user, to say which of them is gone.
        """
        answer = self._change("add", group_id, user_id)
        if answer.status in _LOOKED_INTO and answer.status != HTTPStatus.CONFLICT:
            raise self._why_not_added(answer, group_id, user_id)

    def take(self, group_id: str, user_id: str) -> None:
        """Remove the user: 204 [spec], or 404 for a non-member [observed].

        After a refusal Provisor reads the user's groups. With the membership the refusal is a failure. Without it there is
        nothing left to take. Raises ``Unseen`` when the group cannot be seen: then no list of groups can show it.
        """
        answer = self._change("remove", group_id, user_id)
        if answer.status not in _LOOKED_INTO:
            return
        if self.observe(group_id, user_id).present:
            raise self._refusal(answer, group_id, "take the user out of")
        if self._groups.by_id(group_id) is None:
            raise answer.failure(Unseen, f"JumpCloud shows no group {group_id}.")

    def _change(self, op: str, group_id: str, user_id: str) -> Response:
        body = {"op": op, "type": "user", "id": user_id}
        call = Call(
            method="POST",
            route=_MEMBERS,
            path={"group": group_id},
            body=body,
            expects=_LOOKED_INTO,
            any_wording=True,
        )
        try:
            return self._client.send(call)
        except Permanent as refused:
            # It may be a permission that we lack, or that nobody has here [assumed].
            if (
                refused.status == HTTPStatus.FORBIDDEN
                and (master := self._groups.directories.bound_to(group_id)) is not None
            ):
                raise Guarded(ByPerson(come_from(master))) from refused
            raise

    def _why_not_added(self, answer: Response, group_id: str, user_id: str) -> Failure:
        user = self._accounts.by_id(user_id)
        if user is None:
            return _gone(answer, f"user {user_id}")
        failure = self._refusal(answer, group_id, "add the user to")
        if isinstance(failure, Permanent) and not user.active:
            return answer.failure(
                Permanent,
                f"JumpCloud did not add {user.title}, who is staged, suspended or locked, to group {group_id}.",
                remedy="Activate the user first.",
            )
        return failure

    def _refusal(self, answer: Response, group_id: str, what: str) -> Failure:
        group = self._groups.by_id(group_id)
        if group is None:
            return _gone(answer, f"group {group_id}")
        if group.follows_a_rule:
            return answer.failure(
                Permanent,
                f"JumpCloud did not {what} group {group.name}, whose members follow a rule.",
                remedy="A person must change the rule or make an exemption in the JumpCloud console.",
            )
        if (master := self._groups.directories.bound_to(group_id)) is not None:
            return Guarded(ByPerson(come_from(master)))
        if answer.status == HTTPStatus.NOT_FOUND:
            # Both ends exist: reads may lag behind writes [assumed].
            return answer.failure(
                Transient, f"JumpCloud answered 404 although group {group.name} and the user are there."
            )
        return answer.failure(
            Permanent,
            f"JumpCloud did not {what} group {group.name} ({answer.status}{answer.quoted}).",
            remedy="A person must look at the group in the JumpCloud console.",
        )

    def _read(self, user_id: str, route: str, what: str) -> tuple[frozenset[str] | None, bool]:
        held: list[str] = []
        for _ in range(_MOST_PAGES):
            params = {"limit": PAGE, "skip": len(held)}
            answer = self._client.get(route, path={"user": user_id}, params=params, expects=_NO_SUCH_USER)
            if answer.status in _NO_SUCH_USER:
                self._make_sure_is_gone(answer, user_id)
                return None, True
            page = answer.read_as(list[GraphObject], what=f"a user's {what}")
            held += [found.id for found in page]
            total = total_count(answer)
            if not page or (total is not None and len(held) >= total):
                distinct = frozenset(held)
                return distinct, len(distinct) == (len(held) if total is None else total)
        return frozenset(held), False

    def _make_sure_is_gone(self, answer: Response, user_id: str) -> None:
        """Make sure that a 404 means that the user is gone: it would prove a removal."""
        if is_object_id(user_id) and self._accounts.lists(user_id):
            raise answer.failure(
                Transient, f"JumpCloud answered {answer.status} for the groups of user {user_id}, who is there."
            )


def _gone(answer: Response, what: str) -> Permanent:
    remedy = "Check whether it was deleted, and ask again for the right one."
    return answer.failure(Permanent, f"JumpCloud has no {what}.", remedy=remedy)
