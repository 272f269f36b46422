"""The permissions and scopes that a snapshot needs: without them Jira shows shorter lists, and does not refuse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from access.failures import CredentialRefused, Permanent
from connectors.jira.client import API
from connectors.jira.permissions import ADMINISTER, BROWSE_USERS, OwnPermissions

#: The name of each permission in Jira, and what Jira does not show without it [spec].
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
#: The gateway's text for a good token without the scope [observed].
_SCOPE_MISSING = "scope does not match"


def require_permissions(own: OwnPermissions) -> None:
    """Make sure that Jira shows the account everything that a snapshot needs.

    Raises ``Permanent`` with the names of the missing permissions.
    """
    missing = own.missing(list(_NEEDED))
    if missing:
        names = " and ".join(f"'{_NEEDED[key][0]}'" for key in missing)
        unseen = ", or ".join(_NEEDED[key][1] for key in missing)
        raise Permanent(
            f"Jira does not show Provisor's account {unseen}: it lacks the global permission {names}.",
            remedy=f"Give the account {names}, or take the snapshot with another one.",
        )


def lacks_scope(failure: CredentialRefused) -> bool:
    """Whether the gateway knows the token, which only lacks a scope."""
    return _SCOPE_MISSING in failure.what.casefold()


@contextmanager
def naming_the_scope() -> Iterator[None]:
    """Add the missing scope to the remedy of a refused credential."""
    try:
        yield
    except CredentialRefused as exc:
        scope = next((scope for path, scope in _SCOPES.items() if f" {path}" in exc.what), None)
        if not lacks_scope(exc) or scope is None:
            raise
        exc.remedy = f"Make the token again with the scope {scope}, or with the granular scopes in its place."
        raise
