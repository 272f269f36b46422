"""Types of the fields that writes may send (published descriptions of v1 and v2); another type is refused."""

from collections.abc import Mapping
from typing import Any

from simulator.jumpcloud.errors import ApiError

TEXT: tuple[type, ...] = (str,)
FLAG: tuple[type, ...] = (bool,)
NUMBER: tuple[type, ...] = (int, float)
LIST: tuple[type, ...] = (list,)
OBJECT: tuple[type, ...] = (dict,)
NONE = type(None)

USER: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(
        (
            "_id",
            "id",
            "alternateEmail",
            "company",
            "costCenter",
            "department",
            "description",
            "displayname",
            "email",
            "employeeType",
            "external_dn",
            "external_source_type",
            "firstname",
            "jobTitle",
            "lastname",
            "location",
            "managedAppleId",
            "middlename",
            "password",
            "state",
            "username",
        ),
        TEXT,
    ),
    **dict.fromkeys(
        (
            "account_locked",
            "activated",
            "allow_public_key",
            "disableDeviceMaxLoginAttempts",
            "enable_managed_uid",
            "enable_user_portal_multifactor",
            "externally_managed",
            "ldap_binding_user",
            "password_expired",
            "password_never_expires",
            "passwordless_sudo",
            "samba_service_user",
            "sudo",
            "suspended",
            "totp_enabled",
        ),
        FLAG,
    ),
    **dict.fromkeys(("addresses", "attributes", "phoneNumbers", "relationships", "ssh_keys", "tags"), LIST),
    **dict.fromkeys(("mfa", "mfaEnrollment", "recoveryEmail"), OBJECT),
    **dict.fromkeys(("unix_guid", "unix_uid"), NUMBER),
    **dict.fromkeys(("account_locked_date", "employeeIdentifier", "manager"), (str, NONE)),
}
ADMIN: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("_id", "id", "apiKey", "email", "firstname", "lastname", "roleName"), TEXT),
    **dict.fromkeys(("apiKeyAllowed", "multiTenant", "suspended"), FLAG),
    "expiresAt": (int, float, NONE),
}
GROUP: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("id", "description", "email", "name", "type"), TEXT),
    "membershipMethod": (str, NONE),
    "memberSuggestionsNotify": FLAG,
    "attributes": (dict, NONE),
    "memberQuery": (dict, NONE),
    "memberQueryExemptions": (list, NONE),
}
OPERATION: Mapping[str, tuple[type, ...]] = dict.fromkeys(("op", "type", "id"), TEXT)
SEARCH: Mapping[str, tuple[type, ...]] = {
    "filter": (list, dict, NONE),
    "searchFilter": (dict, NONE),
    "fields": (list, str, NONE),
    "sort": (list, str, NONE),
    "limit": (int, str, NONE),
    "skip": (int, str, NONE),
}
EVENTS: Mapping[str, tuple[type, ...]] = {
    "service": LIST,
    "start_time": TEXT,
    "end_time": (str, NONE),
    "search_term": (dict, NONE),
    "q": (str, NONE),
    "sort": (str, NONE),
    "fields": (list, NONE),
}


def check_types(sent: Mapping[str, Any], known: Mapping[str, tuple[type, ...]]) -> None:
    """Refuse with 400 a known field whose value has another type."""
    for name, value in sent.items():
        types = known.get(name)
        if types is None:
            continue
        if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
            raise ApiError(400, f"{name} has the wrong type")


def check_texts(name: str, values: Any) -> list[str]:
    """Return a list of texts; refuse with 400 what is none."""
    if not isinstance(values, list) or not all(isinstance(each, str) for each in values):
        raise ApiError(400, f"{name} must be a list of strings")
    return values
