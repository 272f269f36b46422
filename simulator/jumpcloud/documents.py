"""Records in the form they have on the wire, field names and empty values as recorded."""

import json
from typing import Any

from simulator.jumpcloud.journal import timestamp
from simulator.jumpcloud.records import Admin, Application, Directory, Group, Key, Role, User
from simulator.jumpcloud.switches import Switches
from simulator.jumpcloud.world import World

_COLOUR = "#202D38"
"""One of the colours that the published description of v1 allows for a logo."""
_USER_COLUMNS = {
    "_id": "id",
    "id": "id",
    "username": "username",
    "email": "email",
    "firstname": "firstname",
    "lastname": "lastname",
    "department": "department",
    "state": "state",
    "suspended": "suspended",
}


def user_document(world: World, user: User) -> dict[str, Any]:
    """Return a system user as the service shows it."""
    document = _plain_user(user)
    if world.switches.missing_state:
        del document["state"]
    if world.switches.users_have_organization:
        document["organization"] = world.organization_id
    return _with_extras(document, world.switches)


def _plain_user(user: User) -> dict[str, Any]:
    """Return every field of a user, with the service's own empty values."""
    return {
        "_id": user.id,
        "id": user.id,
        "account_locked": False,
        "account_locked_date": None,
        "activated": user.state != "STAGED",
        "addresses": [],
        "allow_public_key": True,
        "alternateEmail": "",
        "attributes": [],
        "company": "",
        "costCenter": "",
        "created": timestamp(user.created / 1000),
        "department": user.department,
        "description": "",
        "disableDeviceMaxLoginAttempts": False,
        "displayname": "",
        "email": user.email,
        "employeeIdentifier": None,
        "employeeType": "",
        "enable_managed_uid": False,
        "enable_user_portal_multifactor": False,
        "external_dn": "",
        "external_source_type": "",
        "externally_managed": False,
        "firstname": user.firstname,
        "jobTitle": "",
        "lastname": user.lastname,
        "ldap_binding_user": False,
        "location": "",
        "managedAppleId": "",
        "manager": None,
        "mfa": {"configured": False, "exclusion": False},
        "mfaEnrollment": {
            "overallStatus": "NOT_ENROLLED",
            "pushStatus": "NOT_ENROLLED",
            "totpStatus": "NOT_ENROLLED",
            "webAuthnStatus": "NOT_ENROLLED",
        },
        "middlename": "",
        "password_expired": False,
        "password_never_expires": False,
        "passwordless_sudo": False,
        "phoneNumbers": [],
        "relationships": [],
        "samba_service_user": False,
        "ssh_keys": [],
        "state": user.state,
        "sudo": False,
        "suspended": user.suspended,
        "tags": [],
        "totp_enabled": False,
        "unix_guid": 5000,
        "unix_uid": 5000,
        "username": user.username,
        **user.details,
    }


def user_json(world: World, user: User) -> str:
    """Return the JSON of a user as the service shows it."""
    switches = world.switches
    if user.details or switches.missing_state or switches.users_have_organization or switches.extra_fields:
        return json.dumps(user_document(world, user))
    return _plain_user_json(user)


def _plain_user_json(user: User) -> str:
    """Return the JSON of a user that has no details, ten times as quick as by way of the document; for long lists."""
    text = _json_string
    return (
        f'{{"_id":"{user.id}","id":"{user.id}","activated":{"false" if user.state == "STAGED" else "true"},'
        f'"created":"{timestamp(user.created / 1000)}","department":{text(user.department)},'
        f'"email":{text(user.email)},"firstname":{text(user.firstname)},"lastname":{text(user.lastname)},'
        f'"state":"{user.state}","suspended":{"true" if user.suspended else "false"},'
        f'"username":{text(user.username)},{_PLAIN_REST}'
    )


def user_value(user: User, name: str) -> Any:
    """Return one field of a user, without making the whole document."""
    if name in _USER_COLUMNS:
        return getattr(user, _USER_COLUMNS[name])
    if name == "created":
        return timestamp(user.created / 1000)
    if name == "activated":
        return user.details.get(name, user.state != "STAGED")
    head, _, rest = name.partition(".")
    value = user.details.get(head, _USER_DEFAULTS.get(head))
    return value.get(rest) if rest and isinstance(value, dict) else value


