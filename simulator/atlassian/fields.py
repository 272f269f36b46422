"""Types of what searches and writes may send; another type is refused."""

from collections.abc import Mapping
from typing import Any

from simulator.atlassian.errors import ApiError

LISTS = (
    "accountIds",
    "accountStatus",
    "additionalGroups",
    "directoryIds",
    "emailDomains",
    "emails",
    "expand",
    "groupIds",
    "groupNames",
    "membershipStatus",
    "resourceIds",
    "resourceOwners",
    "roleIds",
    "status",
)
"""Members that are lists of texts."""
TEXTS = ("accountId", "claimStatus", "cursor", "description", "name", "resource", "role", "searchTerm")
FLAGS = ("mfaEnabled", "sendNotification")


def check_types(sent: Mapping[str, Any]) -> None:
    """Refuse with 400 a known member whose value has another type; null counts as absent."""
    for name, value in sent.items():
        if value is None:
            continue
        listed = isinstance(value, list) and all(isinstance(each, str) for each in value)
        wrong = (
            (name in LISTS and not listed)
            or (name in TEXTS and not isinstance(value, str))
            or (name in FLAGS and not isinstance(value, bool))
        )
        if wrong:
            raise ApiError(400, "ADMIN-400-24", f"{name} has the wrong type")


def present(sent: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was sent without the members that are null, after a check of the types."""
    check_types(sent)
    return {name: value for name, value in sent.items() if value is not None}
