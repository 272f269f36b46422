"""Suspends people in the organization's directory, and reads which products they can still use."""

from __future__ import annotations

from collections.abc import Sequence

from access.failures import Permanent
from connectors.atlassian.shapes import DirectoryPerson, Item, Page, ProductRoles
from httpclient import Call, HttpClient

_USER = "/admin/v2/orgs/{organization}/directories/-/users/{account}"
_ROLES = f"{_USER}/role-assignments"
_SUSPEND = f"{_USER}/suspend"

#: Refusals of this person: an administrator of the organization, Provisor itself, somebody in no directory [assumed].
_REFUSED = frozenset({400, 403, 404})
_UNKNOWN = frozenset({404})


class AccountSuspension:
    """Suspension through the organization API: all products of the directory at once, restorable, not billed [spec].

    It takes an organization key that may write. Every method also raises the failure words.
    """

    def __init__(self, client: HttpClient, org_id: str) -> None:
        self._client = client
        self._org_id = org_id

    def __repr__(self) -> str:
        return f"AccountSuspension({self._client!r}, {self._org_id!r})"

    def suspend(self, account_id: str) -> None:
        """Suspend the person, unless the directory shows that already: repeating is not specified.

        Raises ``Permanent`` where the organization refuses it for this person.
        """
        path = {"organization": self._org_id, "account": account_id}
        found = self._client.send(Call(method="GET", route=_USER, path=path, endpoint_class="read", expects=_UNKNOWN))
        if found.status not in _UNKNOWN:
            person = found.read_as(Item[DirectoryPerson], what="a person").data
            if person.membershipStatus == "suspended":
                return
        answer = self._client.send(Call(method="POST", route=_SUSPEND, path=path, expects=_REFUSED))
        if answer.status in _REFUSED:
            # Without its status: waiting helps nobody here, and a person does it.
            raise Permanent(
                f"The organization does not suspend account {account_id} ({answer.status}){answer.quoted}.",
                remedy="A person must do it in the organization's administration.",
            )

    def products(self, account_id: str) -> Sequence[str] | None:
        """The products that the person has a seat of; None when the directories do not show the person."""
        path = {"organization": self._org_id, "account": account_id}
        call = Call(
            method="GET", route=_ROLES, path=path, params={"limit": "100"}, endpoint_class="read", expects=_UNKNOWN
        )
        answer = self._client.send(call)
        if answer.status in _UNKNOWN:
            return None
        found = answer.read_as(Page[ProductRoles], what="a person's products").data
        return sorted({one.resourceOwner for one in found if one.roles and one.resourceOwner not in ("", "platform")})