def admin_document(world: World, admin: Admin) -> dict[str, Any]:
    """Return an administrator as the service shows him."""
    role = world.role_named(admin.role)
    key = next((key for key in world.keys.values() if key.admin_id == admin.id), None)
    return {
        "_id": admin.id,
        "id": admin.id,
        "apiKeyAllowed": admin.api_key_allowed,
        "created": timestamp(admin.created / 1000),
        "email": admin.email,
        "enableMultiFactor": False,
        "firstname": admin.firstname,
        "lastname": admin.lastname,
        "organization": None if admin.multi_tenant else world.organization_id,
        "provider": None,
        "role": role.id if role else None,
        "roleName": admin.role,
        "roleNames": [admin.role],
        "roles": [role.id] if role else [],
        "sessionCount": 0,
        "suspended": admin.suspended,
        "totpEnrolled": False,
        **admin.details,
        "apiKeySet": key is not None,
        **({} if key is None or key.expires_at is None else {"apiKeyHash": _key_hash(key)}),
    }


def _key_hash(key: Key) -> dict[str, Any]:
    """Return what is shown of a key that has an end."""
    assert key.expires_at is not None, "a key without an end is not shown here"
    return {"prefix": key.key[:8], "createdAt": timestamp(key.created), "expireAt": timestamp(key.expires_at)}


def group_document(world: World, group: Group) -> dict[str, Any]:
    """Return a group of v2; the plain kinds have none of what belongs to membership rules."""
    document: dict[str, Any] = {
        "id": group.id,
        "name": group.name,
        "description": group.description,
        "email": group.email,
        "type": group.kind,
        "attributes": group.attributes,
    }
    if group.kind == "user_group":
        suggestions = world.suggestions.get(group.id, {})
        adds = sum(op == "add" for op in suggestions.values())
        document |= {
            "memberQuery": group.member_query,
            "memberQueryExemptions": [
                {"attributes": None, "id": user_id, "type": "user"} for user_id in group.exemptions
            ],
            "memberSuggestionsNotify": group.notify,
            "membershipAutomated": group.membership_method == "DYNAMIC_AUTOMATED",
            "suggestionCounts": {
                "add": adds,
                "remove": len(suggestions) - adds,
                "total": len(suggestions),
            },
        }
        if not world.switches.missing_membership_method:
            document["membershipMethod"] = group.membership_method
    return _with_extras(document, world.switches)


def application_document(application: Application, organization: str) -> dict[str, Any]:
    """Return an application, with the configuration that clients are to leave alone."""
    return {
        "_id": application.id,
        "id": application.id,
        "active": application.active,
        "beta": False,
        "color": None,
        "config": {
            "idpCertificate": {"label": "IdP Certificate", "value": "-----BEGIN CERTIFICATE-----", "type": "file"},
            "idpPrivateKey": {"label": "IdP Private Key", "value": "-----BEGIN PRIVATE KEY-----", "type": "file"},
        },
        "created": timestamp(application.created / 1000),
        "databaseAttributes": [],
        "description": "",
        "displayLabel": application.display_label,
        "displayName": application.display_name,
        "learnMore": "",
        "logo": {"color": _COLOUR, "url": ""},
        "name": application.name,
        "organization": organization,
        "sso": {"beta": False, "hidden": False, "jit": False, "type": "saml"},
        "ssoUrl": application.sso_url,
        **application.details,
    }


def directory_document(directory: Directory) -> dict[str, Any]:
    """Return a directory of v2."""
    return {"id": directory.id, "name": directory.name, "type": directory.type}


def active_directory_document(directory: Directory, *, use_case: str) -> dict[str, Any]:
    """Return an Active Directory of v2."""
    return {"id": directory.id, "domain": directory.name, "useCase": use_case}


def role_document(role: Role) -> dict[str, Any]:
    """Return a role of administrators."""
    return {"id": role.id, "name": role.name, "description": role.description, "scopes": list(role.scopes)}


def _with_extras(document: dict[str, Any], switches: Switches) -> dict[str, Any]:
    if switches.extra_fields:
        document["xUndocumented"] = {"since": "yesterday", "flags": [1, None, "three"]}
    return document


_json_string = json.encoder.encode_basestring_ascii
_USER_DEFAULTS = _plain_user(User("", "", "", 0))
_PLAIN_REST = json.dumps(
    {name: value for name, value in _USER_DEFAULTS.items() if name not in {*_USER_COLUMNS, "created", "activated"}},
    separators=(",", ":"),
).removeprefix("{")
