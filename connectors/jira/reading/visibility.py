"""Whether Provisor's account is shown everything a snapshot needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from access.failures import CredentialRefused, Permanent
from connectors.jira.client import API
from connectors.jira.permissions import ADMINISTER, BROWSE_USERS
from connectors.jira.shapes import PERMISSIONS
from httpclient import Call, HttpClient

_MY_PERMISSIONS = f"{API}/mypermissions"

#: What each permission is called in Jira, and what is not shown without it [spec].
_NEEDED = {
    BROWSE_USERS: ("Browse users and groups", "users and groups"),
    ADMINISTER: ("Administer Jira", "every project and who is in its roles"),
}

#: The classic scope that a token needs for a route, by the beginning of its path; the first that fits [spec].
_SCOPES: Mapping[str, str] = {
    f"{API}/group/member": "manage:jira-configuration",
    f"{API}/role": "manage:jira-configuration",
    f"{API}/auditing/record": "manage:jira-configuration",
    f"{API}/project": "read:jira-work",
    f"{API}/mypermissions": "read:jira-work",
    f"{API}/": "read:jira-user",
}
#: What the gateway says about a good token that may not [observed].
_SCOPE_MISSING = "scope does not match"


def require_visibility(client: HttpClient) -> None:
    """Make sure that a complete snapshot can be had.

    Raises ``Permanent`` naming the permission that is missing: without it lists are shorter, not refused.
    """
    params = {"permissions": ",".join(_NEEDED)}
    answer = client.send(Call(method="GET", route=_MY_PERMISSIONS, params=params))
    found = answer.read_as(PERMISSIONS, what="Provisor's permissions").permissions
    missing = [key for key in _NEEDED if key not in found or not found[key].havePermission]
    if missing:
        names = " and ".join(f"'{_NEEDED[key][0]}'" for key in missing)
        unseen = ", or ".join(_NEEDED[key][1] for key in missing)
        raise Permanent(
            f"Jira does not show Provisor's account {unseen}: it lacks the global permission {names}.",
            remedy=f"Give the account {names}, or take the snapshot with another one.",
        )


def lacks_scope(failure: CredentialRefused) -> bool:
    """Whether the token is good and only lacks a scope."""
    return _SCOPE_MISSING in failure.what.casefold()


@contextmanager
def scopes_named() -> Iterator[None]:
    """Say which scope a token lacks, where that is why it was refused."""
    try:
        yield
    except CredentialRefused as exc:
        scope = next((scope for path, scope in _SCOPES.items() if f" {path}" in exc.what), None)
        if not lacks_scope(exc) or scope is None:
            raise
        raise CredentialRefused(
            exc.what,
            remedy=f"Make the token again with the scope {scope}, or with the granular ones that stand for it.",
            status=exc.status,
            trace_id=exc.trace_id,
        ) from exc
