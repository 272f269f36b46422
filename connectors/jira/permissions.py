from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus

from access.failures import Permanent, Transient
from connectors.jira.client import API
from connectors.jira.shapes import Permissions
from httpclient import HttpClient, Response

_MY_PERMISSIONS = f"{API}/mypermissions"

#: "Browse users and groups": without it reads find nobody, as if there were nobody [spec].
BROWSE_USERS = "USER_PICKER"
#: "Administer Jira": sees every project.
ADMINISTER = "ADMINISTER"
#: "Administer projects", of one project.
ADMINISTER_PROJECTS = "ADMINISTER_PROJECTS"


class OwnPermissions:
    """What Provisor's own account may do.

    Jira answers 404 both when a thing is gone and when the account may not see the thing [spec]. Provisor must never read
    the second as "nobody has access": a 404 counts only when the account would have seen the thing.
    """

    def __init__(self, client: HttpClient) -> None:
        self._client = client

    def held(self, permission: str, where: Mapping[str, str] | None = None) -> bool:
        """Whether the permission is held, in the project that ``where`` names for a project permission."""
        return not self.missing([permission], where)

    def missing(self, permissions: Sequence[str], where: Mapping[str, str] | None = None) -> list[str]:
        """Those of the permissions that are not held; all of them when the project is gone."""
        params = {**(where or {}), "permissions": ",".join(permissions)}
        answer = self._client.get(_MY_PERMISSIONS, params=params, expects={404} if where else ())
        if answer.status == HTTPStatus.NOT_FOUND:
            return list(permissions)
        found = answer.read_as(Permissions, what="Provisor's permissions").permissions
        return [key for key in permissions if key not in found or not found[key].havePermission]

    def require_jiras_own(self, answer: Response) -> None:
        """Make sure that a "not found" comes from Jira itself and not from a gateway on the way.

        Raises ``Transient`` when its body is not even an object.
        """
        if not isinstance(answer.body, dict):
            raise answer.failure(
                Transient,
                f"Something that is not Jira answered {answer.status}.",
                remedy="Check the base address and the proxies on the way if it persists.",
            )

    def require_browsing(self, answer: Response) -> None:
        """Make sure that ``answer``, which found nobody, means that there is nobody.

        Raises ``Permanent`` when the account may not browse users and groups.
        """
        if answer.status != HTTPStatus.OK:
            self.require_jiras_own(answer)
        if not self.held(BROWSE_USERS):
            raise answer.failure(
                Permanent,
                "Jira shows Provisor's account no users, so that one is not found proves nothing.",
                remedy="Give the account the global permission 'Browse users and groups'.",
            )
